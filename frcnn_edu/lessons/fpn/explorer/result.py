"""Lateral, top-down, their sum and its 3×3 convolution: every level, every channel."""

import math
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

from torch import Tensor

from frcnn_edu.lessons.board.scene import Rect
from frcnn_edu.lessons.stages import LEVEL_KEYS, strength
from frcnn_edu.lessons.story import Story
from frcnn_edu.viz import style as st

from ..pictures.main import inside

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
    overlay: float = 0.55  # opacity of the map over the image


@cache
def parts(of: Story) -> dict[str, list[Tensor | None]]:
    """The maps (1, C, H, W) of each stage, P2 first; None if a level does not have the stage."""
    backbone: Any = of.model.backbone
    inside_of = list(inside(backbone.fpn, of.trace.bottom_up).values())
    coarsest = len(inside_of) - 1  # it has no top-down part, so its lateral part is its sum
    return {
        "lateral": [lateral for lateral, _, _ in inside_of],
        "top-down": [down if level < coarsest else None for level, (_, down, _) in enumerate(inside_of)],
        "both": [both if level < coarsest else None for level, (_, _, both) in enumerate(inside_of)],
        "smoothed": [*of.trace.pyramid.values()],
    }


def covered(map_size: tuple[int, ...], of: Story) -> Rect:
    """The pixels that a map of (rows, columns) covers: a cell is 4, 8, 16, 32 or 64 pixels wide and high."""
    rows, columns = map_size
    cell = 2.0 ** math.ceil(math.log2(of.trace.batch.tensors.shape[-1] / columns))
    return (0.0, 0.0, columns * cell, rows * cell)


def cell_size(map_size: tuple[int, ...], of: Story) -> float:
    """Pixels of the resized image from one cell of a map to the next: 4, 8, 16, 32 or 64."""
    return covered(map_size, of)[2] / map_size[1]


def middle_cell(level: int, of: Story) -> tuple[int, int]:
    """The cell (row, column) at the centre of the object."""
    shape = of.trace.pyramid[LEVEL_KEYS[level]].shape[-2:]
    x, y = ((of.box[:2] + of.box[2:]) / 2).tolist()
    cell = cell_size(shape, of)
    return min(int(y / cell), shape[0] - 1), min(int(x / cell), shape[1] - 1)


@cache
def telling_channel(of: Story) -> int:
    """The channel of P2 in which the object stands out most: the average of its cells against the map's, in standard deviations."""
    features = of.trace.pyramid["0"][0]  # (C, H, W)
    cell = cell_size(features.shape[-2:], of)
    left, top, right, bottom = (round(side / cell) for side in of.box.tolist())
    inside_box = features[:, top : max(bottom, top + 1), left : max(right, left + 1)].mean(dim=(1, 2))
    outstanding = (inside_box - features.mean(dim=(1, 2))).abs() / features.flatten(1).std(dim=1)
    return int(outstanding.nan_to_num().argmax())


@dataclass(frozen=True)
class Result:
    """The four stages of a level as maps of numbers (H, W), None if there is none; and the last stage of each level.

    `values` are the four stages' values in the chosen cell. `source` is the cell (row, column) that the top-down part is copied from,
    on the coarser map; for pool the cell of P5; None on P5.
    """

    state: State
    stages: dict[str, Tensor | None]
    levels: list[Tensor]
    values: dict[str, float]
    source: tuple[int, int] | None


def has(level: int, stage: str) -> bool:
    """Whether a level has a stage: P5 has no top-down part, pool only the cells that it takes from P5."""
    return stage == "smoothed" or (level < 4 and not (level == 3 and stage in ("top-down", "both")))


@lru_cache(maxsize=32)  # the same tensor each time, so that its picture is known as well
def values_of(features: Tensor, channel: int, among: Tensor | None = None) -> Tensor:
    """One channel of a map (1, C, H, W), or for `STRENGTH` the strength of all (`among`: see `strength`): (H, W)."""
    return strength(features, among) if channel == STRENGTH else features[0, channel]


def compute(state: State, of: Story) -> Result:
    """The maps of a state, by the model's pyramid."""
    maps = {stage: [*levels, *[None] * (len(LEVELS) - len(levels))] for stage, levels in parts(of).items()}

    def numbers(features: Tensor | None, level: int) -> Tensor | None:
        if features is None:
            return None
        # pool is a part of P5, so its strength is measured against the average cell of P5.
        return values_of(features, state.channel, of.trace.pyramid[LEVEL_KEYS[3]] if level == 4 else None)

    stages = {stage: numbers(maps[stage][state.level], state.level) for stage in STAGES}
    values = {stage: float(values[state.row, state.column]) for stage, values in stages.items() if values is not None}
    levels = [numbers(features, level) for level, features in enumerate(maps["smoothed"])]
    return Result(state, stages, [level for level in levels if level is not None], values, _source(state, of))


def _source(state: State, of: Story) -> tuple[int, int] | None:
    if state.level == 4:
        return 2 * state.row, 2 * state.column
    if state.level == 3:
        return None
    # Nearest: cell i of n copies cell ⌊i · m / n⌋ of m.
    fine, coarse = (of.trace.pyramid[LEVEL_KEYS[level]].shape[-2:] for level in (state.level, state.level + 1))
    return state.row * coarse[0] // fine[0], state.column * coarse[1] // fine[1]


def first_state(of: Story) -> State:
    """P2 in the channel in which the object stands out most, at the centre of the object."""
    return State(*middle_cell(0, of), channel=telling_channel(of))
