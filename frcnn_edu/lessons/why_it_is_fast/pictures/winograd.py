"""Winograd's algorithm with all its numbers: a patch, a kernel, their values, the products and the outputs."""

from matplotlib.figure import Figure
from torch import Tensor

from frcnn_edu.model.fast.winograd import INPUT, OUTPUT, WEIGHT
from frcnn_edu.viz import style as st
from frcnn_edu.viz.draw import WIDTH
from frcnn_edu.viz.sheet import arrow, bare, number_table

from .counts import FAST


def plot_winograd(patch: Tensor, kernel: Tensor) -> Figure:
    """A 6×6 patch and a 3×3 kernel, each as 36 values; their products; and the resulting 4×4 outputs."""
    patch, kernel = patch.double(), kernel.double()
    of_patch, of_kernel = INPUT @ patch @ INPUT.T, WEIGHT @ kernel @ WEIGHT.T  # (6, 6) each
    products = of_patch * of_kernel
    tile = OUTPUT @ products @ OUTPUT.T  # (4, 4)
    cell = 0.287
    with st.style():
        figure = Figure(figsize=(WIDTH, 4.67))
        sheet = figure.add_axes((0, 0, 1, 1))
        sheet.set(xlim=(0, WIDTH), ylim=(4.67, 0))
        bare(sheet)
        side = 6 * cell
        x1, x2, x3, x4 = 0.1, 2.12, 4.14, 6.47
        top, low = 0.74, 2.84
        middle = (top + low) / 2
        number_table(sheet, patch, x1, top, cell, "patch, 6×6", tint=FAST)
        number_table(sheet, kernel, x1 + 1.5 * cell, low + 1.5 * cell, cell, "kernel, 3×3", tint=FAST)
        number_table(sheet, of_patch, x2, top, cell, "its 36 values", tint=FAST)
        number_table(sheet, of_kernel, x2, low, cell, "its 36 values", tint=FAST)
        number_table(sheet, products, x3, middle, cell, "products", tint=FAST)
        number_table(sheet, tile, x4 - 0.02, middle + cell, 1.15 * cell, "outputs, 4×4", tint=FAST, color=FAST)
        arrow(sheet, (x1 + side + 0.06, top + side / 2), (x2 - 0.06, top + side / 2))
        arrow(sheet, (x1 + side + 0.06, low + side / 2), (x2 - 0.06, low + side / 2))
        arrow(sheet, (x2 + side + 0.06, top + side / 2), (x3 - 0.08, middle + side / 2 - 0.22), color=FAST)
        arrow(sheet, (x2 + side + 0.06, low + side / 2), (x3 - 0.08, middle + side / 2 + 0.22), color=FAST)
        arrow(sheet, (x3 + side + 0.06, middle + side / 2), (x4 - 0.1, middle + side / 2))
        sheet.text(
            x3 + side / 2, middle + side + 0.17, "36 multiplications", ha="center", va="center", color=FAST,
            fontweight="bold", fontsize=10,
        )  # fmt: skip
        sheet.text(
            x4 + 2.3 * cell, middle + 5.95 * cell, "textbook: 16 outputs\nof 9 products each,\n144 multiplications",
            ha="center", va="top", color=st.MUTED, linespacing=1.35,
        )  # fmt: skip
        sheet.text(0.15, 0.25, "grey arrows: products with constant matrices", color=st.MUTED, va="center")
    return figure
