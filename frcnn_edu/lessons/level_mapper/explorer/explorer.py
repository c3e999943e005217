"""Drag a box: which map is it read from, and why?"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import ipywidgets
import torch
from torch import Tensor

from frcnn_edu.lessons.board.explorer import Explorer, Prompt
from frcnn_edu.lessons.board.formula import Frac, Line, Root, Term
from frcnn_edu.lessons.board.scene import (
    Axis,
    Boxes,
    Grid,
    Handle,
    Layer,
    Lines,
    Panel,
    Picture,
    Points,
    Rect,
    Scene,
    Words,
    fit,
    heat,
    is_part,
    photo,
    segments,
    window,
)
from frcnn_edu.lessons.stages import shown, strength
from frcnn_edu.model import FasterRCNN, GeneralizedRCNNTransform, LevelMapper
from frcnn_edu.ops import box_area
from frcnn_edu.viz import style as st

SIZES = (120, 240, 480, 800)  # shorter sides of the image: the small model's first, the full model's last
SCALES = (56, 112, 224)
FULL: dict[str, Any] = {"size": 800, "canonical_scale": 224}


@dataclass(frozen=True)
class State:
    box: Rect  # in pixels of the resized image
    size: int = 120  # its shorter side
    canonical_scale: int = 112


@dataclass(frozen=True)
class Result:
    """The level that the model's mapper chooses for one box, and its map.

    `photo` is the resized image, to draw on; `map` (h, w) the strength of each of the map's cells; `exponent` is the number inside the floor brackets, `k` its floor, `level` the
    clamped k; `cells` (4,) is the box in cells of the map.
    """

    state: State
    photo: Picture
    map: Tensor
    mapper: LevelMapper
    side: float
    exponent: float
    k: int
    level: int
    cells: Tensor


@cache
def pyramid(model: FasterRCNN, image: Any, size: int) -> tuple[Picture, dict[str, Tensor]]:
    """The image with `size` pixels on its shorter side, and the strength (h, w) of the model's feature maps of it."""
    own = model.transform
    largest = math.ceil(size * max(image.shape[1:]) / min(image.shape[1:]))
    transform = GeneralizedRCNNTransform(size, largest, own.image_mean, own.image_std)
    with torch.no_grad():
        batch, _ = transform([image])
        features = model.backbone(batch.tensors)
    height, width = batch.image_sizes[0]
    return photo(shown(batch)[:, :height, :width]), {name: strength(one) for name, one in features.items()}


def compute(state: State, model: FasterRCNN, image: Tensor) -> Result:
    """The map that the model reads the box from."""
    pool: Any = model.roi_heads.box_roi_pool
    mapper = LevelMapper(pool.map_levels.k_min, pool.map_levels.k_max, state.canonical_scale)
    photo, maps = pyramid(model, image, state.size)
    box = torch.tensor(state.box)
    side = float(box_area(box[None]).sqrt())
    exponent = mapper.lvl0 + math.log2(side / mapper.s0) + mapper.eps
    index = int(mapper([box[None]]))
    level = index + mapper.k_min
    name = pool.featmap_names[index]
    return Result(
        state, photo, maps[name], mapper, side, exponent, math.floor(exponent), level, box * pool.scales[index]
    )


def draw(result: Result) -> Scene:
    """The image with the box, the map that it is read from, and its point on the curve."""
    return Scene(
        545, [_picture(result), _map(result), _curve(result)], _formula(result), _words(result), [_handle(result)]
    )


def _picture(result: Result) -> Panel:
    (height, width), (rows, columns) = result.photo.pixels.shape[:2], result.map.shape
    stride = 2**result.level
    color = st.level_color(f"P{result.level}")
    layers: list[Layer] = [
        result.photo,
        Grid(rows, columns, (0, 0, columns * stride, rows * stride), color, 0.8, 0.7),
    ]
    alt = f"The image, {height}×{width} pixels, with a box to drag and the cells of P{result.level}"
    view = window((height, width), result.state.box)
    part = "part of " if is_part(view, (height, width)) else ""
    return Panel(
        "picture", fit(view, 10, 30, 382), view, layers, "Drag the box or its corners",
        f"{part}{height}×{width} pixels; grid: cells of P{result.level}, {stride}×{stride} pixels", color, alt=alt,
    )  # fmt: skip


def _map(result: Result) -> Panel:
    (height, width), (rows, columns) = result.photo.pixels.shape[:2], result.map.shape
    stride, color = 2**result.level, st.level_color(f"P{result.level}")
    wide, high = result.cells[2] - result.cells[0], result.cells[3] - result.cells[1]
    layers: list[Layer] = [
        heat(result.map, (0, 0, columns, rows)),
        Grid(rows, columns, (0, 0, columns, rows), st.PAPER, 0.5, 0.35 if columns <= 48 else 0.0),
        Boxes(result.cells[None], st.PROPOSAL, 2.5, group="box"),
    ]
    left, top, right, bottom = (side / stride for side in window((height, width), result.state.box))
    return Panel(
        "map", fit((left, top, right, bottom), 408, 30, 382), (left, top, right, bottom), layers,
        f"It is read from P{result.level}", f"the box covers {high:.1f}×{wide:.1f} cells (height × width)", color,
        alt=f"The map P{result.level}: the strength of each cell, with the box on it",
    )  # fmt: skip


def _curve(result: Result) -> Panel:
    mapper = result.mapper
    lowest, highest = min(mapper.k_min - 3, result.k - 1), max(mapper.k_max + 2, result.k + 2)
    left, right = (math.log2(mapper.s0) + k - mapper.lvl0 for k in (lowest, highest))  # log₂ of the side
    layers: list[Layer] = []
    for k in range(lowest, highest):
        x = math.log2(mapper.s0) + k - mapper.lvl0
        level = min(max(k, mapper.k_min), mapper.k_max)
        color, missing = st.level_color(f"P{level}"), level != k
        # In colour if the level exists; dashed and pale if the clamp decides.
        layers.append(Boxes(torch.tensor([[x, lowest, x + 1, highest + 0.5]]), color, 0, fill=0.12 if missing else 0.3))
        layers.append(_step(x, k, color, dashed=missing))
        text = f"no P{k}: P{level}".replace("-", "−") if missing else f"P{k}"
        layers.append(
            Words(torch.tensor([[x + 0.5, highest]]), [text], st.INK, 10.5, "center", bold=not missing, room=1)
        )
    x, y = math.log2(result.side), result.exponent
    point = torch.tensor([[x, y]])
    layers += [
        Lines(segments([left, x, x], [y, y, lowest]), st.PROPOSAL, 1.2, True),
        Points(point, st.PROPOSAL, 6, group="point", values={"side": torch.tensor([result.side])}),
    ]
    sides = [math.log2(mapper.s0) + k - mapper.lvl0 for k in range(lowest, highest)]
    texts = [f"{2**x:g}" for x in sides]
    return Panel(
        "curve", (46, 375, 744, 125), (left, highest + 0.5, right, lowest), layers, "Its point on the curve", "",
        x_axis=Axis("side √(w·h) in pixels, doubling from line to line", sides, texts),
        y_axis=Axis("", range(lowest + 1, highest), [f"{k}".replace("-", "−") for k in range(lowest + 1, highest)]),
        alt=f"Steps of k against the side of a box; this box has a side of {result.side:.1f} pixels and is read from P{result.level}",
    )  # fmt: skip


def _step(x: float, k: int, color: str, dashed: bool) -> Lines:
    """The step of the curve at k: one level for all sides from 2^x to twice that."""
    return Lines(segments([x, x + 1], [k, k]), color, 3.5, dashed)


def _handle(result: Result) -> Handle:
    height, width = result.photo.pixels.shape[:2]
    limits = (0.0, 0.0, float(width), float(height))
    return Handle("box", "picture", torch.tensor(result.state.box), st.PROPOSAL, "box", limits)


def _formula(result: Result) -> list[Line]:
    x1, y1, x2, y2 = result.state.box
    mapper, color = result.mapper, st.PROPOSAL
    root = Root([Term(_pixels(x2 - x1), "box", color), " · ", Term(_pixels(y2 - y1), "box", color)])
    eps = f"{mapper.eps:.6f}"
    inside = Term(_written(result.exponent, result.k).replace("-", "−"), "point", color)
    named = Term(f"P{result.level}", None, st.level_color(f"P{result.level}"))
    k = f"{result.k}".replace("-", "−")
    return [
        [f"k = ⌊{mapper.lvl0} + log₂(", Frac([root], str(mapper.s0)), f") + {eps}⌋ = ⌊", inside, f"⌋ = {k}"],
        [f"clamped to {mapper.k_min} … {mapper.k_max}: {result.level}, which is ", named],
    ]


def _pixels(length: float) -> str:
    """With one digit after the point, or with up to four if they are needed."""
    short = f"{length:.1f}"
    return short if abs(float(short) - length) < 5e-5 else f"{length:.4f}".rstrip("0")


def _written(exponent: float, k: int) -> str:
    """With three digits after the point, or with more until its floor is k."""
    return next((w for w in (f"{exponent:.{n}f}" for n in range(3, 8)) if math.floor(float(w)) == k), f"{exponent:.7f}")


def _side(result: Result) -> str:
    """With one digit after the point, or with more until it is on the right side of the next step."""
    mapper, level = result.mapper, math.floor(result.exponent - result.mapper.eps)
    for digits in range(1, 8):
        written = f"{result.side:.{digits}f}"
        if float(written) and math.floor(mapper.lvl0 + math.log2(float(written) / mapper.s0)) == level:
            return written
    return f"{result.side:.7f}"


def _words(result: Result) -> list[str]:
    words = f"The side is {_side(result)} pixels; the canonical scale is {result.mapper.s0}. "
    asked = f"P{result.k}".replace("-", "−")
    if result.k < result.level:
        words += f"The formula gives {asked}, which does not exist, so the box is read from the finest map, P{result.level}, where it covers fewer cells than it should."
    elif result.k > result.level:
        words += f"The formula gives {asked}, which does not exist, so the box is read from the coarsest map, P{result.level}."
    elif _by_epsilon(result):
        words += f"The box is slightly too small for P{result.level} but is read from it all the same; this is the purpose of ε."
    else:
        low, high = (result.mapper.s0 * 2.0 ** (k - result.mapper.lvl0) for k in (result.k, result.k + 1))
        words += f"Sides from {low:g} up to but not including {high:g} belong to P{result.level}."
    return [words]


def _by_epsilon(result: Result) -> bool:
    """Whether the box is on its level only because of ε."""
    return math.floor(result.exponent - result.mapper.eps) < result.k


class LevelMapperExplorer(Explorer[State, Result]):
    title = "Which map is a box read from?"

    def make_prompts(self) -> Sequence[Prompt]:
        first = self.first
        (high, wide), grow = self._sides(FULL["size"]), FULL["size"] / first.size
        ends = zip(first.box, (wide, high, wide, high), strict=True)
        grown = tuple(min(round(grow * value, 1), float(end)) for value, end in ends)
        x, y = wide // 2 - 112.0, high // 2 - 112.0
        (high, wide), (all_high, all_wide) = self._sides(first.size), self._sides(480)
        thin, small = wide * 3 // 8, (wide // 3, high * 3 // 4)
        return (
            ("The full model's numbers: 800 pixels, canonical scale 224. Which map is our object read from?", {**FULL, "box": grown}),
            ("A box of 223×223 pixels in the full model: P3 or P4?", {**FULL, "box": (x, y, x + 223, y + 223)}),
            ("224×224 pixels: which map now?", {**FULL, "box": (x, y, x + 224, y + 224)}),
            ("Narrower by a ten-thousandth of a pixel: is it read from P3 again?", {**FULL, "box": (x, y, x + 223.9999, y + 224)}),
            ("A thin box, as tall as the image: which of its sides counts?", {"box": (thin, 0.0, thin + 6.0, high)}),
            ("A box of 4×4 pixels: is there a map for it?", {"box": (*small, small[0] + 4, small[1] + 4)}),
            (
                "The whole image, and a canonical scale of 56: is any map coarse enough?",
                {"canonical_scale": 56, "size": 480, "box": (0.0, 0.0, all_wide, all_high)},
            ),
        )  # fmt: skip

    def _sides(self, size: int) -> tuple[int, int]:
        """(height, width) of the image with this many pixels on its shorter side."""
        height, width = self.subject.image.shape[1:]
        return height * size // min(height, width), width * size // min(height, width)

    def start(self) -> State:
        # From the pixels of the model's image (a long image is smaller there than 120 pixels) to those of the image that is shown.
        grow = State.size / min(self.subject.resized.shape[1:])
        high, wide = self._sides(State.size)
        ends = zip((grow * self.subject.box).tolist(), (wide, high, wide, high), strict=True)
        return State(tuple(min(round(value, 1), float(end)) for value, end in ends))

    def make_controls(self) -> dict[str, Any]:
        style = {"description_width": "initial"}
        sizes = [(f"{size} pixels", size) for size in SIZES]
        return {
            "size": ipywidgets.Dropdown(options=sizes, description="shorter side of the image", style=style),
            "canonical_scale": ipywidgets.SelectionSlider(options=SCALES, description="canonical scale", style=style),
        }

    def compute(self, state: State) -> Result:
        return compute(state, self.subject.model, self.subject.image)

    def draw(self, result: Result) -> Scene:
        return draw(result)

    def follow_up(self, before: State, changes: dict[str, Any]) -> dict[str, Any]:
        if "size" in changes and "box" not in changes:  # the same object in a larger image
            grown = changes["size"] / before.size
            changes["box"] = tuple(round(grown * value, 1) for value in before.box)
        return changes

    def problem(self, state: State) -> str | None:
        x1, y1, x2, y2 = state.box
        if x2 <= x1 or y2 <= y1:
            return f"A box from ({x1:g}, {y1:g}) to ({x2:g}, {y2:g}) has no area, and 0 has no logarithm: make the box larger."
        return None
