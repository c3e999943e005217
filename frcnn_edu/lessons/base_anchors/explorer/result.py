"""The fifteen boxes of five sizes and three ratios, and what rounding does to them."""

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

from frcnn_edu.lessons.story import Story
from frcnn_edu.model import AnchorGenerator
from frcnn_edu.ops import box_area, box_iou
from frcnn_edu.viz import style as st

# Sizes of the anchors on P2 … pool, and the factor by which the model enlarges the course's image.
PRESETS: dict[str, tuple[tuple[int, ...], float]] = {
    "small model": ((12, 24, 48, 80, 112), 1.0),
    "full model": ((32, 64, 128, 256, 512), 800 / 120),
}
SIZES = ("p2", "p3", "p4", "p5", "pool")  # the state's fields
RATIOS = ("first", "second", "third")
NAMES = tuple(st.LEVELS)
SMALLEST, LONGEST = 1, 160  # sizes that can be set; multiplied by the factor for the full model
FLATTEST, TALLEST = 0.1, 8.0
REACH = 90.0  # pixels shown around (0, 0), multiplied likewise
FULL: dict[str, Any] = {"preset": "full model", **dict(zip(SIZES, PRESETS["full model"][0], strict=True))}


@dataclass(frozen=True)
class State:
    preset: str = "small model"
    p2: int = 12
    p3: int = 24
    p4: int = 48
    p5: int = 80
    pool: int = 112
    first: float = 0.5  # ratios height / width
    second: float = 1.0
    third: float = 2.0
    rounded: bool = True
    level: int = 2  # of the selected anchor
    shape: int = 0  # the index of its ratio
    reach: float = REACH  # pixels shown around (0, 0); unchanged while a corner is dragged

    @property
    def sizes(self) -> tuple[int, ...]:
        return self.p2, self.p3, self.p4, self.p5, self.pool

    @property
    def ratios(self) -> tuple[float, ...]:
        return self.first, self.second, self.third

    @property
    def chosen(self) -> int:
        """The index of the selected anchor among the fifteen."""
        return len(RATIOS) * self.level + self.shape


@dataclass(frozen=True)
class Result:
    """Fifteen anchors around (0, 0), level by level, on each level ratio by ratio.

    Attributes:
        sizes, ratios: (15,) of each anchor.
        exact: (15, 4) by the formulas, `made` (15, 4) by the model, `boxes` the one of the two that is shown.
        cost: (15,) error of the area of `made` against size², in percent; `error` (15,) that of `boxes`.
        ground_truth, fit: the object around (0, 0), (4,), and its IoU with each box, (15,).
        foreground: the IoU that makes an anchor positive in training.
        enlarged: pixels of the network per pixel of `Story.resized`.
    """

    state: State
    story: Story
    sizes: Tensor
    ratios: Tensor
    exact: Tensor
    made: Tensor
    boxes: Tensor
    cost: Tensor
    error: Tensor
    ground_truth: Tensor
    fit: Tensor
    foreground: float
    enlarged: float


def compute(state: State, of: Story) -> Result:
    """The anchors of a state by the model's `AnchorGenerator`, and what rounding did to them."""
    generator = AnchorGenerator(tuple((size,) for size in state.sizes), (state.ratios,) * len(SIZES))
    made = torch.cat(generator.cell_anchors)  # (15, 4)
    sizes = torch.tensor(state.sizes, dtype=torch.float32).repeat_interleave(len(RATIOS))  # (15,)
    ratios = torch.tensor(state.ratios).repeat(len(SIZES))
    root = ratios.sqrt()
    half = (
        torch.stack((sizes * (1 / root), sizes * root), dim=1) / 2
    )  # (15, 2), exactly the numbers that the model rounds
    exact = torch.cat((-half, half), dim=1)
    boxes = made if state.rounded else exact
    cost, error = (100 * (box_area(some) / sizes.square() - 1) for some in (made, boxes))
    enlarged = PRESETS[state.preset][1]
    sides = (of.box[2:] - of.box[:2]) * enlarged
    ground_truth = torch.cat((-sides, sides)) / 2
    rpn: Any = of.model.rpn
    foreground = rpn.proposal_matcher.high_threshold
    fit = box_iou(ground_truth[None], boxes)[0]
    return Result(
        state, of, sizes, ratios, exact, made, boxes, cost, error, ground_truth, fit, foreground, enlarged
    )  # fmt: skip


def rising(
    state: State, fields: tuple[str, ...], low: float, high: float, apart: float
) -> dict[str, tuple[float, float]]:
    """Bounds that keep each field between its neighbours. If the values do not increase, all are free, and `problem` says what is wrong."""
    values = [getattr(state, field) for field in fields]
    if not low <= values[0] <= values[-1] <= high or any(b < a + apart for a, b in pairwise(values)):
        return dict.fromkeys(fields, (min(low, *values), max(high, *values)))
    ends = [low - apart, *values, high + apart]
    return {field: (ends[i] + apart, ends[i + 2] - apart) for i, field in enumerate(fields)}


def stepped(needed: float, least: float) -> float:
    """`least`, multiplied by 1.25 until it is enough, so that the view changes rarely while boxes grow."""
    return least * 1.25 ** max(0, math.ceil(math.log(max(needed, least) / least, 1.25) - 1e-9))


def reach(state: State) -> float:
    """The distance from (0, 0) that the panel must show to contain all boxes."""
    longest = max(max(ratio, 1 / ratio) ** 0.5 if ratio > 0 else 1 for ratio in state.ratios) * max(state.sizes)
    return stepped(1.04 * (longest / 2 + 0.5), REACH if state.preset == "small model" else 4.5 * REACH)
