"""Figures of notebook 16: a folder of photographs."""

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure
from PIL import Image
from torch import Tensor
from torch.utils.data import Subset

from frcnn_edu.data import load_image
from frcnn_edu.lessons.your_own_data.coins import CoinPhotographs
from frcnn_edu.model import fasterrcnn_small_fpn
from frcnn_edu.training import Evaluation
from frcnn_edu.training.data_report import describe_data
from frcnn_edu.training.errors import Fates
from frcnn_edu.viz import style as st
from frcnn_edu.viz.annotations import chosen_images, draw_annotations
from frcnn_edu.viz.draw import draw_ground_truth, panels, ratio, show_image
from frcnn_edu.watch.data_picture import draw_data_report
from frcnn_edu.watch.errors import error_sheet


class Part(Subset[tuple[Tensor, dict[str, Any]]]):
    """Some items of a data set, with its classes."""

    def __init__(self, data: CoinPhotographs, name: str) -> None:
        super().__init__(data, data.parts[name])
        self.classes = data.classes


@cache
def data_report() -> Figure:
    """What is in the photographs of coins to train on, as the small model resizes them."""
    report = describe_data({"train": Part(CoinPhotographs(), "train")}, fasterrcnn_small_fpn().eval())
    return draw_data_report(report, "coins")


def plot_boxes(data: Any, count: int = 3) -> Figure:
    """Some images of a data set that `open_dataset` opened, spread over it, with the boxes and class names that were read."""
    chosen = chosen_images(data, count)
    images, targets = zip(*(data[i] for i in chosen), strict=True)
    captions = [f"{data.records[i].path.name}, objects: {len(target['labels'])}" for i, target in zip(chosen, targets)]
    return draw_annotations(images, targets, captions, data.classes)


def plot_worst(data: Any, found: Evaluation, fates: Sequence[Fates], count: int = 4) -> Figure:
    """The images with the most errors, each error with its kind, the worst image first.

    Args:
        data: what was evaluated on.
        found: the evaluation.
        fates: what `judge` says of each of its images.
    """
    worst = sorted(range(len(fates)), key=lambda i: -fates[i].errors)[:count]
    return error_sheet(
        [data[i][0] for i in worst],
        [found.detections[i] for i in worst],
        [found.targets[i] for i in worst],
        [fates[i] for i in worst],
        data.classes,
    )


def plot_turned(path: str | Path, boxes: Tensor) -> Figure:
    """A photograph with its boxes, as its pixels are stored and as its EXIF data say it is to be seen."""
    with Image.open(path) as file:
        stored = torch.from_numpy(np.array(file.convert("RGB"))).permute(2, 0, 1) / 255  # (3, H, W)
    images = [stored, load_image(path)]
    titles = ["as stored, without the note", "turned as the note says"]
    with st.style():
        figure, axes = panels([ratio(image) for image in images], columns=4, title=0.24)
        for ax, image, title in zip(axes, images, titles, strict=True):
            show_image(ax, image)
            draw_ground_truth(ax, boxes)
            ax.set_title(title, fontsize=8, fontweight="normal")
    return figure


FIGURES: dict[str, Callable[[], Figure]] = {"data_report": data_report}
