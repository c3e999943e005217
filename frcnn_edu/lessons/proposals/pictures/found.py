"""Figures of notebook 09: the proposals that NMS keeps, and the objects that they find."""

from collections.abc import Sequence

import torch
from matplotlib.figure import Figure
from torch import Tensor

from frcnn_edu.viz import style as st
from frcnn_edu.viz.draw import WIDTH, draw_boxes, panels, show_image
from frcnn_edu.viz.sheet import caption


def plot_kept_by_threshold(image: Tensor, rows: Sequence[tuple[str, Tensor, Tensor]], ground_truth: Tensor) -> Figure:
    """A crop around some objects, once for each setting: the boxes that were removed (grey) and those kept.

    Args:
        rows: title, removed boxes (N, 4), or (0, 4) to leave them out, and kept boxes (M, 4).
        ground_truth: (K, 4), the objects that the crop shows.
    """
    limit = torch.tensor([image.shape[-1], image.shape[-2]], device=ground_truth.device)
    x1, y1 = (ground_truth[:, :2].amin(dim=0) - 16).clamp(min=0).tolist()
    x2, y2 = (ground_truth[:, 2:].amax(dim=0) + 16).minimum(limit).tolist()
    with st.style():
        figure, axes = panels([(y2 - y1) / (x2 - x1)] * len(rows), columns=len(rows), title=0.25, caption=0.2, gap=0.1)
        for ax, (title, removed, kept) in zip(axes, rows, strict=True):
            show_image(ax, image, dim=0.35)
            draw_boxes(ax, removed, st.IGNORED, linewidth=0.7, alpha=0.7, halo=False)
            draw_boxes(ax, kept, st.PROPOSAL, linewidth=1.2, halo=len(kept) < 12)
            draw_boxes(ax, ground_truth, st.GROUND_TRUTH, linewidth=1.6, dashes=st.DASHES)
            ax.set(xlim=(x1, x2), ylim=(y2, y1), facecolor=st.FAINT)
            ax.set_title(title, fontsize=9)
            caption(ax, f"{len(kept)} of {len(removed) + len(kept)} kept" if len(removed) else f"{len(kept)} proposals")
    return figure


def plot_fit_and_score(
    fits: Tensor, scores: Tensor, kept: Tensor, better: tuple[int, int], names: dict[int, str] | None = None
) -> Figure:
    """Each box around one object by its objectness and its IoU with the object, and whether NMS kept it.

    Args:
        fits, scores: (N,) IoU with the object, and objectness.
        kept: (N,) bool.
        better: indices of a kept box, and of a better-fitting one that it removes.
        names: labels for boxes that were kept, by index.
    """
    names = names or {}
    with st.style():
        figure = Figure(figsize=(WIDTH, 3.3))
        ax = figure.add_axes((0.075, 0.145, 0.9, 0.755))
        logits = torch.logit(scores.double()).clamp(min=-12)
        ax.scatter(
            logits[~kept].tolist(), fits[~kept].tolist(), s=44, facecolors="none", edgecolors=st.IGNORED, linewidths=1.5
        )
        ax.scatter(
            logits[kept].tolist(), fits[kept].tolist(), s=52, color=st.PROPOSAL, edgecolors=st.INK, linewidths=0.6
        )
        ticks = [0.001, 0.01, 0.1, 0.5, 0.9, 0.99, 0.999]
        ax.set(
            xticks=torch.logit(torch.tensor(ticks)).tolist(), xticklabels=[f"{p:g}" for p in ticks], ylim=(0.48, 1.0),
            xlim=(min(-7.5, float(logits.min()) - 0.5), 12), xlabel="objectness, as a probability", title="IoU with the object, which NMS does not know",
        )  # fmt: skip
        start, end = ((float(logits[i]), float(fits[i])) for i in better)
        look = {"arrowstyle": "-|>", "color": st.INK, "linewidth": 1.2, "shrinkA": 5, "shrinkB": 5}
        ax.annotate("", end, start, arrowprops=look)
        ax.text(end[0] - 0.25, end[1] + 0.012, f"removed by it: IoU {end[1]:.2f}", ha="right", va="bottom")
        for index in {better[0], *names}:
            x, y = float(logits[index]), float(fits[index])
            words = f"{names[index]}\nkept: IoU {y:.2f}" if index in names else f"kept: IoU {y:.2f}"
            place = (x + 0.5, 0.945) if index == better[0] else (x + 0.25, y)  # the first in the free space at the top
            ax.plot([x, place[0]], [y, place[1]], color=st.INK, linewidth=0.7, zorder=0)
            ax.text(place[0] + 0.05, place[1], words, va="center", fontweight="bold", linespacing=1.2)
        ax.text(0.01, 0.95, "filled: kept   hollow: removed", transform=ax.transAxes, va="top", color=st.MUTED)
    return figure


def plot_recall(numbers: Sequence[int], curves: Sequence[tuple[str, Sequence[float]]]) -> Figure:
    """The share of the objects that the first N proposals of their image find, as a function of N, for several settings.

    Args:
        numbers: numbers of proposals kept in each image.
        curves: (name, recall at each of `numbers`), worst first.
    """
    looks = ((st.IGNORED, "-."), (st.LEVELS["P2"], ":"), (st.PROPOSAL, "-"), (st.FOREGROUND, "--"))
    with st.style():
        figure = Figure(figsize=(WIDTH, 3.3))
        ax = figure.add_axes((0.075, 0.15, 0.66, 0.75))
        for (name, recall), (color, line) in zip(curves, looks, strict=False):
            ax.plot(numbers, recall, color=color, linestyle=line, linewidth=2.4, label=name)
        ax.set(
            xscale="log", xticks=[1, 2, 5, 10, 20, 50, 100, 300], xticklabels=["1", "2", "5", "10", "20", "50", "100", "300"],
            xlim=(1, numbers[-1]), ylim=(0, 1.03), xlabel="proposals kept in each image",
            title="share of the objects found, IoU at least 0.5",
        )  # fmt: skip
        ax.minorticks_off()
        ax.legend(loc="upper left", bbox_to_anchor=(1.01, 1), borderaxespad=0, handlelength=3)
    return figure
