"""Some images of a data set with the boxes and class names that were read: a wrong format is seen at a glance."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from torch import Tensor

from ..data.names import readable
from ..data.splits import spread
from . import style as st
from .draw import draw_boxes, draw_labels, legend_on_top, line_width, panels, ratio, show_image

CROWDED = 12  # objects per image; more are drawn with thin lines, and a legend instead of labels
MOST_IN_LEGEND = 6
LONGEST_NAME = 24


def chosen_images(data: Any, count: int) -> list[int]:
    """Indices of images to look at: spread over the data, with the one that has the most objects among them."""
    chosen = spread(len(data), count)
    records = getattr(data, "records", None)
    if records is not None:
        fullest = max(range(len(records)), key=lambda i: len(records[i].boxes))
        if fullest not in chosen:
            chosen[len(chosen) // 2] = fullest
    return chosen


def draw_annotations(
    images: Sequence[Tensor], targets: Sequence[Mapping[str, Any]], captions: Sequence[str], classes: Sequence[str]
) -> Figure:
    """A sheet of images with their annotations.

    Args:
        images: at least one, float (3, H, W) in 0–1.
        targets: with `boxes` (N, 4) and `labels` (N,); objects with `iscrowd` 1 are drawn dashed.
        captions: a line for each image.
        classes: class names; index 0 is the background.
    """
    with st.style():
        legend: dict[int, None] = {}
        head = 0.34 if any(_is_crowded(target) for target in targets) else 0.0
        figure, axes = panels([ratio(image) for image in images], columns=3, caption=0.22, head=head)
        for ax, image, target, caption in zip(axes, images, targets, captions, strict=True):
            show_image(ax, image)
            _draw_objects(ax, target, classes, legend)
            ax.text(0, -0.02, caption, transform=ax.transAxes, va="top", fontsize=7.3, color=st.MUTED, parse_math=False)
        names = [Patch(color=st.class_color(label), label=_name(classes, label)) for label in legend]
        if len(names) > MOST_IN_LEGEND:
            names = [*names[:MOST_IN_LEGEND], Patch(alpha=0, label=f"… {len(names) - MOST_IN_LEGEND} more")]
        if names:
            legend_on_top(figure, names)
    return figure


def _draw_objects(ax: Axes, target: Mapping[str, Any], classes: Sequence[str], legend: dict[int, None]) -> None:
    labels = target["labels"].tolist()
    crowded = _is_crowded(target)
    width = line_width(ax) * (0.7 if crowded else 1.0)
    # The largest first, so that the smaller ones lie on top.
    boxes = target["boxes"]
    order = ((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])).argsort(descending=True).tolist()
    ignored = target["iscrowd"] if "iscrowd" in target else torch.zeros(len(labels))
    for i in order:
        dashes = st.DASHES if ignored[i] else None
        draw_boxes(ax, boxes[i][None], st.class_color(labels[i]), linewidth=width, dashes=dashes, halo=not crowded)
    if crowded:
        legend |= dict.fromkeys(labels)
    else:
        draw_labels(ax, boxes, [_name(classes, label) for label in labels], [st.class_color(label) for label in labels])


def _is_crowded(target: Mapping[str, Any]) -> bool:
    return len(target["labels"]) > CROWDED


def _name(classes: Sequence[str], label: int) -> str:
    return readable(classes[label], LONGEST_NAME)
