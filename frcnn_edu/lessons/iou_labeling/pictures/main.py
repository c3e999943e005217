"""Figures of notebook 08: which anchor is trained on which object, the labels of all anchors, and the sample."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter
from torch import Tensor

from frcnn_edu.lessons.story import story
from frcnn_edu.ops import Matcher, box_iou
from frcnn_edu.viz import style as st
from frcnn_edu.viz.draw import draw_boxes, draw_ground_truth, draw_labels, line_width, ratio, show_image
from frcnn_edu.viz.sheet import Page, bare, draw_grid

from .iou import plot_curves

#: Each label of an anchor: its name, its colour, and dashes that distinguish it without colour.
LABELS: dict[int, tuple[str, str, tuple[float, float] | None]] = {
    1: ("positive", st.FOREGROUND, None),
    -1: ("ignored", st.IGNORED, (4.0, 1.5)),
    0: ("negative", st.BACKGROUND, (1.0, 1.2)),
}


def example() -> tuple[Tensor, Tensor]:
    """Three ground-truth boxes A, B, C (3, 4) and five anchors (5, 4) on 26×40 pixels, to label by hand."""
    ground_truth = torch.tensor([[3.0, 3, 13, 13], [22, 3, 32, 13], [26, 17, 31, 21]])
    anchors = torch.tensor([[4.0, 3, 14, 13], [7, 3, 17, 13], [3, 9, 13, 19], [25, 3, 35, 13], [24, 15, 34, 25]])
    return ground_truth, anchors


def label_of(match: int) -> int:
    """The RPN's label for a `Matcher`'s code: an index → 1, −1 → 0, −2 → −1."""
    return min(match + 1, 1)


# ------------------------------------------------------------------------------------------------- the worked example


def plot_labels_by_hand(ground_truth: Tensor, anchors: Tensor, matcher: Matcher, size: tuple[float, float]) -> Figure:
    """A few ground-truth boxes and anchors on squared paper, and the table of IoUs that gives their labels.

    In each row, the best anchor of a ground-truth box is framed. In each column, the best ground-truth box of an anchor is bold.

    Args:
        size: (height, width) of the paper.
    """
    iou = box_iou(ground_truth, anchors)
    matches = matcher(iou).tolist()
    names = [chr(ord("A") + i) for i in range(len(ground_truth))]
    height, width = size
    wide = 4.25
    tall = wide * height / width
    with st.style():
        page = Page(max(tall + 0.45, 0.36 * (len(ground_truth) + 2) + 1.22))
        ax = page.panel(0.1, 0.35, wide, tall)
        draw_grid(ax, int(height), int(width), color=st.FAINT, alpha=1.0, zorder=0.8)
        bare(ax)
        ax.set(xlim=(0, width), ylim=(height, 0), title="dashed: ground truth, numbered: anchors")
        for index, match in enumerate(matches):
            _, color, dashes = LABELS[label_of(match)]
            draw_boxes(ax, anchors[index : index + 1], color, linewidth=1.8, dashes=dashes, halo=False)
        draw_boxes(ax, ground_truth, st.GROUND_TRUTH, linewidth=1.6, dashes=st.DASHES, fill=0.12, halo=False)
        colors = [LABELS[label_of(match)][1] for match in matches]
        draw_labels(ax, ground_truth, names, [st.GROUND_TRUTH] * len(ground_truth), fontsize=8)
        corners = anchors[:, [2, 3, 2, 3]] - torch.tensor([2.0, 2.2, 0, 0])  # the number goes to the lower right corner
        draw_labels(ax, corners, [str(i) for i in range(len(anchors))], colors, fontsize=8)
        _table(page, 5.0, 0.62, iou, matches, names)
    return page.figure


def _table(page: Page, left: float, top: float, iou: Tensor, matches: Sequence[int], names: Sequence[str]) -> None:
    """The IoUs, each row's maximum framed and each column's bold, with the matches and the labels below."""
    cell_w, cell_h = 2.85 / iou.shape[1], 0.36
    framed = (iou == iou.max(dim=1, keepdim=True).values).tolist()
    best = iou.argmax(dim=0).tolist()
    middle = dict(ha="center", va="center_baseline")
    page.text(left - 0.12, top - 0.2, "IoU", ha="right", va="center_baseline", color=st.MUTED)
    for j in range(iou.shape[1]):
        x = left + (j + 0.5) * cell_w
        page.text(
            x, top - 0.2, f"anchor {j}" if iou.shape[1] < 5 else str(j), **middle, fontsize=8.5, fontweight="bold"
        )
        for i in range(len(names)):
            y, value = top + i * cell_h, float(iou[i, j])
            bold = best[j] == i and value > 0
            page.sheet.add_patch(
                Rectangle((left + j * cell_w, y), cell_w, cell_h, facecolor="none", edgecolor=st.FAINT)
            )
            page.text(
                x, y + cell_h / 2, f"{value:.2f}" if value else "0", **middle, fontsize=9,
                fontweight="bold" if bold else "normal", color=st.INK if bold else st.MUTED,
            )  # fmt: skip
            if framed[i][j]:
                inset = (left + j * cell_w + 0.05, y + 0.05)
                look: dict[str, Any] = {
                    "facecolor": "none",
                    "edgecolor": st.GROUND_TRUTH,
                    "linewidth": 1.8,
                    "zorder": 3,
                }
                page.sheet.add_patch(Rectangle(inset, cell_w - 0.1, cell_h - 0.1, **look))
        label = label_of(matches[j])
        name, color, _ = LABELS[label]
        bottom = top + len(names) * cell_h + 0.08
        page.sheet.add_patch(Rectangle((left + j * cell_w, bottom), cell_w, 2 * cell_h, facecolor=to_rgba(color, 0.3)))
        for row, text in enumerate((f"{matches[j]}", f"{label}  {name}" if cell_w > 0.9 else f"{label}\n{name}")):
            page.text(x, bottom + (row + 0.5) * cell_h, text.replace("-", "−"), **middle, fontsize=7.5)
    for i, name in enumerate((*names, "match", "label")):
        y = top + (i + 0.5) * cell_h + (0.08 if i >= len(names) else 0)
        page.text(left - 0.12, y, name, ha="right", va="center_baseline", fontweight="bold", fontsize=8.5)
    note = "framed: each object's best anchor\nbold: each anchor's best object"
    page.text(left, top + (len(names) + 2) * cell_h + 0.2, note, color=st.MUTED, fontsize=7.5, linespacing=1.4)


# ------------------------------------------------------------------------------------------------- all anchors at once


def plot_labels(image: Tensor, ground_truth: Tensor, anchors: Tensor, labels: Tensor, names: Sequence[str]) -> Figure:
    """All anchors of an image, sorted by label, above the histogram of each anchor's best IoU.

    Args:
        labels: (N,) 1, 0 or −1.
        names: of the M objects, written beside the positive anchors.
    """
    best = box_iou(ground_truth, anchors).max(dim=0)
    with st.style():
        page = Page(4.4)
        wide, high = 2.56, 2.56 * ratio(image)
        for column, (label, (name, color, _)) in enumerate(LABELS.items()):
            chosen = anchors[labels == label]
            ax = page.panel(0.08 + column * (wide + 0.08), 0.3, wide, high)
            show_image(ax, image, dim=0.45)
            few = len(chosen) < 30
            alpha = 1.0 if few else max(0.1, min(1.0, 60 / len(chosen)))
            draw_boxes(ax, chosen, color, linewidth=1.7 if few else 0.7, alpha=alpha, halo=few)
            draw_boxes(ax, ground_truth, st.GROUND_TRUTH, linewidth=1.1, dashes=st.DASHES, halo=False)
            ax.set_title(f"{len(chosen)} {name}")
        ax = page.panel(0.8, high + 0.5, 7.05, 1.5)
        _histogram(ax, best.values, labels)
        _pins(ax, best.values[labels == 1], [names[i] for i in best.indices[labels == 1].tolist()])
    return page.figure


def _histogram(ax: Axes, best: Tensor, labels: Tensor) -> None:
    """Histogram of the best IoUs of the ignored and negative anchors, on a logarithmic axis; zero has a separate bar."""
    width = 0.02
    zero = int(((best == 0) & (labels == 0)).sum())
    ax.bar(-0.03, zero, width=0.03, color=st.BACKGROUND)
    ax.text(-0.03, zero * 1.2, f"{zero}", ha="center", fontsize=7.5)
    for label in (0, -1):
        chosen = best[(labels == label) & (best > 0)].double()
        # An edge belongs to the bar on its right, as a threshold does: 0.3 is no longer negative.
        bins = ((chosen + 1e-6) / width).floor().long()
        counts = torch.bincount(bins, minlength=50)
        ax.bar(
            [(i + 0.5) * width for i in range(len(counts))], counts.tolist(), width=0.85 * width, color=LABELS[label][1]
        )
    for threshold in (0.3, 0.7):
        ax.axvline(threshold, color=st.INK, linewidth=1, linestyle=(0, (4, 2)))
        ax.text(threshold, 9e3, f" {threshold}", fontsize=8, va="top", fontweight="bold")
    ax.set(
        yscale="log",
        ylim=(0.7, 1e4),
        xlim=(-0.055, 1),
        xlabel="IoU of an anchor with its best-matching object",
        ylabel="number of anchors",
    )
    ax.set_xticks(
        [-0.03, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1], ["0", *(f"{i / 10:.1f}" for i in range(1, 11))]
    )
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    ax.grid(False, axis="x")
    ax.minorticks_off()


def _pins(ax: Axes, values: Tensor, names: Sequence[str]) -> None:
    """One pin for each positive anchor with its object's name; anchors that tie share a pin."""
    pins: dict[tuple[float, str], int] = {}
    for pin in sorted(zip(values.tolist(), names)):
        pins[pin] = pins.get(pin, 0) + 1
    for index, ((value, name), count) in enumerate(pins.items()):
        height = 12 * 3.2 ** (3 - index % 4)  # descending, so that the next pin does not cross a name
        ax.plot([value, value], [0.7, height], color=st.FOREGROUND, linewidth=1.2)
        ax.plot([value], [height], "o", color=st.FOREGROUND, markersize=5)
        text = name if count == 1 else f"{name}, {count} anchors"
        left = 0.65 < value < 0.7  # so that the name does not cross the threshold, which its anchor does not reach
        offset, ha = ((-5, 0), "right") if left else ((5, 0), "left")
        ax.annotate(text, (value, height), offset, textcoords="offset points", fontsize=7.5, va="center", ha=ha)


# --------------------------------------------------------------------------------------------------------- the sample


def plot_sampled(
    image: Tensor, ground_truth: Tensor, anchors: Tensor, labels: Tensor, positives: Tensor, negatives: Tensor
) -> Figure:
    """The anchors sampled for training, and the shares of both labels among all labelled anchors and in the sample.

    Args:
        positives, negatives: indices into the N anchors.
    """
    with st.style():
        wide = 4.1
        high = wide * ratio(image)
        page = Page(high + 0.45)
        ax = page.panel(0.1, 0.32, wide, high)
        show_image(ax, image, dim=0.35)
        draw_boxes(ax, anchors[negatives], st.BACKGROUND, linewidth=1.1, dashes=(2.5, 1.5), halo=False)
        draw_ground_truth(ax, ground_truth)
        draw_boxes(ax, anchors[positives], st.FOREGROUND, linewidth=line_width(ax))
        ax.set_title(f"the {len(positives) + len(negatives)} anchors of one training step")
        numbers = [(int((labels == 1).sum()), int((labels == 0).sum())), (len(positives), len(negatives))]
        titles = ("all positive and negative anchors", "the sample")
        for row, (title, (ones, zeros)) in enumerate(zip(titles, numbers)):
            bar = page.panel(4.55, 0.62 + 1.35 * row, 3.3, 0.42)
            bar.barh([0], [ones], color=st.FOREGROUND, height=1)
            bar.barh([0], [zeros], left=[ones], color=st.BACKGROUND, height=1)
            bar.set(xlim=(0, ones + zeros), ylim=(-0.5, 0.5), title=title)
            bare(bar)
            bar.text(0, -0.62, f"{ones} positive", va="top", fontsize=8.5)
            share = f"{zeros} negative: {100 * zeros / (ones + zeros):.1f} %"
            bar.text(ones + zeros, -0.62, share, va="top", ha="right", fontsize=8.5)
    return page.figure


# ------------------------------------------------------------------------------------------------------ the figures


def _rpn() -> Any:
    return story().model.rpn


def _labelled() -> tuple[Tensor, Tensor]:
    """The course's image: all its anchors (5118, 4), and their labels (5118,)."""
    anchors = torch.cat(story().trace.anchors)
    labels, _ = _rpn().assign_targets_to_anchors([anchors], [dict(boxes=story().boxes)])
    return anchors, labels[0]


def iou_labeling() -> Figure:
    """All anchors of the course's image, by label."""
    names = [story().classes[label] for label in story().target["labels"].tolist()]
    names[story().object] = "our cross"
    return plot_labels(story().resized, story().boxes, *_labelled(), names)


def labels_worked_example() -> Figure:
    """Five anchors and three objects, labelled by hand."""
    return plot_labels_by_hand(*example(), _rpn().proposal_matcher, (26, 40))


def sampled_anchors() -> Figure:
    """The anchors that one training step would sample from the course's image."""
    anchors, labels = _labelled()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        positives, negatives = _rpn().sample([labels])
    return plot_sampled(story().resized, story().boxes, anchors, labels, positives, negatives)


FIGURES: dict[str, Callable[[], Figure]] = {
    "iou_labeling": iou_labeling,
    "iou_curves": plot_curves,
    "labels_worked_example": labels_worked_example,
    "sampled_anchors": sampled_anchors,
}
