"""What a data set contains, in one figure."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullLocator, PercentFormatter

from ..training.anchor_fit import REACHED
from ..training.data_report import DataReport, unreached
from ..viz import style as st
from ..viz.draw import WIDTH
from ..viz.sheet import Page

MOST_CLASSES, LONGEST_NAME = 20, 26
ROW = 0.2  # inches per class
SPLIT_SHADES = (st.FOREGROUND, "#7fb8d8", "#c3dcec")  # dark to light, one per split


def draw_data_report(report: DataReport, title: str) -> Figure:
    """Objects by class, by size and by level, and how many the anchors of each map reach.

    Args:
        title: name of the data set.
    """
    shown = min(len(report.classes) - 1, MOST_CLASSES)
    classes_high = ROW * shown + 0.1
    sizes_top = 1.05 + classes_high + 0.95
    with st.style():
        page = Page(sizes_top + 5.0)
        page.text(0.25, 0.18, _shortened(title, 60), fontsize=13, fontweight="bold", parse_math=False)
        page.text(0.25, 0.47, _in_short(report), color=st.MUTED)
        _draw_classes(page.panel(2.1, 1.05, WIDTH - 2.75, classes_high), report, shown)
        _draw_sizes(page.panel(0.75, sizes_top, WIDTH - 1.05, 1.7), report)
        below = sizes_top + 1.7 + 0.85
        _draw_levels(page.panel(0.75, below, 2.3, 1.75), report)
        _draw_reach(page.panel(3.75, below, WIDTH - 4.05, 1.75), report)
    return page.figure


def _in_short(report: DataReport) -> str:
    images = ", ".join(f"{split} {count:,}" for split, count in report.images.items())
    return f"images: {images}  ·  objects: {len(report.labels):,}"


def _shortened(name: str, longest: int) -> str:
    return name if len(name) <= longest else f"{name[: longest - 1]}…"


def _draw_classes(ax: Axes, report: DataReport, shown: int) -> None:
    """A bar for each class, the frequent ones first, divided by split."""
    counts = report.counts[:, 1:]
    order = counts.sum(dim=0).argsort(descending=True, stable=True)
    kept, rest = order[:shown], order[shown:]
    ends = counts[:, kept].cumsum(dim=0)  # (splits, shown)
    for i, split in enumerate(report.images):
        lengths = counts[i, kept]
        ax.barh(range(shown), lengths.numpy(), 0.72, (ends[i] - lengths).numpy(), color=SPLIT_SHADES[i], label=split)
    longest = max(1.0, float(ends[-1].max()))
    for row, (label, total) in enumerate(zip(kept.tolist(), ends[-1].tolist())):
        name = _shortened(report.classes[label + 1], LONGEST_NAME)
        ax.text(-0.01 * longest, row, name, ha="right", va="center", fontsize=8, parse_math=False)
        ax.text(total + 0.01 * longest, row, f"{total:,}", va="center", fontsize=8, color=st.MUTED)
    ax.set(xlim=(0, longest * 1.12), ylim=(shown - 0.5, -0.5), yticks=[])
    ax.grid(axis="y", visible=False)
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    ax.locator_params(axis="x", nbins=5, integer=True)
    ax.spines["left"].set_visible(False)
    ax.set_title("Objects by class", x=-0.258)
    if len(report.images) > 1:
        ax.legend(ncols=3, loc="lower right", bbox_to_anchor=(1.0, 1.0), borderaxespad=0.2, fontsize=8)
    if len(rest):
        few, many = (int(counts.sum(dim=0)[rest[place]]) for place in (-1, 0))
        ax.set_xlabel(f"… and {len(rest)} more classes, of {few:,} to {many:,} objects each", color=st.MUTED)


def _draw_sizes(ax: Axes, report: DataReport) -> None:
    """How large the objects are for the network, and where one level ends and the next begins."""
    sides = (report.boxes[:, 2:] - report.boxes[:, :2]).prod(dim=1).sqrt().clamp(min=1)
    anchors = {
        "the model's anchors": (report.anchors, st.ANCHOR, "v"),
        "suggested": (report.fitted, st.FOREGROUND, "^"),
    }
    sizes = {
        name: sorted({size for level in generator.sizes for size in level})
        for name, (generator, _, _) in anchors.items()
        if generator is not None
    }
    low = min(float(sides.min()) if len(sides) else 8.0, *(each[0] for each in sizes.values())) / 1.3
    high = max(float(sides.max()) if len(sides) else 8.0, *(each[-1] for each in sizes.values())) * 1.3
    edges = np.geomspace(low, high, 61)
    counts, _ = np.histogram(sides.numpy(), edges)
    top = max(1, counts.max())
    borders = [low, *(min(max(bound, low), high) for bound in report.bounds), high]
    for name, left, right in zip(report.level_names, borders[:-1], borders[1:]):
        if right > left:
            ax.axvspan(left, right, color=st.level_color(name), alpha=0.16, linewidth=0)
            if right / left > (high / low) ** 0.05:  # there is room for a name
                ax.text((left * right) ** 0.5, 1.03 * top * 1.25, name, ha="center", va="bottom", fontsize=8)
    ax.bar(edges[:-1], counts, np.diff(edges), align="edge", color=st.GROUND_TRUTH)
    for row, (name, values) in enumerate(sizes.items()):
        _, color, marker = anchors[name]
        ax.plot(
            values, [(1.17 - 0.1 * row) * top] * len(values), color=color, marker=marker, linestyle="none", label=name,
            markeredgecolor=st.INK, markeredgewidth=0.5,
        )  # fmt: skip
    ax.set_xscale("log", base=2)
    ax.set(
        xlim=(low, high),
        ylim=(0, top * 1.25),
        xlabel="√(width · height), pixels of the resized image",
        ylabel="objects",
    )
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.locator_params(axis="y", nbins=5, integer=True)
    ax.set_title("Sizes, on the levels that objects are read from", pad=17)
    ax.legend(ncols=2, loc="lower right", bbox_to_anchor=(1.0, 1.09), borderaxespad=0, fontsize=8, handletextpad=0.2)


def _draw_levels(ax: Axes, report: DataReport) -> None:
    shares = report.level_shares
    ax.bar(report.level_names, shares, 0.66, color=[st.level_color(name) for name in report.level_names])
    _write_shares(ax, range(len(shares)), shares)
    ax.set_title("Level that objects are read from")


def _draw_reach(ax: Axes, report: DataReport) -> None:
    """For each map, the share of all objects that have an anchor there with an IoU of at least 0.5."""
    pairs = [("the model's anchors", report.reach, st.ANCHOR)]
    if report.fitted_reach is not None:
        pairs.append(("suggested", report.fitted_reach, st.FOREGROUND))
    width = 0.76 / len(pairs)
    for row, (name, reach, color) in enumerate(pairs):
        shares = [0.0] * (len(report.map_names) + 1)
        if len(reach):
            shares = [*(reach >= REACHED).double().mean(dim=0).tolist(), 1 - unreached(reach)]
        at = [i + (row - (len(pairs) - 1) / 2) * width for i in range(len(shares))]
        ax.bar(at, shares, width * 0.94, color=color, label=name)
        _write_shares(ax, at, shares, fontsize=7.3)
    ax.set_xticks(range(len(report.map_names) + 1), [*report.map_names, "any"])
    ax.axvline(len(report.map_names) - 0.5, color=st.MUTED, linewidth=0.8)
    ax.set_title(f"Objects with an anchor whose IoU is at least {REACHED}")
    if len(pairs) > 1:
        ax.legend(ncols=2, loc="lower right", bbox_to_anchor=(1.0, -0.32), borderaxespad=0, fontsize=8)


def _write_shares(ax: Axes, at: list[float] | range, shares: list[float], fontsize: float = 7.3) -> None:
    for x, share in zip(at, shares):
        ax.text(x, share + 0.02, _percent(share), ha="center", va="bottom", fontsize=fontsize)
    ax.set(ylim=(0, 1.12), yticks=[0, 0.25, 0.5, 0.75, 1])
    ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=" %"))
    ax.grid(axis="x", visible=False)


def _percent(share: float) -> str:
    """A whole percentage; 0 and 100 only if it is none or all."""
    if 0 < share < 0.01:
        return "<1"
    return ">99" if 0.99 < share < 1 else f"{100 * share:.0f}"
