"""What each stage knows of the one object that the course follows: a line for each notebook, out of the real tensors."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from ..ops import box_area, box_iou
from ..viz import style as st
from . import LESSONS
from .story import followed, story


def logbook(until: int) -> str:
    """The followed object's lines from notebook 01 to notebook `until` (1–13): what one hands on to the next.

    Raises:
        ValueError: there is no such notebook.
    """
    lessons = [lesson for lesson in LESSONS[: until + 1] if lesson in LINES]
    if not 1 <= until <= len(LINES):
        raise ValueError(f"the logbook has lines for notebooks 1 to {len(LINES)}, got {until}")
    return "\n".join(f"{LESSONS.index(lesson):02d} {LINES[lesson]()}" for lesson in lessons)


def _rpn() -> Any:
    return story().model.rpn


def _pool() -> Any:
    return story().model.roi_heads.box_roi_pool


def _size(box: Tensor, digits: int = 0) -> str:
    width, height = (box[2:] - box[:2]).tolist()
    return f"{width:.{digits}f}×{height:.{digits}f}"


def _numbers(values: Tensor, digits: int = 2) -> str:
    return "(" + ", ".join(f"{value:.{digits}f}" for value in values.tolist()) + ")"


def _transform() -> str:
    given = story().target["boxes"][story().object]
    return f"transform     {_size(given)} pixels as given, {_size(story().box)} as the network sees it"


def _backbone() -> str:
    x, y = ((story().box[:2] + story().box[2:]) / 2).tolist()
    cells = []
    for key, features in story().trace.bottom_up.items():
        stride = story().trace.batch.tensors.shape[-1] // features.shape[-1]
        cells.append(f"({int(y) // stride}, {int(x) // stride}) of C{2 + int(key)}")
    return f"backbone      its middle lies in cell {', '.join(cells)}"


def _fpn() -> str:
    spans = [f"{_size(story().box / 2 ** (2 + int(key)), 1)} cells of P{2 + int(key)}" for key in "0123"]
    return f"fpn           it spans {', '.join(spans)}"


def _base_anchors() -> str:
    level, shape = followed().level, followed().shape
    generator = _rpn().anchor_generator
    base, size = generator.cell_anchors[level][shape], generator.sizes[level][0]
    ratio = generator.aspect_ratios[level][shape]
    return f"base anchors  size {size}, ratio {ratio:g} fits best: {_size(base)} pixels"


def best_anchor() -> Tensor:
    """The anchor that overlaps the followed object most, (4,)."""
    return torch.cat(story().trace.anchors)[followed().anchor]


def _stride_grid() -> str:
    iou = float(box_iou(story().box[None], best_anchor()[None]))
    place = f"cell ({followed().row}, {followed().column}) of P{2 + followed().level}"
    return f"stride grid   the best of {sum(map(len, story().trace.anchors))} anchors stands on {place}, IoU {iou:.2f}"


def _rpn_head() -> str:
    logits = story().trace.objectness[followed().level]
    logit = float(logits[0, followed().shape, followed().row, followed().column])
    return f"rpn head      this anchor's objectness: logit {logit:.1f}"


def predicted_deltas() -> Tensor:
    """What the RPN head predicts for the best anchor, (4,)."""
    deltas = story().trace.deltas[followed().level].unflatten(1, (-1, 4))  # (1, A, 4, H, W)
    return deltas[0, followed().shape, :, followed().row, followed().column]


def target_deltas() -> Tensor:
    """What would move the best anchor exactly onto the object, (4,)."""
    return _rpn().box_coder.encode_single(story().box[None], best_anchor()[None])[0]


def _box_coding() -> str:
    return f"box coding    its deltas: wanted {_numbers(target_deltas())}, predicted {_numbers(predicted_deltas())}"


def _iou_labeling() -> str:
    anchors = torch.cat(story().trace.anchors)
    labels, boxes = _rpn().assign_targets_to_anchors([anchors], [dict(boxes=story().boxes)])
    ours = (labels[0] == 1) & (boxes[0] == story().box).all(dim=1)
    return f"iou labeling  anchors labelled with it: {int(ours.sum())} of {len(anchors)}"


def _proposals() -> str:
    proposal = story().trace.proposals[followed().proposal]
    iou = float(box_iou(story().box[None], proposal[None]))
    return f"proposals     number {followed().proposal + 1} of {len(story().trace.proposals)} fits best: IoU {iou:.2f}"


def _level_mapper() -> str:
    side = float(box_area(story().trace.proposals[followed().proposal][None]).sqrt())
    level = int(story().trace.levels[followed().proposal])
    return f"level mapper  side {side:.0f} against {_pool().canonical_scale}: it is read from P{2 + level}"


def _roi_align() -> str:
    level = int(story().trace.levels[followed().proposal])
    bins = story().trace.proposals[followed().proposal] * _pool().scales[level] / 7
    shape = "×".join(map(str, story().trace.pooled[followed().proposal].shape))
    return f"roi align     {shape} features, a bin is {_size(bins, 1)} cells of {st.LEVEL_NAMES[str(level)]}"


def _box_head() -> str:
    found = story().trace.resized_detections
    box, label, score = (found[name][followed().detection] for name in ("boxes", "labels", "scores"))
    iou = float(box_iou(story().box[None], box[None]))
    return f"box head      {story().classes[label]} {float(score):.2f}, IoU {iou:.2f}"


def _losses() -> str:
    label = story().target["labels"][story().object]
    surprise = F.cross_entropy(story().trace.class_logits[followed().proposal], label)
    off = F.smooth_l1_loss(predicted_deltas(), target_deltas(), beta=1 / 9, reduction="sum")
    return f"losses        its proposal's class costs {float(surprise):.3f}, its anchor's deltas {float(off):.3f}"


#: What writes the line of each lesson that has one.
LINES = {
    "transform": _transform,
    "backbone": _backbone,
    "fpn": _fpn,
    "base_anchors": _base_anchors,
    "stride_grid": _stride_grid,
    "rpn_head": _rpn_head,
    "box_coding": _box_coding,
    "iou_labeling": _iou_labeling,
    "proposals": _proposals,
    "level_mapper": _level_mapper,
    "roi_align": _roi_align,
    "box_head": _box_head,
    "losses": _losses,
}
