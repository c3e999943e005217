"""Figures of notebook 01: the size of a resized image, and the values of its pixels."""

from collections.abc import Sequence

import torch
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import Tensor

from frcnn_edu.model import GeneralizedRCNNTransform
from frcnn_edu.viz import style as st
from frcnn_edu.viz.draw import WIDTH, show_image
from frcnn_edu.viz.sheet import Page, arrow, bare, caption, short_number


def resized_size(transform: GeneralizedRCNNTransform, size: tuple[int, int]) -> tuple[int, int]:
    """The size (height, width) that an image of `size` has after resizing."""
    resized = transform.resize_image(
        torch.zeros(1, 1, 1).expand(1, *size)
    )  # (on "meta" it would take longer than computing)
    return resized.shape[-2], resized.shape[-1]


def plot_corners(transform: GeneralizedRCNNTransform, sizes: Sequence[tuple[int, int]]) -> Figure:
    """Where the lower right corner of an image is before and after resizing, if its upper left corner is at (0, 0)."""
    limit, side = transform.max_size, transform.min_size[-1]
    heights = [(400, width) for width in range(140, 1301, 20)]
    path = sorted(
        (resized_size(transform, size) for size in [*heights, *[(w, h) for h, w in heights]]), key=lambda s: s[0] / s[1]
    )
    with st.style():
        figure = Figure(figsize=(WIDTH, 5.4))
        ax = figure.add_axes((0.075, 0.03, 0.92, 0.89))
        ax.plot([w for _, w in path], [h for h, _ in path], color=st.FOREGROUND, linewidth=2.6, solid_joinstyle="miter")
        for height, width in sizes:
            high, wide = resized_size(transform, (height, width))
            arrow(ax, (width, height), (wide, high), st.MUTED)
            ax.plot([width], [height], "o", color=st.PAPER, markeredgecolor=st.INK, markersize=5)
            ax.plot([wide], [high], "o", color=st.INK, markersize=5.5)
            x, y = (wide, high) if high * wide > height * width else (width, height)  # beside the corner further out
            ax.text(x + 22, y + 14, f"{height}×{width}\n→ {high}×{wide}", fontsize=8.5, va="top", linespacing=1.3)
        ax.text(
            side + 14,
            side - 14,
            f"shorter side\n{side}",
            color=st.FOREGROUND,
            va="bottom",
            fontweight="bold",
            fontsize=8.5,
        )
        ax.text(limit + 16, 0.78 * side, f"longer side {limit}", color=st.FOREGROUND, fontweight="bold", fontsize=8.5)
        ax.text(
            1.24 * limit, 1.05 * side, "○  lower right corner as given\n●  the same corner, resized", va="top",
            fontsize=9, linespacing=1.7,
        )  # fmt: skip
        ax.text(1.4 * limit, -26, "width →", color=st.MUTED, ha="center", va="bottom", fontsize=8.5)
        ax.text(-26, 0.5 * side, "← height", color=st.MUTED, ha="right", va="center", rotation=90, fontsize=8.5)
        ticks = [0, side, limit]
        ax.set(xlim=(0, 2250), ylim=(1440, 0), xticks=ticks, yticks=ticks, aspect="equal", anchor="NW")
        ax.grid(False)
        ax.xaxis.tick_top()
        ax.spines[["left", "top"]].set_visible(True)
        ax.spines[["bottom"]].set_visible(False)
    return figure


def plot_resampling(old: Tensor, new: Tensor) -> Figure:
    """A row of pixels and the resized row: which old pixels each new one is mixed from, and in which shares.

    Args:
        old, new: (n,), (m,).
    """
    n, m = len(old), len(new)
    top = float(max(old.max(), new.max()))
    with st.style():
        figure = Figure(figsize=(WIDTH, 2.75))
        ax = figure.add_axes((0.09, 0.0, 0.9, 1.0))
        bare(ax)
        ax.set(xlim=(0, n), ylim=(2.75 / 7.2 * n, 0))
        for y, row, name in ((0.1, old, f"{n} pixels"), (1.0, new, f"{m} pixels")):
            side = n / len(row)
            for index, value in enumerate(row.tolist()):
                grey = 0.25 + 0.7 * value / top
                ax.add_patch(
                    Rectangle((index * side, y), side, 0.38, facecolor=(grey,) * 3, edgecolor=st.PAPER, linewidth=2)
                )
                ink = st.text_color("#" + 3 * f"{round(255 * grey):02x}")
                at = y + (0.12 if y < 0.5 else 0.26)
                ax.text(
                    (index + 0.5) * side, at, short_number(value), ha="center", va="center", color=ink, fontsize=9.5
                )
            ax.text(-0.05, y + 0.19, name, ha="right", va="center", fontsize=8.5)
        for index in range(m):
            at = (index + 0.5) * n / m - 0.5  # in old pixels, whose centres are 0, 1, …
            for neighbour, share in _neighbours(at, n):
                start, end = (neighbour + 0.5, 0.38), ((index + 0.5) * n / m, 1.1)
                ax.plot(*zip(start, end, strict=True), color=st.FOREGROUND, linewidth=0.5 + 3.5 * share, zorder=3)
                t = 0.74 if share >= 0.5 else 0.66
                x, y = (start[axis] + t * (end[axis] - start[axis]) for axis in (0, 1))
                ax.text(
                    x, y, f"{share:.1f}", fontsize=7.5, ha="center", va="center", zorder=5,
                    bbox={"boxstyle": "round,pad=0.12", "facecolor": st.PAPER, "edgecolor": "none"},
                )  # fmt: skip
            ax.plot([(index + 0.5) * n / m], [1.1], "o", color=st.INK, markersize=4, zorder=6)
        ax.plot([i + 0.5 for i in range(n)], [0.38] * n, "o", color=st.INK, markersize=4, zorder=6)
    return figure


def _neighbours(at: float, count: int) -> list[tuple[int, float]]:
    """The pixels that bilinear interpolation mixes at `at` (in pixels; the first centre is at 0), with their shares."""
    at = min(max(at, 0.0), count - 1.0)
    left = int(at)
    shares = [(left, 1 - (at - left)), (min(left + 1, count - 1), at - left)]
    return [(pixel, share) for pixel, share in shares if share > 1e-9]


def plot_aliasing(image: Tensor, without: Tensor, with_antialias: Tensor) -> Figure:
    """An image, and the same image shrunk without and with antialiasing."""
    factor = image.shape[-1] // without.shape[-1]
    side, gap = 2.56, 0.08  # 384 dots at 150 dpi: three a pixel of an image of 128, so that the page adds no pattern
    with st.style():
        page = Page(0.3 + side + 0.5)
        steps = (
            (image, "original", f"{image.shape[-2]}×{image.shape[-1]} pixels, concentric rings"),
            (without, "resized, as the model does it", f"1/{factor} of the size: rings that were never there"),
            (with_antialias, "resized with antialias=True", f"1/{factor} of the size: the finest rings turn grey"),
        )
        for index, (picture, title, words) in enumerate(steps):
            ax = page.panel(0.08 + index * (side + gap), 0.3, side, side)
            show_image(ax, picture)
            ax.set_title(title, fontsize=9.5)
            caption(ax, words, fontsize=7.6)
    return page.figure
