"""Which detections are correct: in words and numbers."""

from frcnn_edu.lessons.board.formula import Line, Piece, Term, apart
from frcnn_edu.lessons.board.names import with_article
from frcnn_edu.lessons.story import Story
from frcnn_edu.viz import style as st

from .result import EVERY_CLASS, STRIDE, Fate, Result, Selected


def formula(result: Result, of: Story) -> list[Line]:
    """Precision and recall over all images, and the selected candidate against the thresholds."""
    right, wrong, missed = result.counts()
    precision = f"{right / (right + wrong):.3f}" if right + wrong else "–"
    recall = f"{right / result.objects:.3f}" if result.objects else "–"
    lines: list[Line] = [
        [f"precision = correct / (correct + wrong) = {right} / ({right} + {wrong}) = ", Term(precision, "work", st.DETECTION)],
        [f"recall = correct / (correct + missed) = {right} / ({right} + {missed}) = ", Term(recall, "work", st.DETECTION)],
    ]  # fmt: skip
    if result.selected is None:
        return [*lines, "the network detects nothing in this image"]
    return [*lines, _selected(result, result.selected, of)]


def _selected(result: Result, one: Selected, of: Story) -> list[Piece]:
    name, state = of.classes[one.label], result.state
    mark = f"detection:{state.picture * STRIDE + state.chosen}"
    line: list[Piece] = [
        f"selected: p({name}) = ",
        Term(apart(one.score, state.score, 3), mark, st.class_color(one.label)),
    ]
    line.append(f" {'≤' if one.score <= state.score else '>'} {state.score:.2f}")
    if one.fate is Fate.DROPPED:
        return [
            *line,
            f", IoU with a higher-scoring {name} = ",
            Term(apart(one.dropper, state.nms), mark, st.DETECTION),
            f" > {state.nms:.2f}",
        ]
    fit = Term(apart(one.fit, state.iou), mark, st.GROUND_TRUTH)
    return [
        *line,
        f", IoU with a ground-truth {name} = ",
        fit,
        f" {'≥' if one.fit >= state.iou else '<'} {state.iou:.2f}",
    ]


def words(result: Result, of: Story) -> str:
    """The counts over all known images, and what happened to the selected candidate."""
    right, wrong, missed = result.counts()
    kind = "objects" if result.state.label == EVERY_CLASS else f"objects of the class {of.classes[result.state.label]}"
    where = "In this image" if result.pictures == 1 else f"In all {result.pictures} images"
    if result.coming:
        where = f"In {result.pictures} of {result.pictures + result.coming} images so far"
    said = f"{where}, {right} of {result.objects} {kind} are found and {missed} missed; {wrong} detection{' is' if wrong == 1 else 's are'} wrong."
    return said if result.selected is None else f"{said} {_fate(result, result.selected, of)}"


def _fate(result: Result, one: Selected, of: Story) -> str:
    state, name = result.state, of.classes[one.label]
    match one.fate:
        case Fate.UNCOUNTED:
            return f"The selected {name} is not of the chosen class."
        case Fate.BELOW:
            return f"The score of the selected {name} is not above the threshold, so it is not a detection."
        case Fate.DROPPED:
            return f"NMS removes the selected {name} because a {name} with a higher score overlaps it with an IoU of {apart(one.dropper, state.nms)}, more than {state.nms:.2f}."
        case Fate.BEYOND:
            return f"The selected {name} {f'is not among the {state.most} with the highest scores' if state.most > 1 else 'does not have the highest score'}, so it is not a detection."
        case Fate.RIGHT:
            return f"The selected {name} is correct: no higher-scoring detection has claimed its object."
        case Fate.TAKEN:
            return f"The selected {name} fits but is wrong: a higher-scoring detection has claimed its object, and each object counts once."
        case Fate.ELSEWHERE:
            other = (
                f" It is on {with_article(of.classes[one.other])}, with an IoU of {one.other_fit:.2f}."
                if one.other_fit >= state.iou
                else ""
            )
            return f"The selected {name} is wrong: no ground-truth {name} has an IoU of at least {state.iou:.2f} with it.{other}"
