"""Which detections are right: the panels."""

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

from frcnn_edu.lessons.board.scene import (
    Axis,
    Boxes,
    Layer,
    Lines,
    Panel,
    Points,
    Scene,
    Words,
    fit,
    photo,
    segments,
    window,
)
from frcnn_edu.lessons.story import Story
from frcnn_edu.viz import style as st
from frcnn_edu.viz.labels import place_labels

from .result import EVERY_CLASS, STRIDE, Fate, Result, counted
from .seen import LEAST, resized
from .words import formula, words

MOST_LABELS = 16  # of the detections with the highest scores; more labels would hide the image
TICKS = (0.01, 0.1, 0.5, 0.9, 0.99, 0.999)


def draw(result: Result, of: Story) -> Scene:
    """The image, the curve, and all detections by score."""
    panels = [_picture(result, of), _curve(result), _strip(result)]
    return Scene(462, panels, formula(result, of), [words(result, of)])


# ------------------------------------------------------------------------------------------------------------- the image


def _picture(result: Result, of: Story) -> Panel:
    found, picture = result.found, resized(result.seen, of)
    height, width = picture.shape[1:]
    ours = counted(found.labels, result.state.label)
    passing = ours & (found.scores > result.state.score)
    right = found.matched >= 0
    reached = set(found.matched[passing & right].tolist())
    missed = [
        k for k, ok in enumerate(counted(result.seen.labels, result.state.label).tolist()) if ok and k not in reached
    ]
    layers: list[Layer] = [photo(picture, dim=0.35)]
    layers += _outlines(result, ours & ~passing, 1.0, alpha=0.45)
    layers.append(Boxes(result.seen.boxes[missed], st.GROUND_TRUTH, 2.4, True))
    layers += _outlines(result, passing & right, 2.2)
    layers += _outlines(result, passing & ~right, 2.2, dashed=True)
    layers += _selected(result)
    layers += _labels(result, of, passing, missed, (width, height))
    # Of a very long image a part around the selected detection.
    view = window((height, width), (0, 0, 0, 0) if result.selected is None else result.selected.box)
    place = fit(view, 10, 30, 440)
    return Panel(
        "picture", place, view, layers, "Click a detection or use the arrow keys",
        "solid: correct · dashed, ✗: wrong · green, dashed: missed\nthin: below the threshold · yellow: selected (dashed: no detection)", st.FAINT, keys=True,
        alt=f"An image with {int((passing & right).sum())} correct and {int((passing & ~right).sum())} wrong detections, and {len(missed)} missed objects",
    )  # fmt: skip


def _selected(result: Result) -> list[Layer]:
    """The selected candidate."""
    if result.selected is None:
        return []
    box, lost = result.selected.box[None], result.selected.fate not in (Fate.RIGHT, Fate.TAKEN, Fate.ELSEWHERE)
    layers: list[Layer] = [Boxes(box, st.INK, 6, halo=False), Boxes(box, st.FOCUS, 3.2, lost, halo=False)]
    return layers


def _outlines(result: Result, which: Tensor, width: float, dashed: bool = False, alpha: float = 1.0) -> list[Layer]:
    """Boxes in the colours of their classes: a layer each."""
    found = result.found
    layers: list[Layer] = []
    for label in found.labels[which].unique().tolist():
        own = torch.where(which & (found.labels == label))[0]
        told = {"score": found.scores[own], "IoU": found.fits[own]}
        look: dict[str, Any] = {"dashed": dashed, "alpha": alpha, "halo": alpha == 1, "values": told}
        layers.append(
            Boxes(found.boxes[own], st.class_color(label), width, group="detection", ids=ids_of(result)[own], **look)
        )
    return layers


def ids_of(result: Result) -> Tensor:
    """The ids of the shown image's detections among those of all images, (N,)."""
    return result.state.picture * STRIDE + result.found.kept


def _labels(result: Result, of: Story, passing: Tensor, missed: list[int], size: tuple[int, int]) -> list[Layer]:
    """A label at each box that has room for one."""
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
    """Precision over recall; dashed beyond the operating point."""
    at, layers = result.passing, []
    points = torch.stack((result.recall, result.precision), dim=1).float()
    points = torch.cat((torch.tensor([[0.0, 1.0 if not len(points) else float(points[0, 1])]]), points))
    if at:
        layers.append(Lines(points[None, : at + 1], st.DETECTION, 2.6))
    if at < len(points) - 1:
        layers.append(Lines(points[None, at:], st.DETECTION, 1.5, dashed=True))
    x, y = points[at].tolist()
    which = f"{result.pictures} of {result.pictures + result.coming} images" if result.coming else "all images"
    kind = "AP, all classes as one" if result.state.label == EVERY_CLASS else "AP"
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
        Words(torch.tensor([[0.03, 0.08]]), [f"{kind}: {result.average:.3f}"], size=11, chip=st.PAPER),
    ]
    ticks = (0, 0.25, 0.5, 0.75, 1)
    return Panel(
        "curve", (528, 30, 262, 190), (0, 1.04, 1.04, 0), mine, f"Precision over recall, {which}",
        x_axis=Axis("recall", ticks, ("0", ".25", ".5", ".75", "1")), y_axis=Axis("precision", ticks, ("0", ".25", ".5", ".75", "1")),
        alt=f"The curve of precision over recall with the operating point: recall {x:.2f}, precision {y:.2f}",
    )  # fmt: skip


def logit(score: float) -> float:
    """The logit of a score, so that scores near 0 and 1 can be told apart."""
    score = min(max(score, LEAST), 0.9999)
    return math.log(score / (1 - score))


def _strip(result: Result) -> Panel:
    """All detections by score: correct ones above, wrong ones below; those of the shown image are large. Each can be clicked."""
    left, right = logit(LEAST) - 0.3, logit(0.9999) + 0.3
    x = result.scores.clamp(LEAST, 0.9999).logit()
    spread = (torch.arange(len(x)) * 0.618) % 1  # so that they do not hide each other
    here = result.ids // STRIDE == result.state.picture
    layers: list[Layer] = []
    for ours, right_ones in ((False, True), (False, False), (True, True), (True, False)):
        which = (here == ours) & (result.right == right_ones)
        y = (0.0 if right_ones else 1.0) + (torch.full_like(x, 0.5) if ours else 0.1 + 0.8 * spread)
        color, shape = (st.FOREGROUND, "dot") if right_ones else (st.BACKGROUND, "cross")
        radius = 5.0 if ours else 2.2 if right_ones else 3.0
        points, told = torch.stack((x, y), dim=1)[which], {"score": result.scores[which]}
        look: dict[str, Any] = {"alpha": 1.0 if ours else 0.5, "halo": ours, "values": told}
        layers.append(Points(points, color, radius, shape, group="detection", ids=result.ids[which], **look))
        chosen = result.ids[which] == result.state.picture * STRIDE + result.state.chosen
        layers.append(Points(points[chosen], st.FOCUS, 8, "ring"))
    at = logit(result.state.score)
    layers.append(Lines(segments([at, at], [0, 2]), st.INK, 2))
    return Panel(
        "strip", (528, 314, 262, 74), (left, 0, right, 2), layers, "All detections by score",
        "large: in this image · line: score threshold\nclick one to see it in its image", x_axis=Axis("", [logit(t) for t in TICKS], [f"{t:g}".lstrip("0") for t in TICKS], False),
        y_axis=Axis("", (0.5, 1.5), ("correct", "wrong"), False),
        alt=f"{int(result.right.sum())} correct and {int((~result.right).sum())} wrong detections by score",
    )  # fmt: skip
