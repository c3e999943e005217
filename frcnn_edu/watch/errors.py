"""Figures of a model's errors: how many of each kind, and on which images."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from torch import Tensor

from ..training.errors import BACKGROUND, BOTH, CLASS, DUPLICATE, LOCALISATION, RIGHT, Fates, Tally
from ..viz import style as st
from ..viz.draw import WIDTH, draw_boxes, draw_labels, legend_on_top, line_width, panels, ratio, show_image

MISSED = "missed"
MEANS = {
    RIGHT: "the class is right, and the IoU with an object that no better detection has found is 0.5 or more",
    DUPLICATE: "the same, but a detection with a better score has already found the object",
    LOCALISATION: "the class is right, the box is not: its IoU is between 0.1 and 0.5",
    CLASS: "the box fits an object of a different class",
    BOTH: "near an object of a different class: its IoU is between 0.1 and 0.5",
    BACKGROUND: "nothing is there: the IoU with every object is below 0.1",
    MISSED: "an object that no right detection has found",
}
COLORS = {
    RIGHT: st.FOREGROUND,
    DUPLICATE: st.ANCHOR,
    LOCALISATION: st.PROPOSAL,
    CLASS: st.BACKGROUND,
    BOTH: "#882255",
    BACKGROUND: st.MUTED,
    MISSED: st.GROUND_TRUTH,
}
MOST_CLASSES = 20  # bars in a chart that can still be read


def plot_errors(counts: Tally, classes: Sequence[str]) -> Figure:
    """For each class two bars: its objects, found or missed, and its detections, right or wrong in which way.

    If there are more than 20 classes, those with the most objects are shown.
    """
    order = sorted(range(1, len(classes)), key=lambda label: -counts.objects[label])[:MOST_CLASSES]
    with st.style():
        figure = Figure(figsize=(WIDTH, 0.95 + 0.42 * len(order)))
        tall = figure.get_figheight()
        axes = figure.subplots(1, 2, gridspec_kw={
            "left": 0.17, "right": 0.97, "bottom": 0.42 / tall, "top": 1 - 0.62 / tall, "wspace": 0.08,
        })  # fmt: skip
        found = [[counts.objects[label] - counts.missed[label] for label in order]]
        parts: list[dict[str, Sequence[int]]] = [
            {RIGHT: found[0], MISSED: [counts.missed[label] for label in order]},
            {kind: [of_class[label] for label in order] for kind, of_class in counts.kinds.items()},
        ]
        for ax, part, title in zip(axes, parts, ("objects", "detections"), strict=True):
            starts = [0] * len(order)
            for kind, values in part.items():
                ax.barh(range(len(order)), values, left=starts, color=COLORS[kind], height=0.7)
                starts = [start + value for start, value in zip(starts, values, strict=True)]
            ax.set(xlim=(0, max([*starts, 1]) * 1.02), ylim=(len(order) - 0.4, -0.6), title=title)
            ax.locator_params(axis="x", nbins=5, integer=True)
            ax.grid(axis="y", visible=False)
        names = [name if len(name) <= 16 else f"{name[:15]}…" for name in (classes[label] for label in order)]
        axes[0].set_yticks(range(len(order)), names)
        axes[1].set_yticks([])
        legend_on_top(figure, [Patch(color=color, label=kind) for kind, color in COLORS.items()])
    return figure


def error_sheet(
    images: Sequence[Tensor],
    detections: Sequence[Mapping[str, Tensor]],
    targets: Sequence[Mapping[str, Any]],
    fates: Sequence[Fates],
    classes: Sequence[str],
    *,
    columns: int = 2,
    names: Sequence[str] | None = None,
) -> Figure:
    """Images with their wrong detections in the colours of their kinds, right ones thin, and missed objects dashed.

    `names` are written below the images; by default "image" and the number in the target.
    """
    names = names or [f"image {target['image_id']}" for target in targets]
    with st.style():
        figure, axes = panels([ratio(image) for image in images], columns=columns, caption=0.2, head=0.34)
        for ax, image, found, target, fate, name in zip(axes, images, detections, targets, fates, names, strict=True):
            show_image(ax, image)
            boxes, labels = found["boxes"][fate.chosen], found["labels"][fate.chosen].tolist()
            wide = line_width(ax)
            for box, kind in reversed(list(zip(boxes, fate.kinds, strict=True))):
                draw_boxes(ax, box[None], COLORS[kind], linewidth=wide * (0.5 if kind == RIGHT else 1))
            lost = target["boxes"][fate.missed]
            draw_boxes(ax, lost, COLORS[MISSED], linewidth=wide, dashes=st.DASHES)
            wrong = [i for i, kind in enumerate(fate.kinds) if kind != RIGHT]
            missed = [classes[label] for label in target["labels"][fate.missed].tolist()]
            texts = [f"{classes[labels[i]]}: {fate.kinds[i]}" for i in wrong] + [f"{each}: {MISSED}" for each in missed]
            colors = [COLORS[fate.kinds[i]] for i in wrong] + [COLORS[MISSED]] * len(lost)
            draw_labels(ax, torch.cat((boxes[wrong], lost)), texts, colors)  # all at once, so that none covers another
            ax.text(0, -0.02, f"{name}: {in_words(fate)}", transform=ax.transAxes, va="top", fontsize=7.3, color=st.MUTED,
                    parse_math=False)  # fmt: skip
        handles: list[Any] = [Patch(color=COLORS[kind], label=kind) for kind in list(COLORS)[:-1]]
        handles.append(Line2D([], [], color=COLORS[MISSED], linestyle=(0, st.DASHES), label=MISSED))
        legend_on_top(figure, handles)
    return figure


def in_words(fate: Fates) -> str:
    """What became of an image's detections and objects, in numbers."""
    right = fate.kinds.count(RIGHT)
    return f"{len(fate.kinds) - right} wrong, {int(fate.missed.sum())} missed, {right} right"
