"""The pyramid's arithmetic, number by number: nearest upsampling and the lateral connection."""

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import Tensor

from frcnn_edu.model import FeaturePyramidNetwork
from frcnn_edu.viz import style as st
from frcnn_edu.viz.draw import WIDTH
from frcnn_edu.viz.sheet import Page, number_table

CORNERS = (st.LEVELS["P2"], st.LEVELS["P3"], st.LEVELS["P4"], st.LEVELS["P5"])  # of a, b, c, d


def copies(size: int, larger: int) -> list[int]:
    """How often nearest upsampling from `size` to `larger` cells copies each cell, as PyTorch does it."""
    source = F.interpolate(torch.arange(float(size)).view(1, 1, 1, -1), size=(1, larger), mode="nearest")
    return torch.bincount(source.flatten().long(), minlength=size).tolist()


def plot_nearest(values: Tensor, sizes: Sequence[tuple[int, int]] = ((13, 26), (13, 25))) -> Figure:
    """A 2×2 map (2, 2) made 4×4 by copying and by blending, the rule between four samples, and rows of other sizes."""
    nearest, bilinear = (
        F.interpolate(values[None, None], size=(4, 4), mode=mode, align_corners=None if mode == "nearest" else False)[
            0, 0
        ]
        for mode in ("nearest", "bilinear")
    )
    with st.style():
        page = Page(2.9 + 1.1 * len(sizes))
        _rule(page, 0.35, 0.75)
        for index, value in enumerate(values.flatten().tolist()):
            left, top = 2.75 + 0.4 * (index % 2), 0.75 + 0.4 * (index // 2)
            _cell(page, left, top, 0.4, CORNERS[index], f"{value:g}")
        page.text(2.75, 0.5, "2×2", fontweight="bold")
        page.arrow((3.62, 1.15), (3.9, 1.15))
        for row in range(4):
            for column in range(4):
                index = 2 * (row // 2) + column // 2
                _cell(
                    page, 4.0 + 0.4 * column, 0.75 + 0.4 * row, 0.4, CORNERS[index], f"{float(nearest[row, column]):g}"
                )
        page.text(4.0, 0.5, "nearest: copies", fontweight="bold")
        number_table(page.sheet, bilinear, 6.1, 0.75, 0.4, "", tint=st.MUTED, color=st.FAINT)
        page.text(6.1, 0.5, "bilinear: blends", fontweight="bold")
        page.text(4.0, 2.42, "no new numbers", color=st.MUTED, fontsize=7.5)
        page.text(6.1, 2.42, "new numbers in between", color=st.MUTED, fontsize=7.5)
        for row, (size, larger) in enumerate(sizes):
            _row_of_copies(page, 0.35, 3.05 + 1.1 * row, size, larger)
    return page.figure


def _cell(page: Page, x: float, y: float, side: float, color: str, text: str = "", width: float | None = None) -> None:
    width = side if width is None else width
    page.sheet.add_patch(Rectangle((x, y), width, side, facecolor=color, alpha=0.4, linewidth=0))
    page.sheet.add_patch(Rectangle((x, y), width, side, fill=False, edgecolor=st.PAPER, linewidth=1.0))
    page.text(x + width / 2, y + side / 2, text, ha="center", va="center", fontsize=8)


def _rule(page: Page, x: float, y: float) -> None:
    """The square between four samples a, b, c, d: each quarter takes the sample at its corner."""
    side, half = 1.6, 0.8
    names = ("a", "b", "c", "d")
    for index, (name, color) in enumerate(zip(names, CORNERS, strict=True)):
        column, row = index % 2, index // 2
        left, top = x + half * column, y + half * row
        page.sheet.add_patch(Rectangle((left, top), half, half, facecolor=color, alpha=0.4, linewidth=0))
        words = f"u {'<' if row == 0 else '≥'} ½\nv {'<' if column == 0 else '≥'} ½\n→ {name}"
        page.text(left + half / 2, top + half / 2, words, ha="center", va="center", fontsize=7.5, linespacing=1.35)
        page.sheet.plot(x + side * column, y + side * row, "o", markersize=7, color=color, markeredgecolor=st.INK)
        page.text(x + side * column + (-0.12 if column == 0 else 0.12), y + side * row, name, ha="center", va="center",
                  fontweight="bold", fontsize=9)  # fmt: skip
    page.text(x, 0.5 - 0.25, "Textbook rule for f(i + u, j + v), between four samples", fontweight="bold")
    page.text(x, 2.47, "u runs down, and v to the right; each\nquarter takes the sample at its corner", color=st.MUTED, fontsize=7.5,
              linespacing=1.3)  # fmt: skip


def _row_of_copies(page: Page, x: float, y: float, size: int, larger: int) -> None:
    """A row of `size` cells above a row of `larger`, with the copies of each cell in its colour."""
    counts = copies(size, larger)
    wide = WIDTH - 2 * x
    cell, copy = wide / size, wide / larger
    odd_one_out = min(counts)
    done = 0
    for index, count in enumerate(counts):
        alone = count == odd_one_out and odd_one_out < max(counts)
        color = st.DETECTION if alone else CORNERS[index % 2 + 1]
        _cell(page, x + index * cell, y + 0.12, 0.22, color, f"{index}", cell)
        left, right = x + done * copy, x + (done + count) * copy
        page.sheet.fill(
            [x + index * cell, x + (index + 1) * cell, right, left], [y + 0.34, y + 0.34, y + 0.58, y + 0.58],
            color=color, alpha=0.18, linewidth=0,
        )  # fmt: skip
        for place in range(count):
            _cell(page, left + place * copy, y + 0.58, 0.22, color, f"{index}", copy)
        done += count
    twice = sum(count == 2 for count in counts)
    once = [index for index, count in enumerate(counts) if count == 1]
    words = f"each of the {twice} cells twice" if not once else f"{twice} cells twice, cell {once[0]} once"
    page.text(x, y - 0.1, f"{size} → {larger}", fontweight="bold")
    page.text(x + 0.75, y - 0.1, words, color=st.MUTED)


def plot_lateral(fpn: FeaturePyramidNetwork, fine: Tensor, coarse: Tensor) -> Figure:
    """The merging of two levels, with all numbers: 1×1 convolution, upsampling, sum, 3×3 convolution.

    Args:
        fpn: of two levels and one output channel.
        fine, coarse: maps (1, Cᵢ, Hᵢ, Wᵢ), the fine one of 4×4 with two channels, the coarse one of 2×2.
    """
    laterals: Any = fpn.inner_blocks
    smooth: Any = fpn.layer_blocks[0]
    weights = [conv[0].weight.flatten(1)[0].tolist() for conv in laterals]
    with torch.no_grad():
        lateral, above = laterals[0](fine)[0, 0], laterals[1](coarse)[0, 0]
        upsampled = F.interpolate(above[None, None], size=lateral.shape, mode="nearest")[0, 0]
        result = fpn({"fine": fine, "coarse": coarse})["fine"][0, 0]
    kernel = smooth[0].weight[0, 0].detach()
    cell, down, up = 0.29, st.STAGES["fpn"], st.STAGES["backbone"]
    with st.style():
        page = Page(4.5)
        sheet = page.sheet
        # the coarse level, at the top
        for channel in range(coarse.shape[1]):
            number_table(sheet, coarse[0, channel], 0.2 + 0.8 * channel, 0.42, cell, f"channel {channel}", tint=up)
        page.text(0.2, 1.06, f"coarse: {coarse.shape[1]}×2×2", color=st.MUTED, fontsize=7.5)
        page.arrow((0.2 + 0.8 * coarse.shape[1] - 0.05, 0.71), (3.56, 0.71), color=up)
        page.text(2.5, 0.66, f"1×1: {_list(weights[1])}", va="bottom", fontsize=7.5)
        number_table(sheet, above, 3.64, 0.42, cell, "what comes down", tint=down, color=down)
        page.text(4.05, 1.45, "nearest, to 4×4", fontsize=7.5, color=down)
        # the fine level, on the left
        for channel in range(fine.shape[1]):
            number_table(sheet, fine[0, channel], 0.2, 1.5 + 1.5 * channel, cell, f"channel {channel}", tint=up)
        page.text(0.2, 4.2, f"fine: {fine.shape[1]}×4×4", color=st.MUTED, fontsize=7.5)
        page.arrow((1.42, 2.85), (1.86, 2.85), color=up)
        page.text(1.4, 2.6, f"1×1:\n{_list(weights[0])}", fontsize=7.5, va="bottom", linespacing=1.3)
        table = 4 * cell
        middle = 2.85
        top = middle - table / 2
        number_table(sheet, lateral, 1.93, top, cell, "lateral", tint=up, color=up)
        page.text(3.22, middle, "+", fontsize=15, ha="center", va="center")
        number_table(sheet, upsampled, 3.35, top, cell, "from above", tint=down, color=down)
        page.arrow((3.93, 1.04), (3.93, top - 0.3), color=down, width=2)
        page.text(4.67, middle, "=", fontsize=15, ha="center", va="center")
        number_table(sheet, lateral + upsampled, 4.82, top, cell, "sum", tint=st.MUTED, color=st.INK)
        page.arrow((6.04, middle), (6.56, middle), color=st.INK)
        page.text(6.29, middle - 0.06, "3×3", fontsize=7.5, ha="center", va="bottom")
        number_table(sheet, kernel, 5.86, top - 1.42, cell, "3×3 weights", tint=st.MUTED, color=st.FAINT)
        number_table(sheet, result, 6.63, top, cell, "P of this level", tint=st.level_color("P2"),
                     color=st.level_color("P2"))  # fmt: skip
        page.text(4.82, top + table + 0.08, "is passed down", fontsize=7.5, color=st.MUTED)
        page.text(6.63, top + table + 0.08, "goes to the heads", fontsize=7.5, color=st.MUTED)
    return page.figure


def _list(weights: Sequence[float]) -> str:
    return "(" + ", ".join(f"{weight:g}" for weight in weights).replace("-", "−") + ")"
