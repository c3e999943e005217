"""Figures of notebook 11: the same window for every box, and what rounding does to it."""

from collections.abc import Callable, Sequence
from math import ceil, floor
from typing import Any

import torch
import torch.nn.functional as F
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.patheffects import Normal, Stroke
from torch import Tensor

from frcnn_edu.lessons.stages import LEVEL_KEYS, frame, show_map, strength
from frcnn_edu.lessons.story import followed, story
from frcnn_edu.ops import box_area, box_iou
from frcnn_edu.ops import roi_align as pooled_from
from frcnn_edu.viz import style as st
from frcnn_edu.viz.draw import draw_boxes, draw_labels, ratio, show_image
from frcnn_edu.viz.sheet import Page, bare

from .read import plot_moved_box, plot_wrong_level

CURVE = st.STAGES["roi_align"]
MIDDLE = 0.5  # a cell's value sits at its index; the square of cell i is drawn from i to i + 1, so its value at i + 0.5


def read(features: Tensor, box: Tensor, scale: float, bins: int = 7, sampling_ratio: int = 2) -> Tensor:
    """RoIAlign for one box (4,) on one image's map (1, C, H, W): (C, bins, bins)."""
    return pooled_from(features, F.pad(box[None], (1, 0)), (bins, bins), scale, sampling_ratio)[0]


def sampling_points(box: Tensor, bins: int = 7, sampling_ratio: int = 2) -> tuple[Tensor, Tensor]:
    """x and y of all points that a box (4,) in cells is sampled at, (bins · sampling_ratio,) each."""
    number = bins * sampling_ratio
    share = (torch.arange(number) + 0.5) / number
    return tuple(box[a] + share * (box[a + 2] - box[a]).clamp(min=1) for a in (0, 1))  # type: ignore[return-value]


def draw_bins(ax: Axes, box: Tensor, bins: int = 7, points: bool = True) -> None:
    """A box (4,) in cells with its bins and sampling points, on cells drawn from i to i + 1."""
    x1, y1, x2, y2 = (box + MIDDLE).tolist()
    for k in range(1, bins):
        ax.plot([x1 + k / bins * (x2 - x1)] * 2, [y1, y2], color=st.PROPOSAL, linewidth=0.7)
        ax.plot([x1, x2], [y1 + k / bins * (y2 - y1)] * 2, color=st.PROPOSAL, linewidth=0.7)
    draw_boxes(ax, box[None] + MIDDLE, st.PROPOSAL, linewidth=1.8)
    if points:
        x, y = torch.meshgrid(*sampling_points(box, bins), indexing="xy")
        ax.scatter((x + MIDDLE).flatten().tolist(), (y + MIDDLE).flatten().tolist(), s=3, color=st.PAPER, linewidths=0)


# ------------------------------------------------------------------------------------------------ one window for every box


def plot_same_window(
    image: Tensor, boxes: Tensor, names: Sequence[str], levels: Sequence[int], pyramid: dict[str, Tensor],
    scales: Sequence[float],
) -> Figure:  # fmt: skip
    """Three boxes on the image, each on its map with its bins, and the 7×7 features that it gets.

    Args:
        boxes: (3, 4) in pixels of `image`.
        levels: index of the map of each, 0 for P2.
        scales: of every map.
    """
    left, wide, gap = 2.55, 1.58, 0.17
    with st.style():
        page = Page(4.0)
        ax = page.panel(0.06, 0.36, left, left * ratio(image))
        show_image(ax, image)
        draw_boxes(ax, boxes, st.PROPOSAL, linewidth=2)
        draw_labels(ax, boxes, list(names), [st.PROPOSAL] * len(boxes), fontsize=8)
        page.text(0.06, 0.1, "boxes of any size …", fontsize=9.5, fontweight="bold")
        page.text(0.06, 2.42, "… each cut into 7×7 bins on the map\nit is read from (its cells are squares,\nwhite points: where it is read) …",
                  color=st.MUTED, linespacing=1.4)  # fmt: skip
        page.text(
            0.06,
            3.2,
            "… become 7×7 numbers\nin each of 64 channels.",
            fontsize=9.5,
            fontweight="bold",
            linespacing=1.3,
        )
        reach = max(float((box[2:] - box[:2]).max()) * scales[k] for box, k in zip(boxes, levels, strict=True)) + 1.2
        for number, (box, name, level) in enumerate(zip(boxes, names, levels, strict=True)):
            key, x = LEVEL_KEYS[level], left + 0.3 + number * (wide + gap)
            features, on_map = pyramid[key], box * scales[level]
            panel = page.panel(x, 0.36, wide, wide)
            show_map(panel, strength(features), st.level_color(key))
            panel.set_facecolor(st.FAINT)
            draw_bins(panel, on_map)
            middle = ((on_map[:2] + on_map[2:]) / 2 + MIDDLE).tolist()
            panel.set(
                xlim=(middle[0] - reach / 2, middle[0] + reach / 2), ylim=(middle[1] + reach / 2, middle[1] - reach / 2)
            )
            width, height = (on_map[2:] - on_map[:2]).tolist()
            page.text(x, 0.1, name, fontsize=9.5, fontweight="bold")
            told = f"{width:.1f}×{height:.1f} cells of {st.LEVEL_NAMES[key]}"
            page.text(x, 0.43 + wide, told, fontsize=7.5, color=st.MUTED)
            page.arrow((x + wide - 0.16, 0.42 + wide), (x + wide - 0.16, 0.68 + wide))
            window = page.panel(x, 0.74 + wide, wide, wide)
            show_map(window, strength(read(features, box, scales[level])[None], among=features), st.PROPOSAL)
    return page.figure


# -------------------------------------------------------------------------------------------------- RoIPool and RoIAlign


def rounded(value: float) -> int:
    """To the nearest whole number, halves away from zero, as RoIPool's kernel does."""
    return floor(value + 0.5) if value >= 0 else -floor(0.5 - value)


def roi_pool_bins(start: float, end: float, bins: int, cells: int) -> list[tuple[int, int]]:
    """Along one axis: the first cell of each of RoIPool's bins, and the one after its last. `start`, `end` are in cells."""
    first, last = rounded(start), rounded(end)
    size = max(last - first + 1, 1) / bins
    edges = [(floor(k * size) + first, ceil((k + 1) * size) + first) for k in range(bins)]
    return [(min(max(a, 0), cells), min(max(b, 0), cells)) for a, b in edges]


def plot_roi_pool_and_align(box: Tensor, features: Tensor, scale: float, key: str, bins: int = 7) -> Figure:
    """The cells that RoIPool takes for a box, and the points at which RoIAlign reads it.

    Args:
        box: (4,) in pixels.
        features: the map (1, C, H, W) with `scale` cells per pixel and level name `key`.
    """
    on_map = box * scale
    x1, y1, x2, y2 = on_map.tolist()
    rows, columns = features.shape[-2:]
    across, down = roi_pool_bins(x1, x2, bins, columns), roi_pool_bins(y1, y2, bins, rows)
    left, top, right, bottom = floor(x1) - 2, floor(y1) - 2, ceil(x2) + 2.4, ceil(y2) + 2.4
    wide = 3.82
    high = wide * (bottom - top) / (right - left)
    moves = [(rounded(v) - v) / scale for v in (x1, y1, x2, y2)]
    size_x, size_y = ((rounded(b) - rounded(a) + 1) / bins for a, b in ((x1, x2), (y1, y2)))
    widened = max(
        max(first + k * size - a, b - first - (k + 1) * size) / scale
        for parts, first, size in ((across, rounded(x1), size_x), (down, rounded(y1), size_y))
        for k, (a, b) in enumerate(parts)
    )
    with st.style():
        page = Page(0.42 + high + 0.62)
        for number, title in enumerate(("RoIPool takes whole cells", "RoIAlign reads between the cells")):
            x = 0.08 + number * (wide + 0.2)
            ax = page.panel(x, 0.36, wide, high)
            show_map(ax, strength(features), st.level_color(key))
            page.text(x, 0.1, title, fontsize=9.5, fontweight="bold")
            if number == 0:
                x_parts, y_parts = across, down
                region = (across[0][0], down[0][0], across[-1][1], down[-1][1])
                draw_boxes(ax, torch.tensor([region]), st.INK, linewidth=2)
                draw_boxes(ax, on_map[None] + MIDDLE, st.PROPOSAL, linewidth=1.6, dashes=(3, 2))
            else:
                draw_bins(ax, on_map, bins)
                x_parts, y_parts = (
                    [(a + MIDDLE + k * (b - a) / bins, a + MIDDLE + (k + 1) * (b - a) / bins) for k in range(bins)]
                    for a, b in ((x1, x2), (y1, y2))
                )
                region = (x1 + MIDDLE, y1 + MIDDLE, x2 + MIDDLE, y2 + MIDDLE)
            _draw_extents(ax, x_parts, y_parts, (region[0], region[1]))
            ax.set(xlim=(left, right), ylim=(bottom, top))
        told = "corners of the box (dashed) moved by " + ", ".join(f"{move:+.1f}" for move in moves) + " pixels,"
        told += f"\nthen bins widened to whole cells, by up to {widened:.1f} pixels: they overlap"
        page.text(
            0.08,
            0.44 + high,
            told.replace("-0.0", "0.0").replace("-", "−"),
            color=st.MUTED,
            fontsize=7.5,
            linespacing=1.4,
        )
        told = "no corner moved, no bin widened:\nfour points a bin, each between four cells"
        page.text(0.28 + wide, 0.44 + high, told, color=st.MUTED, fontsize=7.5, linespacing=1.4)
    return page.figure


def _draw_extents(
    ax: Axes, across: Sequence[tuple[float, float]], down: Sequence[tuple[float, float]], corner: tuple[float, float]
) -> None:
    """How far each column and each row of bins reaches, as bars in two rows, outside of the region's `corner`."""
    look: dict[str, Any] = {"color": st.PAPER, "linewidth": 2.4, "solid_capstyle": "butt"}
    look["path_effects"] = [Stroke(linewidth=4.2, foreground=st.INK), Normal()]
    for k, (a, b) in enumerate(across):
        y = corner[1] - 0.45 - 0.5 * (k % 2)
        ax.plot([a + 0.06, b - 0.06], [y, y], **look)
    for k, (a, b) in enumerate(down):
        x = corner[0] - 0.45 - 0.5 * (k % 2)
        ax.plot([x, x], [a + 0.06, b - 0.06], **look)


# --------------------------------------------------------------------------------------------------- one point, four cells


def plot_point(values: Tensor, x: float, y: float) -> Figure:
    """A point between the cells of a small map (H, W), the four around it with their weights, and the sum.

    A weight is the area of the rectangle between the point and the *opposite* cell's middle.
    """
    rows, columns = values.shape
    left, top = floor(x), floor(y)
    dx, dy = x - left, y - top
    four = [
        (left + i, top + j, (dx if i else 1 - dx) * (dy if j else 1 - dy), (1 - i, 1 - j))
        for j in (0, 1)
        for i in (0, 1)
    ]
    tints = (st.ANCHOR, st.PROPOSAL, st.BACKGROUND, st.GROUND_TRUTH)
    with st.style():
        page = Page(3.5)
        ax = page.panel(0.1, 0.4, 2.95, 2.95 * rows / columns)
        near = page.panel(3.35, 0.4, 2.0, 2.0)
        page.text(0.1, 0.12, f"a point at x = {x:g}, y = {y:g}", fontsize=9.5, fontweight="bold")
        page.text(3.35, 0.12, "each cell's weight: the area opposite", fontsize=9.5, fontweight="bold")
        for i in range(rows):
            for j in range(columns):
                mine = next((n for n, cell in enumerate(four) if cell[:2] == (j, i)), None)
                face = st.PAPER if mine is None else tints[mine]
                ax.add_patch(
                    Rectangle((j, i), 1, 1, facecolor=face, alpha=1 if mine is None else 0.35, edgecolor=st.FAINT)
                )
                ax.add_patch(Rectangle((j, i), 1, 1, fill=False, edgecolor=st.MUTED, linewidth=0.6))
                ax.text(j + 0.24, i + 0.26, f"{float(values[i, j]):g}", ha="center", va="center", fontsize=11)
                ax.plot(j + MIDDLE, i + MIDDLE, ".", color=st.MUTED, markersize=4)
        ax.plot(x + MIDDLE, y + MIDDLE, "o", color=st.FOCUS, markeredgecolor=st.INK, markersize=8)
        ax.set(xlim=(0, columns), ylim=(rows, 0))
        for n, (cx, cy, weight, opposite) in enumerate(four):
            corner = (left + opposite[0], top + opposite[1])
            low, high = (min(corner[0], x), min(corner[1], y)), (abs(corner[0] - x), abs(corner[1] - y))
            near.add_patch(Rectangle(low, *high, facecolor=tints[n], alpha=0.5, linewidth=0))
            near.text(low[0] + high[0] / 2, low[1] + high[1] / 2, f"{weight:.3f}", ha="center", va="center", fontsize=8)
            near.plot(cx, cy, "o", color=tints[n], markeredgecolor=st.INK, markersize=11, clip_on=False)
            line = f"{weight:.3f} · {float(values[cy, cx]):g}"
            page.text(6.5, 0.62 + 0.3 * n, line, fontsize=10, ha="right", va="center")
            page.text(6.6, 0.62 + 0.3 * n, f"= {weight * float(values[cy, cx]):.3f}", fontsize=10, va="center")
            page.sheet.plot(5.68, 0.62 + 0.3 * n, "o", color=tints[n], markeredgecolor=st.INK, markersize=7)
        near.plot(x, y, "o", color=st.FOCUS, markeredgecolor=st.INK, markersize=8)
        near.set(xlim=(left, left + 1), ylim=(top + 1, top))
        total = sum(weight * float(values[cy, cx]) for cx, cy, weight, _ in four)
        page.sheet.plot([5.6, 7.3], [1.75, 1.75], color=st.INK, linewidth=0.8)
        page.text(
            6.5, 1.95, f"{sum(w for _, _, w, _ in four):.3f}", fontsize=10, ha="right", va="center", color=st.MUTED
        )
        page.text(6.6, 1.95, f"= {total:.3f}", fontsize=10, va="center", fontweight="bold")
        page.text(5.68, 2.25, "the weights add up to 1", color=st.MUTED)
        for panel in (ax, near):
            bare(panel)
        frame(near, st.MUTED, 0.8)
    return page.figure


# ----------------------------------------------------------------------------------------------------------------- figures


def roi_align() -> Figure:
    """A small, a middle and the largest proposal of the story: three sizes, one window."""
    boxes, levels = story().trace.proposals, story().trace.levels
    chosen = three_proposals()
    names = ["small circle", "our cross", "the largest"]
    scales = pool_scales()
    return plot_same_window(
        story().resized, boxes[chosen], names, levels[chosen].tolist(), story().trace.pyramid, scales
    )


def three_proposals() -> list[int]:
    """Indices of the proposal that fits the small circle best, of our cross's, and of the largest."""
    boxes = story().trace.proposals
    return [int(box_iou(story().boxes[[3]], boxes).argmax()), followed().proposal, int(box_area(boxes).argmax())]


def pool_scales() -> list[float]:
    """Cells per pixel of the maps that the story's model pools from: 1/4 … 1/32."""
    scales: list[float] = story().model.roi_heads.box_roi_pool.scales  # type: ignore[assignment, union-attr]
    return scales


def roi_pool_and_align() -> Figure:
    """Our cross's proposal on P2, rounded and not."""
    return plot_roi_pool_and_align(story().trace.proposals[followed().proposal], story().trace.pyramid["0"], 1 / 4, "0")


def box_moved_by_a_pixel() -> Figure:
    """Our cross's proposal, moved to the right by up to eight pixels."""
    return plot_moved_box(story().trace.pyramid["0"], story().trace.proposals[followed().proposal], 1 / 4)


def read_from_the_wrong_level() -> Figure:
    """Our cross's proposal, read from each of the four maps, and what the box head says."""
    proposal = story().trace.proposals[followed().proposal]
    return plot_wrong_level(story().model, story().trace.pyramid, proposal, story().box, story().classes)


FIGURES: dict[str, Callable[[], Figure]] = {
    "roi_align": roi_align,
    "roi_pool_and_align": roi_pool_and_align,
    "box_moved_by_a_pixel": box_moved_by_a_pixel,
    "read_from_the_wrong_level": read_from_the_wrong_level,
}
