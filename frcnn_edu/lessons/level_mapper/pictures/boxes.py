"""Figures of notebook 10: boxes in pixels, and in cells of the map that each is read from."""

from collections.abc import Sequence

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from frcnn_edu.model import LevelMapper
from frcnn_edu.ops import box_area
from frcnn_edu.viz import style as st
from frcnn_edu.viz.draw import WIDTH, draw_boxes, draw_labels, panels, show_image
from frcnn_edu.viz.sheet import Page, draw_grid


def sides(boxes: Tensor) -> Tensor:
    """√(w·h) of each box: (N, 4) → (N,), the side of the square with its area."""
    return box_area(boxes).sqrt()


def plot_boxes_to_levels(image: Tensor, boxes: Tensor, mapper: LevelMapper, size: tuple[int, int]) -> Figure:
    """Boxes on an image, coloured by level, and each of them on the cells of its own map, all cells drawn equally large.

    Args:
        image: (3, H, W), at any resolution; it is drawn with the size `size`.
        boxes: (N, 4) in pixels of `size`, (height, width).
    """
    levels = mapper([boxes]) + mapper.k_min  # (N,) 2 for P2
    colors = [st.LEVELS[f"P{level}"] for level in levels.tolist()]
    order = sides(boxes).argsort(stable=True).tolist()
    with st.style():
        columns = -(-len(boxes) // 2)
        left, gap = 3.0, 0.08
        wide = (WIDTH - left - 0.24 - gap * columns) / columns
        reach = 1.02 * max(
            float(max(box[2] - box[0], box[3] - box[1])) / 2**level
            for box, level in zip(boxes, levels.tolist(), strict=True)
        )
        page = Page(0.4 + 2 * (wide + 0.44))
        ax = page.panel(0.06, 0.38, left, left * size[0] / size[1])
        show_image(ax, image)
        ax.images[0].set_extent((0, size[1], size[0], 0))
        ax.set(xlim=(0, size[1]), ylim=(size[0], 0))
        draw_boxes(ax, boxes[order[::-1]], [colors[i] for i in order[::-1]], linewidth=2)
        draw_labels(ax, boxes[order], [f"P{levels[i]}" for i in order], [colors[i] for i in order], fontsize=7.5)
        page.text(0.06, 0.1, f"{len(boxes)} boxes at {size[0]}×{size[1]} pixels", fontsize=9.5, fontweight="bold")
        page.text(left + 0.24, 0.1, "each on the cells of its own map", fontsize=9.5, fontweight="bold")
        all_sides = sides(boxes)
        cells = all_sides / 2.0**levels
        told = f"sides of {all_sides.min():.0f} to {all_sides.max():.0f} pixels"
        told += f"\nbecome {cells.min():.0f} to {cells.max():.0f} cells"
        page.text(0.06, 0.5 + left * size[0] / size[1], told, color=st.MUTED, fontsize=9, linespacing=1.4)
        for place, i in enumerate(order):
            row, column = divmod(place, columns)
            panel = page.panel(left + 0.24 + column * (wide + gap), 0.38 + row * (wide + 0.44), wide, wide)
            _draw_in_cells(panel, image, boxes[i], int(levels[i]), size, reach)
            side = float(sides(boxes[i : i + 1]))
            page.text(
                left + 0.24 + column * (wide + gap), 0.41 + row * (wide + 0.44) + wide,
                f"P{levels[i]}: {side:.0f} pixels\n{side / 2 ** int(levels[i]):.0f} cells", fontsize=7.5, linespacing=1.15,
            )  # fmt: skip
    return page.figure


def _draw_in_cells(ax: Axes, image: Tensor, box: Tensor, level: int, size: tuple[int, int], reach: float) -> None:
    """A box and the image below it in cells of its level; `reach` is the side of the window in cells."""
    stride, color = 2.0**level, st.LEVELS[f"P{level}"]
    show_image(ax, image, dim=0.45)
    rows, columns = size[0] / stride, size[1] / stride
    ax.images[0].set_extent((0, columns, rows, 0))
    draw_grid(ax, int(rows + 0.999), int(columns + 0.999), color=color, linewidths=0.35, alpha=0.7, zorder=0.8)
    draw_boxes(ax, box[None] / stride, color, linewidth=1.6)
    x, y = ((box[:2] + box[2:]) / 2 / stride).tolist()
    ax.set(xlim=(x - reach / 2, x + reach / 2), ylim=(y + reach / 2, y - reach / 2), facecolor=st.FAINT)


def plot_cells_spanned(box_sides: Tensor, canonical_scales: Sequence[int], bins: int = 7) -> Figure:
    """Histograms of the number of cells that a box's side spans, for some canonical scales: sides (N,) in pixels."""
    edges = torch.linspace(0, 20, 41)
    with st.style():
        figure, axes = panels([0.86] * len(canonical_scales), columns=3, title=0.26, caption=0.46, gap=0.16)
        for ax, scale in zip(axes, canonical_scales, strict=True):
            squares = torch.stack((0 * box_sides, 0 * box_sides, box_sides, box_sides), dim=1)  # (N, 4)
            levels = LevelMapper(2, 5, canonical_scale=scale)([squares])
            cells = box_sides / 2.0 ** (levels + 2)
            below = torch.zeros(len(edges) - 1)
            for level, name in enumerate(list(st.LEVELS)[:4]):
                counts = torch.histogram(cells[levels == level], edges).hist
                ax.bar(
                    edges[:-1].tolist(),
                    counts.tolist(),
                    width=0.5,
                    bottom=below.tolist(),
                    align="edge",
                    color=st.LEVELS[name],
                    linewidth=0,
                )
                below += counts
            ax.axvline(bins, color=st.INK, linewidth=1, linestyle=(0, (3, 2)))
            shares = levels.bincount(minlength=4) / len(levels)
            told = ", ".join(
                f"P{k + 2} {100 * share:.0f} %" for k, share in enumerate(shares.tolist()) if share >= 0.01
            )
            ax.set(xlim=(0, 20), yticks=[], title=f"canonical_scale {scale}")
            ax.set_xlabel(f"cells that a box spans\n{told}", fontsize=8)
            ax.grid(axis="y", visible=False)
            ax.spines["left"].set_visible(False)
        tallest = max(ax.get_ylim()[1] for ax in axes)
        for ax in axes:
            ax.set_ylim(0, tallest)
            ax.text(bins + 0.3, 0.97 * tallest, "one cell\nper bin", fontsize=8, va="top", color=st.MUTED)
    return figure
