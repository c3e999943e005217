"""Figures of notebook 06: how maps become one list in the anchors' order, and how to trace a number back."""

from collections.abc import Sequence
from itertools import accumulate

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Polygon, Rectangle
from torch import Tensor

from frcnn_edu.viz import style as st
from frcnn_edu.viz.sheet import Page

PITCH = 0.36  # inches: side of a numbered cell
LEFT, WIDE, HIGH = 1.0, 5.6, 0.34  # inches: a bar
KINDS = ("level", "row", "column", "anchor")


def _tint(anchor: int) -> tuple[float, float, float, float]:
    """Anchor 0 pale, anchor 1 strong."""
    return (*to_rgb(st.ANCHOR), (0.22, 0.75)[anchor])


def _cell(sheet: Axes, x: float, y: float, text: str, anchor: int, *, wrong: bool = False) -> None:
    face = to_rgb(st.PAPER) if wrong else _tint(anchor)
    sheet.add_patch(Rectangle((x, y), PITCH, PITCH, facecolor=face, edgecolor=st.MUTED, linewidth=0.8))
    sheet.text(
        x + PITCH / 2, y + PITCH / 2, text, ha="center", va="center_baseline", fontsize=9,
        color=st.DETECTION if wrong else st.INK, fontweight="bold",
    )  # fmt: skip
    if wrong:
        sheet.plot([x + 0.05, x + PITCH - 0.05], [y + PITCH - 0.05, y + 0.05], color=st.DETECTION, linewidth=0.8)


def plot_order(numbered: Tensor) -> Figure:
    """Two channels of numbered cells on their way into a list, and the list that a plain reshape makes.

    Args:
        numbered: (1, 2, H, W), whole numbers from 0 upwards.
    """
    _, anchors, rows, columns = numbered.shape
    table = numbered.flatten(2).transpose(1, 2)  # (1, H·W, A)
    right, wrong = table.reshape(-1).tolist(), numbered.reshape(-1).tolist()
    with st.style():
        page = Page(4.75)
        page.text(0.35, 0.1, "the head's map (A, H, W)", fontsize=9, fontweight="bold")
        for anchor in range(anchors):
            top = 0.62 + anchor * (rows * PITCH + 0.45)
            page.text(0.35, top - 0.22, f"channel {anchor}: anchor {anchor}", fontsize=8)
            for (row, column), value in np.ndenumerate(numbered[0, anchor].numpy()):
                _cell(page.sheet, 0.35 + column * PITCH, top + row * PITCH, str(value), anchor)
        page.arrow((1.68, 1.6), (2.3, 1.6))
        page.text(1.99, 1.5, "channels\nlast", ha="center", va="bottom", color=st.MUTED)

        page.text(2.5, 0.1, "a table (H·W, A)", fontsize=9, fontweight="bold")
        for (cell, anchor), value in np.ndenumerate(table[0].numpy()):
            top = 0.4 + cell * PITCH
            _cell(page.sheet, 3.05 + anchor * PITCH, top, str(value), anchor)
            if anchor == 0:
                place = f"({cell // columns}, {cell % columns})"
                page.text(2.95, top + PITCH / 2, place, ha="right", va="center", fontsize=7.5)
        page.arrow((3.95, 1.6), (4.45, 1.6))
        page.text(
            4.6, 1.45, "row by row, the table is the list: for each\ncell, in reading order, all of its anchors",
            fontsize=9, va="bottom", linespacing=1.4,
        )  # fmt: skip
        page.text(4.6, 1.52, "image → level → y → x → anchor", fontsize=9.5, fontweight="bold")
        page.text(4.6, 1.85, "pale: anchor 0    strong: anchor 1", color=st.MUTED)

        misplaced = sum(a != b for a, b in zip(right, wrong, strict=True))
        _draw_list(page, 3.0, "transpose, then reshape: the anchors' order", right, right, rows * columns)
        title = f"reshape alone: {misplaced} of {len(right)} misplaced"
        _draw_list(page, 3.95, title, wrong, right, rows * columns)
        for i in range(len(right)):
            cell, anchor = divmod(i, anchors)
            words = f"{cell // columns},{cell % columns}|{anchor}"
            page.text(0.35 + (i * 1.35 + 0.5) * PITCH, 4.42, words, ha="center", fontsize=7.5, color=st.MUTED)
        after = 0.35 + (len(right) + 0.2) * 1.35 * PITCH
        page.text(after, 4.42, "the anchor at this place: y,x|a", fontsize=7.5, color=st.MUTED)
    return page.figure


def _draw_list(page: Page, top: float, title: str, values: list[int], right: list[int], cells: int) -> None:
    page.text(0.35, top - 0.23, title, fontsize=9, fontweight="bold")
    for i, value in enumerate(values):
        _cell(page.sheet, 0.35 + i * 1.35 * PITCH, top, str(value), value // cells, wrong=value != right[i])


def plot_place(index: int, grids: Sequence[tuple[int, int]], anchors: int) -> Figure:
    """Where an index into the list of all anchors leads: level, then row, then column, then which of the cell's anchors.

    Args:
        grids: (H, W) of each level.
        anchors: of each cell, A.
    """
    counts = [rows * columns * anchors for rows, columns in grids]
    level, left = 0, index
    while left >= counts[level]:
        left -= counts[level]
        level += 1
    rows, columns = grids[level]
    names, colors = list(st.LEVELS), list(st.LEVELS.values())
    row, in_row = divmod(left, columns * anchors)
    column, anchor = divmod(in_row, anchors)
    # each step: what is divided, the sizes of its parts, their names, the index of the chosen one
    steps = [
        (f"all {sum(counts)} anchors: {index}", counts, names, level),
        (
            f"the {counts[level]} anchors of {names[level]}: {index} − {index - left} = {left}",
            [1] * rows,
            range(rows),
            row,
        ),
        (f"the {columns * anchors} anchors of row {row}: place {in_row}", [1] * columns, range(columns), column),
        (f"the {anchors} anchors of the cell: place {anchor}", [1] * anchors, range(anchors), anchor),
    ]
    pitch = 0.86
    with st.style():
        page = Page(pitch * len(steps))
        page.text(LEFT + WIDE, 0.2, "P5, pool", fontsize=7.5, ha="right", color=st.MUTED)
        for i, ((title, sizes, texts, chosen), kind) in enumerate(zip(steps, KINDS, strict=True)):
            top = 0.38 + pitch * i
            page.text(LEFT, top - 0.21, title, fontsize=8.5)
            page.text(LEFT - 0.12, top + HIGH / 2, kind, ha="right", va="center", fontsize=9, color=st.MUTED)
            answer = f"{kind} {texts[chosen]}"
            page.text(LEFT + WIDE + 0.15, top + HIGH / 2, answer, va="center", fontsize=9, fontweight="bold")
            faces = colors if i == 0 else [colors[level]] * len(sizes)
            start, end = _draw_bar(page, top, sizes, list(map(str, texts)), faces, chosen, pale=i > 0)
            if i < len(steps) - 1:
                zoom = [(start, top + HIGH), (end, top + HIGH), (LEFT + WIDE, top + pitch), (LEFT, top + pitch)]
                face = (*to_rgb(colors[level]), 0.08)
                page.sheet.add_patch(Polygon(zoom, facecolor=face, edgecolor="none", zorder=0))
    return page.figure


def _draw_bar(
    page: Page, top: float, sizes: Sequence[int], texts: list[str], faces: list[str], chosen: int, *, pale: bool
) -> tuple[float, float]:
    """A bar of named parts, one of them framed; returns where that one begins and ends. `pale`: the others are pale."""
    ends = [LEFT + WIDE * end / sum(sizes) for end in accumulate(sizes)]
    starts = [LEFT, *ends[:-1]]
    for i, (start, end, text, face) in enumerate(zip(starts, ends, texts, faces, strict=True)):
        full = i == chosen or not pale
        color = (*to_rgb(face), 1.0 if full else 0.2)
        page.sheet.add_patch(Rectangle((start, top), end - start, HIGH, facecolor=color, edgecolor=st.PAPER))
        if end - start > 0.2:
            page.text(
                (start + end) / 2, top + HIGH / 2, text, ha="center", va="center",
                color=st.text_color(face) if full else st.INK, fontweight="bold" if i == chosen else "normal",
            )  # fmt: skip
    start, end = starts[chosen], ends[chosen]
    frame = Rectangle((start, top), end - start, HIGH, fill=False, edgecolor=st.INK, linewidth=1.4, zorder=4)
    page.sheet.add_patch(frame)
    return start, end
