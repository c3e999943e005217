"""Sizes, ratios and rounding: fifteen boxes around one point."""

from dataclasses import dataclass
from typing import Any

import ipywidgets
import torch
from torch import Tensor

from ...model import AnchorGenerator
from ...ops import box_area, box_iou
from .. import style as st
from ..story import Story
from .explorer import Explorer
from .formula import Frac, Line, Root, Term
from .scene import Axis, Boxes, Grid, Layer, Lines, Panel, Scene, Words, photo, segments

# Sides of the anchors on P2 … pool, and by how much the course's picture is enlarged before a model with them sees it.
PRESETS: dict[str, tuple[tuple[int, ...], float]] = {
    "small model": ((12, 24, 48, 80, 112), 1.0),
    "full model": ((32, 64, 128, 256, 512), 800 / 120),
}
RATIOS, LEVELS = 3, 5
NAMES = tuple(st.LEVELS)


@dataclass(frozen=True)
class State:
    preset: str = "small model"
    times: float = 1.0  # all sizes are multiplied with it
    wide: float = 0.5  # the smallest of three ratios height / width; the second is 1
    tall: float = 2.0
    rounded: bool = True
    level: int = 2  # of the selected anchor
    shape: int = 0  # 0 wide, 1 square, 2 tall


@dataclass(frozen=True)
class Result:
    """Fifteen anchors around (0, 0), level by level, each level wide, square, tall.

    Attributes:
        sizes, ratios: (15,) of each anchor.
        exact: (15, 4) before rounding, `made` (15, 4) by the model, `boxes` the ones of the two that are shown.
        error: (15,) by how many percent the area of `boxes` misses size².
        truth, fit: the course's object around (0, 0), (4,), and its IoU with each box, (15,).
        enlarged: how many pixels of the network one pixel of `Story.resized` is.
    """

    state: State
    sizes: Tensor
    ratios: Tensor
    exact: Tensor
    made: Tensor
    boxes: Tensor
    error: Tensor
    truth: Tensor
    fit: Tensor
    enlarged: float

    @property
    def chosen(self) -> int:
        """Which of the fifteen is selected."""
        return RATIOS * self.state.level + self.state.shape


def compute(state: State, of: Story) -> Result:
    """The anchors of a state by the model's `AnchorGenerator`, and what rounding did to them."""
    preset, enlarged = PRESETS[state.preset]
    sides = tuple(side * state.times for side in preset)
    ratios = (state.wide, 1.0, state.tall)
    generator = AnchorGenerator(tuple((side,) for side in sides), (ratios,) * LEVELS)  # type: ignore[arg-type]
    made = torch.cat(generator.cell_anchors)  # (15, 4)
    size, ratio = torch.tensor(sides).repeat_interleave(RATIOS), torch.tensor(ratios).repeat(LEVELS)
    half = torch.stack((size / ratio.sqrt(), size * ratio.sqrt()), dim=1) / 2  # (15, 2)
    exact = torch.cat((-half, half), dim=1)
    boxes = made if state.rounded else exact
    middle = ((of.box[:2] + of.box[2:]) / 2).repeat(2)
    truth = (of.box - middle) * enlarged
    error = 100 * (box_area(boxes) / size.square() - 1)
    return Result(state, size, ratio, exact, made, boxes, error, truth, box_iou(truth[None], boxes)[0], enlarged)


def draw(result: Result, of: Story) -> Scene:
    """All boxes, one corner pixel by pixel, the anchor over the object, and the errors."""
    panels = [_all(result), _corner(result), _object(result, of), _errors(result)]
    return Scene(470, panels, _formula(result), _words(result))


def _layers_by_level(result: Result, width: float) -> list[Layer]:
    """One layer a level, the large ones first, so that a small one can be touched."""
    layers: list[Layer] = []
    for level in reversed(range(LEVELS)):
        ids = torch.arange(RATIOS * level, RATIOS * (level + 1))
        told = {"size": result.sizes[ids], "ratio": result.ratios[ids], "area error in %": result.error[ids]}
        layers.append(Boxes(result.boxes[ids], st.LEVELS[NAMES[level]], width, group="anchor", ids=ids, values=told))
    return layers


def _all(result: Result) -> Panel:
    reach = 1.06 * float(result.boxes.abs().max())
    chosen = result.boxes[[result.chosen]]
    layers: list[Layer] = [
        Lines(segments([-reach, reach], [0, 0]), st.FAINT, 1), Lines(segments([0, 0], [-reach, reach]), st.FAINT, 1),
        *_layers_by_level(result, 1.8), Boxes(chosen, st.INK, 6, halo=False), Boxes(chosen, st.FOCUS, 3.2, halo=False),
    ]  # fmt: skip
    # Each level is named in the upper right corner of its square anchor.
    squares = result.boxes[1::RATIOS]
    for level, box in enumerate(squares):
        layers.append(
            Words(box[None, [2, 1]], [NAMES[level]], size=10.5, x="right", y="bottom", chip=st.LEVELS[NAMES[level]])
        )
    step = 10 ** int(torch.tensor(reach).log10().floor())
    step *= 5 if reach / step > 5 else 2 if reach / step > 2 else 1
    ticks = [k * step for k in range(-int(reach / step), int(reach / step) + 1)]
    texts = [f"{tick:g}".replace("-", "−") for tick in ticks]
    return Panel(
        "all", (44, 30, 372, 372), (-reach, -reach, reach, reach), layers, "The fifteen base anchors: click one",
        "arrow keys: ← → ratio, ↑ ↓ size", x_axis=Axis("", ticks, texts, False), y_axis=Axis("", ticks, texts, False),
        alt="Fifteen boxes around one point, three of each size, coloured by level; the selected one is framed in yellow",
        keys=True,
    )  # fmt: skip


def _corner(result: Result) -> Panel:
    x, y = result.exact[result.chosen][:2].tolist()
    left, top = round(x) - 4, round(y) - 4
    exact, made = result.exact[[result.chosen]], result.made[[result.chosen]]
    layers: list[Layer] = [
        Grid(8, 8, (left, top, left + 8, top + 8), st.FAINT, 1, 1.0),
        Boxes(made, st.ANCHOR, 0, fill=0.2 if result.state.rounded else 0.0),
        Boxes(exact, st.INK, 1.8, dashed=True, halo=False),
        Boxes(made, st.ANCHOR, 3, alpha=1.0 if result.state.rounded else 0.25, halo=False),
    ]
    caption = "pixels; dashed: before\nrounding, solid: after"
    return Panel(
        "corner", (462, 30, 156, 156), (left, top, left + 8, top + 8), layers, "Its upper left corner", caption, st.FAINT,
        alt=f"The corner at ({x:.2f}, {y:.2f}) among pixels, and rounded to whole ones",
    )  # fmt: skip


def _object(result: Result, of: Story) -> Panel:
    box, truth = result.boxes[[result.chosen]], result.truth[None]
    middle = ((of.box[:2] + of.box[2:]) / 2).tolist()
    picture = photo(of.resized, dim=0.3)
    height, width = of.resized.shape[1:]
    scale = result.enlarged
    extent = (-middle[0] * scale, -middle[1] * scale, (width - middle[0]) * scale, (height - middle[1]) * scale)
    reach = 1.15 * float(torch.cat((box, truth)).abs().max())
    layers: list[Layer] = [
        type(picture)(picture.pixels, extent, keep=True, smooth=True),
        Boxes(truth, st.GROUND_TRUTH, 2.2, dashed=True), Boxes(box, st.ANCHOR, 3),
    ]  # fmt: skip
    fit = float(result.fit[result.chosen])
    return Panel(
        "object", (634, 30, 156, 156), (-reach, -reach, reach, reach), layers, "Over our object",
        f"IoU {fit:.2f}\n(best of all: {float(result.fit.max()):.2f})", st.FAINT,
        alt=f"The anchor centred on the course's object: IoU {fit:.2f}",
    )  # fmt: skip


def _errors(result: Result) -> Panel:
    top = max(1.0, 1.15 * float(result.error.abs().max()))
    layers: list[Layer] = []
    for level in range(LEVELS):
        ids = torch.arange(RATIOS * level, RATIOS * (level + 1))
        x, error = ids + 0.5 + 0.6 * level, result.error[ids]
        bars = torch.stack((x - 0.38, error.clamp(min=0.0), x + 0.38, error.clamp(max=0.0)), dim=1)
        bars[:, 3] -= 0.004 * top  # an error of nothing is a line, that can be touched too
        told = {"size": result.sizes[ids], "ratio": result.ratios[ids], "area error in %": error}
        layers.append(Boxes(bars, st.LEVELS[NAMES[level]], 0, fill=1, group="anchor", ids=ids, values=told))
        layers.append(Words(torch.tensor([[float(x[1]), -top * 0.92]]), [NAMES[level]], x="center", y="bottom"))
        if level == result.state.level:
            chosen = bars[[result.state.shape]]
            layers.append(Boxes(chosen, st.INK, 5, halo=False))
            layers.append(Boxes(chosen, st.FOCUS, 2.6, halo=False))
    ends = RATIOS * LEVELS + 0.6 * (LEVELS - 1)
    layers.append(Lines(segments([0, ends], [0, 0]), st.MUTED, 1))
    step = next(s for s in (0.5, 1, 2, 5, 10, 20, 50, 100) if top / s <= 2.9)
    ticks = [k * step for k in range(-int(top / step), int(top / step) + 1)]
    texts = [f"{tick:+g} %".replace("-", "−") if tick else "0" for tick in ticks]
    return Panel(
        "errors", (502, 272, 288, 130), (0, top, ends, -top), layers, "How far rounding moves the area",
        "of each level: wide, square, tall", y_axis=Axis("", ticks, texts),
        alt="Bars of the area's error for all fifteen anchors, the largest "
        f"{float(result.error.abs().max()):.1f} percent",
    )  # fmt: skip


def _formula(result: Result) -> list[Line]:
    index, color = result.chosen, st.ANCHOR
    size, ratio = f"{float(result.sizes[index]):g}", f"{float(result.ratios[index]):.3g}"
    exact_w, exact_h = (result.exact[index, 2:] - result.exact[index, :2]).tolist()
    width, height = (result.boxes[index, 2:] - result.boxes[index, :2]).tolist()
    mark = f"anchor:{index}"
    lines: list[Line] = []
    for name, exact, side, rule in (
        ("w = s / √r = ", exact_w, width, [Frac(size, [Root(ratio)])]),
        ("h = s · √r = ", exact_h, height, [f"{size} · ", Root(ratio)]),
    ):
        line = [name, *rule, f" = {exact:.2f}"]
        if result.state.rounded:
            line.append(f"; its half, {exact / 2:.2f}, becomes {side / 2:.0f}, and {name[0]} ")
        else:
            line.append("; not rounded, ")
        lines.append([*line, Term(f"{side:.4g}", mark, color)])
    area, wanted = width * height, float(result.sizes[index]) ** 2
    error = f"{float(result.error[index]):+.2f} %".replace("-", "−")
    lines.append([f"w · h = {area:.0f}, against s² = {wanted:.0f}: ", Term(error, mark, color)])
    return lines


def _words(result: Result) -> list[str]:
    shape = ("wide", "square", "tall")[result.state.shape]
    begin = f"The {shape} anchor on {NAMES[result.state.level]}. "
    if not result.state.rounded:
        return [
            begin
            + "Without rounding, a ratio changes the shape and keeps the area exactly. The model has only the rounded ones."
        ]
    worst = int(result.error.abs().argmax())
    return [
        begin + "Corners are rounded, not sides: so w and h are even, and the middle stays where it is. "
        f"Rounding moves the area by at most {float(result.error.abs().max()):.1f} %, on {NAMES[worst // RATIOS]}."
    ]


class BaseAnchorsExplorer(Explorer[State, Result]):
    title = "Fifteen boxes from sizes and ratios"
    prompts = (
        ("The smallest, wide: is rounding worse for it than for the largest?", {"level": 0, "shape": 0}),
        ("The full model's sizes, 32 to 512: does rounding still matter?", {"preset": "full model"}),
        ("Rounding off: what remains of the area's error?", {"rounded": False}),
        ("A ratio of 6: which anchor could hold a lamp post?", {"tall": 6.0, "shape": 2, "level": 1}),
        ("A ratio of 1 in place of 2: what is wrong with three anchors then?", {"tall": 1.0}),
        ("All sizes a quarter: how far off are anchors of 3 pixels?", {"times": 0.25, "level": 0}),
    )

    def start(self) -> State:
        return State()

    def make_controls(self) -> dict[str, Any]:
        style = {"description_width": "initial"}
        slider = ipywidgets.FloatSlider
        options = [(f"{name}'s: {', '.join(map(str, sizes))}", name) for name, (sizes, _) in PRESETS.items()]
        return {
            "preset": ipywidgets.Dropdown(options=options, description="sizes, the", style=style),
            "times": slider(1.0, min=0.25, max=2.0, step=0.05, description="all sizes times", style=style),
            "wide": slider(0.5, min=0.1, max=1.0, step=0.05, description="ratio of the wide one", style=style),
            "tall": slider(2.0, min=1.0, max=8.0, step=0.1, description="ratio of the tall one", style=style),
            "rounded": ipywidgets.Checkbox(True, description="rounded, as in the model", indent=False),
        }

    def compute(self, state: State) -> Result:
        return compute(state, self.subject)

    def draw(self, result: Result) -> Scene:
        return draw(result, self.subject)

    def problem(self, state: State) -> str | None:
        for name, ratio in (("wide", state.wide), ("tall", state.tall)):
            if ratio == 1:
                return f"With ratio 1 the {name} anchor is the square one once more: two of three would be the same. Take another ratio."
        return None

    def picked(self, state: State, panel: str, group: str, id: int) -> dict[str, Any]:
        return {"level": id // RATIOS, "shape": id % RATIOS} if group == "anchor" else {}

    def arrow(self, state: State, panel: str, dx: int, dy: int) -> dict[str, Any]:
        level, shape = min(max(state.level - dy, 0), LEVELS - 1), min(max(state.shape + dx, 0), RATIOS - 1)
        return {"level": level, "shape": shape}
