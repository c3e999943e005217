"""Figures of notebook 04: the shapes of the anchors, before they are placed on the image."""

from collections.abc import Callable, Sequence
from functools import cache
from itertools import groupby
from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import Tensor

from frcnn_edu.data import ShapesDetection
from frcnn_edu.lessons.stages import frame
from frcnn_edu.lessons.story import story
from frcnn_edu.model import AnchorGenerator
from frcnn_edu.model.faster_rcnn import ASPECT_RATIOS, fpn_anchors
from frcnn_edu.viz import style as st
from frcnn_edu.viz.draw import WIDTH, draw_boxes, panels
from frcnn_edu.viz.sheet import Page, bare, short_number

from .shapes import plot_best_shape

DEFAULT_SIZES = (32, 64, 128, 256, 512)  # of the full model; those of the small one are in story().model
RATIO_NAMES = {0.5: "wide", 1.0: "square", 2.0: "tall"}


@cache
def training_boxes(pictures: int = 300) -> Tensor:
    """All objects in the first images of the training set, (N, 4) in pixels of 128×160."""
    data = ShapesDetection("train")
    return torch.cat([data[index][1]["boxes"] for index in range(pictures)])


def training_shapes() -> Tensor:
    """Their widths and heights, (N, 2)."""
    return sides(training_boxes())


def sides(boxes: Tensor) -> Tensor:
    """Width and height of boxes: (N, 4) → (N, 2)."""
    return boxes[:, 2:] - boxes[:, :2]


# ------------------------------------------------------------------------------------------------------ all fifteen at once


def plot_base_anchors(models: Sequence[tuple[str, AnchorGenerator, tuple[int, int]]]) -> Figure:
    """The base anchors of each model, around (0, 0), over an image of the usual size.

    Args:
        models: (title, generator with one tuple of sizes per level, (height, width) of the image) for each.
    """
    with st.style():
        figure, axes = panels([0.84] * len(models), columns=len(models), title=0.26, gap=0.08)
        for ax, (title, generator, image) in zip(axes, models, strict=True):
            _draw_nested(ax, generator, image)
            ax.set_title(title)
    return figure


def _draw_nested(ax: Axes, generator: AnchorGenerator, image: tuple[int, int]) -> None:
    height, width = image
    half = 0.65 * width
    ax.set(xlim=(-half, half), ylim=(0.84 * half, -0.84 * half))
    bare(ax)
    corner = (-width / 2, -height / 2)
    ax.add_patch(Rectangle(corner, width, height, facecolor="#f3f4f6", edgecolor=st.FAINT, linewidth=0.8))
    ax.text(
        corner[0], height / 2 + 0.02 * half, f"an image of\n{height}×{width}", va="top", fontsize=7.5, color=st.MUTED
    )
    ax.plot(0, 0, marker="+", color=st.INK, markersize=5, markeredgewidth=0.9, zorder=5)
    levels = list(zip(st.LEVELS, generator.cell_anchors, generator.sizes, strict=True))
    for name, boxes, _ in reversed(levels):
        draw_boxes(ax, boxes, st.LEVELS[name], linewidth=1.3, clip=False, halo=False)
    # The small boxes have no room for labels: a key by colour, right of the image, where no anchor is.
    for index, (name, _, (size,)) in enumerate(reversed(levels)):
        x, y = 0.79 * half, half * (0.19 * index - 0.4)
        ax.plot([x, x + 0.045 * half], [y, y], color=st.LEVELS[name], linewidth=4, solid_capstyle="butt")
        ax.text(x + 0.065 * half, y, str(size), va="bottom", fontsize=8.5, fontweight="bold")
        ax.text(x + 0.065 * half, y, name, va="top", fontsize=7.5, color=st.MUTED)


# -------------------------------------------------------------------------------------------------- same area, three shapes


def plot_same_area(size: int, ratios: Sequence[float] = ASPECT_RATIOS) -> Figure:
    """Boxes of one size in several ratios, with one corner in common: the opposite ones lie on w·h = size²."""
    reach = 1.9 * size
    with st.style():
        figure = Figure(figsize=(WIDTH, 3.9))
        ax = figure.add_axes((0.06, 0.115, 0.45, 0.8))
        widths = np.linspace(size**2 / reach, reach, 200)
        ax.plot(widths, size**2 / widths, color=st.MUTED, linewidth=1.2, linestyle=(0, (4, 2)))
        ax.text(0.6 * size, 1.75 * size, f"height × width = {size}²", fontsize=8, color=st.MUTED)
        for ratio in ratios:
            w, h = size / ratio**0.5, size * ratio**0.5
            ax.plot([0, w], [0, h], color=st.FAINT, linewidth=1)
            ax.add_patch(Rectangle((0, 0), w, h, facecolor=(*_rgb(st.ANCHOR), 0.16), edgecolor=st.ANCHOR, linewidth=2))
            ax.plot(w, h, "o", color=st.INK, markersize=4, zorder=4)
            ax.annotate(
                f"ratio {ratio:g}\n{h:.1f}×{w:.1f}", (w, h), (6, 3), textcoords="offset points", fontsize=8, zorder=5
            )
        ax.set(xlim=(0, reach), ylim=(0, reach), xlabel="width", ylabel="height", aspect="equal")
        ax.set_title(f"size {size}: three shapes, one area")
        _draw_rounded(figure, size, ratios)
    return figure


def _draw_rounded(figure: Figure, size: int, ratios: Sequence[float]) -> None:
    """On the right: the same boxes around (0, 0), in whole pixels."""
    boxes = AnchorGenerator(((size,),), (tuple(ratios),)).cell_anchors[0]
    wide = 0.95 * size
    for row, box in enumerate(boxes):
        ax = figure.add_axes((0.6, 0.66 - 0.295 * row, 0.15, 0.26))
        draw_boxes(ax, box[None], st.ANCHOR, linewidth=1.8, halo=False)
        ax.plot(0, 0, marker="+", color=st.INK, markersize=6)
        ax.set(xlim=(-wide, wide), ylim=(wide, -wide), aspect="equal")
        bare(ax)
        text = "[" + ", ".join(f"{v:.0f}".replace("-", "−") for v in box.tolist()) + "]"
        w, h = sides(box[None])[0].tolist()
        figure.text(0.77, 0.82 - 0.295 * row, text, fontweight="bold")
        figure.text(0.77, 0.762 - 0.295 * row, f"{h:.0f}×{w:.0f} = {w * h:.0f} pixels", color=st.MUTED, fontsize=8)
    figure.text(0.6, 0.938, "around (0, 0), rounded to whole pixels", fontweight="bold", fontsize=10)


def _rgb(color: str) -> tuple[float, float, float]:
    red, green, blue = (int(color[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return red, green, blue


# ----------------------------------------------------------------------------------------------------------------- rounding


def area_errors(sizes: Sequence[int], ratios: Sequence[float] = ASPECT_RATIOS) -> Tensor:
    """The error of each base anchor's area against size² that rounding causes, in percent, (r, s)."""
    boxes = AnchorGenerator((tuple(sizes),), (tuple(ratios),)).cell_anchors[0]  # (r·s, 4)
    areas = sides(boxes).prod(dim=1).view(len(ratios), len(sizes))  # (r, s)
    return 100 * (areas / torch.tensor(sizes).square() - 1)


def plot_rounding(models: Sequence[tuple[str, Sequence[int]]]) -> Figure:
    """The area error of each base anchor in percent, and what rounding half to even does to squares.

    Args:
        models: (title, sizes) for each table; all tables share one colour scale.
    """
    cell = 0.43
    most = max(float(area_errors(sizes).abs().max()) for _, sizes in models)
    with st.style():
        page = Page(2.05 + 2.15 * (len(models) - 1))
        for index, (title, sizes) in enumerate(models):
            left, top = 0.95, 0.62 + 2.15 * index
            _error_table(page, area_errors(sizes), left, top, cell, most)
            page.text(0.08, top - 0.52, title, fontsize=10, fontweight="bold")
            for column, size in enumerate(sizes):
                page.text(left + (column + 0.5) * cell, top - 0.06, str(size), ha="center", va="bottom", color=st.MUTED)
            for row, ratio in enumerate(ASPECT_RATIOS):
                label = f"{ratio:g}  {RATIO_NAMES[ratio]}"
                page.text(left - 0.08, top + (row + 0.5) * cell, label, ha="right", va="center", color=st.MUTED)
        page.text(3.85, 0.1, "squares: the side of the box for each size", fontsize=10, fontweight="bold")
        _draw_staircase(page.panel(4.25, 0.62, 3.5, page.height - 1.2), range(20, 35))
    return page.figure


def _error_table(page: Page, errors: Tensor, left: float, top: float, cell: float, most: float) -> None:
    """A table of numbers in square cells, the larger the darker; `most` has the darkest shade."""
    for row, values in enumerate(errors.tolist()):
        for column, value in enumerate(values):
            x, y = left + column * cell, top + row * cell
            shade = (*_rgb(st.DETECTION), 0.5 * abs(value) / most)
            page.sheet.add_patch(Rectangle((x, y), cell, cell, facecolor=shade, edgecolor=st.FAINT, linewidth=0.6))
            page.text(x + cell / 2, y + cell / 2, short_number(value), ha="center", va="center", fontsize=7.5)


def _draw_staircase(ax: Axes, sizes: range) -> None:
    boxes = AnchorGenerator((tuple(sizes),), ((1.0,),)).cell_anchors[0]
    made = sides(boxes)[:, 0].tolist()
    ax.plot([sizes[0], sizes[-1]], [sizes[0], sizes[-1]], color=st.MUTED, linewidth=1, linestyle=(0, (4, 2)))
    for size, side in zip(sizes, made, strict=True):
        ax.plot([size, size], [size, side], color=st.DETECTION, linewidth=1.4)
        ax.plot(size, side, "o", color=st.ANCHOR if size == side else st.DETECTION, markersize=5, zorder=3)
    ax.set(xlabel="size", ylabel="side of the box", xticks=range(20, 35, 2), yticks=range(20, 37, 4))
    ax.set(xlim=(sizes[0] - 0.7, sizes[-1] + 0.7), ylim=(sizes[0] - 1.2, sizes[-1] + 1.7))
    for size, offset, align in ((25, (5, -9), "left"), (27, (-5, 4), "right")):
        side = made[sizes.index(size)]
        ax.annotate(
            f"{size} → {side:.0f}", (size, side), offset, textcoords="offset points", fontsize=8, ha=align, fontweight="bold"
        )  # fmt: skip


# -------------------------------------------------------------------------------------------------------------------- order


def plot_order(sizes: Sequence[int], ratios: Sequence[float]) -> Figure:
    """The base anchors of one level in their order, with the ratio and the size that each was made from."""
    boxes = AnchorGenerator((tuple(sizes),), (tuple(ratios),)).cell_anchors[0]
    made_from = [(ratio, size) for ratio in ratios for size in sizes]
    reach = 1.06 * float(boxes.max())
    with st.style():
        figure, axes = panels([1.0] * len(boxes), columns=len(boxes), title=0.5, caption=0.32, gap=0.08)
        for index, (ax, box, (_, size)) in enumerate(zip(axes, boxes, made_from, strict=True)):
            ax.set(xlim=(-reach, reach), ylim=(reach, -reach))
            bare(ax)
            frame(ax, st.FAINT, 0.8)
            draw_boxes(ax, box[None], st.ANCHOR, linewidth=1.8, halo=False)
            ax.set_title(str(index), loc="center")
            ax.text(0.5, -0.05, f"size {size}", transform=ax.transAxes, ha="center", va="top", fontsize=8)
        for ratio, group in groupby(range(len(boxes)), key=lambda i: made_from[i][0]):
            members = list(group)
            first, last = axes[members[0]].get_position(), axes[members[-1]].get_position()
            top = first.y1 + 0.33 / figure.get_figheight()
            figure.add_artist(_bar(first.x0, last.x1, top))
            figure.text(
                (first.x0 + last.x1) / 2, top + 0.03, f"ratio {ratio:g}", ha="center", fontweight="bold", fontsize=9
            )
    return figure


def _bar(left: float, right: float, height: float) -> Rectangle:
    return Rectangle((left, height), right - left, 0.006, facecolor=st.ANCHOR, edgecolor="none")


# ------------------------------------------------------------------------------------------------------------ which fits best


def plot_best_counts(counts: Tensor, sizes: Sequence[int], ratios: Sequence[float] = ASPECT_RATIOS) -> Figure:
    """How many objects each base anchor fits best: a table of boxes, darker for larger counts.

    Args:
        counts: (r, s).
    """
    with st.style():
        figure, axes = panels([0.62] * counts.numel(), columns=len(sizes), head=0.56, caption=0.03, gap=0.07)
        title = f"how many of the {int(counts.sum())} objects each shape fits best"
        figure.text(0.009, 1 - 0.22 / figure.get_figheight(), title, fontsize=10, fontweight="bold")
        most = float(counts.max())
        for index, ax in enumerate(axes):
            row, column = divmod(index, len(sizes))
            box = fpn_anchors(sizes).cell_anchors[column][row]
            w, h = (sides(box[None])[0] / sizes[column]).tolist()
            ax.set(xlim=(-1.7, 1.7), ylim=(1.054, -1.054))
            bare(ax)
            shade = 0.75 * float(counts[row, column]) / most
            ax.add_patch(Rectangle((-1.7, -1.054), 3.4, 2.108, facecolor=(*_rgb(st.GROUND_TRUTH), shade), zorder=0))
            frame(ax, st.FAINT, 0.8)
            ax.add_patch(Rectangle((-w / 2 - 0.6, -h / 2), w, h, fill=False, edgecolor=st.INK, linewidth=1.3))
            ax.text(1.5, 0, str(int(counts[row, column])), ha="right", va="center", fontsize=12, fontweight="bold")
            if row == 0:
                ax.text(0, 1.06, f"size {sizes[column]}", transform=ax.transAxes, va="bottom", color=st.MUTED)
            if column == 0:
                ax.text(
                    0.03, 0.95, f"ratio {ratios[row]:g}", transform=ax.transAxes, va="top", fontsize=7.5, color=st.MUTED
                )
    return figure


# ------------------------------------------------------------------------------------------------------------------- files


def base_anchors() -> Figure:
    """The fifteen base anchors of the full model beside those of the small one."""
    course: Any = story().model.rpn.anchor_generator
    sizes = [size for (size,) in course.sizes]
    return plot_base_anchors(
        [
            (f"the full model: {', '.join(map(str, DEFAULT_SIZES))}", fpn_anchors(DEFAULT_SIZES), (800, 1066)),
            (f"the small model: {', '.join(map(str, sizes))}", course, (120, 160)),
        ]
    )


def best_shape() -> Figure:
    """The best IoU that the small model's anchors can have with a box of each width and height."""
    course: Any = story().model.rpn.anchor_generator
    return plot_best_shape(torch.cat(course.cell_anchors), training_shapes(), sides(story().box[None])[0])


def same_area() -> Figure:
    """Size 32 in three ratios: one area, before and after rounding."""
    return plot_same_area(32)


FIGURES: dict[str, Callable[[], Figure]] = {
    "base_anchors": base_anchors,
    "best_shape": best_shape,
    "same_area": same_area,
}
