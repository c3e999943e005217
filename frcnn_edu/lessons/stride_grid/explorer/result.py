"""Where the anchors of a level are placed: the numbers."""

import math
from dataclasses import dataclass

from torch import Tensor

from frcnn_edu.lessons.base_anchors.explorer.explorer import PRESETS
from frcnn_edu.lessons.story import Story, follow
from frcnn_edu.model import AnchorGenerator
from frcnn_edu.viz import style as st

LEVELS = tuple(st.LEVELS)  # P2 … P5 and pool
SHAPES = ("wide", "square", "tall")
MOST = 1500  # at most this many anchors are drawn faintly; on finer grids, those of some cells only


@dataclass(frozen=True)
class State:
    row: int
    column: int
    level: int = 2
    size: int = 120  # the image's shorter side
    divisible: int = 32  # the batch is padded to a multiple of it
    preset: str = "small model"  # the model whose anchor sizes are used
    shape: int = 1  # the anchor of the cell that is in the formula
    all: bool = True


@dataclass(frozen=True)
class Result:
    """Sizes are (height, width).

    Attributes:
        image: of the resized image; padded: of the batch; grid: of the map; stride: as the model calculates it.
        true: pixels from one cell of the map to the next.
        base: (3, 4) the level's base anchors; ours: (3, 4) those of the chosen cell; faint: (K, 4) others of the level.
        every: one in `every` rows and columns has its anchors drawn faintly.
    """

    state: State
    image: tuple[int, int]
    padded: tuple[int, int]
    grid: tuple[int, int]
    stride: tuple[int, int]
    true: int
    base: Tensor
    ours: Tensor
    faint: Tensor
    every: int

    @property
    def point(self) -> tuple[int, int]:
        """The centre of the cell's anchors: (x, y)."""
        return self.state.column * self.stride[1], self.state.row * self.stride[0]

    @property
    def drift(self) -> tuple[int, int]:
        """Its distance from the cell's corner: (x, y), in pixels to the left and upwards."""
        return self.state.column * self.true - self.point[0], self.state.row * self.true - self.point[1]


def sizes(state: State, of: Story) -> tuple[tuple[int, int], tuple[int, int], tuple[int, int]]:
    """(height, width) of the resized image, of the padded batch, and of the level's map.

    Each step of the backbone halves a map and rounds up: four times for P2 … P5 after the first, and once more for pool.
    """
    height, width = of.image.shape[1:]
    scale = state.size / min(height, width)
    image = (math.floor(height * scale), math.floor(width * scale))
    if state.size == min(of.resized.shape[1:]):
        image = (of.resized.shape[1], of.resized.shape[2])  # exactly as the model resizes it, also a long image
    padded = tuple(math.ceil(side / state.divisible) * state.divisible for side in image)
    rows, columns = (math.ceil(side / 2 ** (2 + state.level)) for side in padded)  # ⌈⌈n/2⌉/2⌉ is ⌈n/4⌉
    return image, (padded[0], padded[1]), (rows, columns)


def compute(state: State, of: Story) -> Result:
    """The level's anchors by the model's `AnchorGenerator.grid_anchors`."""
    image, padded, grid = sizes(state, of)
    stride = (padded[0] // grid[0], padded[1] // grid[1])
    side = PRESETS[state.preset][0][state.level]
    generator = AnchorGenerator(((side,),), ((0.5, 1.0, 2.0),))
    anchors = generator.grid_anchors([grid], [stride])[0].view(*grid, -1, 4)  # (H, W, 3, 4)
    every = max(1, math.ceil(math.sqrt(grid[0] * grid[1] * 3 / MOST)))
    faint = anchors[::every, ::every].reshape(-1, 4) if state.all else anchors.new_empty(0, 4)
    return Result(
        state, image, padded, grid, stride, 2 ** (2 + state.level), generator.cell_anchors[0],
        anchors[state.row, state.column], faint, every,
    )  # fmt: skip


def first_state(of: Story) -> State:
    """The cell of the followed object's best anchor."""
    where = follow(of)
    return State(where.row, where.column, where.level, min(of.resized.shape[1:]), shape=where.shape)
