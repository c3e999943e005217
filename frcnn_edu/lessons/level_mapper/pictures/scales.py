"""Figures of notebook 10: how the scale of a map is inferred, and when it is wrong."""

from collections.abc import Sequence
from fractions import Fraction
from math import log2

import torch
from matplotlib.figure import Figure
from torch import Tensor

from frcnn_edu.lessons.stages import LEVEL_KEYS, show_map, strength
from frcnn_edu.model.roi_align import infer_scale
from frcnn_edu.viz import style as st
from frcnn_edu.viz.draw import WIDTH, draw_boxes
from frcnn_edu.viz.sheet import Page

CURVE = st.STAGES["roi_align"]


def plot_scale_rounding(cases: Sequence[tuple[str, int, Sequence[int]]]) -> Figure:
    """The inferred scale as a function of the ratio of heights, the maps of two models, and one of them by calculation.

    Args:
        cases: name, height of an image in pixels and heights of its maps in cells, for each of two models.
    """
    rows = torch.logspace(log2(1 / 80), 0.5, 800, base=2).mul(2**14).round().int().tolist()
    ratios = [row / 2**14 for row in rows]
    powers = [2.0**-k for k in range(7)]
    words = [str(Fraction(power)) for power in powers]
    with st.style():
        page = Page(4.4)
        ax = page.panel(0.62, 0.42, 7.2, 3.05)
        ax.plot(ratios, ratios, color=st.MUTED, linestyle=(0, (1, 2)), linewidth=1)
        ax.plot(ratios, [infer_scale(row, 2**14) for row in rows], color=CURVE, linewidth=1.8)
        for number, (_, height, maps) in enumerate(cases):
            marker, size, offset, side = (("o", 8.5, (8, -10), "left"), ("D", 5.5, (-9, 9), "right"))[number]
            for key, row in zip(LEVEL_KEYS, maps, strict=False):
                place = (row / height, infer_scale(row, height))
                ax.plot(*place, marker=marker, markersize=size, zorder=4 + number, color=st.level_color(key),
                        markeredgecolor=st.PAPER, markeredgewidth=1)  # fmt: skip
                ax.annotate(
                    f"{st.LEVEL_NAMES[key]}: {row}/{height}", place, offset, textcoords="offset points", fontsize=7.5,
                    ha=side, va="center",
                )  # fmt: skip
        ax.set(xscale="log", yscale="log", xlim=(1 / 80, 2**0.5), ylim=(1 / 80, 1.5))
        ax.set_xlabel("height of the map in cells / height of the image in pixels")
        ax.set_xticks(powers, words)
        ax.set_yticks(powers, words)
        ax.minorticks_off()
        page.text(0.62, 0.12, "a ratio of heights becomes the nearest power of two", fontsize=10, fontweight="bold")
        marks = "      ".join(f"{mark} {case[0]}" for mark, case in zip("●◆", cases, strict=True))
        page.text(7.82, 0.16, marks, ha="right", color=st.MUTED, fontsize=7.5)
        height, row = cases[0][1], cases[0][2][0]
        exponent = log2(row / height)
        page.text(
            WIDTH / 2, 4.12,
            rf"$2^{{\,\mathrm{{round}}(\log_2({row}/{height}))}} \;=\; 2^{{\,\mathrm{{round}}({exponent:.2f})}}"
            rf" \;=\; 2^{{{round(exponent)}}} \;=\; {Fraction(infer_scale(row, height))}$",
            fontsize=13, ha="center", va="center",
        )  # fmt: skip
    return page.figure


def scale_rounding() -> Figure:
    """The scales of the small model's maps and of the full model's, for an image of 500×333 pixels resized to 1201×800."""
    small = ("small model, 120 pixels", 120, (32, 16, 8, 4))
    return plot_scale_rounding([small, ("full model, 1201 pixels", 1201, (304, 152, 76, 38))])


def padded(height: int, divisor: int = 32) -> int:
    """A height in pixels after the transform's padding."""
    return -(-height // divisor) * divisor


def scale_of_height(height: int) -> float:
    """The scale inferred for P2 from an image of this height."""
    return infer_scale(padded(height) // 4, height)


def plot_scale_of_height(highest: int = 130) -> Figure:
    """The scale inferred for P2, for images of every height; 1/4 is right."""
    heights = list(range(1, highest + 1))
    scales = [scale_of_height(height) for height in heights]
    with st.style():
        page = Page(2.9)
        ax = page.panel(0.62, 0.45, 7.2, 1.8)
        runs = _runs([scale != 1 / 4 for scale in scales])
        for first, last in runs:
            ax.axvspan(heights[first] - 0.5, heights[last] + 0.5, color=st.BACKGROUND, alpha=0.22, linewidth=0)
            ax.text(
                (heights[first] + heights[last]) / 2, 11, f"wrong:\n{heights[first]}…{heights[last]}", ha="center", va="top",
                fontsize=8, linespacing=1.1,
            )  # fmt: skip
        shown = [min(scale, 4.0) for scale in scales]
        ax.plot(heights, shown, "o", color=CURVE, markersize=2.6)
        ax.axhline(1 / 4, color=st.LEVELS["P2"], linewidth=1, zorder=1)
        ax.text(highest, 0.3, "right: 1/4", color=st.LEVELS["P2"], ha="right", fontsize=8)
        ax.set(yscale="log", ylim=(0.17, 12.5), xlim=(0, highest + 1))
        ax.set_yticks([1 / 4, 1 / 2, 1, 2, 4], ["1/4", "1/2", "1", "2", "4+"])
        ax.set_xticks([1, 11, 22, 33, 45, 66, 96, 128])
        ax.minorticks_off()
        ax.set_xlabel("height of the image in pixels, before padding", labelpad=1)
        page.text(0.62, 0.12, "the inferred scale of P2", fontsize=10, fontweight="bold")
    return page.figure


def _runs(flags: Sequence[bool]) -> list[tuple[int, int]]:
    """First and last index of each run of true flags."""
    runs: list[tuple[int, int]] = []
    for i, flag in enumerate(flags):
        if flag and runs and runs[-1][1] == i - 1:
            runs[-1] = (runs[-1][0], i)
        elif flag:
            runs.append((i, i))
    return runs


def plot_where_it_is_read(box: Tensor, ways: Sequence[tuple[str, int, float]], pyramid: dict[str, Tensor]) -> Figure:
    """One box (4,) on the map that it is read from, for several levels and scales; all cells are drawn equally large.

    Args:
        ways: title, index of the level, and scale (cells per pixel).
    """
    with st.style():
        page = Page(3.7)
        wide, widest = 3.75, pyramid["0"].shape[-2:]
        for number, (title, level, scale) in enumerate(ways):
            key = LEVEL_KEYS[level]
            features = pyramid[key]
            rows, columns = features.shape[-2:]
            ax = page.panel(0.12 + number * (wide + 0.26), 0.38, wide, 2.95)
            show_map(ax, strength(features), st.level_color(key))
            on_map = box * scale
            draw_boxes(ax, on_map[None], st.PROPOSAL, linewidth=2.4)
            ax.set(xlim=(-0.5, widest[1] + 0.5), ylim=(widest[0] + 0.5, -0.5), aspect="equal", facecolor=st.FAINT)
            ax.set_anchor("NW")
            ax.spines[:].set_visible(False)
            x1, y1, x2, y2 = (f"{value:.1f}" for value in on_map.tolist())
            page.text(0.12 + number * (wide + 0.26), 0.12, title, fontsize=9.5, fontweight="bold")
            text = f"{st.LEVEL_NAMES[key]} has {rows}×{columns} cells; the box: rows {y1}–{y2}, columns {x1}–{x2}"
            page.text(0.12 + number * (wide + 0.26), 3.42, text, color=st.MUTED, fontsize=8)
    return page.figure
