"""Winograd's way, number by number: a patch, a kernel, their values, the products and the outputs."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import Tensor

from ..ops.winograd import INPUT, OUTPUT, WEIGHT
from . import style as st
from .draw import WIDTH
from .speed import HERE, bare


def plot_winograd(patch: Tensor, kernel: Tensor) -> Figure:
    """A 6×6 patch and a 3×3 kernel, each as 36 values; their products; and the 4×4 outputs that follow from them."""
    patch, kernel = patch.double(), kernel.double()
    of_patch, of_kernel = INPUT @ patch @ INPUT.T, WEIGHT @ kernel @ WEIGHT.T  # (6, 6) each
    products = of_patch * of_kernel
    tile = OUTPUT @ products @ OUTPUT.T  # (4, 4)
    cell = 0.245
    with st.style():
        figure = Figure(figsize=(WIDTH, 4.35))
        sheet = figure.add_axes((0, 0, 1, 1))
        sheet.set(xlim=(0, WIDTH), ylim=(4.35, 0))
        bare(sheet)
        side = 6 * cell
        x1, x2, x3, x4 = 0.15, 2.13, 4.25, 6.55
        top, low = 0.78, 2.72
        middle = (top + low) / 2
        _numbers(sheet, patch, x1, top, cell, "patch, 6×6")
        _numbers(sheet, kernel, x1 + 1.5 * cell, low + 1.5 * cell, cell, "kernel, 3×3")
        _numbers(sheet, of_patch, x2, top, cell, "its 36 values")
        _numbers(sheet, of_kernel, x2, low, cell, "its 36 values")
        _numbers(sheet, products, x3, middle, cell, "products")
        _numbers(sheet, tile, x4 - 0.02, middle + cell, 1.15 * cell, "outputs, 4×4", color=HERE)
        _arrow(sheet, (x1 + side + 0.06, top + side / 2), (x2 - 0.06, top + side / 2))
        _arrow(sheet, (x1 + side + 0.06, low + side / 2), (x2 - 0.06, low + side / 2))
        _arrow(sheet, (x2 + side + 0.06, top + side / 2), (x3 - 0.08, middle + side / 2 - 0.22))
        _arrow(sheet, (x2 + side + 0.06, low + side / 2), (x3 - 0.08, middle + side / 2 + 0.22))
        _arrow(sheet, (x3 + side + 0.06, middle + side / 2), (x4 - 0.1, middle + side / 2))
        sheet.text(
            x3 + side / 2, middle + side + 0.17, "36 multiplications", ha="center", va="center", color=HERE,
            fontweight="bold", fontsize=10,
        )  # fmt: skip
        sheet.text(
            x4 + 2.3 * cell, middle + 5.95 * cell, "the textbook: 16 outputs\nof 9 weights each,\n144 multiplications",
            ha="center", va="top", color=st.MUTED, linespacing=1.35,
        )  # fmt: skip
        sheet.text(0.15, 0.25, "along the arrows: multiplied by constant matrices", color=st.MUTED, va="center")
    return figure


def _numbers(
    sheet: Axes, values: Tensor, left: float, top: float, cell: float, title: str, color: str = st.MUTED
) -> None:
    largest = float(values.abs().max()) or 1.0
    for (i, j), value in np.ndenumerate(values.numpy()):
        tint = (*to_rgb(HERE), 0.5 * abs(value) / largest)
        sheet.add_patch(
            Rectangle((left + j * cell, top + i * cell), cell, cell, facecolor=tint, edgecolor=st.FAINT, linewidth=0.6)
        )
        sheet.text(
            left + (j + 0.5) * cell, top + (i + 0.52) * cell, _short(value), ha="center", va="center",
            fontsize=6.3 if cell < 0.26 else 7.5,
        )  # fmt: skip
    rows, columns = values.shape
    sheet.add_patch(
        Rectangle((left, top), columns * cell, rows * cell, fill=False, edgecolor=color, linewidth=1.4, zorder=3)
    )
    sheet.text(left, top - 0.09, title, va="bottom", fontweight="bold")


def _short(value: float) -> str:
    """At most three characters and a sign: 12, 3.4, .56."""
    whole = round(value)
    if abs(value) >= 10 or abs(value - whole) < 1e-9:
        return f"{whole}".replace("-", "−")
    text = f"{value:.1f}" if abs(value) >= 1 else f"{value:.2f}".replace("0.", ".")
    return text.replace("-", "−")


def _arrow(ax: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    ax.annotate("", end, start, arrowprops={"arrowstyle": "-|>", "color": st.MUTED, "linewidth": 1.3, "shrinkA": 0, "shrinkB": 0})  # fmt: skip
