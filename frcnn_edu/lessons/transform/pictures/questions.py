"""Figures of notebook 01, deeper: questions about the transform."""

from collections.abc import Sequence
from typing import Any

import torch
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import Tensor

from frcnn_edu.model import GeneralizedRCNNTransform
from frcnn_edu.viz import style as st
from frcnn_edu.viz.draw import WIDTH, draw_boxes, draw_ground_truth, draw_labels, panels, ratio, show_image
from frcnn_edu.viz.sheet import Page

from .batching import HATCH


def plot_padded_or_true(image: Tensor, right: Tensor, wrong: Tensor, ground_truth: Tensor) -> Figure:
    """The same detections mapped back with the true size and with the padded one; ground truth dashed."""
    with st.style():
        figure, axes = panels([ratio(image)] * 2, columns=2, title=0.26, gap=0.12)
        titles = ("mapped back with image_sizes", "mapped back with tensors.shape")
        for ax, boxes, title in zip(axes, (right, wrong), titles, strict=True):
            show_image(ax, image, dim=0.3)
            draw_boxes(ax, boxes, st.DETECTION)
            draw_ground_truth(ax, ground_truth)
            ax.set_title(title)
    return figure


def plot_inputs(
    inputs: Sequence[tuple[str, Tensor, dict[str, Tensor]]], classes: Sequence[str], ground_truth: Tensor
) -> Figure:
    """Several inputs as the network sees them, and what it detects in each.

    Args:
        inputs: for each a title, its colours (3, H, W) in 0–1 and detections with boxes in pixels of it.
        ground_truth: (N, 4) annotated boxes.
    """
    with st.style():
        figure, axes = panels([ratio(inputs[0][1])] * len(inputs), columns=len(inputs), title=0.26, caption=0.1)
        for ax, (title, picture, found) in zip(axes, inputs, strict=True):
            show_image(ax, picture)
            colors = [st.class_color(int(label)) for label in found["labels"]]
            draw_boxes(ax, found["boxes"], colors)
            draw_ground_truth(ax, ground_truth)
            draw_labels(ax, found["boxes"], [classes[int(label)] for label in found["labels"]], colors)
            ax.set_title(title, fontsize=9)
    return figure


Sizes = list[tuple[int, int]]


def padded_size(sizes: Sequence[tuple[int, int]], divisor: int = 32) -> tuple[int, int]:
    """The common padded (height, width) of images of `sizes`."""
    images = [torch.empty(1, *size, device="meta") for size in sizes]
    padded = GeneralizedRCNNTransform(800, 1333, [0.0], [1.0]).batch_images(images, divisor)
    return padded.shape[-2], padded.shape[-1]


def padding_share(batches: Sequence[Sizes]) -> float:
    """The share of padding among the pixels of all batches, 0–1."""
    filled = sum(height * width for sizes in batches for height, width in sizes)
    area = sum(len(sizes) * high * wide for sizes in batches for high, wide in [padded_size(sizes)])
    return 1 - filled / area


def _percent(batches: Sequence[Sizes]) -> str:
    return f"{100 * padding_share(batches):.0f} %"


def plot_padding(columns: Sequence[tuple[str, Sequence[Sizes]]], shown: int = 5) -> Figure:
    """Images in their padded frames, one batch per row, for several ways of grouping images into batches.

    Args:
        columns: for each way a title and its batches, of which the first `shown` are drawn.
    """
    per_row = max(len(sizes) for _, batches in columns for sizes in batches)
    wide = (WIDTH - 0.2) / len(columns)
    pixel = (wide - 1.0) / per_row / 1380
    tall = 1380 * pixel
    with st.style():
        page = Page(0.5 + shown * (tall + 0.07) + 0.05)
        for index, (title, batches) in enumerate(columns):
            left = 0.1 + index * wide
            page.text(left, 0.08, title, fontsize=10, fontweight="bold")
            page.text(left, 0.28, f"all {len(batches)} batches: {_percent(batches)} padding", color=st.MUTED)
            for row, sizes in enumerate(batches[:shown]):
                high, broad = padded_size(sizes)
                top = 0.5 + row * (tall + 0.07)
                for place, (height, width) in enumerate(sizes):
                    x = left + place * 1380 * pixel
                    look: dict[str, Any] = {"facecolor": st.FAINT, "edgecolor": st.MUTED, "linewidth": 0.5}
                    page.sheet.add_patch(Rectangle((x, top), broad * pixel, high * pixel, hatch=HATCH, **look))
                    page.sheet.add_patch(
                        Rectangle((x, top), width * pixel, height * pixel, facecolor=st.FOREGROUND, edgecolor="none")
                    )
                page.text(
                    left + per_row * 1380 * pixel + 0.05, top + tall / 2, f"{high}×{broad}\n{_percent([sizes])}",
                    fontsize=7.5, va="center", linespacing=1.3,
                )  # fmt: skip
    return page.figure
