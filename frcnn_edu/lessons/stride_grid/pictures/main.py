"""Figures of notebook 05: a copy of the base anchors at every location of every level."""

from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import Any

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import Tensor

from frcnn_edu.lessons.stages import LEVEL_KEYS, shown
from frcnn_edu.lessons.story import followed, story
from frcnn_edu.model import AnchorGenerator
from frcnn_edu.viz import style as st
from frcnn_edu.viz.draw import WIDTH, draw_boxes, draw_ground_truth, panels, show_image
from frcnn_edu.viz.sheet import Page, arrow, bare, draw_grid, number_table

from .places import FIGURES as PLACES
from .recall import recall_by_size, strides_of

SHAPES = ("wide", "square", "tall")
FINEST = 20  # columns of a grid whose cells are still drawn: of a finer one, the dots are enough


def grids_of_story() -> list[tuple[int, int]]:
    """(H, W) of each level's map of the course's image."""
    return [(logits.shape[-2], logits.shape[-1]) for logits in story().trace.objectness]


# ---------------------------------------------------------------------------------------------------------- the stride grid


def plot_stride_grid(padded: Tensor, grids: Sequence[tuple[int, int]], image_size: tuple[int, int]) -> Figure:
    """Each level's cells over the padded image with a dot at each location, and the first cells of P4 enlarged.

    Args:
        padded: (3, H, W) in 0–1.
        grids: (rows, columns) of each of the five levels.
        image_size: (height, width) without padding.
    """
    height, width = padded.shape[-2:]
    strides = strides_of((height, width), grids)
    with st.style():
        figure, axes = panels([height / width] * 6, columns=3, title=0.3, caption=0.28, gap=0.14)
        for ax, key, grid, stride in zip(axes, LEVEL_KEYS, grids, strides, strict=False):
            _draw_level(ax, padded, key, grid, stride, image_size)
            ax.set_title(f"{st.LEVEL_NAMES[key]}: {grid[0]}×{grid[1]} cells")
            text = f"stride {stride[0]}" if stride[0] == stride[1] else f"stride {stride[0]} down, {stride[1]} across"
            ax.text(0, -0.035, text, transform=ax.transAxes, va="top", fontsize=8.5, color=st.MUTED)
        _draw_first_cells(axes[5], padded, strides[2])
    return figure


def _draw_level(
    ax: Axes,
    padded: Tensor,
    key: str,
    grid: tuple[int, int],
    stride: tuple[int, int],
    image_size: tuple[int, int],
) -> None:
    show_image(ax, padded, dim=0.5)
    cell = 2 ** (2 + LEVEL_KEYS.index(key))  # what a cell covers: on `pool` that need not be the anchors' stride
    if grid[1] <= FINEST:
        draw_grid(ax, *grid, (cell, cell), color=st.level_color(key), linewidths=0.8, alpha=0.7)
    draw_locations(ax, grid, stride)
    ax.set(xlim=(0, padded.shape[-1]), ylim=(padded.shape[-2], 0))
    frame = torch.tensor([[0.0, 0.0, image_size[1], image_size[0]]])
    draw_boxes(ax, frame, st.MUTED, linewidth=0.8, dashes=(3, 2), halo=False)


def draw_locations(
    ax: Axes, grid: tuple[int, int], stride: tuple[float, float], *, offset: float = 0.0, size: float | None = None
) -> None:
    """A dot at each location of a grid; `offset` is in strides, 0 the cell's top left corner."""
    ys, xs = torch.meshgrid(
        (torch.arange(grid[0]) + offset) * stride[0], (torch.arange(grid[1]) + offset) * stride[1], indexing="ij"
    )
    area = max(1.2, 60 / grid[1]) if size is None else size
    ax.scatter(
        xs.flatten().tolist(), ys.flatten().tolist(), s=area, color=st.INK, linewidths=0, clip_on=False, zorder=3
    )


def _draw_first_cells(ax: Axes, padded: Tensor, stride: tuple[int, int]) -> None:
    """The upper left corner of P4: coordinates of the first locations, and the two strides."""
    down, across = stride
    show_image(ax, padded, dim=0.72)
    draw_grid(ax, 3, 4, stride, color=st.LEVELS["P4"], linewidths=1.2, alpha=0.8)
    draw_locations(ax, (3, 4), stride, size=22)
    for row in range(3):
        for column in range(3):
            ax.annotate(
                f"({column * across}, {row * down})", (column * across, row * down), (4, -4), fontsize=7.3,
                textcoords="offset points", va="top",
            )  # fmt: skip
    arrow(ax, (0, 2.45 * down), (across, 2.45 * down), st.DETECTION)
    arrow(ax, (2.75 * across, 0), (2.75 * across, down), st.DETECTION)
    ax.text(0.5 * across, 2.5 * down, f"stride {across}", ha="center", va="top", fontsize=8, color=st.DETECTION)
    ax.text(2.7 * across, 0.65 * down, f"stride\n{down}", va="center", ha="right", fontsize=8, color=st.DETECTION)
    ax.set(xlim=(-0.12 * across, 3.5 * across), ylim=(2.8 * down, -0.1 * down))
    ax.set_title("P4, enlarged: (x, y) in pixels", fontsize=9)


# --------------------------------------------------------------------------------------------------------- the tiny example


def plot_tiny(size: int, grid: tuple[int, int], image: tuple[int, int]) -> Figure:
    """All square anchors of a tiny image, numbered in their order, with the first and the last one in full."""
    base = AnchorGenerator(((size,),), ((1.0,),))
    (stride,) = strides_of(image, [grid])
    anchors = base.grid_anchors([grid], [stride])[0]  # (H·W, 4)
    reach = size / 2 + 1.5
    with st.style():
        figure = Figure(figsize=(WIDTH, 3.5))
        ax = figure.add_axes((0.02, 0.04, 0.44, 0.86))
        ax.add_patch(Rectangle((0, 0), image[1], image[0], facecolor="#e5e7eb", edgecolor="none", zorder=0.6))
        draw_grid(ax, *grid, stride, color=st.PAPER, linewidths=2, alpha=1, zorder=0.7)
        draw_boxes(ax, anchors[1:-1], st.ANCHOR, linewidth=0.8, alpha=0.55, halo=False)
        draw_boxes(ax, anchors[[0, -1]], st.ANCHOR, linewidth=2.4, fill=0.18)
        centers = (anchors[:, :2] + anchors[:, 2:]) / 2
        for index, (x, y) in enumerate(centers.tolist()):
            ax.text(
                x, y, str(index), ha="center", va="center", fontsize=8, fontweight="bold", color=st.PAPER,
                bbox={"boxstyle": "circle,pad=0.22", "facecolor": st.INK, "edgecolor": "none"},
            )  # fmt: skip
        ax.set(xlim=(-reach, image[1] + 1), ylim=(image[0] + 1, -reach), aspect="equal")
        bare(ax)
        ax.text(image[1], image[0] + 0.3, "grey: the image", ha="right", va="top", fontsize=8, color=st.MUTED)
        ax.set_title(f"{image[0]}×{image[1]} pixels, {grid[0]}×{grid[1]} locations, size {size}")
        for index, box in enumerate(anchors.long().tolist()):
            bold = "bold" if index in (0, len(anchors) - 1) else "normal"
            y = 0.84 - 0.75 * index / (len(anchors) - 1)
            words = ", ".join(f"{value}".replace("-", "−") for value in box)
            row, column = divmod(index, grid[1])
            figure.text(0.54, y, f"{index}", fontweight=bold, ha="right")
            figure.text(0.57, y, f"row {row}, column {column}", color=st.MUTED)
            figure.text(0.76, y, f"[{words}]", fontweight=bold)
        figure.text(0.525, 0.918, f"the {len(anchors)} boxes in the tensor's order", fontsize=10, fontweight="bold")
    return figure


def plot_shifts(ys: Tensor, xs: Tensor, base: Tensor) -> Figure:
    """How two grids of shifts become anchors: x and y (H, W), their pairs (H·W, 4), plus one base anchor (1, 4)."""
    shifts = torch.stack((xs, ys, xs, ys), dim=-1).view(-1, 4)
    anchors = shifts + base
    cell = 0.31
    with st.style():
        page = Page(0.75 + cell * len(shifts))
        top, middle = 0.5, 0.5 + cell * len(shifts) / 2
        rows = xs.shape[0]
        look: dict[str, Any] = {"tint": st.MUTED}
        number_table(page.sheet, xs, 0.12, top, cell, f"x {tuple(xs.shape)}", **look)
        number_table(page.sheet, ys, 0.12, top + cell * (rows + 2), cell, f"y {tuple(ys.shape)}", **look)
        number_table(page.sheet, shifts, 2.05, top, cell, f"(x, y, x, y)  {tuple(shifts.shape)}", **look)
        title = f"base anchor  {tuple(base.shape)}"
        number_table(page.sheet, base, 4.1, middle - cell / 2, cell, title, tint=st.ANCHOR)
        number_table(page.sheet, anchors, 6.25, top, cell, f"anchors  {tuple(anchors.shape)}", tint=st.ANCHOR)
        right = 0.12 + cell * xs.shape[1]
        page.arrow((right + 0.1, top + cell * rows / 2), (1.55, top + cell * rows / 2), (1.98, middle - 0.2))
        low = top + cell * (1.5 * rows + 2)
        page.arrow((right + 0.1, low), (1.55, low), (1.98, middle + 0.2))
        page.text(3.67, middle, "+", fontsize=20, ha="center", va="center")
        page.text(5.82, middle, "=", fontsize=20, ha="center", va="center")
    return page.figure


# ---------------------------------------------------------------------------------------------------------- anchors on the grid


def plot_anchors_on_grid(
    padded: Tensor, anchors: Tensor, grid: tuple[int, int], cell: tuple[int, int], ground_truth: Tensor, key: str
) -> Figure:
    """All anchors of one level, and the three of one cell beside the object that they are compared with.

    Args:
        anchors: (H·W·A, 4) of the level named `key`.
        cell: (row, column).
        ground_truth: (4,).
    """
    height, width = padded.shape[-2:]
    (stride,) = strides_of((height, width), [grid])
    margin = 0.22 * width
    name = st.LEVEL_NAMES[key]
    ours = anchors.view(grid[0], grid[1], -1, 4)[cell]  # (A, 4)
    with st.style():
        figure, axes = panels([(height + 2 * margin) / (width + 2 * margin)] * 2, columns=2, title=0.28, gap=0.1)
        for ax in axes:
            show_image(ax, padded, dim=0.55)
            draw_grid(ax, *grid, stride, color=st.level_color(key), linewidths=0.7, alpha=0.6)
            draw_locations(ax, grid, stride, size=7)
            ax.set(xlim=(-margin, width + margin), ylim=(height + margin, -margin))
        draw_boxes(axes[0], anchors, st.ANCHOR, linewidth=0.6, alpha=0.75, halo=False, clip=False)
        axes[0].set_title(f"{name}: {grid[0]}·{grid[1]}·{len(ours)} = {len(anchors)} anchors")
        y, x = cell[0] * stride[0], cell[1] * stride[1]
        axes[1].add_patch(Rectangle((x, y), stride[1], stride[0], facecolor=st.FOCUS, edgecolor=st.INK, linewidth=1))
        draw_boxes(axes[1], ours, st.ANCHOR, linewidth=1.8, clip=False)
        draw_ground_truth(axes[1], ground_truth[None])
        axes[1].plot(x, y, "o", color=st.INK, markersize=5, zorder=5)
        axes[1].set_title(f"the {len(ours)} of cell {cell}, around its corner")
    return figure


# -------------------------------------------------------------------------------------------------------------------- order


def plot_index(grids: Sequence[tuple[int, int]], level: int, cell: tuple[int, int], shape: int) -> Figure:
    """Where an anchor is in the one long list: its level, its cell (row, column), and which of the cell's three it is."""
    counts = [3 * rows * columns for rows, columns in grids]
    starts = [0, *accumulate(counts)]
    rows, columns = grids[level]
    first = starts[level] + 3 * torch.arange(rows * columns).view(rows, columns)
    side = 0.4
    with st.style():
        page = Page(1.75 + rows * side)
        for index, name in enumerate(st.LEVELS):
            left, mine = 0.1 + 1.56 * index, index == level
            color = st.LEVELS[name]
            frame: dict[str, Any] = {"edgecolor": st.INK if mine else "none", "linewidth": 2.4}
            page.sheet.add_patch(Rectangle((left, 0.32), 1.5, 0.46, facecolor=color, **frame))
            text = f"{starts[index]} … {starts[index + 1] - 1}"
            words: dict[str, Any] = {
                "ha": "center",
                "va": "center",
                "color": st.text_color(color),
                "fontweight": "bold",
            }
            page.text(left + 0.75, 0.55, text, **words)
            page.text(left, 0.27, f"{name}: {counts[index]}", va="bottom")
        left, top = 0.1, 1.5
        page.text(
            left, 1.25, f"{list(st.LEVELS)[level]}: number of each cell's first anchor", va="bottom", fontweight="bold"
        )
        for row in range(rows):
            for column in range(columns):
                mine = (row, column) == cell
                place = (left + column * side, top + row * side)
                look: dict[str, Any] = {
                    "facecolor": st.FOCUS if mine else st.PAPER,
                    "edgecolor": st.FAINT,
                    "linewidth": 0.8,
                }
                page.sheet.add_patch(Rectangle(place, side, side, **look))
                weight = "bold" if mine else "normal"
                middle = (place[0] + side / 2, place[1] + side / 2)
                page.text(
                    *middle, str(int(first[row, column])), ha="center", va="center", fontsize=7.5, fontweight=weight
                )
        page.text(left, top - 0.03, "column 0 … 9, row by row", va="bottom", fontsize=7.5, color=st.MUTED)
        _draw_shapes(page, left + (columns + 0.9) * side, top, int(first[cell]), shape, cell)
    return page.figure


def _draw_shapes(page: Page, left: float, top: float, first: int, shape: int, cell: tuple[int, int]) -> None:
    page.text(left, top - 0.25, f"cell {cell}", va="bottom", fontweight="bold")
    for index, (w, h) in enumerate(((1.0, 0.5), (0.71, 0.71), (0.5, 1.0))):
        y = top + 0.42 + 1.06 * index
        mine = index == shape
        look: dict[str, Any] = {
            "facecolor": (*_rgb(st.FOCUS), 1.0 if mine else 0.0),
            "edgecolor": st.ANCHOR,
            "linewidth": 2,
        }
        page.sheet.add_patch(Rectangle((left + 0.5 - 0.45 * w, y - 0.45 * h), 0.9 * w, 0.9 * h, **look))
        weight = "bold" if mine else "normal"
        page.text(left + 1.25, y, f"{first + index}  {SHAPES[index]}", va="center", fontsize=9, fontweight=weight)


def _rgb(color: str) -> tuple[float, float, float]:
    red, green, blue = (int(color[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return red, green, blue


# ------------------------------------------------------------------------------------------------------------------- files


def stride_grid() -> Figure:
    """The grids of the course's five levels."""
    return plot_stride_grid(shown(story().trace.batch), grids_of_story(), story().trace.batch.image_sizes[0])


def anchors_on_grid() -> Figure:
    """The anchors of the level of the best-fitting one."""
    here = followed()
    anchors, grid = story().trace.anchors[here.level], grids_of_story()[here.level]
    place, key = (here.row, here.column), LEVEL_KEYS[here.level]
    return plot_anchors_on_grid(shown(story().trace.batch), anchors, grid, place, story().box, key)


FIGURES: dict[str, Callable[[], Figure]] = {
    "stride_grid": stride_grid,
    "anchors_on_grid": anchors_on_grid,
    "recall_by_size": recall_by_size,
    **PLACES,
}
