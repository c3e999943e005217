"""Figures of notebook 01: images of several sizes, and the batch that they become."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import Tensor

from frcnn_edu.model import ImageList
from frcnn_edu.viz import style as st
from frcnn_edu.viz.draw import WIDTH, draw_ground_truth, show_image
from frcnn_edu.viz.sheet import Page, draw_grid

from .colours import as_colours

HATCH = "////"  # padding is hatched in every figure


def plot_batching(
    images: Sequence[Tensor],
    boxes: Sequence[Tensor],
    batch: ImageList,
    resized_boxes: Sequence[Tensor],
    mean: Sequence[float],
    std: Sequence[float],
    *,
    grid: bool = False,
) -> Figure:
    """Images as given, and below them the batch that they become, all at one scale; padding is hatched.

    Args:
        boxes, resized_boxes: (N, 4) for each image, in pixels of the image as given and as resized.
        grid: draw every pixel's border.
    """
    count, (high, wide) = len(images), batch.tensors.shape[-2:]
    space, title = 0.32, 0.3
    widest = max(sum(image.shape[-1] for image in images), count * wide)
    pixel = (WIDTH - 0.24 - (count - 1) * space) / widest
    pixel = min(pixel, 2.5 / max(image.shape[-2] for image in images))
    upper = max(image.shape[-2] for image in images) * pixel
    with st.style():
        beside = WIDTH - 0.12 - count * (wide * pixel + space) >= 1.5  # room for words at the right of the batch
        page = Page(title + upper + 0.55 + title + high * pixel + (0.1 if beside else 0.32))
        x = 0.12
        for image, ground_truth in zip(images, boxes, strict=True):
            h, w = (side * pixel for side in image.shape[-2:])
            ax = page.panel(x, title, w, h)
            _picture(ax, image, ground_truth, grid)
            ax.set_title(f"given: {image.shape[-2]}×{image.shape[-1]}", fontsize=9)
            x += w + space
        x, top = 0.12, title + upper + 0.55 + title
        page.arrow((0.3, title + upper + 0.12), (0.3, top - title - 0.06), width=1.8, head=11)
        page.text(0.46, title + upper + 0.3, "normalise, resize, pad", color=st.MUTED, va="center", fontsize=8.5)
        seen = as_colours(batch.tensors, mean, std)
        for index, (picture, ground_truth, size) in enumerate(zip(seen, resized_boxes, batch.image_sizes, strict=True)):
            ax = page.panel(x, top, wide * pixel, high * pixel)
            _picture(ax, picture, ground_truth, grid)
            mark_padding(ax, size, (high, wide))
            ax.set_title(f"batch[{index}]: {size[0]}×{size[1]}", fontsize=9)
            x += wide * pixel + space
        words = ["one tensor " + "×".join(map(str, batch.tensors.shape)), "hatched: padding in the mean colour"]
        if beside:
            words = [words[0], f"each image in a frame of {high}×{wide}", words[1].replace(" in ", "\nin ")]
            page.text(x, top, "\n".join(words), color=st.MUTED, fontsize=8.5, linespacing=1.6)
        else:
            page.text(0.12, top + high * pixel + 0.09, "; ".join(words), color=st.MUTED)
    return page.figure


def mark_padding(ax: Axes, true: tuple[int, int], padded: tuple[int, int]) -> None:
    """Hatch the padding to the right of the image of size `true` (height, width) and below it."""
    (height, width), (high, wide) = true, padded
    for x, y, w, h in ((width, 0, wide - width, height), (0, height, wide, high - height)):
        if w > 0 and h > 0:
            ax.add_patch(
                Rectangle((x, y), w, h, facecolor="none", edgecolor=st.PAPER, hatch=HATCH, linewidth=0, alpha=0.55)
            )
    ax.add_patch(Rectangle((0, 0), width, height, fill=False, edgecolor=st.INK, linewidth=0.9, clip_on=False))


def _picture(ax: Axes, image: Tensor, ground_truth: Tensor, grid: bool) -> None:
    show_image(ax, image)
    if grid:
        draw_grid(ax, *image.shape[-2:], linewidths=0.4, alpha=0.25)
    draw_ground_truth(ax, ground_truth)
