"""Draws the images of `ShapesDetection`: which shape goes where, how it looks, and how much of it stays visible.

The same pixels come out on every machine. Random numbers come only from `random()` and `integers()`, polygons are
filled in integer arithmetic, and images are element-wise sums and products, which are rounded the same way
everywhere; sines and powers only feed values that are then rounded to integers.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.random import Generator

from .shapes_backgrounds import draw_background, pick_color

SUPERSAMPLING = 4  # coverage is measured on 4 × 4 points per pixel
MIN_SIZE = 14.0  # pixels
MAX_SIZE = 0.86  # of the image's shorter side: 110 of 128 pixels
MARGIN = 0.4  # of a shape's size, between its centre and the image's edge
MAX_STRETCH = 1.5  # longer over shorter side
MAX_TURN = math.radians(30)  # to either side
MIN_SIDE = 10  # pixels, of the box around the visible part of a shape
MIN_VISIBLE = 0.6  # share of a shape's pixels, neither cut off by the image's edge nor hidden by later shapes
MAX_SHAPES = 7
EMPTY_SHARE = 0.04
PLACEMENT_TRIES = 15


def _star(points: int, inner: float) -> np.ndarray:
    """A star (2 · points, 2) whose tips lie on the unit circle, the first at the top; `inner` is the notches' radius."""
    corners = []
    for i in range(2 * points):
        angle, radius = math.pi * i / points, inner if i % 2 else 1.0
        corners.append((radius * math.sin(angle), -radius * math.cos(angle)))
    return np.array(corners)


def _polygon(sides: int) -> np.ndarray:
    """A regular polygon (sides, 2) in the unit circle, its first corner at the top."""
    return _star(sides, inner=1.0)[::2]


def _cross(arm: float) -> np.ndarray:
    """A plus sign (12, 2) from -1 to 1; `arm` is half the width of an arm."""
    quarter = np.array([(-arm, -1), (arm, -1), (arm, -arm)])  # the tip of an arm and the notch to its right
    half = np.concatenate([quarter, quarter[:, ::-1] * (-1, 1)])  # turned by 90°: (x, y) → (-y, x)
    return np.concatenate([half, -half])


# Corners (V, 2) clockwise, in units of half the shape's size, chosen so that all shapes look about equally large.
OUTLINES: dict[str, np.ndarray] = {
    "circle": _polygon(40),
    "square": 0.9 * np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]),
    "triangle": 1.3 * _polygon(3),
    "star": 1.25 * _star(5, inner=0.45),
    "cross": 1.05 * _cross(arm=0.35),
}


class Pose(NamedTuple):
    """Where a shape is placed: its centre and half-sizes (x, y) in pixels, and its turn in radians."""

    center: tuple[float, float]
    radii: tuple[float, float]
    angle: float


def random_pose(rng: Generator, height: int, width: int) -> Pose:
    """Place a shape anywhere in the image, at times partly outside; sizes are spread evenly on a logarithmic scale."""
    size = MIN_SIZE * (MAX_SIZE * min(height, width) / MIN_SIZE) ** rng.random()
    stretch = MAX_STRETCH ** (rng.random() - 0.5)
    margin = MARGIN * size
    x = margin + (width - 2 * margin) * rng.random()
    y = margin + (height - 2 * margin) * rng.random()
    return Pose((x, y), (size / 2 * stretch, size / 2 / stretch), MAX_TURN * (2 * rng.random() - 1))


def place(outline: np.ndarray, pose: Pose, scale: float = 1.0) -> np.ndarray:
    """An outline's corners (V, 2) in the image, as whole numbers in units of 1/SUPERSAMPLING pixel."""
    x, y = (scale * outline * pose.radii).T
    cos, sin = math.cos(pose.angle), math.sin(pose.angle)
    turned = np.stack([x * cos - y * sin, x * sin + y * cos], axis=1) + pose.center  # (V, 2)
    return np.rint(SUPERSAMPLING * turned).astype(np.int64)


class Stamp(NamedTuple):
    """What a filled polygon covers of the image."""

    window: tuple[slice, slice]  # the rows and columns it lies in: `image[window]`
    coverage: np.ndarray  # (h, w) of the window, the share of each pixel, 0–1
    full_area: int  # pixels it would cover at least by half, if the image had no edge


def rasterize(corners: np.ndarray, height: int, width: int) -> Stamp:
    """Fill a polygon, whose corners (V, 2) are whole numbers from `place`, by scan lines.

    Corners run clockwise, so along a line of points the polygon begins at an edge that goes up and ends at
    one that goes down. Each crossing leaves +1 or -1 there, and a running sum from the left fills the line.
    """
    s = SUPERSAMPLING
    left, top = (corners.min(axis=0) // s).tolist()
    right, bottom = (-(-corners.max(axis=0) // s)).tolist()
    x0, y0 = (corners - (s * left, s * top)).T  # (V,) an edge runs from here
    x1, y1 = np.roll(x0, -1), np.roll(y0, -1)  # to here
    line = np.arange(s * (bottom - top))[:, None]  # (L, 1) its points lie at y = line + 1/2
    lines, edges = np.nonzero((line < y0) != (line < y1))  # every crossing, (K,)
    dx, dy = (x1 - x0)[edges], (y1 - y0)[edges]
    column = x0[edges] + ((2 * (lines - y0[edges]) + 1) * dx + dy) // (2 * dy)  # the first point right of it
    pixel, skipped = column // s, column % s  # in that pixel, the points before it stay uncovered
    steps = np.zeros((bottom - top, right - left + 2), dtype=np.int64)
    np.add.at(steps, (lines // s, pixel), np.sign(-dy) * (s - skipped))
    np.add.at(steps, (lines // s, pixel + 1), np.sign(-dy) * skipped)
    coverage = steps.cumsum(axis=1)[:, :-2] / (s * s)  # (bottom - top, right - left)

    rows = slice(*np.clip((top, bottom), 0, height).tolist())
    columns = slice(*np.clip((left, right), 0, width).tolist())
    seen = coverage[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
    return Stamp((rows, columns), seen, int(np.count_nonzero(coverage >= 0.5)))


def visible_box(owner: np.ndarray, number: int) -> list[int]:
    """The tight box xyxy around one shape's pixels, right and bottom edges exclusive; zeros if it has none."""
    mine = owner == number
    columns, rows = np.flatnonzero(mine.any(axis=0)), np.flatnonzero(mine.any(axis=1))
    if len(rows) == 0:
        return [0, 0, 0, 0]
    return [int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1]


def shading(rng: Generator, outline: np.ndarray, pose: Pose, stamp: Stamp, height: int, width: int) -> np.ndarray:
    """Brightness of a shape in its window (h, w), about 1: even, lit from one side, or with a darker rim."""
    rows, columns = stamp.window
    style, strength = rng.integers(3), 0.1 + 0.15 * rng.random()
    if style == 0:
        return np.ones(stamp.coverage.shape)
    if style == 1:
        angle, reach = 2 * math.pi * rng.random(), max(pose.radii)
        x = (np.arange(columns.start, columns.stop) - pose.center[0]) * (math.cos(angle) / reach)
        y = (np.arange(rows.start, rows.stop) - pose.center[1]) * (math.sin(angle) / reach)
        return 1 + 0.6 * strength * np.clip(x + y[:, None], -1, 1)
    core = rasterize(place(outline, pose, scale=0.8), height, width)
    top, left = core.window[0].start - rows.start, core.window[1].start - columns.start
    h, w = core.coverage.shape
    shade = np.full(stamp.coverage.shape, 1 - strength)
    shade[top : top + h, left : left + w] += strength * core.coverage
    return shade


class Scene:
    """An image to which shapes are added one on top of the other.

    Attributes:
        image: (H, W, 3) float, about 0–1.
        owner: (H, W) the number of the topmost shape at each pixel: 1 is the first one added, 0 is the background.
        colors, full_areas: colour and area of the background and each shape, by number; areas include hidden parts.
        labels: the label of each shape, in the order of numbers.
    """

    def __init__(self, rng: Generator, height: int, width: int) -> None:
        self.image, middle_color = draw_background(rng, height, width)
        self.owner = np.zeros((height, width), dtype=np.uint8)
        self.colors, self.full_areas = [middle_color], [0]
        self.labels: list[int] = []

    def try_to_add(self, rng: Generator, label: int) -> bool:
        """Add a shape somewhere, unless it would hide too much of another or be hidden too much by the edge."""
        outline = list(OUTLINES.values())[label - 1]
        height, width = self.owner.shape
        pose = random_pose(rng, height, width)
        stamp = rasterize(place(outline, pose), height, width)
        around = np.unique(self.owner[stamp.window]).tolist()
        number, areas = len(self.full_areas), [*self.full_areas, stamp.full_area]
        owner = self.owner.copy()
        owner[stamp.window][stamp.coverage >= 0.5] = number
        if not all(enough_visible(owner, i, areas[i]) for i in {*around, number} - {0}):
            return False
        color = pick_color(rng, [self.colors[i] for i in around])
        shade = shading(rng, outline, pose, stamp, height, width)[:, :, None]
        under = self.image[stamp.window]
        under += stamp.coverage[:, :, None] * (np.minimum(shade * color, 1) - under)  # in place
        self.owner, self.full_areas = owner, areas
        self.colors.append(color)
        self.labels.append(label)
        return True


def enough_visible(owner: np.ndarray, number: int, full_area: int) -> bool:
    """Whether a shape shows at least MIN_VISIBLE of its pixels, in a box of at least MIN_SIDE."""
    x0, y0, x1, y1 = visible_box(owner, number)
    visible = int(np.count_nonzero(owner[y0:y1, x0:x1] == number))
    return min(x1 - x0, y1 - y0) >= MIN_SIDE and visible >= MIN_VISIBLE * full_area


def draw_scene(rng: Generator, height: int, width: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw one image.

    Returns:
        The image (H, W, 3) uint8, and in the order of drawing the boxes (N, 4) int64 xyxy and labels (N,) int64.
    """
    scene = Scene(rng, height, width)
    count = 0 if rng.random() < EMPTY_SHARE else int(rng.integers(1, MAX_SHAPES + 1))
    for label in rng.integers(1, len(OUTLINES) + 1, size=count).tolist():
        any(scene.try_to_add(rng, label) for _ in range(PLACEMENT_TRIES))  # a crowded image may do without
    pixels = np.rint(255 * np.clip(scene.image, 0, 1)).astype(np.uint8)
    boxes = [visible_box(scene.owner, number + 1) for number in range(len(scene.labels))]
    return pixels, np.array(boxes, dtype=np.int64).reshape(-1, 4), np.array(scene.labels, dtype=np.int64)
