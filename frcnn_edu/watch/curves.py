"""Curves of a training run: losses and average precision."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ..viz import style as st
from ..viz.draw import WIDTH

#: Each loss with the colour of its stage (RPN, RoI heads) and the question it answers.
_LOSSES = {
    "loss_objectness": (st.PROPOSAL, "RPN: object or not?"),
    "loss_rpn_box_reg": (st.PROPOSAL, "RPN: where exactly?"),
    "loss_classifier": (st.DETECTION, "RoI heads: which class?"),
    "loss_box_reg": (st.DETECTION, "RoI heads: where exactly?"),
}


def plot_losses(history: Mapping[str, Sequence[float]]) -> Figure:
    """The sum of the losses, the learning rate and the four losses over the steps: raw (faint) and smoothed (bold).

    Args:
        history: equally long lists "step", "loss_objectness", "loss_rpn_box_reg", "loss_classifier", "loss_box_reg", "lr".
    """
    lengths = {key: len(history.get(key, ())) for key in ("step", *_LOSSES, "lr")}
    if len(set(lengths.values())) != 1 or lengths["step"] == 0:
        raise ValueError(f"history: expected equally long, non-empty lists, got lengths {lengths}")
    steps = np.asarray(history["step"], dtype=float)
    losses = {name: np.asarray(history[name], dtype=float) for name in _LOSSES}
    with st.style():
        figure = Figure(figsize=(WIDTH, 4.0))
        total = figure.add_axes((0.06, 0.34, 0.40, 0.54))
        _plot_smoothed(total, steps, np.sum(list(losses.values()), axis=0), st.INK, "sum of the losses")
        rate = figure.add_axes((0.06, 0.11, 0.40, 0.11))
        rate.plot(steps, history["lr"], color=st.MUTED, linewidth=1.6)
        rate.set(xlim=total.get_xlim(), ylim=(0, None), xlabel="step", yticks=[])
        rate.set_title(f"learning rate, at most {max(history['lr']):.2g}", fontsize=8, fontweight="normal")
        for index, (name, values) in enumerate(losses.items()):
            color, question = _LOSSES[name]
            row, column = divmod(index, 2)
            ax = figure.add_axes((0.54 + 0.255 * column, 0.58 - 0.47 * row, 0.18, 0.27))
            _plot_smoothed(ax, steps, values, color, name.removeprefix("loss_"))
            ax.tick_params(labelsize=7.3)
            ax.locator_params(nbins=3)
            ax.text(0, 1.04, question, transform=ax.transAxes, fontsize=7.3, color=st.MUTED)
            ax.title.set_position((0, 1.0))
            ax.set_title(ax.get_title(loc="left"), pad=15, fontsize=9)
    return figure


def _plot_smoothed(ax: Axes, steps: np.ndarray, values: np.ndarray, color: str, name: str) -> None:
    smooth = smoothed(values)
    ax.plot(steps, values, color=color, linewidth=0.6, alpha=0.28)
    ax.plot(steps, smooth, color=color, linewidth=2.2)
    # The first steps can be far above the rest; they must not flatten everything else.
    highest = np.nanmax([0, np.nanquantile(smooth, 0.98), smooth[-1]]) if np.isfinite(smooth).any() else 0
    ax.set(xlim=(min(0, steps[0]), max(1, steps[-1])), ylim=(0, 1.2 * highest or 1), title=f"{name}  {smooth[-1]:.3f}")


def smoothed(values: np.ndarray) -> np.ndarray:
    """Centred moving average over about 4 % of the curve, its window shrinking at both ends; NaN is left out."""
    half = len(values) // 50
    windows = [values[max(0, i - half) : i + half + 1] for i in range(len(values))]
    return np.array([np.nanmean(w) if np.isfinite(w).any() else np.nan for w in windows])


def plot_metrics(epochs: Sequence[Mapping[str, float]]) -> Figure:
    """COCO AP, AP50 and AP75 (0–1) on the validation images after each epoch.

    Args:
        epochs: one mapping per epoch with "epoch", "AP", "AP50" and "AP75".
    """
    if not epochs:
        raise ValueError("epochs: expected at least one")
    with st.style():
        figure = Figure(figsize=(WIDTH, 3.4))
        ax = figure.add_axes((0.075, 0.15, 0.76, 0.74))
        at = [row["epoch"] for row in epochs]
        for name, color, marker in (("AP50", st.PROPOSAL, "^"), ("AP75", st.FOREGROUND, "s"), ("AP", st.INK, "o")):
            values = [float(row[name]) for row in epochs]
            ax.plot(
                at, values, color=color, marker=marker, markersize=4, linewidth=2, label=f"{name}  {values[-1]:.3f}"
            )
        ax.set(
            xlim=(0, 1.04 * max(1, at[-1])),
            ylim=(0, 1),
            xlabel="epoch",
            title="Average precision on the validation images",
        )
        ax.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        ax.legend(loc="upper left", bbox_to_anchor=(1.01, 1), borderaxespad=0)
    return figure


def plot_runs(runs: Mapping[str, Sequence[Mapping[str, float]]]) -> Figure:
    """AP50 and AP of several runs over their steps, one colour for each kind of run.

    Args:
        runs: "kind, seed" → one mapping per evaluation with "step", "AP" and "AP50". Runs of a kind share its colour.
    """
    if not runs or not all(runs.values()):
        raise ValueError("runs: expected at least one, each with an evaluation")
    kinds = list(dict.fromkeys(name.split(",")[0] for name in runs))
    with st.style():
        figure = Figure(figsize=(WIDTH, 3.2))
        for column, score in enumerate(("AP50", "AP")):
            ax = figure.add_axes((0.06 + 0.43 * column, 0.15, 0.36, 0.73))
            for name, epochs in runs.items():
                kind = name.split(",")[0]
                color = (st.PROPOSAL, st.MUTED, st.FOREGROUND, st.DETECTION)[kinds.index(kind) % 4]
                first = next(other for other in runs if other.split(",")[0] == kind) == name
                values = [row[score] for row in epochs]
                ax.plot([row["step"] for row in epochs], values, "o-", color=color, markersize=3, linewidth=1.8,
                        label=kind if first else None)  # fmt: skip
            ax.set(ylim=(0, 1), xlabel="step", title=f"{score} on the validation images")
        ax.legend(loc="upper left", bbox_to_anchor=(1.01, 1), borderaxespad=0, title="backbone from")
    return figure
