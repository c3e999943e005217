"""The figures of lesson 14: what the model is trained on."""

from collections.abc import Callable

from matplotlib.figure import Figure
from matplotlib.patches import Patch

from frcnn_edu.data import ShapesDetection
from frcnn_edu.viz import style as st
from frcnn_edu.viz.draw import draw_detections, legend_on_top, panels, ratio


def shapes_examples(count: int = 12) -> Figure:
    """The first training images of the embedded data set with their boxes."""
    data = ShapesDetection("train")
    items = [data[index] for index in range(count)]
    with st.style():
        figure, axes = panels([ratio(image) for image, _ in items], columns=4, head=0.34)
        for ax, (image, target) in zip(axes, items, strict=True):
            draw_detections(image, target["boxes"], target["labels"], classes=data.classes, ax=ax)
        names = [Patch(color=st.class_color(i), label=name) for i, name in enumerate(data.classes) if i > 0]
        legend_on_top(figure, list(names))
    return figure


FIGURES: dict[str, Callable[[], Figure]] = {"shapes_examples": shapes_examples}
