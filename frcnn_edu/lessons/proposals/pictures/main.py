"""Figures of notebook 09: thousands of moved anchors become a few hundred proposals."""

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import torch
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import Tensor

from frcnn_edu.lessons.story import story
from frcnn_edu.model import FasterRCNN
from frcnn_edu.model.rpn import RegionProposalNetwork, concat_box_prediction_layers
from frcnn_edu.ops.boxes import batched_nms, clip_boxes_to_image, remove_small_boxes
from frcnn_edu.viz import style as st
from frcnn_edu.viz.draw import draw_ground_truth, panels, ratio, show_image
from frcnn_edu.viz.sheet import Page, bare, caption

from .nms import FIVE, FIVE_SCORES, plot_nms_steps

LEVELS = tuple(st.LEVELS)  # "P2" … "P5", "pool"


@dataclass(frozen=True)
class Step:
    """The boxes that are left after one step of `filter_proposals`, for one image.

    Attributes:
        name: name of the step.
        boxes, probabilities, levels: (N, 4), (N,) and (N,), in the step's order.
        anchors: (N,) indices of the anchors that they were decoded from.
    """

    name: str
    boxes: Tensor
    probabilities: Tensor
    levels: Tensor
    anchors: Tensor

    def per_level(self) -> list[int]:
        """The number of boxes of each level."""
        return self.levels.bincount(minlength=len(LEVELS)).tolist()


def sieve(
    rpn: RegionProposalNetwork, moved: Tensor, logits: Tensor, size: tuple[int, int], counts: Sequence[int]
) -> list[Step]:
    """`filter_proposals` for one image, with the boxes that are left after each of its steps.

    Args:
        moved: (ΣH·W·A, 4) all anchors, decoded.
        logits: (ΣH·W·A,).
        size: (height, width) of the image inside its padding.
        counts: number of anchors on each level.
    """
    probabilities = logits.sigmoid()
    levels = torch.arange(len(counts), device=logits.device).repeat_interleave(
        torch.tensor(counts, device=logits.device)
    )
    steps = [Step("moved anchors", moved, probabilities, levels, torch.arange(len(moved), device=logits.device))]

    def go_on(name: str, index: Tensor) -> None:
        last = steps[-1]
        left = (last.boxes[index], last.probabilities[index], last.levels[index], last.anchors[index])
        steps.append(Step(name, *left))

    go_on("best of each level", rpn._get_top_n_idx(logits[None], list(counts))[0])
    last = steps[-1]
    steps.append(replace(last, name="clipped", boxes=clip_boxes_to_image(last.boxes, size)))
    go_on("large enough", remove_small_boxes(steps[-1].boxes, rpn.min_size))
    go_on("likely enough", torch.where(steps[-1].probabilities >= rpn.score_thresh)[0])
    last = steps[-1]
    go_on("left by NMS", batched_nms(last.boxes, last.probabilities, last.levels, rpn.nms_thresh))
    go_on("best of all levels", torch.arange(min(rpn.post_nms_top_n(), len(steps[-1].boxes))))
    return steps


@cache
def story_sieve() -> list[Step]:
    """The steps of `filter_proposals` for the course's image."""
    seen = story().trace
    rpn: Any = story().model.rpn
    logits, deltas = concat_box_prediction_layers(seen.objectness, seen.deltas)  # (5118, 1), (5118, 4)
    moved = rpn.box_coder.decode(deltas, [torch.cat(seen.anchors)])[:, 0]  # (5118, 4)
    counts = [len(anchors) for anchors in seen.anchors]
    return sieve(rpn, moved, logits.flatten(), seen.batch.image_sizes[0], counts)


def full_model_limits(size: tuple[int, int], training: bool = False) -> list[tuple[str, list[int], int]]:
    """The most boxes of each level that the full-size model lets through, by its default settings.

    Args:
        size: (height, width) of the padded image.

    Returns:
        For the anchors, the boxes that enter NMS and the boxes that leave it: the name of the step, the number of boxes
        of each level, and the largest possible number of all levels.
    """
    rows, columns = size
    cells = [(rows // stride) * (columns // stride) for stride in (4, 8, 16, 32)]
    cells.append(
        -(-rows // 64) * -(-columns // 64)
    )  # pool: every second row and column of P5, beginning with the first
    anchors = [3 * n for n in cells]
    settings, when = inspect.signature(FasterRCNN).parameters, "train" if training else "test"
    before, after = (int(settings[f"rpn_{place}_nms_top_n_{when}"].default) for place in ("pre", "post"))
    best = [min(n, before) for n in anchors]
    return [("anchors", anchors, sum(anchors)), ("enter NMS", best, sum(best)), ("leave", best, min(after, sum(best)))]


# ------------------------------------------------------------------------------------------------------------- figures


def draw_faint(
    ax: Axes, boxes: Tensor, probabilities: Tensor, color: str = st.PROPOSAL, linewidth: float = 0.9
) -> None:
    """Outlines (N, 4), the more opaque, the higher the probability (N,): unlikely ones are hardly visible."""
    x1, y1, x2, y2 = boxes.detach().cpu().double().numpy().T
    corners = [[(a, b), (c, b), (c, d), (a, d)] for a, b, c, d in zip(x1, y1, x2, y2, strict=True)]
    colors = [to_rgba(color, 0.04 + 0.86 * p) for p in probabilities.tolist()]
    ax.add_collection(
        PolyCollection(corners, edgecolors=colors, facecolors="none", linewidths=linewidth), autolim=False
    )


def plot_sieve(image: Tensor, steps: Sequence[Step], ground_truth: Tensor) -> Figure:
    """The boxes after each step, a panel for each; the more probable a box, the more opaque it is."""
    with st.style():
        figure, axes = panels([ratio(image)] * len(steps), columns=2, title=0.25, caption=0.22, gap=0.1)
        for ax, step in zip(axes, steps, strict=True):
            show_image(ax, image, dim=0.55)
            draw_faint(ax, step.boxes, step.probabilities)
            draw_ground_truth(ax, ground_truth)
            ax.set_title(f"{len(step.boxes)}  {step.name}")
            sure = int((step.probabilities >= 0.5).sum())
            caption(ax, f"{sure} of them with a probability of at least 0.5")
    return figure


#: A bar: its name, a remark, the number of boxes of each level (None: not known) and of all levels together.
Row = tuple[str, str, list[int] | None, int]


def plot_survivors(rows: Sequence[Row], limits: Sequence[Row]) -> Figure:
    """Bars for the number of boxes left: of a real image on the left, the limits of a larger model on the right.

    A bar is divided into levels. The first bar of each side would be far longer than the page: it is cut short.
    """
    with st.style():
        page = Page(3.75)
        high, pitch, top = 0.25, 0.51, 0.62
        for left, wide, title, bars in (
            (0.12, 3.75, "our image, the small model", rows),
            (4.35, 3.5, "an 800×1088 image, the full model", limits),
        ):
            page.text(left, 0.1, title, fontsize=10, fontweight="bold")
            longest = max(total for *_, total in bars[1:])
            for index, (name, words, per_level, total) in enumerate(bars):
                y, number = top + index * pitch, f"{total:,}" if total >= 10_000 else str(total)
                page.text(left, y - 0.06, name, fontsize=8, va="baseline")
                page.text(left + wide, y - 0.06, words, fontsize=7.5, color=st.MUTED, va="baseline", ha="right")
                torn = total > longest
                length = wide if torn else wide * 0.83 * total / longest
                _bar(page, left, y, length, high, per_level, torn)
                if torn:
                    page.sheet.text(
                        left + length / 2, y + high / 2, number, ha="center", va="center_baseline", fontsize=8.5,
                        fontweight="bold", bbox={"boxstyle": "round,pad=0.2", "facecolor": st.PAPER, "edgecolor": "none"},
                    )  # fmt: skip
                else:
                    middle = y + high / 2
                    page.text(
                        left + length + 0.06, middle, number, va="center_baseline", fontweight="bold", fontsize=8.5
                    )
        x = 4.35
        for name in LEVELS:
            page.sheet.add_patch(Rectangle((x, 3.43), 0.15, 0.15, facecolor=st.LEVELS[name]))
            page.text(x + 0.2, 3.505, name, va="center_baseline")
            x += 0.62
    return page.figure


def _bar(
    page: Page, left: float, y: float, length: float, high: float, parts: Sequence[int] | None, torn: bool
) -> None:
    colors = [st.LEVELS[name] for name in LEVELS] if parts else [st.IGNORED]
    shares = [part / sum(parts) for part in parts] if parts else [1.0]
    right = left + length
    for i, (color, share) in enumerate(zip(colors, shares, strict=True)):
        wide = length * share
        page.sheet.add_patch(Rectangle((left, y), wide, high, facecolor=color, linewidth=0))
        if parts and wide > 0.26 and not torn:
            page.text(
                left + wide / 2, y + high / 2, str(parts[i]), ha="center", va="center_baseline", fontsize=7.5,
                color=st.text_color(color),
            )  # fmt: skip
        left += wide
    for shift in (0.0, 0.05) if torn else ():
        page.sheet.plot(
            [right - 0.25 + shift, right - 0.17 + shift], [y + high + 0.03, y - 0.03], color=st.PAPER, linewidth=2.0
        )


def plot_clipping(image: Tensor, before: Tensor, after: Tensor, number: int, padded: tuple[int, int]) -> Figure:
    """Boxes that reach beyond the image, before and after clipping; the padding below the image is hatched.

    Args:
        before, after: (N, 4) the boxes before and after clipping.
        number: number of such boxes in all; only those given are drawn.
        padded: (height, width) of the padded image.
    """
    height, width = image.shape[-2:]
    margin, above = 46.0, 54.0  # of paper around the image
    with st.style():
        shape = (padded[0] + above + 26) / (padded[1] + 2 * margin)
        figure, axes = panels([shape, shape], columns=2, title=0.25, caption=0.2, gap=0.1)
        words = (f"{len(before)} of the {number} boxes that leave the image", "the same boxes, clipped")
        for ax, boxes, title in zip(axes, (before, after), words, strict=True):
            show_image(ax, image, dim=0.55)
            ax.add_patch(
                Rectangle(
                    (0, height), width, padded[0] - height, facecolor=st.PAPER, edgecolor=st.IGNORED, hatch="////", lw=0
                )
            )
            draw_faint(ax, boxes, torch.full((len(boxes),), 0.9))
            ax.set(
                xlim=(-margin, width + margin), ylim=(padded[0] + 26, -above), title=title,
            )  # fmt: skip
            bare(ax)
        caption(axes[0], f"hatched: padding, rows {height} to {padded[0]}")
        lowest = float(after[:, 3].max())
        caption(axes[1], f"the lowest edge is at {lowest:.0f}, not at {padded[0]}")
    return figure


# -------------------------------------------------------------------------------------------------------------- figures


def proposals() -> Figure:
    """The course's image: 5118 boxes become 300, in four panels."""
    steps = story_sieve()
    return plot_sieve(story().resized, [steps[0], steps[1], steps[5], steps[6]], story().boxes)


def survivors() -> Figure:
    """The number of boxes left after each step, for the course's image, and the full model's limits."""
    steps = story_sieve()
    words = [
        "",
        "at most 300 of each",
        "none removed",
        "",
        "none removed",
        "duplicates removed",
        "at most 300 together",
    ]
    rows: list[Row] = [
        (step.name, said, step.per_level(), len(step.boxes)) for step, said in zip(steps, words, strict=True)
    ]
    rows[3:5] = [("large enough, likely enough", *rows[4][1:])]
    anchors, enter, leave = full_model_limits((800, 1088))
    limits: list[Row] = [("anchors", "", anchors[1], anchors[2])]
    limits += [("may enter NMS", "inference: 1000 of each level", enter[1], enter[2])]
    limits += [("may leave", "inference: 1000 together", None, leave[2])]
    _, enter, leave = full_model_limits((800, 1088), training=True)
    limits += [("may enter NMS", "training: 2000 of each level", enter[1], enter[2])]
    limits += [("may leave", "training: 2000 together", None, leave[2])]
    return plot_survivors(rows, limits)


def nms_steps() -> Figure:
    """Non-maximum suppression of five boxes, one kept box at a time."""
    return plot_nms_steps(FIVE, FIVE_SCORES, 0.7)


FIGURES: dict[str, Callable[[], Figure]] = {"proposals": proposals, "survivors": survivors, "nms_steps": nms_steps}
