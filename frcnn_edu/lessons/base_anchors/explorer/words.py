"""The formula and the sentences below the fifteen base anchors, with the numbers of the selected one."""

import torch
from torch import Tensor

from frcnn_edu.lessons.board.formula import Frac, Line, Piece, Root, Term, apart
from frcnn_edu.viz import style as st

from .result import NAMES, RATIOS, Result


def formula(result: Result) -> list[Line]:
    """Width, height, corners, area and IoU."""
    return [*_sides(result), _corners(result), _area(result)]


def _sides(result: Result) -> list[Line]:
    index, rounded = result.state.chosen, result.state.rounded
    size, root = f"{float(result.sizes[index]):g}", Root(f"{ratio(result):g}")
    rules: list[list[Piece]] = [["w = ", Frac("s", "√r"), " = ", Frac(size, root)], [f"h = s · √r = {size} · ", root]]
    lines: list[Line] = []
    for name, rule, half, made in zip(
        "wh", rules, result.exact[index, 2:].tolist(), result.boxes[index, 2:].tolist(), strict=True
    ):
        after = f", its half {cut(half)} → {made:g}, so {name} = " if rounded else f", not rounded: {name} = "
        lines.append([*rule, f" = {cut(2 * half)}{after}", _term(result, cut(2 * made))])
    return lines


def _corners(result: Result) -> Line:
    index = result.state.chosen
    exact, boxes = (", ".join(map(cut, some[index].tolist())) for some in (result.exact, result.boxes))
    line: list[Piece] = [f"corners [{exact}]"]
    return [*line, " → [", _term(result, boxes), "]"] if result.state.rounded else line


def _area(result: Result) -> Line:
    index = result.state.chosen
    sides, true = 2 * result.boxes[index, 2:], 2 * result.ground_truth[2:]
    area, wanted, covered = (float(some.prod()) for some in (sides, result.sizes[[index, index]], true))
    shared = float(torch.minimum(sides, true).prod())
    below: list[Piece] = [f"{area:.0f} + ", Term(f"{covered:.0f}", "ground_truth", st.GROUND_TRUTH), f" − {shared:.0f}"]
    return [
        f"w · h = {cut(area)}, s² = {cut(wanted)}: error ",
        _term(result, signed(result.error[index])),
        ", IoU = ",
        Frac(f"{shared:.0f}", below),
        f" = {float(result.fit[index]):.2f}",
    ]


def _term(result: Result, number: str) -> Term:
    return Term(number, f"anchor:{result.state.chosen}", st.ANCHOR)


def words(result: Result) -> list[str]:
    """What rounding did to the selected anchor, and its IoU with the object."""
    need, fit = result.foreground, float(result.fit[result.state.chosen])
    after = f"less than {need:g}" if fit < need else f"at least {need:g}, enough for the anchor to be positive"
    return [f"{_rounding(result)} The anchor’s IoU with our object is {apart(fit, need)}, which is {after}."]


def _rounding(result: Result) -> str:
    index = result.state.chosen
    exact, made = result.exact[index, 2:], result.made[index, 2:]
    cost, worst = signed(result.cost[index]), int(result.cost.abs().argmax())
    if not result.state.rounded:
        change = "does not change the area" if cost == "0 %" else f"changes the area by {cost}"
        return f"Without rounding, the area of {name(result)} is s² at any ratio. The model’s rounding {change}."
    if exact.equal(made):
        return f"The w and h of {name(result)} are even, so rounding changes nothing."
    moved = int((made - exact).abs().argmax())
    side, half, whole = "wh"[moved], float(exact[moved]), float(made[moved])
    if half % 1 == 0.5:
        why = (
            f"For {name(result)}, {side}/2 = {half:g} is as close to {2 * half - whole:g} as to {whole:g} and is rounded to "
            f"the even number, so {side} is {2 * whole:g}, not {2 * half:g}."
        )
    else:
        why = f"For {name(result)}, {side}/2 = {cut(half)} is rounded to {whole:g}, so {side} is {2 * whole:g}. (After rounding, all sides are even.)"
    if result.cost[index].abs() >= result.cost[worst].abs() - 1e-4:
        return f"{why} The error of its area is {cost}, the largest of the fifteen."
    return f"{why} The error of its area is {cost}; the largest of the fifteen is {signed(result.cost[worst])}, on {NAMES[worst // len(RATIOS)]}."


def ratio(result: Result) -> float:
    """Of the selected anchor."""
    return result.state.ratios[result.state.shape]


def name(result: Result) -> str:
    """The selected anchor, in words."""
    r = ratio(result)
    return f"the {'wide' if r < 1 else 'tall' if r > 1 else 'square'} anchor on {NAMES[result.state.level]}"


def plain(value: float) -> str:
    """With a minus sign instead of a hyphen."""
    return f"{value:g}".replace("-", "−")


def cut(value: float) -> str:
    """With at most two decimals, or with four if two would look like exactly one half."""
    digits = 2 if round(value % 1, 2) != 0.5 or value % 1 == 0.5 else 4
    text = f"{value:.{digits}f}".rstrip("0").rstrip(".")
    return ("0" if text == "-0" else text).replace("-", "−")


def signed(percent: Tensor) -> str:
    """An error in percent."""
    text = f"{float(percent):+.2f} %".replace("-", "−")
    return text if any(digit in text for digit in "123456789") else "0 %"
