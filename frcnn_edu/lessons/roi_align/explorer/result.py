"""One box read from its map: points, weights, bins, and RoIPool's result for comparison."""

import math
from dataclasses import dataclass
from typing import Any

import torch
import torchvision
from torch import Tensor

from frcnn_edu.lessons.board.scene import Rect
from frcnn_edu.lessons.fpn.explorer.result import STRENGTH, telling_channel, values_of
from frcnn_edu.lessons.stages import LEVEL_KEYS
from frcnn_edu.lessons.story import Story, follow
from frcnn_edu.model.fast.roi_align import bilinear_samples
from frcnn_edu.ops import roi_align

from ..pictures.main import roi_pool_bins

AS_MAPPED = -1  # in place of a level: the one that the model's mapper chooses
ADAPTIVE = -1  # sampling ratio: as many points as a bin has cells


@dataclass(frozen=True)
class State:
    box: Rect  # in pixels of the resized image
    size: int = 7  # bins along each side
    ratio: int = 2  # points along each side of a bin
    aligned: bool = False
    level: int = AS_MAPPED
    channel: int = STRENGTH
    row: int = 3  # of the chosen bin
    column: int = 3
    point: int = 0  # which of its sampling points is chosen


@dataclass(frozen=True)
class Result:
    """How a box is read.

    Attributes:
        level: index of its map, 0 for P2; values: (H, W) of the map, one channel or the strength of all.
        box: (4,) in cells, in the coordinates of the map's values (half a cell less with `aligned`); length: (w, h) of the area that is divided into bins.
        ratios: points of a bin along (x, y).
        x, y: (size · ratio,) coordinates of the sampling points.
        x_cells, y_cells: (size, 2 · ratio) the cells of each point, two along each axis; x_weights, y_weights: their weights.
        pooled, max_pooled: (size, size) by RoIAlign and by RoIPool; taken: the first cell of each of RoIPool's bins and the one after its last, (x, y).
    """

    state: State
    level: int
    scale: float
    values: Tensor
    box: Tensor
    length: tuple[float, float]
    ratios: tuple[int, int]
    x: Tensor
    y: Tensor
    x_cells: Tensor
    y_cells: Tensor
    x_weights: Tensor
    y_weights: Tensor
    pooled: Tensor
    max_pooled: Tensor
    taken: tuple[list[tuple[int, int]], list[tuple[int, int]]]

    def point(self, number: int) -> tuple[int, int]:
        """Place of the chosen bin's point `number` among all points: (x, y)."""
        across, down = self.ratios
        return self.state.column * across + number % across, self.state.row * down + number // across

    def samples(self, number: int) -> tuple[list[tuple[int, int]], list[float], list[float]]:
        """Of the chosen bin's point `number`: its four cells (row, column), their weights, and their values."""
        (px, py), (across, down) = self.point(number), self.ratios
        xs = slice(2 * (px % across), 2 * (px % across) + 2)
        ys = slice(2 * (py % down), 2 * (py % down) + 2)
        columns, rows = self.x_cells[self.state.column, xs].tolist(), self.y_cells[self.state.row, ys].tolist()
        cells = [(row, column) for row in rows for column in columns]
        weights = self.y_weights[self.state.row, ys, None] * self.x_weights[self.state.column, None, xs] * across * down
        return cells, weights.flatten().tolist(), [float(self.values[cell]) for cell in cells]

    def value(self, number: int) -> float:
        """The interpolated value at the chosen bin's point `number`."""
        _, weights, values = self.samples(number)
        return sum(weight * value for weight, value in zip(weights, values, strict=True))


def level_of(state: State, of: Story) -> int:
    """The level that a box is read from: the selected one, or the mapper's choice."""
    pool: Any = of.model.roi_heads.box_roi_pool
    return int(pool.map_levels([torch.tensor([state.box])])) if state.level == AS_MAPPED else state.level


def geometry(state: State, of: Story) -> tuple[Tensor, tuple[float, float], tuple[int, int], float]:
    """The box in cells (4,), its (width, height) as divided into bins, the points of a bin along x and y, and cells per pixel."""
    pool: Any = of.model.roi_heads.box_roi_pool
    scale = pool.scales[level_of(state, of)]
    box = torch.tensor(state.box) * scale - (0.5 if state.aligned else 0.0)
    least = 0.0 if state.aligned else 1.0  # a smaller box is extended to one cell
    wide, high = (box[2:] - box[:2]).clamp(min=least).tolist()
    if state.ratio == ADAPTIVE:
        ratios = (max(1, math.ceil(wide / state.size)), max(1, math.ceil(high / state.size)))
    else:
        ratios = (state.ratio, state.ratio)
    return box, (wide, high), ratios, scale


def compute(state: State, of: Story) -> Result:
    """Pool with RoIAlign and with RoIPool, and find the sampling points."""
    level = level_of(state, of)
    box, length, ratios, scale = geometry(state, of)
    features = of.trace.pyramid[LEVEL_KEYS[level]]
    values = values_of(features, state.channel)
    rois, size = torch.tensor([[0.0, *state.box]]), (state.size, state.size)
    with torch.no_grad():
        pooled = roi_align(values[None, None], rois, size, scale, state.ratio, state.aligned)[0, 0]
        largest = torchvision.ops.roi_pool(values[None, None].contiguous(), rois, size, scale)[0, 0]
    read = []
    for axis in (0, 1):  # x, y
        cells, weights = bilinear_samples(
            box[[axis]], torch.tensor([length[axis]]), state.size, ratios[axis], values.shape[1 - axis]
        )
        number = state.size * ratios[axis]
        places = box[axis] + (torch.arange(number) + 0.5) * length[axis] / number
        read.append((places, cells[0], weights[0]))
    (x, x_cells, x_weights), (y, y_cells, y_weights) = read
    on_map = torch.tensor(state.box) * scale
    taken = tuple(
        roi_pool_bins(float(on_map[a]), float(on_map[a + 2]), state.size, values.shape[1 - a]) for a in (0, 1)
    )
    return Result(
        state, level, scale, values, box, length, ratios, x, y, x_cells, y_cells, x_weights, y_weights, pooled, largest,
        (taken[0], taken[1]),
    )  # fmt: skip


def first_state(of: Story) -> State:
    """The followed object's best proposal, read as the model reads it, in the channel in which the object stands out most on P2."""
    box = tuple(round(value, 1) for value in of.trace.proposals[follow(of).proposal].tolist())
    pool: Any = of.model.roi_heads.box_roi_pool
    return State(box, pool.output_size[0], pool.sampling_ratio, channel=telling_channel(of))
