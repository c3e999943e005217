"""Savings as bars and dots: grey for the textbook's classes, blue for the fast ones.

Everything here is counted, never timed, so a figure is the same on every computer.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from frcnn_edu.viz import style as st
from frcnn_edu.viz.draw import WIDTH, legend_on_top
from frcnn_edu.viz.sheet import bare

from ..work import Layer, Saving

TEXTBOOK = (*to_rgb(st.IGNORED), 0.55)
FAST = st.FOREGROUND


def plot_savings(layers: Sequence[Layer], savings: Sequence[Saving], proposals: int = 1000) -> Figure:
    """Multiplications stage by stage, and other savings.

    Args:
        layers: result of `convolutions_of_full_model`.
        proposals: number of proposals that enter the box head (with 91 classes).
    """
    box_head = proposals * (256 * 7 * 7 * 1024 + 1024 * 1024 + 1024 * 5 * 91)
    stages = {name: [0.0, 0.0] for name in ("backbone", "FPN", "RPN head")}
    for layer in layers:
        stages[layer.stage][0] += layer.multiplications / 1e9
        stages[layer.stage][1] += layer.fast / 1e9
    stages["box head"] = [box_head / 1e9] * 2
    with st.style():
        figure = Figure(figsize=(WIDTH, 4.7))
        upper = figure.add_axes((0.235, 0.545, 0.61, 0.33))
        most = max(textbook for textbook, _ in stages.values())
        for row, (name, (textbook, fast)) in enumerate(stages.items()):
            _pair_of_bars(upper, row, name, textbook / most, fast / most)
            text = f"{textbook:.1f}" if fast == textbook else f"{textbook:.1f} → {fast:.1f}"
            upper.text(textbook / most + 0.012, row, text, va="center", fontweight="bold")
        upper.set_title("multiplications, in billions", pad=8)
        upper.text(1, 1.06, "model/fast/winograd.py", transform=upper.transAxes, color=st.MUTED, fontsize=8, ha="right")

        lower = figure.add_axes((0.235, 0.03, 0.48, 0.4))
        for row, saving in enumerate(savings):
            _pair_of_bars(lower, row, saving.what, 1.0, saving.fast / saving.textbook)
            text = f"{_amount(saving.textbook, saving.unit)} → {_amount(saving.fast, saving.unit)}"
            lower.text(1.015, row - 0.04, text, va="bottom", fontweight="bold")
            lower.text(1.015, row + 0.06, saving.where, va="top", color=st.MUTED, fontsize=8)
        lower.set_title("other savings", pad=8)
        for ax, rows in ((upper, len(stages)), (lower, len(savings))):
            ax.set(xlim=(0, 1), ylim=(rows - 0.4, -0.6), xticks=[], yticks=[])
            ax.grid(False)
            ax.spines[:].set_visible(False)
        _legend(figure)
    return figure


def plot_held(stages: Mapping[str, tuple[int, int]]) -> Figure:
    """For each stage, the bytes that the textbook's classes and the fast ones save for the backward pass."""
    tall = 0.42 * len(stages) + 0.5
    most = max(textbook for textbook, _ in stages.values())
    with st.style():
        figure = Figure(figsize=(WIDTH, tall))
        ax = figure.add_axes((0.12, 0.02, 0.7, 1 - 0.42 / tall))
        for row, (name, (textbook, fast)) in enumerate(stages.items()):
            _pair_of_bars(ax, row, name, textbook / most, fast / most)
            text = f"{_amount(textbook, 'bytes')} → {_amount(fast, 'bytes')}"
            ax.text(max(textbook, fast) / most + 0.012, row, text, va="center", fontweight="bold")
        ax.set(xlim=(0, 1), ylim=(len(stages) - 0.4, -0.6))
        bare(ax)
        _legend(figure)
    return figure


def plot_survivors(steps: Sequence[tuple[str, int, str, str]]) -> Figure:
    """The number of boxes left after each step, on a logarithmic scale.

    Args:
        steps: name, number and colour of the boxes, and which classes decode them: "textbook", "exact" or "".
    """
    tall = 0.36 * len(steps) + 0.3
    with st.style():
        figure = Figure(figsize=(WIDTH, tall))
        ax = figure.add_axes((0.21, 0.25 / tall, 0.5, 1 - 0.28 / tall))
        for row, (what, number, color, who) in enumerate(steps):
            ax.barh(row, number, height=0.66, color=color, left=1)
            ax.text(0.82, row, what, ha="right", va="center")
            ax.text(number * 1.2, row, written(number), va="center", fontweight="bold")
            if who:
                words, color = f"decoded by the {who} class", FAST if who == "exact" else st.MUTED
                ax.text(1.07, row, words, transform=ax.get_yaxis_transform(), va="center", color=color)
        ax.set(xscale="log", xlim=(1, 30 * max(number for _, number, *_ in steps)), ylim=(len(steps) - 0.4, -0.6))
        ticks = [10**power for power in range(6)]
        ax.set_xticks(ticks, [written(tick) for tick in ticks])
        ax.minorticks_off()
        ax.set_yticks([])
        ax.spines[:].set_visible(False)
        ax.grid(axis="y", visible=False)
    return figure


def plot_folding(layers: Sequence[Layer]) -> Figure:
    """For every layer with a frozen BatchNorm: the number of values in its map beside the number of its weights."""
    folded = [layer for layer in layers if layer.frozen_norm]
    maps = [layer.output_size for layer in folded]
    weights = [layer.weights for layer in folded]
    with st.style():
        figure = Figure(figsize=(WIDTH, 2.9))
        ax = figure.add_axes((0.075, 0.12, 0.915, 0.72))
        places = np.arange(len(folded))
        ax.bar(places, maps, width=0.86, color=TEXTBOOK)
        ax.bar(places, weights, width=0.46, color=FAST)
        ax.set(yscale="log", ylim=(1e3, 3e8), xlim=(-0.7, len(folded) - 0.3), xticks=[])
        ax.grid(axis="x", visible=False)
        groups = [layer.name.split(".")[0] for layer in folded]
        for name in dict.fromkeys(groups):
            its = [place for place, group in enumerate(groups) if group == name]
            if its[0] > 0:
                ax.axvline(its[0] - 0.5, color=st.MUTED, linewidth=0.7)
            ax.text(
                (its[0] + its[-1]) / 2 + (0.6 if len(its) == 1 else 0), 5e2 * 1.35,
                "stem" if len(its) == 1 else name, ha="center", va="top",
            )  # fmt: skip
        legend_on_top(
            figure,
            [
                Patch(color=TEXTBOOK, label=f"values in the maps: {sum(maps) / 1e6:.0f} million"),
                Patch(color=FAST, label=f"weights: {sum(weights) / 1e6:.0f} million"),
            ],
        )
    return figure


def plot_synchronisations(steps: Mapping[str, tuple[int, int]]) -> Figure:
    """A dot for each synchronisation with a GPU: for each step, those of the textbook and those of the fast classes."""
    with st.style():
        figure = Figure(figsize=(WIDTH, 0.62 * len(steps) + 0.42))
        ax = figure.add_axes((0.15, 0.02, 0.84, 1 - 0.36 / (0.62 * len(steps) + 0.42)))
        for row, (name, numbers) in enumerate(steps.items()):
            ax.text(-0.3, row, name, ha="right", va="center")
            for number, y, color in zip(numbers, (row - 0.19, row + 0.19), (TEXTBOOK, FAST), strict=True):
                ax.scatter(range(number), [y] * number, s=75, color=color, linewidths=0)
                ax.text(number - 0.2, y, str(number), va="center", fontweight="bold", color=st.INK)
        ax.set(xlim=(-0.5, max(n for numbers in steps.values() for n in numbers) + 1), ylim=(len(steps) - 0.45, -0.55))
        bare(ax)
        _legend(figure)
    return figure


def _legend(figure: Figure) -> None:
    legend_on_top(figure, [Patch(color=TEXTBOOK, label="textbook"), Patch(color=FAST, label="fast")])


def _pair_of_bars(ax: Axes, row: int, label: str, textbook: float, fast: float) -> None:
    ax.barh(row, textbook, height=0.68, color=TEXTBOOK)
    ax.barh(row, max(fast, 0.002), height=0.34, color=FAST)
    ax.text(-0.015, row, label, ha="right", va="center", transform=ax.transData)


def written(value: float) -> str:
    """A whole number, with commas from five digits."""
    return f"{value:,.0f}" if value >= 10_000 else f"{value:.0f}"


def _amount(value: float, unit: str) -> str:
    if unit == "bytes":
        return f"{written(value / 1e6)} MB"
    return f"{written(value / 1e6)} million" if value >= 1e7 else written(value)
