"""The sieve of the region proposal network: in words and numbers."""

from torch import Tensor

from frcnn_edu.lessons.board.formula import Line, Piece, Term, apart
from frcnn_edu.lessons.story import Story
from frcnn_edu.ops import box_area
from frcnn_edu.viz import style as st

from ..pictures.main import LEVELS
from .result import AFTER_NMS, BEFORE_NMS, Champion, Result

MOST_NAMED = 6  # of the other boxes that a box drops


def formula(result: Result) -> list[Line]:
    """The IoU of the present suppression, and whom else its box drops."""
    now, threshold = result.now, f"{result.state.threshold:.2f}"
    if now is None:
        return [[f"a box is dropped if its IoU with a better one that stays is > {threshold}"]]
    pair = result.nms.boxes[[now.kept, now.dropped]]
    shared = float((pair[:, 2:].amin(dim=0) - pair[:, :2].amax(dim=0)).clamp(min=0).prod())
    union = float(box_area(pair).sum()) - shared
    kept, dropped = _named(now.kept, st.PROPOSAL), _named(now.dropped, st.IGNORED)
    value = f"{shared:.1f} / {union:.1f} = {apart(now.iou, result.state.threshold, 3)} > {threshold}"
    lines: list[Line] = [["IoU(", kept, ", ", dropped, f") = {value}, so ", dropped, " is dropped"]]
    if result.others:
        named: list[Piece] = [kept, " drops besides: "]
        for number, one in enumerate(result.others[:MOST_NAMED]):
            named += [
                ", " if number else "",
                _named(one.dropped, st.IGNORED),
                f" ({apart(one.iou, result.state.threshold)})",
            ]
        if len(result.others) > MOST_NAMED:
            named.append(f" and {len(result.others) - MOST_NAMED} more")
        lines.append(named)
    return lines


def _named(rank: int, color: str) -> Term:
    return Term(f"no. {rank + 1}", f"box:{rank}", color)


def words(result: Result, of: Story) -> str:
    """Why the present suppression happens, and what becomes of the box that fits the object best."""
    if not len(result.steps[BEFORE_NMS].boxes):
        return f"Nothing is left: no box is at least {result.state.smallest} pixels wide and as high. Take a smaller minimum."
    name = of.classes[int(of.target["labels"][of.object])]
    return f"{_suppression(result)} {_fate(result.champion, result, name)}"


def _suppression(result: Result) -> str:
    level, now, number = LEVELS[result.state.level], result.now, len(result.nms.boxes)
    if now:
        better, worse = result.nms.probabilities[now.kept], result.nms.probabilities[now.dropped]
        return f"On {level}, {differing(better, worse)}: which box fits better is not asked."
    if result.nms.suppressions:
        return f"On {level} {number} boxes wait, the most likely first."
    if not number:
        return f"On {level} no box is left to enter NMS."
    if number == 1:
        return f"On {level} there is one box only: it stays."
    return f"On {level} no two of the {number} boxes overlap by more than {result.state.threshold:.2f}: all stay."


def _fate(one: Champion, result: Result, name: str) -> str:
    level, number = LEVELS[one.level], len(result.steps[-1].boxes)
    rank = "the most likely" if one.rank == 1 else f"number {one.rank} by probability"
    who = f"The best fit for our {name}, IoU {one.fit:.2f}, is {rank} of the {one.among} anchors of {level}"
    if one.lost is None:
        return f"{who}; it is {'the only proposal' if number == 1 else f'no. {one.place} of the {number} proposals'} in the end."
    left = f"the best proposal in the end has IoU {result.best[-1]:.2f}" if number else "no proposal is left"
    return f"{who}{_loss(one, result)}; {left}."


def _loss(one: Champion, result: Result) -> str:
    """At which step the best fit is lost."""
    if one.dropper:
        kept, dropped = one.dropper.kept + 1, one.dropper.dropped + 1
        iou = apart(one.dropper.iou, result.state.threshold)
        return f". NMS drops it, as its no. {dropped}, for the surer no. {kept} beside it (IoU {iou}), which fits by {one.dropper_fit:.2f}"
    if one.lost == 1:
        return f", not among {_best(result.state.pre)} that {'goes' if result.state.pre == 1 else 'go'} on"
    if one.lost == AFTER_NMS + 1:
        return f", and no. {one.place} of what NMS leaves on all levels, not among {_best(result.state.post)}"
    return "; it is too small to go on" if one.lost == 3 else "; it is not likely enough to go on"


def _best(number: int) -> str:
    return "the one best" if number == 1 else f"the best {number}"


def differing(better: Tensor, worse: Tensor) -> str:
    """Two probabilities with as many digits as tell them apart; small ones as powers of ten."""
    first, second = float(better), float(worse)
    if first == second:
        return "of two that are as sure the first beats the second"
    digits = next((n for n in range(3, 8) if f"{first:.{n}f}" != f"{second:.{n}f}"), None)
    if digits is None and first >= 0.001:
        return "one that is sure beats one that is a hair less sure"
    return " beats ".join(scientific(value) if value < 0.001 else f"{value:.{digits}f}" for value in (first, second))


def scientific(value: float) -> str:
    """“2.1·10⁻⁷” for 2.1e-07."""
    if not value:
        return "0"
    digits, power = f"{value:.1e}".split("e")
    return f"{digits}·10" + str(int(power)).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
