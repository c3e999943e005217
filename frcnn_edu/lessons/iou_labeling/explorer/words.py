"""Which anchor learns which object: the formula with its numbers, and the reason in words."""

import torch
from torch import Tensor

from frcnn_edu.lessons.board.formula import Frac, Line, Piece, Table, Term
from frcnn_edu.viz import style as st

from .result import BACKGROUND, FOREGROUND, IGNORED, Result

KINDS = {
    FOREGROUND: ("foreground", st.FOREGROUND),
    IGNORED: ("ignored", st.IGNORED),
    BACKGROUND: ("background", st.BACKGROUND),
}


def formula(result: Result) -> list[Line]:
    """The selected anchor's IoU, what the rules make of it, and the counts."""
    _, shared, union = result.overlap()
    intersection, both = Term(f"{shared:.1f}", "intersection", st.INK), Term(f"{union:.1f}", "union", st.INK)
    iou = Term(result.written(3), f"anchor:{result.anchor}", st.ANCHOR)
    names = Frac([Term("intersection", "intersection", st.INK)], [Term("union", "union", st.INK)])
    return [["IoU = ", names, " = ", Frac([intersection], [both]), " = ", iou], _judged(result), _counts(result)]


def _judged(result: Result) -> list[Piece]:
    """The thresholds' verdict, and what the low-quality rule makes of it."""
    state, index = result.state, result.anchor
    iou = Term(result.written(3), f"anchor:{index}", st.ANCHOR)
    low, high = f"{state.background:.2f}", f"{state.foreground:.2f}"
    label = int(result.by_threshold[index])
    said: dict[int, list[Piece]] = {
        FOREGROUND: [iou, f" ≥ {high}"], IGNORED: [f"{low} ≤ ", iou, f" < {high}"], BACKGROUND: [iou, f" < {low}"],
    }  # fmt: skip
    pieces: list[Piece] = [*said[label], " → ", Term(KINDS[label][0], None, KINDS[label][1])]
    if int(result.labels[index]) != label:
        pieces += [", but an object’s best anchor → ", Term("foreground", None, st.FOREGROUND)]
    return pieces


def _counts(result: Result) -> Table:
    rows: list[list[Line]] = [
        ["anchors", *(Term(name, None, color) for name, color in KINDS.values())],
        ["by the thresholds", *(str(int((result.by_threshold == label).sum())) for label in KINDS)],
    ]
    if result.state.low_quality:
        rows.append(["with low-quality matches", *(str(result.count(label)) for label in KINDS)])
    if result.state.sampled:
        rows.append([f"sample no. {result.state.seed}", str(len(result.positives)), "–", str(len(result.negatives))])
    return Table(rows)


def reason(result: Result) -> str:
    """Why the selected anchor has its label, what it means for the chosen object, and whether it was sampled."""
    between = (
        "Between equal thresholds nothing is ignored." if result.state.background == result.state.foreground else ""
    )
    return " ".join(filter(None, (_why(result), between, _learners(result), _sampled(result))))


def _why(result: Result) -> str:
    state, index = result.state, result.anchor
    iou, label = result.written(2), int(result.by_threshold[index])
    own = result.names[int(result.best_object[index])]
    touches = bool(result.best[index] > 0)
    overlaps = f"it overlaps {own} by {iou}" if touches else "it meets no object"
    if label == FOREGROUND:
        return f"Foreground: {overlaps}, and {state.foreground:.2f} is enough."
    if result.labels[index] == FOREGROUND:
        return _restored(result, own, iou)
    if label == IGNORED:
        return (
            f"Ignored: {overlaps}, too little for foreground ({state.foreground:.2f}), "
            f"too much for background ({state.background:.2f})."
        )
    return f"Background: {overlaps}, less than {state.background:.2f}." if touches else f"Background: {overlaps}."


def _restored(result: Result, own: str, iou: str) -> str:
    """Of an anchor that is foreground only because an object asks for it."""
    column = result.ious[:, result.anchor]  # (M,)
    asking = torch.where(column == result.ious.amax(dim=1))[0].tolist()
    if int(result.best_object[result.anchor]) in asking:
        return (
            f"Its best object is {own}, IoU {iou}: below {result.state.foreground:.2f}. "
            f"But no anchor overlaps {own} more, so the low-quality rule makes it foreground."
        )
    asks = result.names[asking[0]]
    return (
        f"No anchor overlaps {asks} more ({_two(column[asking[0]], column.max())}), so the low-quality rule makes it "
        f"foreground. But it learns {own}, which it overlaps more ({iou})."
    )


def _two(iou: Tensor, more: Tensor) -> str:
    """An IoU with enough digits, at least two, that it does not look like one that is more."""
    digits = next((d for d in range(2, 7) if round(float(iou), d) < round(float(more), d)), 7)
    return f"{float(iou):.{digits}f}"


def _learners(result: Result) -> str:
    """How many anchors learn the chosen object, and how many objects nobody learns."""
    name, total = result.names[result.state.object], len(result.names)
    learners = result.matched[result.matched >= 0].bincount(minlength=total)  # (M,)
    number, without = int(learners[result.state.object]), int((learners == 0).sum())
    if number == 0:
        return f"No anchor learns {name}: {without} of {total} objects {'go' if without > 1 else 'goes'} without."
    words = f"{name[0].upper()}{name[1:]} is learnt by {number} anchor{'s' if number > 1 else ''}"
    return words + (f", {without} of {total} objects by none." if without else ".")


def _sampled(result: Result) -> str:
    if not result.state.sampled:
        return ""
    if result.labels[result.anchor] == IGNORED:
        return "Ignored anchors are never sampled."
    taken = bool((torch.cat((result.positives, result.negatives)) == result.anchor).any())
    return "The sample has this anchor." if taken else "The sample does not have this anchor."
