"""Figures of notebook 02: residual blocks."""

from collections.abc import Sequence

from matplotlib.figure import Figure
from matplotlib.patches import Polygon, Rectangle
from torch import nn

from frcnn_edu.viz import style as st
from frcnn_edu.viz.draw import WIDTH
from frcnn_edu.viz.sheet import Page


def block_path(block: nn.Module) -> list[tuple[str, int, int, int]]:
    """A residual block's convolutions: (label, input channels, output channels, weights)."""
    found = []
    for layer in (child for name, child in block.named_children() if name.startswith("conv")):
        assert isinstance(layer, nn.Conv2d)
        size, stride = layer.kernel_size[0], layer.stride[0]
        label = f"{size}×{size}" + (f", stride {stride}" if stride > 1 else "")
        found.append((label, layer.in_channels, layer.out_channels, layer.weight.numel()))
    return found


def plot_blocks(blocks: Sequence[tuple[str, nn.Module]]) -> Figure:
    """Residual blocks side by side, each from top to bottom; the width of a bar is the number of channels.

    Args:
        blocks: for each a title and the block (torchvision's `Bottleneck` or `BasicBlock`).
    """
    column = WIDTH / len(blocks)
    widest = max(max(c_in, c_out) for _, block in blocks for _, c_in, c_out, _ in block_path(block))
    unit = (column - 1.25) / widest
    with st.style():
        page = Page(3.8)
        for index, (title, block) in enumerate(blocks):
            path, middle = block_path(block), index * column + 0.88 + (column - 1.25) / 2
            page.text(index * column + 0.1, 0.1, title, fontsize=10, fontweight="bold")
            step = 2.5 / len(path)
            top = 0.5
            _bar(page, middle, top, path[0][1], unit)
            for label, c_in, c_out, weights in path:
                a, b, start, end = c_in * unit / 2, c_out * unit / 2, top + 0.2, top + step
                corners = [(middle - a, start), (middle + a, start), (middle + b, end), (middle - b, end)]
                page.sheet.add_patch(Polygon(corners, facecolor=st.STAGES["backbone"], alpha=0.2, edgecolor="none"))
                page.text(
                    middle,
                    (start + end) / 2,
                    f"{label}\n{weights:,}",
                    ha="center",
                    va="center",
                    fontsize=8,
                    linespacing=1.3,
                )
                top += step
                _bar(page, middle, top, c_out, unit)
            end = top + 0.2
            shortcut = getattr(block, "downsample", None)
            x = index * column + 0.3
            page.sheet.plot([middle - path[0][1] * unit / 2, x], [0.6, 0.6], color=st.FOREGROUND, linewidth=2)
            page.arrow((x, 0.6), (x, end + 0.17), (middle - 0.12, end + 0.17), color=st.FOREGROUND, width=2, head=11)
            words = "shortcut:\nunchanged" if shortcut is None else f"shortcut:\n1×1, stride {shortcut[0].stride[0]}"
            page.text(
                x, 1.75, words, ha="center", va="center", fontsize=8, color=st.FOREGROUND, linespacing=1.3, rotation=90,
                bbox={"facecolor": st.PAPER, "edgecolor": "none", "pad": 2},
            )  # fmt: skip
            page.sheet.plot([middle, middle], [end, end + 0.08], color=st.INK, linewidth=1.5)
            page.text(
                middle, end + 0.17, "+", ha="center", va="center", fontsize=10, fontweight="bold",
                bbox={"boxstyle": "circle,pad=0.15", "facecolor": st.PAPER, "edgecolor": st.INK},
            )  # fmt: skip
            total = sum(parameter.numel() for parameter in block.parameters() if parameter.dim() == 4)
            page.text(middle, end + 0.4, f"then ReLU · {total:,} weights", ha="center", va="center", fontsize=8.5)
    return page.figure


def _bar(page: Page, middle: float, top: float, channels: int, unit: float) -> None:
    width = channels * unit
    page.sheet.add_patch(Rectangle((middle - width / 2, top), width, 0.2, facecolor=st.STAGES["backbone"]))
    if width > 0.3:
        page.text(middle, top + 0.1, str(channels), ha="center", va="center", color="#ffffff", fontsize=8.5)
    else:
        page.text(middle + width / 2 + 0.05, top + 0.1, str(channels), va="center", fontsize=8.5)
