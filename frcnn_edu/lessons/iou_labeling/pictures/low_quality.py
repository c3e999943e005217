"""Objects that no anchor fits well: how many there are, and an anchor that is one object's best and matched to another."""

import torch
from matplotlib.figure import Figure
from torch import Tensor

from frcnn_edu.ops import box_iou
from frcnn_edu.viz import style as st
from frcnn_edu.viz.draw import draw_boxes, panels, show_image
from frcnn_edu.viz.sheet import Page, caption

from .iou import write_name


def plot_best_ious(best: Tensor, threshold: float, ours: float) -> Figure:
    """Histogram of the IoU of each object's best anchor (M,), with the number of objects that reach `threshold`."""
    width = 0.02
    counts = torch.bincount(((best.double() + 1e-6) / width).floor().long(), minlength=50)
    middles = (torch.arange(len(counts)) + 0.5) * width
    few = int((best < threshold).sum())
    with st.style():
        page = Page(2.55)
        ax = page.panel(0.55, 0.2, 7.2, 1.85)
        colors = [st.FOREGROUND if middle > threshold else st.IGNORED for middle in middles.tolist()]
        ax.bar(middles.tolist(), counts.tolist(), width=0.85 * width, color=colors)
        top = 1.3 * float(counts.max())
        ax.axvline(threshold, color=st.INK, linewidth=1, linestyle=(0, (4, 2)))
        ax.text(
            threshold - 0.01,
            top,
            f"{few} objects whose best IoU is below {threshold}",
            ha="right",
            va="top",
            fontsize=8.5,
        )
        ax.text(
            threshold + 0.01,
            top,
            f"{len(best) - few} objects that reach {threshold}",
            va="top",
            fontsize=8.5,
            color=st.FOREGROUND,
        )
        ax.plot([ours, ours], [0, 0.7 * top], color=st.INK, linewidth=1.2)
        ax.plot([ours], [0.7 * top], "o", color=st.INK, markersize=5)
        ax.text(ours - 0.008, 0.7 * top, "our cross", fontsize=8.5, ha="right", va="center")
        ax.set(
            xlim=(min(0.4, float(best.min())), 1),
            ylim=(0, top),
            ylabel="objects",
            xlabel="IoU of an object's best anchor",
        )
        ax.grid(False, axis="x")
    return page.figure


def plot_wrong_ground_truth(
    image: Tensor, best_of: tuple[str, Tensor], matched_to: tuple[str, Tensor], anchor: Tensor
) -> Figure:
    """The best anchor (4,) of one ground-truth box, matched to another: (name, box (4,)) of each."""
    both = torch.stack((best_of[1], matched_to[1], anchor))
    lowest, highest = both[:, :2].amin(dim=0) - 6, both[:, 2:].amax(dim=0) + 6
    with st.style():
        size = (highest - lowest).tolist()
        figure, axes = panels([size[1] / size[0]] * 3, columns=3, title=0.26, caption=0.3, gap=0.12)
        boxes = torch.stack((best_of[1], matched_to[1]))
        for ax in axes:
            show_image(ax, image, dim=0.15)
            ax.set(xlim=(lowest[0], highest[0]), ylim=(highest[1], lowest[1]), facecolor=st.FAINT)
        draw_boxes(axes[0], boxes, st.GROUND_TRUTH, linewidth=1.8, dashes=st.DASHES)
        for name, box in (best_of, matched_to):
            write_name(axes[0], box, name, st.GROUND_TRUTH)
        for ax, (_, box) in zip(axes[1:], (best_of, matched_to)):
            draw_boxes(ax, anchor[None], st.FOREGROUND, linewidth=2.2)
            draw_boxes(ax, box[None], st.GROUND_TRUTH, linewidth=1.8, dashes=st.DASHES)
        fits = [float(box_iou(box[None], anchor[None])) for _, box in (best_of, matched_to)]
        titles = ("two objects", f"the {best_of[0]}'s best anchor", f"it is matched to the {matched_to[0]}")
        texts = ("", f"IoU {fits[0]:.3f}", f"IoU {fits[1]:.3f}: the anchor's best object")
        for ax, title, text in zip(axes, titles, texts):
            ax.set_title(title, fontsize=9)
            caption(ax, text, st.INK)
    return figure
