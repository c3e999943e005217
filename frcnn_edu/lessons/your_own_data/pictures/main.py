"""Figures of notebook 16: a folder of photographs."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import torch
from matplotlib.figure import Figure
from PIL import Image
from torch import Tensor

from frcnn_edu.data import ShapesDetection, load_image
from frcnn_edu.model import fasterrcnn_small_fpn
from frcnn_edu.training.data_report import describe_data
from frcnn_edu.viz import style as st
from frcnn_edu.viz.draw import draw_ground_truth, panels, ratio, show_image
from frcnn_edu.watch.data_picture import draw_data_report


@cache
def data_report() -> Figure:
    """What is in the validation images of the embedded data set, as the small model meets it."""
    report = describe_data({"val": ShapesDetection("val")}, fasterrcnn_small_fpn().eval())
    return draw_data_report(report, "shapes")


def plot_turned(path: str | Path, boxes: Tensor) -> Figure:
    """A photograph with its boxes, as its pixels are stored and as its EXIF data say it is to be seen."""
    with Image.open(path) as file:
        stored = torch.from_numpy(np.array(file.convert("RGB"))).permute(2, 0, 1) / 255  # (3, H, W)
    images = [stored, load_image(path)]
    titles = ["as stored: a loader that overlooks the note", "turned as the note says"]
    with st.style():
        figure, axes = panels([ratio(image) for image in images], columns=4, title=0.24)
        for ax, image, title in zip(axes, images, titles, strict=True):
            show_image(ax, image)
            draw_ground_truth(ax, boxes)
            ax.set_title(title, fontsize=7, fontweight="normal")
    return figure


FIGURES: dict[str, Callable[[], Figure]] = {"data_report": data_report}
