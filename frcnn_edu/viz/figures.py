"""Every figure of the project by name, and how all of them become files."""

from collections.abc import Callable
from pathlib import Path

import torch
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from ..data import ShapesDetection
from ..ops import box_iou
from . import speed, work
from . import style as st
from .course import (
    backbone,
    base_anchors,
    box_coding,
    box_head,
    fpn,
    iou_labeling,
    level_mapper,
    losses,
    proposals,
    roi_align,
    rpn_head,
    stride_grid,
    transform,
    your_own_data,
)
from .draw import draw_detections, legend_on_top, panels, ratio
from .explore import EXPLORERS
from .output import save_figure
from .overview import draw_class_structure, draw_whole_network
from .story import story
from .winograd_picture import plot_winograd


def whole_network() -> Figure:
    """The course's picture on its way through the shipped model."""
    return draw_whole_network(story().trace, story().classes)


def class_structure() -> Figure:
    """What inherits from what, and what each part is made of."""
    return draw_class_structure(story().model)


def shapes_examples(count: int = 12) -> Figure:
    """The first training pictures of the embedded data set with their boxes."""
    data = ShapesDetection("train")
    items = [data[index] for index in range(count)]
    with st.style():
        figure, axes = panels([ratio(image) for image, _ in items], columns=4, head=0.34)
        for ax, (image, target) in zip(axes, items, strict=True):
            draw_detections(image, target["boxes"], target["labels"], classes=data.classes, ax=ax)
        names = [Patch(color=st.class_color(i), label=name) for i, name in enumerate(data.classes) if i > 0]
        legend_on_top(figure, list(names))
    return figure


def what_is_spared() -> Figure:
    """What the full model has less of than the textbook."""
    layers = work.convolutions_of_full_model()
    return speed.plot_savings(layers, work.savings_of_full_model(layers))


def roi_align_bin() -> Figure:
    """One bin of the course's object, as it is pooled from P2, beside one of a large box."""
    _, targets = story().model.transform([story().image], [story().target])
    fit = box_iou(targets[0]["boxes"][[story().object]], story().trace.proposals)[0]
    proposal = story().trace.proposals[fit.argmax()] / 4  # cells of P2
    large = torch.tensor([3.2, 2.3, 31.2, 31.0])
    return speed.plot_bin([("our cross on P2", proposal, 2, 3), ("a box of 28 cells", large, 3, 3)])


def winograd() -> Figure:
    """Sixteen outputs of a 3×3 convolution with 36 multiplications."""
    patch = torch.randint(0, 10, (6, 6), generator=torch.Generator().manual_seed(1))
    return plot_winograd(patch, torch.tensor([[1, 2, 1], [3, -1, 2], [1, 1, -2]]))


def first_view(name: str) -> Callable[[], Figure]:
    """How an explorer begins, on paper."""
    return lambda: EXPLORERS[name]().picture()


COLORS = 256  # of a file: a third of the bytes, and hardly to be seen
COURSE = (
    *(transform, backbone, fpn, base_anchors, stride_grid, rpn_head, box_coding, iou_labeling, proposals),
    *(level_mapper, roi_align, box_head, losses, your_own_data),
)
FIGURES: dict[str, Callable[[], Figure]] = {
    "whole_network": whole_network,
    "class_structure": class_structure,
    "shapes_examples": shapes_examples,
    "what_is_spared": what_is_spared,
    "roi_align_bin": roi_align_bin,
    "winograd": winograd,
    **{name: draw for notebook in COURSE for name, draw in notebook.FIGURES.items()},
    **{f"explore_{name}": first_view(name) for name in EXPLORERS},
}


def draw_all(folder: str | Path) -> list[Path]:
    """Draw every figure into `folder` as NAME.png, replacing those that are there, and return the paths."""
    return [save_figure(draw(), Path(folder) / f"{name}.png", colors=COLORS) for name, draw in FIGURES.items()]
