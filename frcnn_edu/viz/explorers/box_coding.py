"""An anchor, a box, and the four numbers that lead from the one to the other."""

import math
from dataclasses import dataclass, replace
from typing import Any

import ipywidgets
import torch
from torch import Tensor

from ...ops import BoxCoder, box_iou
from .. import style as st
from ..course.box_coding import DELTAS, RPN, centre_and_size, signed
from ..story import Story, follow
from .explorer import Explorer
from .formula import Line, Table, Term
from .scene import Axis, Boxes, Handle, Layer, Lines, Panel, Points, Rect, Scene, Words, fit, photo, segments

CODERS = {"rpn": RPN, "head": BoxCoder((10.0, 10.0, 5.0, 5.0))}
CLIP = RPN.bbox_xform_clip  # log(1000 / 16)
SMALLEST = 4.0  # pixels: an anchor's shortest side here


@dataclass(frozen=True)
class State:
    anchor: Rect
    dx: float
    dy: float
    dw: float
    dh: float
    weights: str = "rpn"

    @property
    def deltas(self) -> Tensor:
        """(1, 4)."""
        return torch.tensor([[self.dx, self.dy, self.dw, self.dh]])


@dataclass(frozen=True)
class Result:
    """An anchor and the box that the deltas move it to.

    `moved` is (4,); `encoded` (4,) what the coder says of it: the deltas again, unless they were clamped. `predicted` (4,) is what
    the RPN predicts for this anchor, None for an anchor that the model does not have. `truth` is the course's object, `fit` the
    moved box's IoU with it.
    """

    state: State
    moved: Tensor
    encoded: Tensor
    predicted: Tensor | None
    truth: Tensor
    fit: float


def encode(anchor: Rect, box: Rect, weights: str) -> dict[str, float]:
    """The deltas from an anchor to a box, by the model's coder."""
    deltas = CODERS[weights].encode_single(torch.tensor([box]), torch.tensor([anchor]))[0]
    return dict(zip(DELTAS, deltas.tolist(), strict=True))


def decode(state: State) -> Tensor:
    """The box (4,) that a state's deltas lead to, by the model's coder."""
    return CODERS[state.weights].decode_single(state.deltas, torch.tensor([state.anchor]))[0]


def compute(state: State, of: Story) -> Result:
    """Decode the deltas, and encode what came out."""
    moved = decode(state)
    encoded = torch.tensor(list(encode(state.anchor, tuple(moved.tolist()), state.weights).values()))
    where = follow(of)
    own = torch.cat(of.trace.anchors)[where.anchor]
    predicted = None
    if torch.equal(own, torch.tensor(state.anchor)):
        maps = of.trace.deltas[where.level].unflatten(1, (-1, 4))  # (1, A, 4, H, W)
        predicted = maps[0, where.shape, :, where.row, where.column] * torch.tensor(CODERS[state.weights].weights)
    return Result(state, moved, encoded, predicted, of.box, float(box_iou(moved[None], of.box[None])))


def draw(result: Result, of: Story) -> Scene:
    """Both boxes on the picture, the curve of exp, and the four deltas."""
    panels = [_picture(result, of), _curve(result), _bars(result)]
    anchor = Handle("anchor", "picture", torch.tensor(result.state.anchor), st.ANCHOR, "anchor", smallest=SMALLEST)
    left, top, right, bottom = panels[0].view
    low, high = torch.tensor([left, top]), torch.tensor([right, bottom])
    # A box that left the page keeps a handle at its edge, to be fetched back.
    first = torch.minimum(torch.maximum(result.moved[:2], low), high - 2)
    last = torch.maximum(torch.minimum(result.moved[2:], high), first + 2)
    box = Handle("target", "picture", torch.cat((first, last)), st.PROPOSAL, "moved box", smallest=1)
    return Scene(448, panels, _formula(result), _words(result, of), [anchor, box])


def _picture(result: Result, of: Story) -> Panel:
    height, width = of.resized.shape[1:]
    view = (-0.2 * width, -0.2 * height, 1.2 * width, 1.2 * height)
    (xa, ya, _, _), (x, y, _, _) = centre_and_size(torch.tensor(result.state.anchor)), centre_and_size(result.moved)
    corner = segments([xa, x], [ya, ya]), segments([x, x], [ya, y])
    layers: list[Layer] = [
        Boxes(torch.tensor([view]), st.FAINT, 0, fill=0.6),
        photo(of.resized, dim=0.3),
        Boxes(result.truth[None], st.GROUND_TRUTH, 2.2, dashed=True),
        Boxes(result.moved[None], st.PROPOSAL, 2.5),
        Lines(corner[0], st.INK, 2, group="delta", ids=torch.tensor([0]), arrow=abs(x - xa) > 2),
        Lines(corner[1], st.INK, 2, group="delta", ids=torch.tensor([1]), arrow=abs(y - ya) > 2),
        Points(torch.tensor([[xa, ya]]), st.ANCHOR, 4.5),
        Points(torch.tensor([[x, y]]), st.PROPOSAL, 4.5),
    ]
    return Panel(
        "picture", fit((height, width), 10, 30, 500), view, layers, "Drag the anchor, or the box it is moved to",
        "arrows: from middle to middle · dashed: the true box", st.FAINT,
        alt=f"The picture with an anchor and the box that the deltas move it to; its IoU with the true box is {result.fit:.2f}",
    )  # fmt: skip


def _curve(result: Result) -> Panel:
    """By what a size is multiplied: exp, up to where it is cut off."""
    left, right, top = -2.5, 6.0, math.log(120)
    layers: list[Layer] = [
        Lines(segments([left, CLIP], [left, CLIP]), st.INK, 2),
        Lines(segments([CLIP, right], [CLIP, CLIP]), st.DETECTION, 2.5),
        Lines(segments([CLIP, right], [CLIP, right]), st.MUTED, 1.2, dashed=True),
        Lines(segments([CLIP, CLIP], [left, CLIP]), st.DETECTION, 1, dashed=True),
        Words(torch.tensor([[CLIP - 0.1, -2.1]]), ["log(1000/16) = 4.135"], st.INK, 10.5, "right"),
    ]
    weights = CODERS[result.state.weights].weights
    for number, name in ((2, "w"), (3, "h")):
        delta = float(result.state.deltas[0, number]) / weights[number]
        at = torch.tensor([[min(max(delta, left + 0.15), right - 0.15), min(max(min(delta, CLIP), left + 0.15), top)]])
        factor = torch.tensor([math.exp(min(delta, CLIP))])
        shape = "dot" if name == "w" else "square"
        layers.append(
            Points(
                at, st.PROPOSAL, 5.5, shape, group="delta", ids=torch.tensor([number]), values={f"{name} times": factor}
            )
        )
        layers.append(
            Words(
                at + torch.tensor([[-0.25 if name == "w" else 0.25, 0.35 if name == "w" else -0.35]]),
                [name],
                size=11.5,
                bold=True,
                x="right" if name == "w" else "left",
            )
        )
    factors = (0.25, 1, 4, 16, 62.5)
    return Panel(
        "curve", (566, 30, 224, 150), (left, top, right, left), layers, "By what w and h are multiplied",
        x_axis=Axis("dw, dh (divided by their weights)", (-2, 0, 2, 4, 6), ("−2", "0", "2", "4", "6")),
        y_axis=Axis("", [math.log(f) for f in factors], ("¼", "1", "4", "16", "62.5")),
        alt="The curve of exp over dw and dh, flat from 4.135 on, with this box's two points",
    )  # fmt: skip


def _bars(result: Result) -> Panel:
    top = 1.2 * max(
        0.5,
        float(result.state.deltas.abs().max()),
        *([] if result.predicted is None else result.predicted.abs().tolist()),
    )
    layers: list[Layer] = [Lines(segments([0, 4], [0, 0]), st.MUTED, 1)]
    for number, value in enumerate(result.state.deltas[0].tolist()):
        bar = torch.tensor([[number + 0.2, max(value, 0), number + 0.8, min(value, 0) - 0.004 * top]])
        layers.append(
            Boxes(
                bar,
                st.PROPOSAL,
                0,
                fill=1,
                group="delta",
                ids=torch.tensor([number]),
                values={DELTAS[number]: torch.tensor([value])},
            )
        )
        if result.predicted is not None:
            line = float(result.predicted[number])
            layers.append(Lines(segments([number + 0.1, number + 0.9], [line, line]), st.INK, 2.5))
    caption = (
        "line: what the RPN predicts for this anchor"
        if result.predicted is not None
        else "(the model has no such anchor)"
    )
    ticks = [k * _step(top) for k in range(-2, 3)]
    texts = [f"{tick:g}".replace("-", "−") for tick in ticks]
    return Panel(
        "deltas", (566, 262, 224, 118), (0, top, 4, -top), layers, "The four deltas", caption, None,
        Axis("", (0.5, 1.5, 2.5, 3.5), DELTAS, False), Axis("", ticks, texts),
        "Bars: " + ", ".join(f"{name} {value:.2f}" for name, value in zip(DELTAS, result.state.deltas[0].tolist(), strict=True)),
    )  # fmt: skip


def _step(top: float) -> float:
    """A round distance of ticks, of which two fit below `top`."""
    power = 10 ** math.floor(math.log10(top / 2))
    return max(step * power for step in (1, 2, 5) if step * power <= top / 2)


def _formula(result: Result) -> list[Line]:
    anchor, moved = (centre_and_size(box) for box in (torch.tensor(result.state.anchor), result.moved))
    weights = CODERS[result.state.weights].weights
    rows: list[list[Line]] = [["", "encode: from the anchor to the box", "decode: from the deltas to the box"]]
    for number, (name, middle, side) in enumerate((("x", 0, 2), ("y", 1, 3), ("w", 2, 2), ("h", 3, 3))):
        delta, weight, mark = float(result.state.deltas[0, number]), f"{weights[number]:g}", f"delta:{number}"
        code = Term(signed(float(result.encoded[number]), 3), mark, st.PROPOSAL)
        given, value = Term(signed(delta, 3), mark, st.PROPOSAL), f"{moved[middle]:.1f}".replace("-", "−")
        own, size = f"{anchor[middle]:.1f}", f"{anchor[side]:.1f}"
        if number < 2:
            there: Line = [f"{weight} · ({value} − {own}) / {size} = ", code]
            back: Line = [given, f" / {weight} · {size} + {own} = {value}"]
        else:
            there = [f"{weight} · ln({value} / {own}) = ", code]
            clamped = delta / weights[number] > CLIP
            back = [
                f"exp({'min(' if clamped else ''}",
                given,
                f" / {weight}{', 4.135)' if clamped else ''}) · {own} = {value}",
            ]
        rows.append([name, there, back])
    return [Table(rows)]


def _words(result: Result, of: Story) -> list[str]:
    weights = CODERS[result.state.weights].weights
    dx, dy, dw, dh = (delta / weight for delta, weight in zip(result.state.deltas[0].tolist(), weights, strict=True))
    words = f"The middle goes {abs(dx):.2f} anchor widths {'right' if dx >= 0 else 'left'} and {abs(dy):.2f} heights {'down' if dy >= 0 else 'up'}; "
    words += (
        f"the box becomes {math.exp(min(dw, CLIP)):.2f} times as wide and {math.exp(min(dh, CLIP)):.2f} times as high. "
    )
    if max(dw, dh) > CLIP:
        return [words + "More than 62.5 times is not allowed: exp is cut off at log(1000/16), in decoding only."]
    return [words + f"IoU with the {of.classes[int(of.target['labels'][of.object])]}: {result.fit:.2f}."]


class BoxCodingExplorer(Explorer[State, Result]):
    title = "Four numbers that move a box"

    @property
    def prompts(self) -> Any:  # type: ignore[override]
        """What to try: it begins with the object's best anchor."""
        x1, y1, x2, y2 = self.first.anchor
        wide, high = x2 - x1, y2 - y1
        truth = tuple(self.subject.box.tolist())
        return (
            ("The true box itself: which deltas would be right?", {"target": truth}),
            ("The anchor stays where it is: what are its deltas?", {"target": self.first.anchor}),
            ("Twice as wide about the same middle: which delta, and is it 2?", {"target": (x1 - wide / 2, y1, x2 + wide / 2, y2)}),
            ("Its own width to the left.", {"target": (x1 - wide, y1, x2 - wide, y2)}),
            ("The same boxes with the box head's weights: which deltas grow tenfold?", {"weights": "head"}),
            ("A quarter of the anchor in each direction, the same box: how much larger are its deltas?", {"anchor": (x1 + 3 * wide / 8, y1 + 3 * high / 8, x2 - 3 * wide / 8, y2 - 3 * high / 8)}),
            ("dw = 5: is the box exp(5) = 148 times as wide?", {"dw": 5.0}),
        )  # fmt: skip

    def start(self) -> State:
        where = follow(self.subject)
        maps = self.subject.trace.deltas[where.level].unflatten(1, (-1, 4))  # (1, A, 4, H, W)
        predicted = maps[0, where.shape, :, where.row, where.column].tolist()
        anchor = torch.cat(self.subject.trace.anchors)[where.anchor].tolist()
        return State(tuple(anchor), *predicted)

    def make_controls(self) -> dict[str, Any]:
        style = {"description_width": "initial"}
        options = [("1, 1, 1, 1 (RPN)", "rpn"), ("10, 10, 5, 5 (box head)", "head")]
        names = ("to the right", "down", "wider", "higher")
        sliders = {
            name: ipywidgets.FloatSlider(0.0, min=-100, max=100, step=0.05, description=f"{name}, {what}", style=style)
            for name, what in zip(DELTAS, names, strict=True)
        }
        return {**sliders, "weights": ipywidgets.Dropdown(options=options, description="weights", style=style)}

    def compute(self, state: State) -> Result:
        return compute(state, self.subject)

    def draw(self, result: Result) -> Scene:
        return draw(result, self.subject)

    def problem(self, state: State) -> str | None:
        x1, y1, x2, y2 = state.anchor
        if x2 <= x1 or y2 <= y1:
            return (
                f"An anchor from ({x1:g}, {y1:g}) to ({x2:g}, {y2:g}) has no width or no height to measure a move in."
            )
        if not all(math.isfinite(delta) for delta in state.deltas[0].tolist()):
            return "A box without width or height has no deltas: the logarithm of 0 is no number."
        return None

    def bounds(self, state: State) -> dict[str, tuple[float, float]]:
        """Sliders reach as far as is interesting, or as far as a drag has gone."""
        limits = {}
        for name, weight, far in zip(DELTAS, CODERS[state.weights].weights, (2, 2, 5, 5), strict=True):
            value = abs(getattr(state, name))
            if math.isfinite(value):
                reach = max(far * weight, math.ceil(value))
                limits[name] = (-reach, reach)
        return limits

    def follow_up(self, before: State, changes: dict[str, Any]) -> dict[str, Any]:
        """Whatever is dragged, the box stays or goes where the hand has it, and the deltas follow."""
        target = changes.pop("target", None)
        if target is None and {"anchor", "weights"} & changes.keys() and not set(DELTAS) & changes.keys():
            target = tuple(decode(before).tolist())
        if target is not None:
            changed = replace(before, **changes)
            if self.problem(changed) is None:
                changes |= encode(changed.anchor, target, changed.weights)
        return changes
