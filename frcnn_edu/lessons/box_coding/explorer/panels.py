"""The four deltas between an anchor and a box: the panels."""

import math

import torch
from torch import Tensor

from frcnn_edu.lessons.board.formula import Line, Table, Term
from frcnn_edu.lessons.board.names import class_of
from frcnn_edu.lessons.board.scene import (
    Axis,
    Boxes,
    Handle,
    Layer,
    Lines,
    Panel,
    Points,
    Rect,
    Scene,
    Words,
    fit,
    photo,
    segments,
    window,
)
from frcnn_edu.lessons.story import Story
from frcnn_edu.viz import style as st

from ..pictures.main import DELTAS, centre_and_size, signed
from .result import CLIP, CODERS, Result

SMALLEST = 4.0  # pixels: an anchor's shortest side here
MARGIN = 0.08  # of the image's sides: boxes can be dragged out of the image by this share
WIDE = 500.0  # of the image on the page
COLUMNS = (
    ("x", 0, 2),
    ("y", 1, 3),
    ("w", 2, 2),
    ("h", 3, 3),
)  # and the indices in `centre_and_size` of each and of its unit


def draw(result: Result, of: Story) -> Scene:
    """Both boxes on the image, the curve of exp, and the four deltas."""
    panels = [_picture(result, of), _curve(result), _bars(result)]
    low, high = torch.tensor(panels[0].view).view(2, 2)
    # A box outside the panel keeps a handle at its edge.
    first = torch.minimum(torch.maximum(result.moved[:2], low), high - 2)
    last = torch.maximum(torch.minimum(result.moved[2:], high), first + 2)
    box = Handle("target", "picture", torch.cat((first, last)), st.PROPOSAL, "decoded box", smallest=1)
    place = torch.tensor(result.state.anchor)
    # In units of the page; a name is about 80 wide and 18 high.
    across, up = ((place[:2] - first).abs() * WIDE / (high - low)[0]).tolist()
    lift = 18.0 if across < 80 and up < 18 else 0.0
    anchor = Handle("anchor", "picture", place, st.ANCHOR, "anchor", smallest=SMALLEST, lift=lift)
    return Scene(434, panels, _formula(result), _words(result, of), [anchor, box])


# ---------------------------------------------------------------------------------------------------------- the image


def _picture(result: Result, of: Story) -> Panel:
    height, width = of.resized.shape[1:]
    left, top, right, bottom = window((height, width), result.state.anchor)
    across, down = MARGIN * (right - left), MARGIN * (bottom - top)
    view = (left - across, top - down, right + across, bottom + down)
    anchor, place = torch.tensor(result.state.anchor), fit(view, 10, 30, WIDE)
    layers: list[Layer] = [
        Boxes(torch.tensor([view]), st.FAINT, 0, fill=0.6),
        photo(of.resized, dim=0.3),
        Boxes(result.ground_truth[None], st.GROUND_TRUTH, 2.2, dashed=True),
        _box(anchor, st.ANCHOR, "anchor"),
        _box(result.moved, st.PROPOSAL, "moved"),
        *_spans(result, view, (view[2] - view[0]) / place[2]),
        *_arrows(result, (view[2] - view[0]) / place[2]),
    ]
    return Panel(
        "picture", place, view, layers, "Drag the anchor or the decoded box",
        "arrows: from centre to centre, in pixels · dashed: ground truth", st.FAINT,
        alt=f"The image with an anchor and the box decoded from it; its IoU with the ground-truth box is {result.fit:.2f}",
    )  # fmt: skip


def _box(box: Tensor, color: str, group: str) -> Boxes:
    values = {name: torch.tensor([v]) for (name, _, _), v in zip(COLUMNS, centre_and_size(box), strict=True)}
    return Boxes(box[None], color, 2.5, group=group, values=values)


def _spans(result: Result, view: Rect, pixel: float) -> list[Layer]:
    """Both widths in two rows below or above the boxes, both heights in two columns beside them; `pixel` is a unit of the page, in data units."""
    left, top, right, bottom = view
    low, high = torch.tensor(view).view(2, 2)
    boxes = torch.stack((torch.tensor(result.state.anchor), result.moved)).view(2, 2, 2)  # (box, corner, xy)
    seen = torch.minimum(torch.maximum(boxes, low), high)
    (x1, y1), (x2, y2) = seen.amin(dim=(0, 1)).tolist(), seen.amax(dim=(0, 1)).tolist()
    columns = _beside(x1, x2, left, right, 24 * pixel, 48 * pixel, 26 * pixel)
    rows = _beside(y1, y2, top, bottom, 16 * pixel, 18 * pixel, 9 * pixel, 18 * pixel)
    layers: list[Layer] = []
    for k, (color, group, name) in enumerate(((st.ANCHOR, "anchor", "anchor"), (st.PROPOSAL, "moved", "decoded"))):
        (x1, y1), (x2, y2) = seen[k].tolist()
        # Numbers stay in the panel, also those of a box outside it.
        x = min(max((x1 + x2) / 2, left + 50 * pixel), right - 50 * pixel)
        y = min(max((y1 + y2) / 2, top + 12 * pixel), bottom - 12 * pixel)
        across = _span(x1, x2, rows[k], x, 42 * pixel, 4 * pixel)
        lines = torch.cat((across, _span(y1, y2, columns[k], y, 10 * pixel, 4 * pixel).flip(2)))  # (8, 2, 2)
        wide, tall = (boxes[k, 1] - boxes[k, 0]).tolist()
        at = torch.tensor([[x, rows[k]], [columns[k], y]])
        texts = [f"{name} {wide:.1f}", f"{tall:.1f}"]
        layers += [
            Lines(lines, color, 2, group=group, ids=torch.zeros(len(lines), dtype=torch.int64)),
            Words(at, texts, size=10.5, x="center", bold=True, chip=color),
        ]
    return layers


def _beside(
    first: float, last: float, low: float, high: float, gap: float, step: float, half: float, names: float = 0.0
) -> tuple[float, float]:
    """Two places after `last`, or before `first` (and the `names` there) if there is room; otherwise inside, at the end."""
    if last + gap + step + half <= high:
        return last + gap, last + gap + step
    if first - names - gap - step - half >= low:
        return first - names - gap, first - names - gap - step
    return high - half - step, high - half


def _span(start: float, end: float, across: float, number: float, room: float, tick: float) -> Tensor:
    """A length from `start` to `end` with a tick at each, and room for its number: (4, 2, 2)."""
    return torch.tensor(
        [
            [[start, across], [max(start, number - room), across]],
            [[min(end, number + room), across], [end, across]],
            *([[x, across - tick], [x, across + tick]] for x in (start, end)),
        ]
    )


def _arrows(result: Result, pixel: float) -> list[Layer]:
    """From centre to centre: first by dx, then by dy; with their lengths if there is room for a number."""
    (xa, ya, _, _), (x, y, _, _) = centre_and_size(torch.tensor(result.state.anchor)), centre_and_size(result.moved)
    layers: list[Layer] = []
    for number, (start, end) in enumerate((((xa, ya), (x, ya)), ((x, ya), (x, y)))):
        way = end[number] - start[number]
        layers.append(
            Lines(
                torch.tensor([[start, end]]), st.INK, 2, group="delta", ids=torch.tensor([number]),
                arrow=abs(way) > 16 * pixel, values={"pixels": torch.tensor([way])},
            )
        )  # fmt: skip
        if abs(way) > 60 * pixel:
            # Not in the middle, where a side of one of the boxes often is.
            at = torch.tensor([[0.7 * start[0] + 0.3 * end[0], 0.7 * start[1] + 0.3 * end[1]]])
            layers.append(Words(at, [signed(way, 1)], size=10.5, x="center", bold=True, chip=st.PAPER))
    layers += [Points(torch.tensor([[xa, ya]]), st.ANCHOR, 4), Points(torch.tensor([[x, y]]), st.PROPOSAL, 4)]
    return layers


# ------------------------------------------------------------------------------------------------------ curve and bars


def _curve(result: Result) -> Panel:
    """The factor applied to a size: exp, up to the clamp."""
    left, right, top = -2.5, 6.0, math.log(220)
    layers: list[Layer] = [
        Lines(segments([CLIP, right], [CLIP, right]), st.MUTED, 1.2, dashed=True),
        Lines(segments([CLIP, CLIP], [left, CLIP]), st.MUTED, 1, dashed=True),
        Lines(segments([left, CLIP, right], [left, CLIP, CLIP]), st.INK, 2.2),
        Words(torch.tensor([[left + 0.15, CLIP + 0.6]]), ["clamp: log(1000/16) = 4.135"], st.INK, 10.5),
    ]
    for number, name, shape, radius, aside in ((2, "w", "dot", 4.5, -1), (3, "h", "ring", 7.0, 1)):
        delta = result.state.unweighted[number]
        x, y = (min(max(value, left + 0.2), right - 0.2) for value in (delta, min(delta, CLIP)))
        times = torch.tensor([math.exp(min(delta, CLIP))])
        layers += [
            Points(torch.tensor([[x, y]]), st.PROPOSAL, radius, shape, group="delta", ids=torch.tensor([number]), values={f"{name}: times": times}),
            Words(torch.tensor([[x + 0.35 * aside, y - 0.55 * aside]]), [name], size=11.5, bold=True, x="center"),
        ]  # fmt: skip
    factors = (0.25, 1, 4, 16, 62.5)
    return Panel(
        "curve", (566, 30, 224, 150), (left, top, right, left), layers, "Factor applied to w and h",
        x_axis=Axis("dw, dh, divided by their weights", (-2, 0, 2, 4, 6), ("−2", "0", "2", "4", "6")),
        y_axis=Axis("", [math.log(f) for f in factors], ("¼", "1", "4", "16", "62.5")),
        alt="The curve of exp over dw and dh, constant above 4.135, with this box's two points",
    )  # fmt: skip


def _bars(result: Result) -> Panel:
    deltas, predicted = result.state.deltas[0], result.predicted
    top = 1.2 * max(0.5, float(deltas.abs().max()), 0 if predicted is None else float(predicted.abs().max()))
    layers: list[Layer] = [Lines(segments([0, 4], [0, 0]), st.MUTED, 1)]
    for number, (name, value) in enumerate(zip(DELTAS, deltas.tolist(), strict=True)):
        bar = torch.tensor([[number + 0.2, max(value, 0), number + 0.8, min(value, 0) - 0.004 * top]])
        who = {"group": "delta", "ids": torch.tensor([number]), "values": {name: torch.tensor([value])}}
        layers.append(Boxes(bar, st.PROPOSAL, 0, fill=1, **who))  # type: ignore[arg-type]
        if predicted is not None:
            line = float(predicted[number])
            layers.append(Lines(segments([number + 0.1, number + 0.9], [line, line]), st.INK, 2.5))
    caption = "lines: the RPN’s prediction"
    if predicted is None:
        caption = "the model does not have this anchor"
    elif result.state.weights == "head":
        caption = "lines: the RPN’s, times the weights"
    ticks = [k * _step(top) for k in range(-4, 5) if abs(k) * _step(top) < 0.95 * top]
    texts = [f"{tick:g}".replace("-", "−") for tick in ticks]
    numbers = (f"{name} {signed(value)}" for name, value in zip(DELTAS, deltas.tolist(), strict=True))
    return Panel(
        "deltas", (566, 262, 224, 128), (0, top, 4, -top), layers, "The four deltas", caption, None,
        Axis("", (0.5, 1.5, 2.5, 3.5), DELTAS, False), Axis("", ticks, texts), "Bars: " + ", ".join(numbers),
    )  # fmt: skip


def _step(top: float) -> float:
    """A round distance between ticks, such that two fit below `top`."""
    power = 10 ** math.floor(math.log10(top / 2))
    return max(step * power for step in (1, 2, 5) if step * power <= top / 2)


# --------------------------------------------------------------------------------------------------- formula and words


def _formula(result: Result) -> list[Line]:
    anchor, moved = (centre_and_size(box) for box in (torch.tensor(result.state.anchor), result.moved))
    rows: list[list[Line]] = [["encode: from the anchor to the box", "decode: from the deltas to the box"]]
    for number, (name, middle, side) in enumerate(COLUMNS):
        weight, mark = f"{CODERS[result.state.weights].weights[number]:g}", f"delta:{number}"
        code = Term(_zero(float(result.encoded[number]), 3), mark, st.PROPOSAL)
        given = Term(_zero(float(result.state.deltas[0, number]), 3), mark, st.PROPOSAL)
        value = Term(_zero(moved[middle], 1), "moved", st.PROPOSAL)
        own, size = (Term(_zero(anchor[k], 1), "anchor", st.ANCHOR) for k in (middle, side))
        if number < 2:
            there: Line = [f"{DELTAS[number]} = {weight} · (", value, " − ", own, ") / ", size, " = ", code]
            back: Line = [f"{name} = ", given, f" / {weight} · ", size, " + ", own, " = ", value]
        else:
            there = [f"{DELTAS[number]} = {weight} · ln(", value, " / ", own, ") = ", code]
            back = [f"{name} = exp(min(", given, f" / {weight}, {CLIP:.3f})) · ", own, " = ", value]
        rows.append([there, back])
    return [Table(rows)]


def _zero(value: float, digits: int) -> str:
    """As `signed`, but zero is shown without a sign."""
    return signed(round(value, digits) + 0.0, digits)


def _words(result: Result, of: Story) -> list[str]:
    weights = CODERS[result.state.weights].weights
    growth = _growth(result)
    clamped = [
        number for number in (2, 3) if result.state.unweighted[number] > CLIP + 1e-4
    ]  # in float32 the clamped value may be slightly larger
    if clamped:
        names = " and ".join(DELTAS[number] for number in clamped)
        factors = list(dict.fromkeys(_times(result.state.unweighted[number]) for number in clamped))
        back = list(dict.fromkeys(signed(float(result.encoded[number]), 3) for number in clamped))
        ask = "mean" if len(clamped) == 2 else "means"
        return [
            f"{growth[0].upper()}{growth[1:]}. {names} {ask} {'a factor' if len(factors) == 1 else 'factors'} of {' and '.join(factors)}; decoding clamps {'it' if len(factors) == 1 else 'both'} to 62.5, so encoding the result gives {' and '.join(back)}."
        ]
    named = f"{_move(result)}; {growth}. "
    if result.state.weights != "rpn":
        return [
            named
            + f"dx and dy are {weights[0]:g} times as large as with the RPN’s weights, and dw and dh {weights[2]:g} times."
        ]
    return [named + f"The decoded box has an IoU of {result.fit:.2f} with our {class_of(of, of.object)}."]


def _times(delta: float) -> str:
    """exp(delta), if it can be read."""
    return f"{math.exp(delta):.0f}" if delta < math.log(1e6) else "over a million"


def _move(result: Result) -> str:
    """The move of the centre: in pixels, and in widths and heights of the anchor."""
    _, _, wide, high = centre_and_size(torch.tensor(result.state.anchor))
    dx, dy, _, _ = result.state.unweighted
    ways = []
    for share, size, unit, (back, forth) in (
        (dx, wide, "width", ("left", "right")),
        (dy, high, "height", ("up", "down")),
    ):
        if abs(share) >= 0.0005:
            ways.append(f"{abs(share * size):.1f} px {forth if share > 0 else back} ({abs(share):.3f} anchor {unit}s)")
    return "The centre " + (f"moves {' and '.join(ways)}" if ways else "does not move")


def _growth(result: Result) -> str:
    """The change of the size."""
    wide, high = (math.exp(min(value, CLIP)) for value in result.state.unweighted[2:])
    if abs(wide - 1) < 0.005 and abs(high - 1) < 0.005:
        return "the size does not change"
    said = [
        f"{times:.2f} times as {what}" if abs(times - 1) >= 0.005 else f"exactly as {what}"
        for times, what in ((wide, "wide"), (high, "high"))
    ]
    return f"the box becomes {' and '.join(said)}"
