"""What an explorer shows, as data: panels of layers, boxes that can be dragged, a formula, a sentence.

A scene is 800 units wide, as a page is 800 pixels. `board.js` draws it on a canvas, `paint.py` on paper.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache

import matplotlib
import torch
from torch import Tensor

from frcnn_edu.viz import style as st

from .formula import Line, Piece

WIDTH = 800.0
Rect = tuple[float, float, float, float]


@dataclass(frozen=True)
class Picture:
    """Pixels (H, W, 3), uint8, stretched over `extent` (x1, y1, x2, y2). `keep`: it occurs again, so it is sent once."""

    pixels: Tensor
    extent: Rect
    keep: bool = False
    smooth: bool = False


@dataclass(frozen=True)
class Boxes:
    """Outlines (N, 4) xyxy. With `fill` (opacity 0–1) also their insides: cells, bars.

    Layers with a `group` can be hovered and clicked. `ids` (N,) int64 identify their items, by default 0, 1, 2 …; items with the
    same group and id light up together, in all panels and in the formula. `values` are shown on hovering, by name.
    """

    boxes: Tensor
    color: str
    width: float = 1.5
    dashed: bool = False
    fill: float = 0.0
    alpha: float = 1.0
    halo: bool = True
    group: str | None = None
    ids: Tensor | None = None
    values: Mapping[str, Tensor] = field(default_factory=dict)


@dataclass(frozen=True)
class Points:
    """Marks at (N, 2) xy; `shape` is "dot", "ring", "cross" or "square", `radius` in units of the page."""

    points: Tensor
    color: str
    radius: float = 3.0
    shape: str = "dot"
    alpha: float = 1.0
    halo: bool = True
    group: str | None = None
    ids: Tensor | None = None
    values: Mapping[str, Tensor] = field(default_factory=dict)


@dataclass(frozen=True)
class Lines:
    """N lines through K points each, (N, K, 2). `arrow`: with a head at the end."""

    points: Tensor
    color: str
    width: float = 1.5
    dashed: bool = False
    alpha: float = 1.0
    arrow: bool = False
    group: str | None = None
    ids: Tensor | None = None
    values: Mapping[str, Tensor] = field(default_factory=dict)


@dataclass(frozen=True)
class Grid:
    """The cells of a map, rows × columns over `extent`. With a `group` they can be clicked: ids are row · columns + column."""

    rows: int
    columns: int
    extent: Rect
    color: str = st.INK
    width: float = 0.6
    alpha: float = 0.6
    group: str | None = None


@dataclass(frozen=True)
class Words:
    """One text at each of the (N, 2) xy. `chip`: a background of that colour. `x` and `y` say which part of the text is at the point."""

    points: Tensor
    texts: Sequence[str]
    color: str = st.INK
    size: float = 11.0  # units of the page: its pixels
    x: str = "left"  # "left", "center", "right"
    y: str = "middle"  # "top", "middle", "bottom"
    bold: bool = False
    chip: str | None = None
    room: float | None = None  # data units: a text that is wider on the page is left out there


Layer = Picture | Boxes | Points | Lines | Grid | Words


@dataclass(frozen=True)
class Axis:
    """Ticks of a panel's edge: places in data units, their texts, and the label of the axis."""

    label: str = ""
    ticks: Sequence[float] = ()
    texts: Sequence[str] = ()
    grid: bool = True


@dataclass(frozen=True)
class Panel:
    """A window at `place` (x, y, width, height; units of the page) onto `view` (left, top, right, bottom; data units).

    `top` may be larger than `bottom`: then y points upwards, as in a plot. `alt` describes the panel for readers who
    cannot see it. `keys`: arrow keys do something here (`Explorer.arrow`).
    """

    name: str
    place: Rect
    view: Rect
    layers: Sequence[Layer] = ()
    title: str = ""
    caption: str = ""
    frame: str | None = None
    x_axis: Axis | None = None
    y_axis: Axis | None = None
    alt: str = ""
    keys: bool = False


@dataclass(frozen=True)
class Handle:
    """A box (4,) that can be moved and resized in the picture itself.

    Attributes:
        name: of the field that it sets.
        panel: name of the panel whose data units it uses.
        label: its accessible name, also drawn next to it.
        limits: (x1, y1, x2, y2) that it stays within; by default the panel's view.
        smallest: shortest side.
        step: how far an arrow key moves it.
        resizable: False for a box that only moves.
        lift: units of the page by which its name is moved up, if another name has the place just above it.
    """

    name: str
    panel: str
    box: Tensor
    color: str
    label: str
    limits: Rect | None = None
    smallest: float = 1.0
    step: float = 1.0
    resizable: bool = True
    dashed: bool = False
    lift: float = 0.0


@dataclass(frozen=True)
class Scene:
    """Everything that is shown at once. `words` are the sentences that explain it; `formula` contains the live numbers."""

    height: float
    panels: Sequence[Panel]
    formula: Sequence[Line] = ()
    words: Sequence[Piece] = ()
    handles: Sequence[Handle] = ()

    def panel(self, name: str) -> Panel:
        """The panel of that name."""
        return next(panel for panel in self.panels if panel.name == name)


# ------------------------------------------------------------------------------------------------------- help for drawing


@lru_cache(maxsize=64)  # most scenes show the same image again
def photo(image: Tensor, *, dim: float = 0.0) -> Picture:
    """An image (3, H, W) in 0–1 over its own pixels; `dim` (0–1) is the share of white mixed in, so that boxes stand out."""
    height, width = image.shape[-2:]
    return Picture(pixels_of(image * (1 - dim) + dim), (0, 0, width, height), keep=True, smooth=True)


def pixels_of(image: Tensor) -> Tensor:
    """The bytes (H, W, 3) of an image (3, H, W) in 0–1."""
    return (255 * image.clamp(0, 1)).round().byte().permute(1, 2, 0).cpu()


@lru_cache(maxsize=64)
def heat(values: Tensor, extent: Rect, low: float | None = None, high: float | None = None) -> Picture:
    """A map of values (H, W) in the colours of feature maps, `low` to `high` (by default its own range)."""
    low = float(values.min()) if low is None else low
    high = float(values.max()) if high is None else high
    share = ((values - low) / max(high - low, 1e-12)).clamp(0, 1).cpu()
    return Picture(map_colours()[(share * 255).round().long()], extent)


@cache
def map_colours() -> Tensor:
    """The colours of feature maps from low to high, (256, 3) uint8."""
    return torch.from_numpy(matplotlib.colormaps[st.FEATURE_CMAP](range(256))[:, :3] * 255).round().byte()


def segments(xs: Sequence[float], ys: Sequence[float]) -> Tensor:
    """One line through the points, (1, K, 2), as `Lines` wants it."""
    return torch.tensor([list(zip(xs, ys, strict=True))], dtype=torch.float32)


LONGEST = 2.5  # times the shorter side: of a longer image a panel shows a part


def window(image_size: tuple[int, int], box: Rect | Tensor) -> Rect:
    """The part of an image of `image_size` (height, width) that a panel shows: all of it, or of a very long image a part with the box.

    The part moves in steps of half its length, so that it stays in place while a box in it is dragged a little.
    """
    sides = (image_size[1], image_size[0])  # along x and along y
    along = 0 if sides[0] > sides[1] else 1
    whole, short = float(sides[along]), float(sides[1 - along])
    first, last = (min(max(float(box[side]), 0.0), whole) for side in (along, along + 2))
    length = max(LONGEST * short, 1.2 * (last - first))
    if length >= whole:
        return (0.0, 0.0, float(image_size[1]), float(image_size[0]))
    step = length / 2
    start = round(((first + last) / 2 - step) / step) * step
    start = min(max(min(max(start, last - length), first), 0.0), whole - length)
    end = start + length
    return (start, 0.0, end, short) if along == 0 else (0.0, start, short, end)


def is_part(view: Rect, image_size: tuple[int, int]) -> bool:
    """Whether a view is not the whole image."""
    return view[2] - view[0] < image_size[1] or view[3] - view[1] < image_size[0]


def fit(view: Rect, x: float, y: float, width: float) -> Rect:
    """The place of a panel that shows a view of an image undistorted.

    It is as wide as `width`, and for a view taller than 4:3 only as wide as lets it stay within three quarters of that height.
    """
    across, down = view[2] - view[0], view[3] - view[1]
    height = width * min(down / across, 0.75)
    return (x, y, min(width, height * across / down), height)


# --------------------------------------------------------------------------------------------------- as the browser gets it
