"""The losses as curves, with the course's own numbers on them."""

import math
from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from frcnn_edu.ops.losses import BETA
from frcnn_edu.viz import style as st
from frcnn_edu.viz.draw import WIDTH

from .trace import TrainingTrace

REACH = 1.5  # errors are drawn up to this size, on both sides of 0


def draw_smooth_l1(rpn_errors: Tensor, box_errors: Tensor, reach: float = REACH) -> Figure:
    """L1, the parabola, and smooth L1 for β = 1 and 1/9, and their slopes; real errors of both stages as marks underneath.

    Args:
        rpn_errors, box_errors: predicted minus target deltas, any shape.
        reach: errors are drawn from −reach to reach.
    """
    x = torch.linspace(-reach, reach, 601, requires_grad=True)
    curves = [
        ("L2: ½ x²", 0.5 * x.square(), st.MUTED, (0, (1, 1.2)), 1.5),
        ("L1: |x|", x.abs(), st.BACKGROUND, (0, (5, 2)), 1.5),
        ("smooth L1, β = 1", F.smooth_l1_loss(x, torch.zeros_like(x), beta=1.0, reduction="none"), st.FOREGROUND, "solid", 1.8),
        ("smooth L1, β = 1/9", F.smooth_l1_loss(x, torch.zeros_like(x), beta=BETA, reduction="none"), st.INK, "solid", 2.2),
    ]  # fmt: skip
    with st.style():
        figure = Figure(figsize=(WIDTH, 4.1))
        height = figure.get_figheight()
        left, right = (figure.add_axes((at / WIDTH, 1.1 / height, 3.35 / WIDTH, 2.7 / height)) for at in (0.45, 4.5))
        for name, y, color, dashes, width in curves:
            slope = torch.autograd.grad(y.sum(), x, retain_graph=True)[0]
            for ax, values in ((left, y), (right, slope)):
                ax.plot(
                    x.tolist(), values.tolist(), label=name, color=color, linestyle=dashes, linewidth=width
                )  # fmt: skip
        left.set(xlim=(-reach, reach), ylim=(0, reach), title="what an error costs")
        right.set(xlim=(-reach, reach), ylim=(-1.6, 1.6), title="its slope: the gradient")
        label: dict[str, Any] = {"fontsize": 8, "ha": "left", "va": "center"}
        left.text(-0.55, 1.38, "L1: |x|", color=st.BACKGROUND, **label)
        left.text(-0.55, 1.24, "smooth L1, β = 1/9", color=st.INK, fontweight="bold", **label)
        left.text(-0.55, 1.10, "smooth L1, β = 1", color=st.FOREGROUND, **label)
        left.text(-0.55, 0.96, "L2: ½ x²", color=st.MUTED, **label)
        for y, color, dashes, width in zip((1.38, 1.24, 1.10, 0.96), *zip(*[curves[i][2:] for i in (1, 3, 2, 0)])):
            left.plot([-0.78, -0.6], [y, y], color=color, linestyle=dashes, linewidth=width)
        right.text(
            0.14,
            -0.25,
            "β = 1/9: beyond ± 1/9, each\nerror has the same gradient",
            fontsize=8,
            va="top",
            linespacing=1.35,
        )
        for ax in (left, right):
            ax.tick_params(labelbottom=False)
        _rugs(left, rpn_errors, box_errors, reach, height)
        _rugs(right, rpn_errors, box_errors, reach, height)
        left.axvspan(-BETA, BETA, color=st.FAINT, alpha=0.7, linewidth=0)
        right.axvspan(-BETA, BETA, color=st.FAINT, alpha=0.7, linewidth=0)
        right.text(BETA + 0.03, -1.5, "± 1/9: the parabola", color=st.MUTED, fontsize=7.5)
    return figure


def _rugs(ax: Axes, rpn_errors: Tensor, box_errors: Tensor, reach: float, height: float) -> None:
    """Two rows of marks under a panel: the errors of either stage."""
    figure = ax.get_figure(root=True)
    assert figure is not None
    box = ax.get_position()
    rug = figure.add_axes((box.x0, 0.38 / height, box.width, 0.62 / height))
    rows = ((1.5, rpn_errors, st.PROPOSAL, "RPN"), (0.5, box_errors, st.DETECTION, "box head"))
    for y, errors, color, name in rows:
        values = errors.flatten().tolist()
        rug.vlines(values, y - 0.36, y + 0.36, color=color, linewidth=0.7, label=name)
        beyond = int((errors.abs() > BETA).sum())
        rug.text(-reach + 0.04, y, name, fontsize=8, va="center")
        rug.text(reach, y, f"{beyond} of {errors.numel()}\nbeyond 1/9", fontsize=7.4, va="center", ha="right")
    rug.axvspan(-BETA, BETA, color=st.FAINT, alpha=0.7, linewidth=0)
    rug.set(xlim=(-reach, reach), ylim=(0, 2), yticks=[], xlabel="predicted minus target delta")
    rug.xaxis.label.set_fontsize(8)
    rug.tick_params(labelsize=8)
    rug.grid(False)


def draw_cross_entropies(trace: TrainingTrace) -> Figure:
    """Both cross entropies as curves, with the sampled anchors' logits and the sampled proposals' probabilities on them."""
    with st.style():
        figure = Figure(figsize=(WIDTH, 3.1))
        left, right = (figure.add_axes((at / WIDTH, 0.17, 3.35 / WIDTH, 0.7)) for at in (0.45, 4.5))
        z = torch.linspace(-6, 6, 241)
        left.plot(z.tolist(), F.softplus(-z).tolist(), color=st.FOREGROUND, linewidth=2)
        left.plot(z.tolist(), F.softplus(z).tolist(), color=st.BACKGROUND, linewidth=2, linestyle=(0, (5, 2)))
        left.text(-5.8, 2.2, "positive:\nln(1 + e⁻ᶻ)", color=st.FOREGROUND, fontsize=8.5, va="top")
        left.text(5.8, 2.2, "negative:\nln(1 + eᶻ)", color=st.BACKGROUND, fontsize=8.5, ha="right", va="top")
        left.plot(0, math.log(2), "o", color=st.INK, markersize=5)
        left.annotate(
            "z = 0:\nln 2 = 0.69", (0, math.log(2)), (0, 2.5), ha="center", fontsize=8,
            arrowprops={"arrowstyle": "-", "color": st.MUTED, "shrinkB": 4},
        )  # fmt: skip
        for indices, sign, color, marker in (
            (trace.positives, -1, st.FOREGROUND, "^"),
            (trace.negatives, 1, st.BACKGROUND, "v"),
        ):
            logits = trace.logits[indices]
            at = logits.clamp(-5.8, 5.8)  # what is beyond is drawn at the edge
            left.plot(
                at.tolist(), F.softplus(sign * logits).tolist(), marker, color=color, markersize=4.5, clip_on=False,
                alpha=0.85, markeredgewidth=0,
            )  # fmt: skip
        left.set(xlim=(-6, 6), ylim=(0, 6), xlabel="objectness logit z", title="binary cross entropy")
        loudest, quietest = trace.logits[trace.negatives].max(), trace.logits[trace.positives].min()
        negatives = f"{len(trace.negatives)} negatives:\nall below {math.ceil(float(loudest))}".replace("-", "−")
        left.text(-5.8, 0.3, negatives, fontsize=7.5, color=st.BACKGROUND)
        positives = f"{len(trace.positives)} positives:\nall above {math.floor(float(quietest))}".replace("-", "−")
        left.text(5.8, 0.3, positives, fontsize=7.5, color=st.FOREGROUND, ha="right")

        p = torch.linspace(0.01, 1, 200)
        right.plot(p.tolist(), (-p.log()).tolist(), color=st.INK, linewidth=2)
        of_label = trace.class_logits.softmax(dim=1).gather(1, trace.labels[:, None])[:, 0]  # (S,)
        right.plot(
            of_label.tolist(), (-of_label.log()).tolist(), "o", color=st.DETECTION, markersize=4.5, alpha=0.6,
            markeredgewidth=0, clip_on=False,
        )  # fmt: skip
        number = trace.class_logits.shape[1]
        right.plot(1 / number, math.log(number), "o", color=st.INK, markersize=5)
        right.annotate(
            f"p = 1/{number}: ln {number} = {math.log(number):.2f}", (1 / number, math.log(number)), (0.3, 2.6),
            fontsize=8, arrowprops={"arrowstyle": "-", "color": st.MUTED, "shrinkB": 4},
        )  # fmt: skip
        worst = int(of_label.argmin())
        right.annotate(
            f"the lowest of {len(of_label)}: p = {float(of_label[worst]):.2f}",
            (float(of_label[worst]), -math.log(float(of_label[worst]))), (0.5, 1.45), fontsize=8,
            arrowprops={"arrowstyle": "-", "color": st.MUTED, "shrinkB": 4},
        )  # fmt: skip
        right.set(
            xlim=(0, 1), ylim=(0, 4), xlabel="probability p of the true class", title="cross entropy: −ln p"
        )  # fmt: skip
    return figure


def draw_divisors(sizes: Sequence[int], losses: Sequence[float], positives: int) -> Figure:
    """The RPN's box loss of the same positives when more and more anchors are sampled, and what it would be if divided by the positives.

    Args:
        sizes: numbers of sampled anchors.
        losses: the RPN's box loss with each of these numbers.
        positives: how many of the sampled anchors are positive, the same each time.
    """
    by_positives = [loss * size / positives for loss, size in zip(losses, sizes)]
    places = range(len(sizes))
    with st.style():
        figure = Figure(figsize=(WIDTH, 2.7))
        ax = figure.add_axes((0.07, 0.2, 0.7, 0.66))
        ax.plot(places, by_positives, "s--", color=st.MUTED, linewidth=1.5, markersize=5)
        ax.plot(places, losses, "o-", color=st.PROPOSAL, linewidth=2.2, markersize=6)
        for x, loss in zip(places, losses):
            ax.annotate(
                f"{loss:.4f}", (x, loss), (0, 8), textcoords="offset points", ha="center", fontsize=8,
            )  # fmt: skip
        ax.set(
            xticks=places, xticklabels=[f"{size}" for size in sizes], ylim=(0, 1.25 * max(by_positives)),
            title=f"the same {positives} positives, more and more negatives", xlabel="sampled anchors",
        )  # fmt: skip
        end = len(sizes) - 1
        ax.text(end + 0.35, by_positives[-1], "if divided by\nthe positives", color=st.MUTED, va="center", fontsize=8.5)
        ax.text(end + 0.35, losses[-1], "divided by all\nsampled anchors", va="center", fontsize=8.5, fontweight="bold")
    return figure
