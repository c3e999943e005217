"""Figures of notebook 01: what normalising does to an image's values, and which colour padding has."""

from collections.abc import Sequence

import torch
from matplotlib.figure import Figure
from torch import Tensor

from frcnn_edu.model import GeneralizedRCNNTransform, ImageList
from frcnn_edu.viz import style as st
from frcnn_edu.viz.draw import WIDTH, panels, show_image
from frcnn_edu.viz.sheet import caption


def as_colours(values: Tensor, mean: Sequence[float], std: Sequence[float]) -> Tensor:
    """What normalised values (…, 3, H, W) look like: normalising undone, cut to 0–1."""
    shift, scale = (torch.tensor(each, dtype=values.dtype, device=values.device)[:, None, None] for each in (mean, std))
    return (values * scale + shift).clamp(0, 1)


def large(batch: ImageList, transform: GeneralizedRCNNTransform, image: Tensor) -> Tensor:
    """The first image of a batch as colours, without padding, as large as `image` (to draw boxes in its pixels on)."""
    height, width = batch.image_sizes[0]
    colours = as_colours(batch.tensors[0], transform.image_mean, transform.image_std)[:, :height, :width]
    return torch.nn.functional.interpolate(colours[None], size=tuple(image.shape[-2:]), mode="nearest")[0]


def plot_normalising(image: Tensor, normalised: Tensor, mean: Sequence[float]) -> Figure:
    """How often each value occurs, channel by channel, before and after normalising; `mean` becomes 0."""
    names, hues = ("red", "green", "blue"), ("#c44e52", "#4c9f70", "#4c72b0")
    with st.style():
        figure = Figure(figsize=(WIDTH, 2.6))
        for column, (values, limits, title) in enumerate(
            ((image, (0.0, 1.0), "as given: 0 to 1"), (normalised, (-2.4, 2.8), "normalised: the dashed mean is at 0"))
        ):
            for row, (name, hue) in enumerate(zip(names, hues, strict=True)):
                ax = figure.add_axes((0.075 + 0.48 * column, 0.64 - 0.245 * row, 0.43, 0.22))
                counts = torch.histc(values[row], 60, *limits)
                edges = torch.linspace(*limits, 61)[:-1]
                ax.fill_between(edges.tolist(), (counts / counts.max()).tolist(), step="post", color=hue, alpha=0.75)
                dashed = mean[row] if column == 0 else 0.0
                ax.axvline(dashed, color=st.INK, linewidth=1.2, linestyle=(0, (3, 2)))
                ax.text(dashed, 0.97, f"  {dashed:.3f}" if column == 0 else "  0", fontsize=8, va="top")
                ax.set(xlim=limits, ylim=(0, 1.08), yticks=[])
                ax.spines["left"].set_visible(False)
                ax.grid(axis="y", visible=False)
                if row < 2:
                    ax.tick_params(labelbottom=False)
                if row == 0:
                    ax.set_title(title)
                if column == 0:
                    ax.text(-0.02, 0.4, name, transform=ax.transAxes, ha="right", va="center", fontsize=8.5)
    return figure


def plot_padding_order(after: Tensor, before: Tensor, true_height: int) -> Figure:
    """The lower edge of an image that was padded after normalising, and of one padded before.

    Args:
        after, before: (3, H, W) as colours, in 0–1.
        true_height: rows of the image within the padding.
    """
    with st.style():
        figure, axes = panels([0.36, 0.36], columns=2, title=0.26, caption=0.24, gap=0.12)
        titles = ("normalised, then padded", "padded, then normalised")
        words = ("padding has the mean colour", "padding is black: the lowest value of each channel")
        for ax, picture, title, said in zip(axes, (after, before), titles, words, strict=True):
            show_image(ax, picture)
            high, wide = picture.shape[-2:]
            ax.set(ylim=(high, high - 0.36 * wide))
            ax.axhline(true_height, color=st.PAPER, linewidth=1, linestyle=(0, (3, 2)))
            ax.set_title(title)
            caption(ax, said)
    return figure
