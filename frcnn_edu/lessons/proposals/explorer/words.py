"""From anchors to proposals: in words and numbers."""

from torch import Tensor

from frcnn_edu.lessons.board.formula import Line, Piece, Term, apart
from frcnn_edu.lessons.story import Story
from frcnn_edu.ops import box_area
from frcnn_edu.viz import style as st

from ..pictures.main import LEVELS
from .result import AFTER_NMS, BEFORE_NMS, Champion, Result

MOST_NAMED = 6  # at most this many of the other boxes that a box removes are named


def formula(result: Result) -> list[Line]:
    """The IoU of the present suppression, and the other boxes that the kept box removes."""
    now, threshold = result.now, f"{result.state.threshold:.2f}"
    if now is None:
        return [[f"a box is removed if its IoU with a kept box of higher probability is > {threshold}"]]
    pair = result.nms.boxes[[now.kept, now.dropped]]
    shared = float((pair[:, 2:].amin(dim=0) - pair[:, :2].amax(dim=0)).clamp(min=0).prod())
    union = float(box_area(pair).sum()) - shared
    kept, dropped = _named(now.kept, st.PROPOSAL), _named(now.dropped, st.IGNORED)
    value = f"{shared:.1f} / {union:.1f} = {apart(now.iou, result.state.threshold, 3)} > {threshold}"
    lines: list[Line] = [["IoU(", kept, ", ", dropped, f") = {value}, so ", dropped, " is removed"]]
    if result.others:
        named: list[Piece] = [kept, " also removes: "]
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
    return Term(f"box {rank}", f"box:{rank}", color)


def words(result: Result, of: Story) -> str:
    """Why the present suppression happens, and what happens to the box that fits the object best."""
    if not len(result.steps[BEFORE_NMS].boxes):
        return (
            f"No box is left: none is at least {result.state.smallest} pixels wide and high. Choose a smaller minimum."
        )
    name = of.classes[int(of.target["labels"][of.object])]
    return f"{_suppression(result)} {_fate(result.champion, result, name)}"


def _suppression(result: Result) -> str:
    level, now, number = LEVELS[result.state.level], result.now, len(result.nms.boxes)
    if now:
        better, worse = result.nms.probabilities[now.kept], result.nms.probabilities[now.dropped]
        return f"On {level}, {differing(better, worse)}, because NMS compares probabilities and not how well boxes fit."
    if result.nms.suppressions:
        return f"On {level}, {number} boxes enter NMS, in descending order of probability."
    if not number:
        return f"On {level}, no box is left for NMS."
    if number == 1:
        return f"On {level}, there is only one box, so it is kept."
    return f"On {level}, no two of the {number} boxes have an IoU above {result.state.threshold:.2f}, so all are kept."


def _fate(one: Champion, result: Result, name: str) -> str:
    level, number = LEVELS[one.level], len(result.steps[-1].boxes)
    rank = f"{place_of(one.rank)} by probability"
    who = f"The box that fits our {name} best, with an IoU of {one.fit:.2f}, is {rank} among the {one.among} anchors of {level}"
    if one.lost is None:
        return f"{who}; it becomes {'the only proposal' if number == 1 else f'proposal {one.place} of {number}'}."
    left = f"the best proposal has an IoU of {result.best[-1]:.2f}" if number else "no proposal is left"
    return f"{who}{_loss(one, result)}; {left}."


def _loss(one: Champion, result: Result) -> str:
    """The step that removes the best fit."""
    if one.dropper:
        kept, dropped = one.dropper.kept, one.dropper.dropped
        iou = apart(one.dropper.iou, result.state.threshold)
        return f". NMS removes it (box {dropped}) because box {kept} has a higher probability and overlaps it with an IoU of {iou}, although box {kept} has an IoU of only {one.dropper_fit:.2f} with the object"
    if one.lost == 1:
        return f" and not among {_best(result.state.pre)} that {'is' if result.state.pre == 1 else 'are'} kept"
    if one.lost == AFTER_NMS + 1:
        return (
            f" and {place_of(one.place)} among the boxes that NMS keeps, so it is not among {_best(result.state.post)}"
        )
    return (
        "; it is removed because it is too small"
        if one.lost == 3
        else "; it is removed because its probability is too low"
    )


def place_of(rank: int) -> str:
    """“first” for rank 0, “32nd” for rank 31."""
    number = rank + 1
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th") if number % 100 not in (11, 12, 13) else "th"
    return "first" if rank == 0 else f"{number}{ending}"


def _best(number: int) -> str:
    return "the best one" if number == 1 else f"the best {number}"


def differing(better: Tensor, worse: Tensor) -> str:
    """Two probabilities with enough digits to differ; small ones as powers of ten."""
    first, second = float(better), float(worse)
    if first == second:
        return "of two equal probabilities, the first beats the second"
    digits = next((n for n in range(3, 8) if f"{first:.{n}f}" != f"{second:.{n}f}"), None)
    if digits is None and first >= 0.001:
        return "the higher probability beats one that is hardly lower"
    return " beats ".join(scientific(value) if value < 0.001 else f"{value:.{digits}f}" for value in (first, second))


def scientific(value: float) -> str:
    """“2.1·10⁻⁷” for 2.1e-07."""
    if not value:
        return "0"
    digits, power = f"{value:.1e}".split("e")
    return f"{digits}·10" + str(int(power)).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
