"""Figures of notebook 13: what is compared with what, and the four losses that result."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from frcnn_edu.lessons.story import story
from frcnn_edu.model import FasterRCNN
from frcnn_edu.ops import box_iou
from frcnn_edu.viz import style as st
from frcnn_edu.viz.draw import draw_boxes, draw_ground_truth, draw_labels, show_image
from frcnn_edu.viz.sheet import Page

from .curves import draw_smooth_l1
from .gradients import draw_gradient_flow
from .trace import TrainingTrace, best_ious, story_gradients, training_trace


def short(value: float) -> str:
    """Two digits that count: 0.0017, 0.057, 0.20."""
    text = f"{value:.1e}"
    digits = max(2, 1 - int(text[text.index("e") + 1 :]))
    return f"{value:.{digits}f}"


def draw_four_losses(image: Tensor, trace: TrainingTrace, model: FasterRCNN) -> Figure:
    """What the four losses are computed from: the RPN's sampled anchors above, the box head's sampled proposals below.

    Args:
        image: (3, H, W) in 0–1, the resized image.
        model: the one that `trace` is of; its box coders turn deltas into boxes.
    """
    page = Page(6.3)
    with st.style():
        questions = ("is there an object?", "where exactly?", "which class is it?", "where exactly?")
        corners = [(x, y) for y in (0.32, 3.46) for x in (1.62, 4.86)]
        for (x, y), question in zip(corners, questions):
            page.text(x, y - 0.06, question, fontsize=10, fontweight="bold", va="bottom")
        axes = [page.panel(x, y, 3.08, 2.31) for x, y in corners]
        for ax in axes:
            show_image(ax, image, dim=0.55)
        anchors = trace.anchors
        rpn: Any = model.rpn
        heads: Any = model.roi_heads

        _draw_background(axes[0], anchors[trace.negatives])
        draw_boxes(axes[0], anchors[trace.positives], st.FOREGROUND, linewidth=2)
        moved = rpn.box_coder.decode_single(trace.deltas[trace.positives], anchors[trace.positives])
        _draw_correction(axes[1], anchors[trace.positives], st.ANCHOR, moved, st.PROPOSAL, trace.ground_truth)

        objects = trace.labels > 0
        _draw_background(axes[2], trace.sampled[~objects])
        chosen = trace.sampled[objects]
        best = _best_of_each(chosen, trace.ground_truth)
        colors = [st.class_color(int(label)) for label in trace.labels[objects]]
        draw_boxes(axes[2], chosen, colors, linewidth=0.7, halo=False, alpha=0.7)
        draw_boxes(axes[2], chosen[best], [colors[i] for i in best], linewidth=1.8)
        _label_classes(axes[2], trace)
        deltas = trace.box_deltas[objects, trace.labels[objects]]
        corrected = heads.box_coder.decode_single(deltas, chosen)
        _draw_correction(axes[3], chosen[best], st.PROPOSAL, corrected[best], st.DETECTION, trace.ground_truth)

        sampled = len(trace.positives) + len(trace.negatives)
        page.heading(0.08, 0.34, 5, "RPN", st.STAGES["anchors"], f"{sampled} of {len(anchors)}\nanchors are sampled:")
        page.heading(
            0.08,
            3.48,
            8,
            "box head",
            st.STAGES["roi_heads"],
            f"{len(trace.sampled)} of {len(trace.proposals)}\nproposals are sampled:",
        )
        for y, number, background, style in (
            (1.12, len(trace.positives), len(trace.negatives), "solid"),
            (4.22, int(objects.sum()), int((~objects).sum()), "solid; the best\nof each object: bold"),
        ):
            text = f"{number} positive\n({style})\n{background} negative\n(dashed)"
            page.text(0.08, y, text, fontsize=8.5, linespacing=1.35)
        lines = [
            (1.62, 2.70, "loss_objectness", f"binary cross entropy, mean over {sampled}"),
            (4.86, 2.70, "loss_rpn_box_reg", f"smooth L1 of {len(trace.positives)} × 4 deltas, divided by {sampled}"),
            (1.62, 5.84, "loss_classifier", f"cross entropy, mean over {len(trace.sampled)}"),
            (
                4.86,
                5.84,
                "loss_box_reg",
                f"smooth L1 of {int(objects.sum())} × 4 deltas, divided by {len(trace.sampled)} ({len(best)} drawn)",
            ),
        ]
        for x, y, name, how in lines:
            page.text(x, y, f"{name}  {short(trace.losses[name])}", fontsize=10, fontweight="bold")
            page.text(x, y + 0.2, how, color=st.MUTED, fontsize=8)
        for y, starts, ends, color, end_color in (
            (2.0, "anchor", "moved by its\npredicted deltas", st.ANCHOR, st.PROPOSAL),
            (5.16, "proposal", "moved by its\npredicted deltas", st.PROPOSAL, st.DETECTION),
        ):
            _key(page, y, [(color, 1.0, "solid", starts), (end_color, 2.2, "solid", ends)])
            _key(page, y + 0.55, [(st.GROUND_TRUTH, 1.6, (0, st.DASHES), "ground truth")])
    return page.figure


def _key(page: Page, y: float, entries: Sequence[tuple[str, float, Any, str]]) -> None:
    for row, (color, width, dashes, text) in enumerate(entries):
        at = y + 0.2 * row
        page.sheet.plot([0.08, 0.34], [at, at], color=color, linewidth=width, linestyle=dashes)
        page.text(0.42, at - 0.065, text, fontsize=8, linespacing=1.25)


def _draw_background(ax: Axes, boxes: Tensor) -> None:
    draw_boxes(ax, boxes, st.BACKGROUND, linewidth=0.7, dashes=(3, 2), halo=False, alpha=0.6)


def _draw_correction(ax: Axes, before: Tensor, color: str, after: Tensor, end_color: str, ground_truth: Tensor) -> None:
    draw_boxes(ax, before, color, linewidth=0.9, halo=False)
    draw_boxes(ax, after, end_color, linewidth=1.6)
    draw_ground_truth(ax, ground_truth)


def _best_of_each(proposals: Tensor, ground_truth: Tensor) -> list[int]:
    """For each object, the index of the proposal that fits it best, apart from the annotated box itself, which is among them."""
    iou = box_iou(ground_truth, proposals)  # (N, S)
    return iou.where(iou < 1 - 1e-4, 0).argmax(dim=1).unique().tolist()


def _label_classes(ax: Axes, trace: TrainingTrace) -> None:
    names = [story().classes[int(label)] for label in trace.ground_truth_labels]
    colors = [st.class_color(int(label)) for label in trace.ground_truth_labels]
    draw_labels(ax, trace.ground_truth, names, colors, fontsize=7.5)


# ---------------------------------------------------------------------------------------------------- two assignments


def draw_two_assignments(image: Tensor, trace: TrainingTrace, followed: int) -> Figure:
    """How the RPN labels anchors, and how the box head labels proposals: by their best IoU, and which are positive.

    Args:
        image: (3, H, W) in 0–1, the resized image.
        followed: index of an annotated box, whose best anchor is pointed at.
    """
    anchor_iou, proposal_iou = best_ious(trace)
    page = Page(6.0)
    with st.style():
        left = [page.panel(0.6, y, 4.25, 2.1) for y in (0.42, 3.4)]
        right = [page.panel(5.08, y, 2.84, 2.13) for y in (0.4, 3.38)]
        objects = trace.anchor_labels == 1
        bands = [(0.0, 0.3, st.BACKGROUND, "negative: 0.0"), (0.3, 0.7, st.IGNORED, "ignored: −1.0"),
                 (0.7, 1.0, st.FOREGROUND, "positive: 1.0")]  # fmt: skip
        _histogram(left[0], anchor_iou, bands, f"RPN: {len(anchor_iou)} anchors, float labels")
        left[0].set(yscale="log", ylim=(0.8, 12_000))
        at = anchor_iou[objects]
        left[0].plot(
            at.tolist(), _stacked(at), "D", color=st.FOCUS, markeredgecolor=st.INK, markersize=5.5, clip_on=False,
            label="positive",
        )  # fmt: skip
        best = float(box_iou(trace.ground_truth[followed][None], trace.anchors).amax())
        left[0].annotate(
            f"diamonds: the {len(at)} positives;\nthis one is our cross's", (best, 2.0), (0.315, 700), fontsize=8,
            arrowprops={"arrowstyle": "-|>", "color": st.INK, "shrinkB": 3},
        )  # fmt: skip
        show_image(right[0], image, dim=0.45)
        draw_boxes(right[0], trace.anchors[objects], st.FOREGROUND, linewidth=1.6)
        draw_ground_truth(right[0], trace.ground_truth)
        counts = [int((trace.anchor_labels == value).sum()) for value in (1, 0, -1)]
        page.text(5.08, 2.6, f"{counts[0]} positive · {counts[1]} negative · {counts[2]} ignored", fontsize=8.5)
        page.text(5.08, 0.13, "positive anchors", fontsize=9, fontweight="bold")

        bands = [
            (0.0, 0.5, st.BACKGROUND, "negative (background): 0"),
            (0.5, 1.0, st.FOREGROUND, "positive: its class, 1 … 5"),
        ]
        _histogram(left[1], proposal_iou, bands, f"box head: {len(proposal_iou)} proposals, integer labels")
        left[1].set(ylim=(0, 21))
        given = len(trace.ground_truth)
        left[1].annotate(
            f"the {given} ground-truth boxes,\nappended last: IoU 1", (0.975, 7.4), (0.6, 15), fontsize=8,
            arrowprops={"arrowstyle": "-|>", "color": st.INK, "shrinkB": 2},
        )  # fmt: skip
        show_image(right[1], image, dim=0.45)
        named = trace.proposal_labels > 0
        colors = [st.class_color(int(label)) for label in trace.proposal_labels[named]]
        draw_boxes(right[1], trace.proposals[named], colors, linewidth=0.6, halo=False, alpha=0.7)
        draw_ground_truth(right[1], trace.ground_truth)
        _label_classes(right[1], trace)
        text = f"{int(named.sum())} positive · {int((~named).sum())} negative · 0 ignored"
        page.text(5.08, 5.58, text, fontsize=8.5)
        page.text(5.08, 3.11, "positive proposals", fontsize=9, fontweight="bold")
        left[1].set_xlabel("best IoU with a ground-truth box")
        left[0].set_xlabel("best IoU with a ground-truth box")
    return page.figure


def _histogram(ax: Axes, ious: Tensor, bands: Sequence[tuple[float, float, str, str]], title: str) -> None:
    """Numbers of boxes by their best IoU, over the bands of the thresholds."""
    counts = torch.histc(ious, bins=20, min=0, max=1)
    for low, high, color, name in bands:
        inside = range(round(20 * low), round(20 * high))
        ax.bar([(i + 0.5) / 20 for i in inside], counts[inside.start : inside.stop].tolist(), width=0.044, color=color)
        ax.axvspan(low, high, color=color, alpha=0.13, linewidth=0)
        ax.text((low + high) / 2, 1.02, name, transform=ax.get_xaxis_transform(), ha="center", fontsize=8)
    for low, _, _, _ in bands[1:]:
        ax.axvline(low, color=st.INK, linewidth=1.2)
    ax.set(xlim=(0, 1), xticks=[0, *(b[1] for b in bands)], ylabel="number of boxes")
    ax.set_title(title, pad=18)


def _stacked(values: Tensor) -> list[float]:
    """Heights for marks at these places on a logarithmic axis: those that would overlap are stacked."""
    heights: list[float] = []
    for i, value in enumerate(values.tolist()):
        near = sum(abs(value - other) < 0.015 for other in values[:i].tolist())
        heights.append(1.7 * 2.1**near)
    return heights


# ------------------------------------------------------------------------------------------------------------- figures


def losses() -> Figure:
    """What the four losses of the course's image are computed from."""
    return draw_four_losses(story().resized, training_trace(), story().model)


def two_assignments() -> Figure:
    """Anchors and proposals of the course's image, and their labels."""
    return draw_two_assignments(story().resized, training_trace(), story().object)


def smooth_l1() -> Figure:
    """Smooth L1 and its relatives, with the errors in the course's image."""
    return draw_smooth_l1(training_trace().rpn_errors, training_trace().box_errors)


def gradient_flow() -> Figure:
    """Which loss has a gradient in which part, before and after training."""
    return draw_gradient_flow({"before training": story_gradients(False), "after training": story_gradients(True)})


FIGURES: dict[str, Callable[[], Figure]] = {
    "losses": losses,
    "two_assignments": two_assignments,
    "smooth_l1": smooth_l1,
    "gradient_flow": gradient_flow,
}
