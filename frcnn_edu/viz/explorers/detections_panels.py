"""Which detections are right: the pictures."""

import math

import numpy as np
import torch
from torch import Tensor

from .. import style as st
from ..draw import place_labels
from ..stages import shown
from ..story import Story
from .detections_result import EVERY_CLASS, LEAST, Result
from .formula import Line, Term
from .scene import Axis, Boxes, Layer, Lines, Panel, Points, Scene, Words, fit, photo, segments

MOST_LABELS = 16  # of the surest detections; with more of them nothing of the picture would be left
TICKS = (0.01, 0.1, 0.5, 0.9, 0.99, 0.999)


def draw(result: Result, of: Story) -> Scene:
    """The picture, the curve, and all detections by score."""
    return Scene(
        462, [_picture(result, of), _curve(result), _strip(result)], _formula(result, of), [_words(result, of)]
    )


def counted(result: Result, labels: Tensor) -> Tensor:
    """Which of the labels belong to the chosen class, or to any."""
    return (
        torch.ones_like(labels, dtype=torch.bool) if result.state.label == EVERY_CLASS else labels == result.state.label
    )


# ------------------------------------------------------------------------------------------------------------- the picture


def _picture(result: Result, of: Story) -> Panel:
    batch, found = result.seen.trace.batch, result.found
    height, width = batch.image_sizes[0]
    ours = counted(result, found.labels)
    passing = ours & (found.scores > result.state.score)
    right = found.matched >= 0
    reached = set(found.matched[passing & right].tolist())
    missed = [k for k, ok in enumerate(counted(result, result.seen.labels).tolist()) if ok and k not in reached]
    layers: list[Layer] = [photo(shown(batch)[:, :height, :width], dim=0.35)]
    layers += _outlines(result, ours & ~passing, 1.0, alpha=0.45)
    layers.append(Boxes(result.seen.boxes[missed], st.GROUND_TRUTH, 2.4, True))
    layers += _outlines(result, passing & right, 2.2)
    layers += _outlines(result, passing & ~right, 2.2, dashed=True)
    chosen = found.boxes[[result.state.chosen]] if len(found.boxes) else found.boxes
    layers += [Boxes(chosen, st.INK, 6, halo=False), Boxes(chosen, st.FOCUS, 3.2, halo=False)]
    layers += _labels(result, of, passing, missed, (width, height))
    place = fit((height, width), 10, 30, 440)
    return Panel(
        "picture", place, (0, 0, width, height), layers, "Click a detection, or walk with the arrow keys",
        "solid: right · dashed, ✗: wrong · green, dashed: missed · thin: below the threshold", st.FAINT, keys=True,
        alt=f"A picture with {int((passing & right).sum())} right and {int((passing & ~right).sum())} wrong detections, and {len(missed)} missed objects",
    )  # fmt: skip


def _outlines(result: Result, which: Tensor, width: float, dashed: bool = False, alpha: float = 1.0) -> list[Layer]:
    """Boxes in the colours of their classes: a layer each."""
    layers: list[Layer] = []
    for label in result.found.labels[which].unique().tolist():
        ids = torch.where(which & (result.found.labels == label))[0]
        told = {"score": result.found.scores[ids], "IoU": result.found.fits[ids]}
        layers.append(
            Boxes(
                result.found.boxes[ids],
                st.class_color(label),
                width,
                dashed,
                alpha=alpha,
                halo=alpha == 1,
                group="detection",
                ids=ids,
                values=told,
            )
        )
    return layers


def _labels(result: Result, of: Story, passing: Tensor, missed: list[int], size: tuple[int, int]) -> list[Layer]:
    """One word at each box, where there is room for it."""
    found, unit = result.found, size[0] / 440  # data units of a unit of the page
    ids = torch.where(passing)[0].tolist()[:MOST_LABELS]
    texts = [
        f"{of.classes[int(found.labels[i])]} {float(found.scores[i]):.2f}" + ("" if found.matched[i] >= 0 else " ✗")
        for i in ids
    ]
    colors = [st.class_color(int(found.labels[i])) for i in ids]
    boxes = torch.cat((found.boxes[ids], result.seen.boxes[missed])).numpy()
    texts += ["missed"] * len(missed)
    colors += [st.GROUND_TRUTH] * len(missed)
    if not texts:
        return []
    wide = np.array([[6.4 * len(text) + 8, 15.0] for text in texts]) * unit
    layers: list[Layer] = []
    for spot, text, color, (_, high) in zip(place_labels(boxes, wide, size), texts, colors, wide, strict=True):
        if spot is not None:
            at = torch.tensor([[spot[0] + 4 * unit, spot[1] + high / 2]])
            layers.append(Words(at, [text], size=10.5, chip=color))
    return layers


# ------------------------------------------------------------------------------------------------------- curve and scores


def _curve(result: Result) -> Panel:
    """Precision over recall; beyond the working point dashed."""
    at, layers = result.passing, []
    points = torch.stack((result.recall, result.precision), dim=1).float()
    points = torch.cat((torch.tensor([[0.0, 1.0 if not len(points) else float(points[0, 1])]]), points))
    if at:
        layers.append(Lines(points[None, : at + 1], st.DETECTION, 2.6))
    if at < len(points) - 1:
        layers.append(Lines(points[None, at:], st.DETECTION, 1.5, dashed=True))
    x, y = points[at].tolist()
    mine: list[Layer] = [
        *layers,
        Lines(segments([0, x, x], [y, y, 0]), st.MUTED, 1, dashed=True),
        Points(
            points[[at]],
            st.DETECTION,
            6,
            group="work",
            values={"recall": torch.tensor([x]), "precision": torch.tensor([y])},
        ),
        Words(torch.tensor([[0.03, 0.08]]), [f"area under it (AP): {result.average:.3f}"], size=11),
    ]
    ticks = (0, 0.25, 0.5, 0.75, 1)
    return Panel(
        "curve", (528, 30, 262, 190), (0, 1.04, 1.04, 0), mine, "Precision over recall, all pictures",
        x_axis=Axis("recall", ticks, ("0", ".25", ".5", ".75", "1")), y_axis=Axis("precision", ticks, ("0", ".25", ".5", ".75", "1")),
        alt=f"The curve of precision over recall with the working point: recall {x:.2f}, precision {y:.2f}",
    )  # fmt: skip


def logit(score: float) -> float:
    """Scores near 0 and 1 pulled apart."""
    score = min(max(score, LEAST), 0.9999)
    return math.log(score / (1 - score))


def _strip(result: Result) -> Panel:
    """All detections by score: right ones above, wrong ones below; those of this picture can be touched."""
    left, right = logit(LEAST) - 0.3, logit(0.9999) + 0.3
    places = result.scores.clamp(LEAST, 0.9999).logit()
    heights = (torch.arange(len(places)) * 0.618) % 1  # spread, so that they do not cover each other
    layers: list[Layer] = []
    for which, top, color, shape in (
        (result.right, 0.08, st.FOREGROUND, "dot"),
        (~result.right, 1.12, st.BACKGROUND, "cross"),
    ):
        points = torch.stack((places, top + 0.8 * heights), dim=1)[which]
        layers.append(Points(points, color, 2.2 if shape == "dot" else 3, shape, 0.5, False))
    ours = counted(result, result.found.labels)
    for which, y, color, shape in (
        (ours & (result.found.matched >= 0), 0.5, st.FOREGROUND, "dot"), (ours & (result.found.matched < 0), 1.5, st.BACKGROUND, "cross"),
    ):  # fmt: skip
        ids = torch.where(which)[0]
        x = result.found.scores[ids].clamp(LEAST, 0.9999).logit()
        points = torch.stack((x, torch.full_like(x, y)), dim=1)
        layers.append(
            Points(points, color, 5, shape, group="detection", ids=ids, values={"score": result.found.scores[ids]})
        )
        if result.state.chosen in ids.tolist():
            layers.append(Points(points[ids == result.state.chosen], st.FOCUS, 8, "ring"))
    at = logit(result.state.score)
    layers.append(Lines(segments([at, at], [0, 2]), st.INK, 2))
    return Panel(
        "strip", (528, 314, 262, 74), (left, 0, right, 2), layers, "All detections, by score",
        "large: in this picture · line: the threshold", x_axis=Axis("", [logit(t) for t in TICKS], [f"{t:g}".lstrip("0") for t in TICKS], False),
        y_axis=Axis("", (0.5, 1.5), ("right", "wrong"), False),
        alt=f"{int(result.right.sum())} right and {int((~result.right).sum())} wrong detections by score",
    )  # fmt: skip


# -------------------------------------------------------------------------------------------------------------- in words


def _formula(result: Result, of: Story) -> list[Line]:
    right, wrong, missed = result.counts()
    precision = f"{right / (right + wrong):.3f}" if right + wrong else "–"
    recall = f"{right / result.truths:.3f}" if result.truths else "–"
    lines: list[Line] = [
        [
            f"precision = right / (right + wrong) = {right} / ({right} + {wrong}) = ",
            Term(precision, "work", st.DETECTION),
        ],
        [f"recall = right / (right + missed) = {right} / ({right} + {missed}) = ", Term(recall, "work", st.DETECTION)],
    ]
    found, chosen = result.found, result.state.chosen
    if not len(found.boxes):
        return [*lines, "no detection in this picture"]
    name, score, fits = of.classes[int(found.labels[chosen])], float(found.scores[chosen]), float(found.fits[chosen])
    sign = "≥" if fits >= result.state.iou else "<"
    mark = f"detection:{chosen}"
    chosen_line: Line = [
        f"selected: p({name}) = ", Term(f"{score:.3f}", mark, st.class_color(int(found.labels[chosen]))), f" {'>' if score > result.state.score else '≤'} {result.state.score:.2f}",
        f", IoU with a true {name} = ", Term(f"{fits:.2f}", mark, st.GROUND_TRUTH), f" {sign} {result.state.iou:.2f}",
    ]  # fmt: skip
    return [*lines, chosen_line]


def _words(result: Result, of: Story) -> str:
    right, wrong, missed = result.counts()
    kind = "objects" if result.state.label == EVERY_CLASS else f"objects of the class {of.classes[result.state.label]}"
    words = f"In all {result.pictures} pictures: {right} of {result.truths} {kind} found, {missed} missed, {wrong} wrong detection{'' if wrong == 1 else 's'}. "
    found, chosen = result.found, result.state.chosen
    if not len(found.boxes):
        return words
    name = of.classes[int(found.labels[chosen])]
    if found.scores[chosen] <= result.state.score:
        return words + f"The selected {name} is below the threshold: it is not detected."
    if found.matched[chosen] >= 0:
        return words + f"The selected {name} is right."
    if found.fits[chosen] >= result.state.iou:
        return (
            words
            + f"The selected {name} is wrong, though it fits: a better detection has taken its object, and one counts once."
        )
    return words + f"The selected {name} is wrong: no true {name} overlaps it by {result.state.iou:.2f}."
