"""Lateral, top-down, their sum, and what the 3×3 makes of it: every level, every channel."""

import math
from dataclasses import dataclass
from functools import cache
from typing import Any

from torch import Tensor

from .. import style as st
from ..course.fpn import inside
from ..stages import LEVEL_KEYS, strength
from ..story import Story
from .scene import Rect

STAGES = ("lateral", "top-down", "both", "smoothed")
LEVELS = tuple(st.LEVELS)
STRENGTH = -1  # in place of a channel: all of them


@dataclass(frozen=True)
class State:
    row: int  # of the chosen cell
    column: int
    level: int = 0
    channel: int = STRENGTH
    stage: str = "smoothed"
    overlay: float = 0.55  # how much of the map is laid over the picture


@cache
def parts(of: Story) -> dict[str, list[Tensor | None]]:
    """For each stage its maps (1, C, H, W), P2 first; None where a level has no such stage."""
    backbone: Any = of.model.backbone
    inside_of = list(inside(backbone.fpn, of.trace.bottom_up).values())
    coarsest = len(inside_of) - 1  # nothing comes down to it, so its lateral is its sum
    return {
        "lateral": [lateral for lateral, _, _ in inside_of],
        "top-down": [down if level < coarsest else None for level, (_, down, _) in enumerate(inside_of)],
        "both": [both if level < coarsest else None for level, (_, _, both) in enumerate(inside_of)],
        "smoothed": [*of.trace.pyramid.values()],
    }


def covered(map_size: tuple[int, ...], of: Story) -> Rect:
    """Pixels of the picture that a map of (rows, columns) lies over: a cell is 4, 8, 16, 32 or 64 pixels wide and high."""
    rows, columns = map_size
    cell = 2.0 ** math.ceil(math.log2(of.trace.batch.tensors.shape[-1] / columns))
    return (0.0, 0.0, columns * cell, rows * cell)


@dataclass(frozen=True)
class Result:
    """The four stages of a level as maps of numbers (H, W), None where there is none; and that of each level, for the object.

    `values` are the four stages' numbers in the chosen cell; `source` the cell of the coarser map that was copied here.
    """

    state: State
    stages: dict[str, Tensor | None]
    levels: list[Tensor]
    values: dict[str, float]
    source: tuple[int, int] | None


def has(level: int, stage: str) -> bool:
    """Whether a level has such a stage: P5 has nothing from above, pool only what it takes from P5."""
    return stage == "smoothed" or (level < 4 and not (level == 3 and stage in ("top-down", "both")))


def compute(state: State, of: Story) -> Result:
    """The maps of a state, by the model's pyramid."""
    maps = {stage: [*levels, *[None] * (len(LEVELS) - len(levels))] for stage, levels in parts(of).items()}

    def numbers(features: Tensor | None) -> Tensor | None:
        if features is None:
            return None
        return strength(features) if state.channel == STRENGTH else features[0, state.channel]

    stages = {stage: numbers(maps[stage][state.level]) for stage in STAGES}
    values = {stage: float(values[state.row, state.column]) for stage, values in stages.items() if values is not None}
    levels = [numbers(features) for features in maps["smoothed"]]
    source = None
    if stages["top-down"] is not None:
        # Nearest: cell i of n copies cell ⌊i · m / n⌋ of m.
        fine, coarse = (of.trace.pyramid[LEVEL_KEYS[level]].shape[-2:] for level in (state.level, state.level + 1))
        source = (state.row * coarse[0] // fine[0], state.column * coarse[1] // fine[1])
    return Result(state, stages, [level for level in levels if level is not None], values, source)
