"""Figures of notebook 16: a folder of photographs."""

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from PIL import Image
from torch import Tensor
from torch.utils.data import Subset

from frcnn_edu.data import load_image
from frcnn_edu.lessons.your_own_data.coins import CoinPhotographs
from frcnn_edu.model import fasterrcnn_small_fpn
from frcnn_edu.training import Evaluation
from frcnn_edu.training.data_report import describe_data
from frcnn_edu.training.errors import KINDS, RIGHT, Fates
from frcnn_edu.viz import style as st
from frcnn_edu.viz.annotations import chosen_images, draw_annotations
from frcnn_edu.viz.draw import (
    draw_boxes,
    draw_ground_truth,
    draw_labels,
    legend_on_top,
    line_width,
    panels,
    ratio,
    show_image,
)
from frcnn_edu.watch.data_picture import draw_data_report
from frcnn_edu.watch.errors import COLORS, MISSED, in_words


class Part(Subset[tuple[Tensor, dict[str, Any]]]):
    """A part of a data set, with its classes."""

    def __init__(self, data: CoinPhotographs, name: str) -> None:
        super().__init__(data, data.parts[name])
        self.classes = data.classes


@cache
def data_report() -> Figure:
    """Draw what the training photographs of coins contain, as the small model resizes them."""
    report = describe_data({"train": Part(CoinPhotographs(), "train")}, fasterrcnn_small_fpn().eval())
    return draw_data_report(report, "coins")


def plot_boxes(data: Any, count: int = 3) -> Figure:
    """Draw some images from all over a data set that `open_dataset` opened, with the boxes and class names that were read."""
    chosen = chosen_images(data, count)
    images, targets = zip(*(data[i] for i in chosen), strict=True)
    captions = [f"{data.records[i].path.name}, objects: {len(target['labels'])}" for i, target in zip(chosen, targets)]
    return draw_annotations(images, targets, captions, data.classes)


def plot_worst(data: Any, found: Evaluation, fates: Sequence[Fates], count: int = 4) -> Figure:
    """Draw the images with the most errors, the worst first: wrong detections with their scores, missed objects dashed.

    A colour stands for the kind of an error. As there is one class, its name is not written, so labels are short and do not crowd.

    Args:
        data: the data set that was evaluated.
        found: the evaluation.
        fates: what `judge` says of each of its images.
    """
    worst = sorted(range(len(fates)), key=lambda i: -fates[i].errors)[:count]
    images = [data[i][0] for i in worst]
    with st.style():
        figure, axes = panels([ratio(image) for image in images], columns=2, caption=0.2, head=0.34)
        for ax, image, i in zip(axes, images, worst, strict=True):
            show_image(ax, image)
            detections, fate = found.detections[i], fates[i]
            wrong = [n for n, kind in enumerate(fate.kinds) if kind != RIGHT]
            boxes, scores = (detections[key][fate.chosen[wrong]] for key in ("boxes", "scores"))
            colors = [COLORS[fate.kinds[n]] for n in wrong]
            draw_boxes(ax, boxes, colors, linewidth=line_width(ax))
            draw_boxes(ax, found.targets[i]["boxes"][fate.missed], COLORS[MISSED], dashes=st.DASHES)
            draw_labels(ax, boxes, [f"{float(score):.2f}" for score in scores], colors)
            words = f"{data.records[i].path.name}: {in_words(fate)}"
            ax.text(0, -0.02, words, transform=ax.transAxes, va="top", fontsize=7.3, color=st.MUTED, parse_math=False)
        handles: list[Any] = [Patch(color=color, label=kind) for kind, color in COLORS.items() if kind in KINDS[1:]]
        legend_on_top(figure, [*handles, Line2D([], [], color=COLORS[MISSED], linestyle=(0, st.DASHES), label=MISSED)])
    return figure


def plot_turned(path: str | Path, boxes: Tensor) -> Figure:
    """Draw a photograph with its boxes, once as its pixels are stored and once turned upright as its EXIF tag says."""
    with Image.open(path) as file:
        stored = torch.from_numpy(np.array(file.convert("RGB"))).permute(2, 0, 1) / 255  # (3, H, W)
    images = [stored, load_image(path)]
    titles = ["As stored: the tag is ignored", "Turned upright, as the tag says"]
    with st.style():
        figure, axes = panels([ratio(image) for image in images], columns=4, title=0.24)
        for ax, image, title in zip(axes, images, titles, strict=True):
            show_image(ax, image)
            draw_ground_truth(ax, boxes)
            ax.set_title(title, fontsize=8, fontweight="normal")
    return figure


FIGURES: dict[str, Callable[[], Figure]] = {"data_report": data_report}
