"""Figures of intersection over union: two boxes number by number, and how fast the IoU falls."""

from collections.abc import Callable

import torch
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullLocator
from torch import Tensor

from frcnn_edu.ops import box_area, box_iou
from frcnn_edu.viz import style as st
from frcnn_edu.viz.draw import draw_boxes, panels, show_image
from frcnn_edu.viz.sheet import Page, bare, caption, draw_grid

# ------------------------------------------------------------------------------------------------ two boxes, by number


def intersection(box: Tensor, other: Tensor) -> Tensor:
    """The intersection of two boxes (4,), as a box (4,); if they do not overlap, a side of it is not positive."""
    return torch.cat((torch.maximum(box[:2], other[:2]), torch.minimum(box[2:], other[2:])))


def plot_iou(ground_truth: Tensor, anchor: Tensor, names: tuple[str, str], image: Tensor | None = None) -> Figure:
    """Two overlapping boxes (4,), their intersection, and their union, each with its number of pixels.

    Args:
        names: of the two boxes in the figure.
        image: (3, H, W) to draw on; without it a grid is drawn, on which pixels can be counted.
    """
    shared = intersection(ground_truth, anchor)
    shared_area = float(box_area(shared[None]))
    areas = box_area(torch.stack((ground_truth, anchor))).tolist()
    union = sum(areas) - shared_area
    together = torch.cat((torch.minimum(ground_truth[:2], anchor[:2]), torch.maximum(ground_truth[2:], anchor[2:])))
    left, top, right, bottom = (together + torch.tensor([-1.0, -1, 1, 1]) * (2 if image is None else 6)).tolist()
    with st.style():
        figure, axes = panels([(bottom - top) / (right - left)] * 3, columns=3, title=0.26, caption=0.36, gap=0.12)
        for ax in axes:
            if image is None:
                draw_grid(ax, int(bottom) + 1, int(right) + 1, color=st.FAINT, alpha=1.0, zorder=0.8)
                bare(ax)
            else:
                show_image(ax, image, dim=0.3)
            ax.set(xlim=(left, right), ylim=(bottom, top))
        _shade(axes[1], [shared])
        _shade(axes[2], [ground_truth, anchor])
        for ax in axes:
            draw_boxes(ax, anchor[None], st.ANCHOR, linewidth=2)
            draw_boxes(ax, ground_truth[None], st.GROUND_TRUTH, linewidth=2, dashes=st.DASHES)
        write_name(axes[0], ground_truth, names[0], st.GROUND_TRUTH)
        write_name(axes[0], anchor, names[1], st.ANCHOR, below=True)
        texts = (
            ("two boxes", "\n".join(f"{n}: {_product(b)}" for n, b in zip(names, (ground_truth, anchor)))),
            ("intersection", _product(shared)),
            ("union", f"{areas[0]:g} + {areas[1]:g} − {shared_area:g} = {union:g}"),
        )
        for ax, (title, text) in zip(axes, texts):
            ax.set_title(title)
            caption(ax, text, st.INK, fontsize=8.5)
        caption(axes[2], f"\nIoU = {shared_area:g} / {union:g} = {shared_area / union:.2f}", st.INK, fontsize=8.5)
        axes[2].texts[-1].set_fontweight("bold")
    return figure


def write_name(ax: Axes, box: Tensor, name: str, color: str, *, below: bool = False) -> None:
    """A chip with a box's name in its top left corner (or bottom right one), for panels that show a part of an image."""
    look = {"facecolor": color, "edgecolor": "none", "boxstyle": "square,pad=0.18"}
    x, y = (box[2:] if below else box[:2]).tolist()
    ax.annotate(
        name, (x, y), (-4, 4) if below else (4, -4), textcoords="offset points",
        ha="right" if below else "left", va="bottom" if below else "top", fontsize=8, fontweight="bold",
        color=st.text_color(color), bbox=look, zorder=4, annotation_clip=False,
    )  # fmt: skip


def _product(box: Tensor) -> str:
    """Height × width = area."""
    width, height = (box[2:] - box[:2]).tolist()
    return f"{height:g} × {width:g} = {width * height:g}"


def _shade(ax: Axes, boxes: list[Tensor]) -> None:
    """Fill boxes with one opaque grey, so that the overlap of two is not darker than the rest."""
    corners = [[(x1, y1), (x2, y1), (x2, y2), (x1, y2)] for x1, y1, x2, y2 in (box.tolist() for box in boxes)]
    ax.add_collection(PolyCollection(corners, facecolors=st.IGNORED, edgecolors="none", zorder=0.5), autolim=False)


# ------------------------------------------------------------------------------------------------------ how fast it falls


def shifted(by: Tensor, axes: int) -> Tensor:
    """IoU of a square with itself moved by a fraction (N,) of its side, along one axis or along both: (N,)."""
    zero = torch.zeros_like(by)
    x, y = by, by if axes == 2 else zero
    return box_iou(torch.tensor([[0.0, 0, 1, 1]]), torch.stack((x, y, x + 1, y + 1), dim=1))[0]


def scaled(factor: Tensor, axes: int) -> Tensor:
    """IoU of a square with itself scaled around its centre, in width only or in both sides: (N,)."""
    x, y = factor / 2, factor / 2 if axes == 2 else torch.full_like(factor, 0.5)
    return box_iou(torch.tensor([[-0.5, -0.5, 0.5, 0.5]]), torch.stack((-x, -y, x, y), dim=1))[0]


#: The shift, or the factor, at which a square anchor has a given IoU: (one axis, both axes).
SHIFT: tuple[Callable[[float], float], ...] = (
    lambda iou: (1 - iou) / (1 + iou),
    lambda iou: 1 - (2 * iou / (1 + iou)) ** 0.5,
)
SCALE: tuple[Callable[[float], float], ...] = (lambda iou: 1 / iou, lambda iou: 1 / iou**0.5)
LEVELS = (0.7, 0.5, 0.3)


def plot_curves() -> Figure:
    """IoU of a square object and a square anchor as the anchor is moved, and as its size changes."""
    by = torch.linspace(0, 1, 201)
    factor = torch.logspace(-1.4, 1.4, 281, base=2)
    with st.style():
        page = Page(5.05)
        left, right = page.panel(0.5, 0.3, 3.4, 2.6), page.panel(4.5, 0.3, 3.3, 2.6)
        for ax in (left, right):
            _bands(ax)
        for axes, look in ((1, (4.0, 1.6)), (2, None)):
            style = "solid" if look is None else (0, look)
            left.plot(by, shifted(by, axes), color=st.ANCHOR, linewidth=2.4, linestyle=style)
            right.plot(factor.log2(), scaled(factor, axes), color=st.ANCHOR, linewidth=2.4, linestyle=style)
            for iou in LEVELS:
                _mark(left, SHIFT[axes - 1](iou), iou, f"{100 * SHIFT[axes - 1](iou):.0f} %", above=axes == 1)
                x = float(torch.tensor(SCALE[axes - 1](iou)).log2())
                if x < 1.4:
                    _mark(right, x, iou, f"×{SCALE[axes - 1](iou):.2f}", above=axes == 1)
        left.set(xlim=(0, 1), title="moved by a fraction of its side")
        left.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{100 * x:.0f} %"))
        left.text(0.46, 0.535, "along one axis", fontsize=8)
        left.text(0.03, 0.34, "along both", fontsize=8)
        right.set(xlim=(-1.4, 1.4), title="made smaller or larger, same centre")
        right.xaxis.set_minor_locator(NullLocator())
        right.set_xticks([-1, -0.5, 0, 0.5, 1], ["×½", "×0.71", "×1", "×1.41", "×2"])
        right.text(-1.3, 0.6, "only its\nwidth", fontsize=8, va="center")
        right.text(-0.7, 0.22, "both sides", fontsize=8)
        for ax in (left, right):
            ax.set(ylim=(0, 1.03), yticks=[0, 0.3, 0.5, 0.7, 1], ylabel="IoU" if ax is left else "")
        for text, y in (("positive", 0.84), ("ignored", 0.5), ("negative", 0.23)):
            left.text(0.98, y, text, color=st.MUTED, fontsize=8, fontweight="bold", ha="right", va="center")
        _feel(page, 3.35)
    return page.figure


def _bands(ax: Axes) -> None:
    for low, high, color in ((0.7, 1.03, st.FOREGROUND), (0.3, 0.7, st.IGNORED), (0, 0.3, st.BACKGROUND)):
        ax.axhspan(low, high, facecolor=to_rgba(color, 0.13), edgecolor="none", zorder=0)
    ax.grid(False)
    for iou in (0.3, 0.7):
        ax.axhline(iou, color=st.MUTED, linewidth=0.8)


def _mark(ax: Axes, x: float, y: float, text: str, *, above: bool) -> None:
    ax.plot([x], [y], "o", color=st.INK, markersize=4)
    offset, ha, va = ((5, 3), "left", "bottom") if above else ((-4, -3), "right", "top")
    ax.annotate(text, (x, y), offset, textcoords="offset points", ha=ha, va=va, fontsize=7.5)


def _feel(page: Page, y: float) -> None:
    """A row of squares, each with an anchor that is moved along both axes to a round IoU."""
    page.text(0.5, y, "examples, moved along both axes:", fontsize=8.5, color=st.MUTED)
    for column, iou in enumerate((0.9, *LEVELS, 0.1)):
        move = SHIFT[1](iou)
        ground_truth = torch.tensor([[0.0, 0, 1, 1]])
        ax = page.panel(0.45 + 1.45 * column, y + 0.22, 1.25, 1.45)
        bare(ax)
        ax.set(xlim=(-0.06, 1.64), ylim=(1.64, -0.34))
        draw_boxes(ax, ground_truth + move, st.ANCHOR, linewidth=1.8, halo=False)
        draw_boxes(ax, ground_truth, st.GROUND_TRUTH, linewidth=1.8, dashes=st.DASHES, halo=False)
        ax.text(-0.03, -0.1, f"IoU {iou:g}", fontsize=8.5, fontweight="bold")
