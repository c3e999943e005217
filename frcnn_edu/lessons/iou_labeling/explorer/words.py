"""Which anchor is trained on which object: the formula with its numbers, and the reason in words."""

import torch
from torch import Tensor

from frcnn_edu.lessons.board.formula import Frac, Line, Piece, Table, Term
from frcnn_edu.lessons.board.names import closed
from frcnn_edu.viz import style as st

from .result import BACKGROUND, FOREGROUND, IGNORED, Result

KINDS = {
    FOREGROUND: ("positive", st.FOREGROUND),
    IGNORED: ("ignored", st.IGNORED),
    BACKGROUND: ("negative", st.BACKGROUND),
}


def formula(result: Result) -> list[Line]:
    """The selected anchor's IoU, its label by the rules, and the counts."""
    _, shared, union = result.overlap()
    intersection, both = Term(f"{shared:.1f}", "intersection", st.INK), Term(f"{union:.1f}", "union", st.INK)
    iou = Term(result.written(3), f"anchor:{result.anchor}", st.ANCHOR)
    names = Frac([Term("intersection", "intersection", st.INK)], [Term("union", "union", st.INK)])
    return [["IoU = ", names, " = ", Frac([intersection], [both]), " = ", iou], _judged(result), _counts(result)]


def _judged(result: Result) -> list[Piece]:
    """The label by the thresholds, and whether the low-quality rule changes it."""
    state, index = result.state, result.anchor
    iou = Term(result.written(3), f"anchor:{index}", st.ANCHOR)
    low, high = f"{state.background:.2f}", f"{state.foreground:.2f}"
    label = int(result.by_threshold[index])
    said: dict[int, list[Piece]] = {
        FOREGROUND: [iou, f" ≥ {high}"], IGNORED: [f"{low} ≤ ", iou, f" < {high}"], BACKGROUND: [iou, f" < {low}"],
    }  # fmt: skip
    pieces: list[Piece] = [*said[label], " → ", Term(KINDS[label][0], None, KINDS[label][1])]
    if int(result.labels[index]) != label:
        pieces += [", but it is an object’s best anchor → ", Term("positive", None, st.FOREGROUND)]
    return pieces


def _counts(result: Result) -> Table:
    rows: list[list[Line]] = [
        ["anchors", *(Term(name, None, color) for name, color in KINDS.values())],
        ["by the thresholds", *(str(int((result.by_threshold == label).sum())) for label in KINDS)],
    ]
    if result.state.low_quality:
        rows.append(["with low-quality matches", *(str(result.count(label)) for label in KINDS)])
    if result.state.sampled:
        rows.append([f"sample, seed {result.state.seed}", str(len(result.positives)), "–", str(len(result.negatives))])
    return Table(rows)


def reason(result: Result) -> str:
    """Why the selected anchor has its label, how many anchors the chosen object has, and whether this one was sampled."""
    between = (
        "The thresholds are equal, so no anchor is ignored."
        if result.state.background == result.state.foreground
        else ""
    )
    return " ".join(filter(None, (_why(result), between, _learners(result), _sampled(result))))


def _why(result: Result) -> str:
    state, index = result.state, result.anchor
    iou, label = result.written(2), int(result.by_threshold[index])
    own = result.names[int(result.best_object[index])]
    touches = bool(result.best[index] > 0)
    overlaps = f"its IoU with {closed(own)} is {iou}" if touches else "it overlaps no object"
    if label == FOREGROUND:
        return f"Positive: {overlaps}, which is at least {state.foreground:.2f}."
    if result.labels[index] == FOREGROUND:
        return _restored(result, own, iou)
    if label == IGNORED:
        return (
            f"Ignored: {overlaps}, too small to be positive ({state.foreground:.2f}) "
            f"and too large to be negative ({state.background:.2f})."
        )
    return f"Negative: {overlaps}, which is less than {state.background:.2f}." if touches else f"Negative: {overlaps}."


def _restored(result: Result, own: str, iou: str) -> str:
    """The reason for an anchor that is positive only by the low-quality rule."""
    column = result.ious[:, result.anchor]  # (M,)
    asking = torch.where(column == result.ious.amax(dim=1))[0].tolist()
    if int(result.best_object[result.anchor]) in asking:
        return (
            f"Its best object is {closed(own)} with an IoU of {iou}, below {result.state.foreground:.2f}. "
            f"But no anchor has a larger IoU with {own}, so the low-quality rule makes it positive."
        )
    other = result.names[asking[0]]
    return (
        f"No anchor has a larger IoU with {closed(other)} than this one ({_two(column[asking[0]], column.max())}), so the "
        f"low-quality rule makes it positive. But it is trained on {closed(own)} because its IoU with that object is larger ({iou})."
    )


def _two(iou: Tensor, more: Tensor) -> str:
    """An IoU with at least two digits, and with more if it would look as large as a larger one."""
    digits = next((d for d in range(2, 7) if round(float(iou), d) < round(float(more), d)), 7)
    return f"{float(iou):.{digits}f}"


def _learners(result: Result) -> str:
    """The number of anchors that are trained on the chosen object, and of objects that no anchor is trained on."""
    name, total = result.names[result.state.object], len(result.names)
    learners = result.matched[result.matched >= 0].bincount(minlength=total)  # (M,)
    number, without = int(learners[result.state.object]), int((learners == 0).sum())
    if number == 0:
        return f"No anchor is trained on {name}; {without} of the {total} objects {'have' if without > 1 else 'has'} no anchor."
    words = f"{'One anchor is' if number == 1 else f'{number} anchors are'} trained on {name}"
    return words + (
        f"; {without} of the {total} objects {'have' if without > 1 else 'has'} no anchor." if without else "."
    )


def _sampled(result: Result) -> str:
    if not result.state.sampled:
        return ""
    if result.labels[result.anchor] == IGNORED:
        return "Ignored anchors are never sampled."
    taken = bool((torch.cat((result.positives, result.negatives)) == result.anchor).any())
    return "The sample contains this anchor." if taken else "The sample does not contain this anchor."
