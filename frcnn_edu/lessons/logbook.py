"""What each stage computes for the object that the course follows: one line per notebook, from the real tensors."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from ..ops import box_area, box_iou
from ..viz import style as st
from ..viz.trace import moved_anchors
from . import LESSONS
from .story import AnchorPlace, followed, story


def logbook(until: int, lines: int = 2) -> str:
    """The last `lines` lines of the followed object's logbook, which has one for each of notebooks 01 to 13.

    Args:
        until: the notebook of the last line, 1–13; 13 with `lines=13` is the whole logbook.

    Raises:
        ValueError: there is no such notebook.
    """
    if not 1 <= until <= len(LINES):
        raise ValueError(f"the logbook has lines for notebooks 1 to {len(LINES)}, got {until}")
    lessons = [lesson for lesson in LESSONS[: until + 1] if lesson in LINES]
    return "\n".join(_line(lesson) for lesson in lessons[-lines:])


def _line(lesson: str) -> str:
    """The number of a lesson's notebook, its title, and what it adds."""
    title, text = LINES[lesson]
    return f"{LESSONS.index(lesson):02d} {title:<{WIDTH}}  {text()}"


def _rpn() -> Any:
    return story().model.rpn


def _pool() -> Any:
    return story().model.roi_heads.box_roi_pool


def _size(box: Tensor, digits: int = 0) -> str:
    """Height × width, as in a tensor's shape."""
    width, height = (box[2:] - box[:2]).tolist()
    return f"{height:.{digits}f}×{width:.{digits}f}"


def _numbers(values: Tensor, digits: int = 2) -> str:
    return "(" + ", ".join(f"{value:.{digits}f}" for value in values.tolist()) + ")"


def _transform() -> str:
    given = story().target["boxes"][story().object]
    return f"{_size(given)} pixels as given, {_size(story().box)} as the network sees it"


def _backbone() -> str:
    x, y = ((story().box[:2] + story().box[2:]) / 2).tolist()
    cells = []
    for key, features in story().trace.bottom_up.items():
        stride = story().trace.batch.tensors.shape[-1] // features.shape[-1]
        cells.append(f"({int(y) // stride}, {int(x) // stride}) of C{2 + int(key)}")
    return f"its centre is in cell {', '.join(cells)}"


def _fpn() -> str:
    spans = [f"{_size(story().box / 2 ** (2 + int(key)), 1)} cells of P{2 + int(key)}" for key in "0123"]
    return f"it spans {', '.join(spans)}"


def _base_anchors() -> str:
    generator = _rpn().anchor_generator
    shapes = [generator.cell_anchors[place.level][place.shape] for place in (followed(), followed().winner)]
    return f"best fit {_size(shapes[0])} pixels; winner {_size(shapes[1])}"


def best_anchor() -> Tensor:
    """The anchor that overlaps the followed object most, (4,)."""
    return torch.cat(story().trace.anchors)[followed().anchor]


def winning_anchor() -> Tensor:
    """The anchor that the followed object's detection comes from, (4,)."""
    return torch.cat(story().trace.anchors)[followed().winner.anchor]


def _overlap(box: Tensor) -> float:
    return float(box_iou(story().box[None], box[None]))


def _stride_grid() -> str:
    def described(name: str, place: AnchorPlace, box: Tensor) -> str:
        cell = f"cell ({place.row}, {place.column}) of P{2 + place.level}"
        return f"{name} {place.anchor}, {cell}, IoU {_overlap(box):.2f}"

    best = described("best fit: anchor", followed(), best_anchor())
    return f"{best}; {described('winner:', followed().winner, winning_anchor())}"


def _logit(place: AnchorPlace) -> float:
    return float(story().trace.objectness[place.level][0, place.shape, place.row, place.column])


def _rpn_head() -> str:
    return f"logits: best fit {_logit(followed()):.1f}, winner {_logit(followed().winner):.1f}"


def predicted_deltas() -> Tensor:
    """What the RPN head predicts for the best-fitting anchor, (4,)."""
    deltas = story().trace.deltas[followed().level].unflatten(1, (-1, 4))  # (1, A, 4, H, W)
    return deltas[0, followed().shape, :, followed().row, followed().column]


def target_deltas() -> Tensor:
    """The deltas that would move the best-fitting anchor exactly onto the object, (4,)."""
    return _rpn().box_coder.encode_single(story().box[None], best_anchor()[None])[0]


def _box_coding() -> str:
    targets, predicted = _numbers(target_deltas()), _numbers(predicted_deltas())
    return f"best fit's deltas: target {targets}, predicted {predicted}"


def _iou_labeling() -> str:
    labels, _ = _rpn().assign_targets_to_anchors([torch.cat(story().trace.anchors)], [dict(boxes=story().boxes)])
    best, winner = (int(labels[0][anchor]) for anchor in (followed().anchor, followed().winner.anchor))
    return f"label of the best fit: {best}, of the winner: {winner}"


def _proposals() -> str:
    number, proposals = followed().proposal, story().trace.proposals
    best = int((moved_anchors(story().trace, story().model)[followed().anchor] - proposals).abs().amax(1).argmin())
    return (
        f"best fit → proposal {best}, IoU {_overlap(proposals[best]):.2f}; "
        f"winner → proposal {number}, IoU {_overlap(proposals[number]):.2f}"
    )


def _level_mapper() -> str:
    number = followed().proposal
    side = float(box_area(story().trace.proposals[number][None]).sqrt())
    level = int(story().trace.levels[number])
    return f"proposal {number}: side {side:.0f}, canonical scale {_pool().canonical_scale}: read from P{2 + level}"


def _roi_align() -> str:
    level = int(story().trace.levels[followed().proposal])
    bins = story().trace.proposals[followed().proposal] * _pool().scales[level] / 7
    shape = "×".join(map(str, story().trace.pooled[followed().proposal].shape))
    return f"{shape} features; a bin is {_size(bins, 1)} cells of {st.LEVEL_NAMES[str(level)]}"


def _box_head() -> str:
    found, number = story().trace.resized_detections, followed().detection
    label, score = found["labels"][number], float(found["scores"][number])
    return f"detection {number}: {story().classes[label]} {score:.3f}, IoU {_overlap(found['boxes'][number]):.2f}"


def _losses() -> str:
    label = story().target["labels"][story().object]
    surprise = F.cross_entropy(story().trace.class_logits[followed().proposal], label)
    off = F.smooth_l1_loss(predicted_deltas(), target_deltas(), beta=1 / 9, reduction="sum")
    return f"winner's class loss {float(surprise):.4f}; best fit's box loss {float(off):.3f}"


#: The title of each notebook that has a line in the logbook, up to a colon, and the function that writes this line.
LINES = {
    "transform": ("Transform", _transform),
    "backbone": ("Backbone", _backbone),
    "fpn": ("Feature pyramid", _fpn),
    "base_anchors": ("Base anchors", _base_anchors),
    "stride_grid": ("Stride grid", _stride_grid),
    "rpn_head": ("RPN head", _rpn_head),
    "box_coding": ("Box coding", _box_coding),
    "iou_labeling": ("IoU labelling", _iou_labeling),
    "proposals": ("Proposals", _proposals),
    "level_mapper": ("Level mapper", _level_mapper),
    "roi_align": ("RoIAlign", _roi_align),
    "box_head": ("Box head", _box_head),
    "losses": ("Four losses", _losses),
}
WIDTH = max(len(title) for title, _ in LINES.values())
