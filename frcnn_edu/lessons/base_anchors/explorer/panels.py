"""The panels of the fifteen base anchors: all of them, one corner in pixels, the object, and two rows of bars."""

import math
from dataclasses import replace

import torch
from torch import Tensor

from frcnn_edu.lessons.board.scene import Axis, Boxes, Grid, Handle, Layer, Lines, Panel, Scene, Words, photo, segments
from frcnn_edu.viz import style as st

from .result import NAMES, RATIOS, SIZES, Result, stepped
from .words import formula, name, plain, ratio, signed, words

SIDE = 366.0  # of the panel of all, in units of the page
GRIP = 11.0
MAGNIFIED = 2.5  # pixels around the corner that are shown
ENDS = len(RATIOS) * len(SIZES) + 0.6 * (len(SIZES) - 1)  # of a row of bars


def draw(result: Result) -> Scene:
    """All boxes and a corner to drag, a close-up of that corner, the anchor over the object, and bars of errors and IoUs."""
    panels = [_all(result), _corner(result), _object(result), _errors(result), _fits(result)]
    return Scene(468, panels, formula(result), words(result), [_grip(result)])


# ------------------------------------------------------------------------------------------------------------ all fifteen


def _all(result: Result) -> Panel:
    reach, chosen = result.state.reach, result.boxes[[result.state.chosen]]
    layers: list[Layer] = [
        Lines(segments([-reach, reach], [0, 0]), st.FAINT, 1),
        Lines(segments([0, 0], [-reach, reach]), st.FAINT, 1),
    ]
    for level in reversed(range(len(SIZES))):  # the small ones last
        layers.append(Boxes(result.boxes[_of(level)], st.LEVELS[NAMES[level]], 1.8))
    layers += [
        *_ways(result),
        Boxes(chosen, st.ANCHOR, 3.6, fill=0.2),
        # Invisible, and in one layer, so that a click finds the nearest of all boxes.
        Boxes(result.boxes, st.ANCHOR, 0, group="anchor", values=_told(result)),
        *_legend(result),
    ]
    ticks = _ticks(-reach, reach, 5)
    axis = Axis("pixels", ticks, list(map(plain, ticks)), False)
    return Panel(
        "all", (44, 30, SIDE, SIDE), (-reach, -reach, reach, reach), layers, "All fifteen boxes around (0, 0): drag the corner",
        "click another box, or use the arrow keys: ← → ratio, ↑ ↓ size", x_axis=axis, y_axis=replace(axis, label=""),
        alt="Fifteen boxes around one point, three on each of five levels, in the colours of the levels; "
        f"{name(result)} is selected",
        keys=True,
    )  # fmt: skip


def _ways(result: Result) -> list[Layer]:
    """The paths of the corner if only the ratio or only the size changes."""
    reach, s, r = result.state.reach, float(result.sizes[result.state.chosen]), ratio(result)
    nearest = s**2 / 4 / reach
    xs = torch.logspace(0, 1, 60, base=reach / nearest) * nearest  # (60,)
    curve = torch.stack((xs, s**2 / 4 / xs), dim=1)[None]  # (1, 60, 2)
    end = (reach, r * reach) if r <= 1 else (reach / r, reach)
    at = torch.tensor([end]) * 0.985 if r <= 1 else torch.tensor([end]) * 0.9 + torch.tensor([0.05 * reach, 0])
    side = "right" if r <= 1 else "left"
    low = torch.tensor([[s**2 / 4 / (0.965 * reach), 0.965 * reach]])
    return [
        Lines(curve, st.MUTED, 1.2, True),
        Lines(segments([0, end[0]], [0, end[1]]), st.MUTED, 1.2, True),
        Words(low + torch.tensor([0.03 * reach, 0]), ["same size"], st.MUTED, 10.5, chip=st.PAPER),
        Words(at - 0.06 * reach * (r == 1), ["same ratio"], st.MUTED, 10.5, side, chip=st.PAPER),
    ]


def _legend(result: Result) -> list[Layer]:
    """Names and sizes in the upper left, where no box is."""
    reach, page = result.state.reach, 2 * result.state.reach / SIDE  # page: data units of a unit of the page
    return [
        Words(
            torch.tensor([[7 * page - reach, (11 + 16 * row) * page - reach]]), [f"{name} {size}"], size=10.5,
            bold=name == NAMES[result.state.level], chip=st.LEVELS[name],
        )
        for row, (name, size) in enumerate(zip(reversed(NAMES), reversed(result.state.sizes), strict=True))
    ]  # fmt: skip


def _grip(result: Result) -> Handle:
    """At the lower right corner, before rounding: in the middle of a small square."""
    half = GRIP * result.state.reach / SIDE
    x, y = result.exact[result.state.chosen, 2:].tolist()
    limits = (-half, -half, result.state.reach, result.state.reach)
    return Handle(
        "corner", "all", torch.tensor([x - half, y - half, x + half, y + half]), st.ANCHOR, "corner", limits, resizable=False
    )  # fmt: skip


# ------------------------------------------------------------------------------------------------------- the selected one


def _corner(result: Result) -> Panel:
    index, rounded = result.state.chosen, result.state.rounded
    exact, made = result.exact[[index]], result.made[[index]]
    (x, y), (column, row) = exact[0, 2:].tolist(), made[0, 2:].tolist()
    layers: list[Layer] = [
        Grid(6, 6, (column - 3, row - 3, column + 3, row + 3), st.FAINT, 1, 1.0),
        Boxes(result.boxes[[index]], st.ANCHOR, 3, fill=0.2, halo=False),
    ]
    if rounded:
        layers.append(Boxes(exact, st.INK, 1.6, dashed=True, halo=False))
        if math.hypot(column - x, row - y) > 0.3:  # else there is no room for an arrow
            layers.append(Lines(segments([x, column], [y, row]), st.INK, 1.6, arrow=True))
    ticks = [[int(middle) + k for k in (-2, -1, 0, 1, 2)] for middle in (column, row)]
    texts = [list(map(plain, some)) for some in ticks]
    return Panel(
        "corner", (478, 30, 136, 136), (column - MAGNIFIED, row - MAGNIFIED, column + MAGNIFIED, row + MAGNIFIED), layers,
        "The corner in pixels", "dashed: exact, solid: rounded" if rounded else "exact, not rounded", None,
        Axis("w / 2", ticks[0], texts[0], False), Axis("h / 2", ticks[1], texts[1], False),
        alt=f"The lower right corner is at ({x:.2f}, {y:.2f})" + (f", and at ({column:g}, {row:g}) after rounding" if rounded else ""),
    )  # fmt: skip


def _object(result: Result) -> Panel:
    story, scale, index = result.story, result.enlarged, result.state.chosen
    box, ground_truth, fit = result.boxes[[index]], result.ground_truth[None], float(result.fit[index])
    height, width = story.resized.shape[1:]
    x, y = (scale * (story.box[:2] + story.box[2:]) / 2).tolist()
    picture = replace(photo(story.resized, dim=0.25), extent=(-x, -y, width * scale - x, height * scale - y))
    reach = stepped(1.1 * float(torch.cat((box, ground_truth)).abs().max()), 32 * scale)
    layers: list[Layer] = [
        picture,
        Boxes(ground_truth, st.GROUND_TRUTH, 2.4, dashed=True, group="ground_truth"),
        Boxes(box, st.ANCHOR, 3.2, group="anchor", ids=torch.tensor([index]), values=_told(result, index)),
    ]
    return Panel(
        "object", (650, 30, 136, 136), (-reach, -reach, reach, reach), layers, "Over our object",
        f"IoU {fit:.2f}, best of 15: {float(result.fit.max()):.2f}\ndashed: ground truth", st.FAINT,
        alt=f"The anchor, centred on our object, has an IoU of {fit:.2f} with it",
    )  # fmt: skip


# ----------------------------------------------------------------------------------------------------------- all, as bars


def _errors(result: Result) -> Panel:
    low, high = (1.1 * max(0.5, float((sign * result.cost).max())) for sign in (-1, 1))
    ticks = _ticks(-low, high, 4)
    top = high + 0.3 * (low + high)  # room for a number
    layers: list[Layer] = []
    if not result.state.rounded:
        layers.append(Boxes(_bars(result.cost, _places()), st.MUTED, 0, fill=0.25))
    layers += _colored(result, result.error, (-low, high, top), signed(result.error[result.state.chosen]))
    layers.append(Lines(segments([0, ENDS], [0, 0]), st.MUTED, 1))
    worst = signed(result.error[result.error.abs().argmax()])
    errors = "all are 0" if worst == "0 %" else f"the largest is {worst}"
    return Panel(
        "errors", (478, 248, 308, 84), (0, top, ENDS, -low), layers,
        "Error of the area due to rounding" if result.state.rounded else "No error without rounding (pale: with it)",
        y_axis=Axis("", ticks, [f"{plain(tick)} %" for tick in ticks]),
        alt=f"Bars show the errors of the fifteen anchors' areas; {errors}",
    )  # fmt: skip


def _fits(result: Result) -> Panel:
    need = result.foreground
    layers = _colored(result, result.fit, (0, 1, 1.35), f"{float(result.fit[result.state.chosen]):.2f}")
    layers.append(Lines(segments([0, ENDS], [need, need]), st.FOREGROUND, 1.4, True))
    middles = _places().view(len(SIZES), len(RATIOS))[:, 1].tolist()
    return Panel(
        "fits", (478, 362, 308, 62), (0, 1.35, ENDS, 0), layers, f"IoU with our object (dashed: {need:g})",
        "ratios h / w on each level: " + ", ".join(f"{ratio:g}" for ratio in result.state.ratios),
        x_axis=Axis("", middles, NAMES, False), y_axis=Axis("", (0, need, 1), ("0", f"{need:g}", "1")),
        alt=f"Bars show the IoU of each of the fifteen anchors with our object; the best is {float(result.fit.max()):.2f}",
    )  # fmt: skip


def _colored(result: Result, values: Tensor, heights: tuple[float, float, float], told: str) -> list[Layer]:
    """A bar for each anchor in its level's colour, the whole column to be clicked, and the number of the selected one.

    Args:
        heights: the lower and upper ends of the columns, and the top of the number.
    """
    low, high, top = heights
    xs, index = _places(), result.state.chosen
    bars = _bars(values, xs)
    layers: list[Layer] = [Boxes(bars[_of(level)], st.LEVELS[name], 0, fill=1) for level, name in enumerate(NAMES)]
    columns = torch.stack((xs - 0.48, xs.new_full(xs.shape, high), xs + 0.48, xs.new_full(xs.shape, low)), dim=1)
    x = min(max(float(xs[index]), 1.9), ENDS - 1.9)
    return [
        Boxes(columns[[index]], st.ANCHOR, 0, fill=0.25),
        *layers,
        Boxes(bars[[index]], st.ANCHOR, 2.6, halo=True),
        Boxes(columns, st.ANCHOR, 0, fill=1, alpha=0, group="anchor", values=_told(result)),
        Words(torch.tensor([[x, top - 0.02 * (top - low)]]), [told], x="center", y="top", bold=True, chip=st.PAPER),
    ]


def _places() -> Tensor:
    """The middle of each bar, (15,), with gaps between levels."""
    index = torch.arange(len(RATIOS) * len(SIZES))
    return 0.5 + index + 0.6 * (index // len(RATIOS))


def _bars(values: Tensor, xs: Tensor) -> Tensor:
    """From 0 to each value, (15, 4)."""
    return torch.stack((xs - 0.38, values.clamp(min=0), xs + 0.38, values.clamp(max=0)), dim=1)


# ------------------------------------------------------------------------------------------------------------------ small


def _of(level: int) -> slice:
    return slice(len(RATIOS) * level, len(RATIOS) * (level + 1))


def _told(result: Result, index: int | None = None) -> dict[str, Tensor]:
    """The values that hovering shows, of all anchors or of one."""
    some = slice(None) if index is None else slice(index, index + 1)
    return {"s": result.sizes[some], "r": result.ratios[some], "error %": result.error[some], "IoU": result.fit[some]}


def _ticks(low: float, high: float, most: int) -> list[float]:
    """Round numbers from low to high, at most `most`."""
    steps = (n * 10.0**power for power in range(-1, 4) for n in (1, 2, 5))
    step = next(step for step in steps if int(high / step) + int(-low / step) + 1 <= most)
    return [k * step for k in range(-int(-low / step), int(high / step) + 1)]
