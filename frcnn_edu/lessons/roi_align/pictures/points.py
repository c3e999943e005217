"""A figure of notebook 11: the value at one point, from the four cells around it."""

from math import floor

from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import Tensor

from frcnn_edu.lessons.stages import frame
from frcnn_edu.viz import style as st
from frcnn_edu.viz.sheet import Page, bare

from .windows import MIDDLE


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
        page.text(3.35, 0.12, "a cell's weight: the area opposite", fontsize=9.5, fontweight="bold")
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
