"""The figures of lesson 14: the training images, what a model finds at several moments of its training, and precision over recall."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from torch import Tensor

from frcnn_edu.data import ShapesDetection
from frcnn_edu.viz import style as st
from frcnn_edu.viz.draw import (
    WIDTH,
    draw_boxes,
    draw_ground_truth,
    draw_labels,
    legend_on_top,
    panels,
    ratio,
    show_image,
)


def shapes_examples(count: int = 12) -> Figure:
    """The first training images of the built-in data set, with their boxes."""
    data = ShapesDetection("train")
    items = [data[index] for index in range(count)]
    with st.style():
        figure, axes = panels([ratio(image) for image, _ in items], columns=4, head=0.34)
        for ax, (image, target) in zip(axes, items, strict=True):
            show_image(ax, image)  # no labels are needed, because the legend names the classes
            draw_boxes(ax, target["boxes"], [st.class_color(int(label)) for label in target["labels"]])
        names = [Patch(color=st.class_color(i), label=name) for i, name in enumerate(data.classes) if i > 0]
        legend_on_top(figure, list(names))
    return figure


def draw_moments(
    image: Tensor,
    target: Mapping[str, Any],
    moments: Mapping[str, Mapping[str, Tensor]],
    classes: Sequence[str],
    *,
    most: int = 7,
    columns: int = 2,
) -> Figure:
    """Draw what a model found in one image at several moments: boxes in the colours of their classes, labelled with their scores.

    Args:
        target: the ground truth; its "boxes" are drawn dashed.
        moments: for the name of each moment, the detections in the image.
        most: the number of detections that are drawn, the most confident ones first.
    """
    with st.style():
        figure, axes = panels([ratio(image)] * len(moments), columns=columns, head=0.34, caption=0.24)
        for ax, (name, found) in zip(axes, moments.items(), strict=True):
            kept = found["scores"].argsort(descending=True)[:most].tolist()
            boxes, colors = found["boxes"][kept], [st.class_color(int(found["labels"][i])) for i in kept]
            show_image(ax, image)
            draw_boxes(ax, boxes, colors, linewidth=1.8)
            draw_ground_truth(ax, target["boxes"])
            draw_labels(ax, boxes, [f"{float(found['scores'][i]):.2f}" for i in kept], colors, fontsize=7.4)
            ax.text(0, -0.025, name, transform=ax.transAxes, va="top", fontsize=8.5, fontweight="bold")
        handles: list[Any] = [Patch(color=st.class_color(i), label=name) for i, name in enumerate(classes) if i > 0]
        handles.append(Line2D([], [], color=st.GROUND_TRUTH, linestyle=(0, st.DASHES), label="ground truth"))
        legend_on_top(figure, handles)
    return figure


def draw_precision_recall(right: Sequence[bool], objects: int) -> Figure:
    """Draw precision over recall for a list of detections, and the staircase whose area is their average precision.

    Args:
        right: for each detection, the most confident first, whether it is right.
        objects: the number of objects that could be found.
    """
    hits = [sum(right[: i + 1]) for i in range(len(right))]
    points = [(hit / objects, hit / (i + 1)) for i, hit in enumerate(hits)]  # recall, precision
    recalls = [i / 100 for i in range(101)]
    best = [max((p for r, p in points if r >= recall), default=0.0) for recall in recalls]
    with st.style():
        figure = Figure(figsize=(WIDTH, 2.7))
        ax = figure.add_axes((0.08, 0.19, 0.55, 0.68))
        ax.fill_between(recalls, best, step="pre", color=st.FOREGROUND, alpha=0.15, linewidth=0)
        ax.step(recalls, best, where="pre", color=st.FOREGROUND, linewidth=2)
        ax.plot(*zip(*points), "o", color=st.DETECTION, markersize=5)
        for number, (recall, precision) in enumerate(points):
            ax.annotate(f"{number}", (recall, precision), (6, 3), textcoords="offset points", fontsize=8)
        ax.set(xlim=(0, 1.02), ylim=(0, 1.1), xlabel="recall", ylabel="precision", title="Average precision is an area")
        text = (
            "Dots: precision and recall after\ndetections 0, 1, 2 …\n\n"
            "Line: the highest precision at\nthat recall or a higher one\n\n"
            f"Shaded area: AP = {sum(best) / 101:.2f}"
        )
        figure.text(0.68, 0.84, text, fontsize=9, va="top", linespacing=1.4)
    return figure


def draw_rates(rates: Sequence[float], pauses: tuple[int, int]) -> Figure:
    """Draw the learning rate over the steps of a run. The steps before the first pause and after the second one are shaded."""
    with st.style():
        figure = Figure(figsize=(WIDTH, 2.3))
        ax = figure.add_axes((0.1, 0.21, 0.86, 0.64))
        ax.plot(rates, color=st.FOREGROUND, linewidth=2)
        for begin, end in ((0, pauses[0]), (pauses[1], len(rates))):
            ax.axvspan(begin, end, color=st.FAINT, alpha=0.6, linewidth=0)
        ax.set(xlim=(0, len(rates)), ylim=(0, None), xlabel="step", title="Learning rate")
    return figure


FIGURES: dict[str, Callable[[], Figure]] = {"shapes_examples": shapes_examples}
