"""What the whole path says in words and numbers, below its panels."""

from torch import Tensor

from frcnn_edu.lessons.board.formula import Line, Piece, Term
from frcnn_edu.lessons.board.names import class_of, with_article
from frcnn_edu.lessons.stages import LEVEL_KEYS
from frcnn_edu.viz import style as st

from .result import LEAST, Result, Way, read_in, step_of

STEP_COLORS = (st.ANCHOR, st.PROPOSAL, st.DETECTION)  # of an anchor, its decoded box and its final box


def cells(result: Result, box: Tensor, features: Tensor) -> str:
    """The size of a box in cells of a map, height × width."""
    wide, high = ((box[2:] - box[:2]) * features.shape[-1] / result.story.trace.batch.tensors.shape[-1]).tolist()
    return f"{high:.1f}×{wide:.1f}"


def formula(result: Result) -> list[Line]:
    """The IoUs along both ways, and what becomes of the winner's proposal."""
    lines: list[Line] = []
    fits, number = result.fits(), 0
    for name, way in result.ways().items():
        line: list[Piece] = [f"IoU, {name}: "]
        for step in range(len(way.boxes())):
            _, called, iou = fits[number]
            line += [" → " if step else "", f"{called} ", Term(f"{iou:.2f}", f"fit:{number}", STEP_COLORS[step])]
            number += 1
        lines.append(line)
    way = result.winner
    width, height = (way.decoded[2:] - way.decoded[:2]).tolist()
    key = LEVEL_KEYS[way.level]
    spans = cells(result, way.decoded, result.story.trace.pyramid[key])
    lines.append([
        f"proposal {way.proposal}: {height:.1f}×{width:.1f} pixels → ", Term(spans, "stage:6", st.PROPOSAL), f" cells of {st.LEVEL_NAMES[key]} → ",
        Term("×".join(map(str, read_in(result.story, way.proposal or 0).shape)), "stage:6", st.STAGES["roi_align"]), " features → ",
        Term(f"{way.score:.3f}", "stage:7", st.DETECTION), f" for {result.story.classes[way.label]}",
    ])  # fmt: skip
    return lines


def words(result: Result) -> str:
    """Whether the object is found, and from which anchor."""
    found, iou = result.story.trace.resized_detections, result.fits()[-1][2]
    answer, score = (
        result.story.classes[int(found["labels"][result.detection])],
        float(found["scores"][result.detection]),
    )
    if not result.true:
        said = f"No ground-truth box has an IoU of at least {LEAST} with detection {result.detection}, but the network sees {with_article(answer)} there, with a score of {score:.2f}. "
    else:
        said = _found(result, answer, score, iou)
    return said + _two_anchors(result)


def _found(result: Result, answer: str, score: float, iou: float) -> str:
    name, found = class_of(result.story, result.state.object), f"Detection {result.detection}"
    if iou < LEAST:
        return f"This {name} is missed: the nearest detection has an IoU of only {iou:.2f} with it. "
    if answer != name:
        return (
            f"{found} fits this {name} best (IoU {iou:.2f}), but its label is {answer}, with a score of {score:.2f}. "
        )
    if score < LEAST:
        return f"{found} fits this {name} best (IoU {iou:.2f}), but its score is only {score:.2f}. "
    return f"This {name} is found: {found.lower()} has a score of {score:.3f} and an IoU of {iou:.2f}. "


def _two_anchors(result: Result) -> str:
    """Whether the detection comes from the best-fitting anchor, and if not, what happens to that anchor."""
    name = st.LEVEL_NAMES[LEVEL_KEYS[result.winner.place.level]]
    if result.same:
        return f"It comes from the best fit, an anchor on {name}."
    best = result.best
    said = f"It comes from an anchor on {name}, not from the best fit, which is on {st.LEVEL_NAMES[LEVEL_KEYS[best.place.level]]}. "
    if best.place.level == result.winner.place.level:
        said = f"It comes from another anchor on {name} than the best fit. "
    return said + _lost(result, best)


def _lost(result: Result, best: Way) -> str:
    if best.proposal is None:
        return "The RPN does not keep the box that is decoded from the best fit."
    if best.detection is not None:
        return f"The best fit becomes {step_of(best, 2)}."
    if best.label == result.winner.label and best.score < result.winner.score:
        lower, higher = f"{best.score:.3f}", f"{result.winner.score:.3f}"
        if lower == higher:
            lower, higher = f"{best.score:.4f}", f"{result.winner.score:.4f}"
        return f"The best fit becomes proposal {best.proposal}, but the last NMS keeps the box with the higher score ({higher} against {lower})."
    return f"The best fit becomes proposal {best.proposal}, but its final box is not among the detections."
