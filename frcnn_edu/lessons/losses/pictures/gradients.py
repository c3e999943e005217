"""Where the gradients of the four losses go, and how much a loss varies with what is sampled."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import Tensor

from frcnn_edu.viz import style as st
from frcnn_edu.viz.sheet import Page, number_table

#: The stages, each with those of `trace.parts` that belong to it.
STAGES = {
    "backbone": (st.STAGES["backbone"], ("backbone",)),
    "feature pyramid": (st.STAGES["fpn"], ("lateral", "smoothing")),
    "RPN head": (st.STAGES["anchors"], ("3×3", "objectness", "deltas")),
    "box head": (st.STAGES["roi_heads"], ("fc6", "fc7", "classes", "boxes")),
}
CELL, LEFT, HIGH, GAP, HEAD = 0.61, 1.72, 0.33, 0.06, 1.42  # inches
STRONGEST, WEAKEST = 10.0, 0.01  # gradients with the darkest and the lightest shade, the scale between is logarithmic


def draw_gradient_flow(norms: Mapping[str, Mapping[str, Mapping[str, float | None]]]) -> Figure:
    """A matrix for each model: four losses by ten parts, each cell with the norm of the gradient, or crossed out if there is none.

    Args:
        norms: by the model's name, what `trace.gradient_norms` returns.
    """
    block = 4 * HIGH + 0.44
    page = Page(HEAD + block * len(norms) + 0.3)
    with st.style():
        columns = _stages(page)
        for number, (title, losses) in enumerate(norms.items()):
            top = HEAD + number * block
            page.text(0.06, top + 0.02, title, fontsize=9.5, fontweight="bold")
            for row, (loss, values) in enumerate(losses.items()):
                y = top + 0.26 + row * HIGH
                page.text(LEFT - 0.1, y + HIGH / 2 - 0.02, loss, ha="right", va="center", fontsize=8.5)
                for name, value in values.items():
                    _cell(page, columns[name], y, value)
        page.text(
            LEFT, HEAD + block * len(norms) - 0.02,
            "norm of the loss's gradient with respect to these weights; crossed-out cells have no gradient",
            color=st.MUTED, fontsize=8,
        )  # fmt: skip
    return page.figure


def _stages(page: Page) -> dict[str, float]:
    """The stages side by side, with what passes from one to the next; returns where each part's column begins."""
    x, top, high = LEFT, 0.8, 0.3
    columns: dict[str, float] = {}
    middles = []
    for stage, (color, names) in STAGES.items():
        wide = CELL * len(names) - 0.05
        page.sheet.add_patch(Rectangle((x, top), wide, high, facecolor=color, edgecolor="none"))
        middles.append(x + wide / 2)
        page.text(
            middles[-1], top + high / 2, stage, ha="center", va="center", color=st.text_color(color),
            fontsize=7.2 if len(names) == 1 else 8.5, fontweight="bold",
        )  # fmt: skip
        for name in names:
            if name != stage:
                page.text(x + (CELL - 0.05) / 2, top + high + 0.07, name, ha="center", fontsize=7.3)
            columns[name] = x
            x += CELL
        x += GAP
    _, pyramid, rpn, head = middles
    green = st.STAGES["fpn"]
    page.arrow((pyramid, top), (pyramid, 0.22), (head + 0.5, 0.22), (head + 0.5, top - 0.02), color=green)
    page.arrow((rpn - 0.45, 0.22), (rpn - 0.45, top - 0.02), color=green)
    page.text(
        (pyramid + head) / 2,
        0.19,
        "features: gradients flow back along this path",
        ha="center",
        va="bottom",
        fontsize=8,
    )
    dashed: dict[str, Any] = {"color": st.STAGES["rpn"], "linewidth": 1.6, "linestyle": (0, (2.5, 1.8))}
    page.sheet.plot([rpn + 0.3, rpn + 0.3, head - 0.6], [top, 0.56, 0.56], **dashed)
    page.arrow((head - 0.6, 0.56), (head - 0.6, top - 0.02), color=st.STAGES["rpn"])
    page.text((rpn + head - 0.3) / 2, 0.53, "proposals: detached", ha="center", va="bottom", fontsize=8)
    return columns


def _cell(page: Page, x: float, y: float, value: float | None) -> None:
    wide, high = CELL - 0.05, HIGH - 0.05
    if value is None:
        page.sheet.add_patch(Rectangle((x, y), wide, high, facecolor=st.PAPER, edgecolor=st.FAINT, linewidth=0.8))
        page.sheet.plot([x, x + wide], [y, y + high], color=st.FAINT, linewidth=0.8)
        page.sheet.plot([x, x + wide], [y + high, y], color=st.FAINT, linewidth=0.8)
        return
    reach = math.log(STRONGEST / WEAKEST)
    share = min(max(math.log(max(value, 1e-12) / WEAKEST) / reach, 0.0), 1.0)
    white, blue = 1.0, to_rgb(st.FOREGROUND)
    shade: Any = tuple(white + (0.12 + 0.88 * share) * (channel - white) for channel in blue)
    page.sheet.add_patch(Rectangle((x, y), wide, high, facecolor=shade, edgecolor="none"))
    text = f"{value:.3f}" if value < 0.1 else f"{value:.2f}" if value < 10 else f"{value:.0f}"
    page.text(
        x + wide / 2, y + high / 2, text, ha="center", va="center", fontsize=8,
        color=st.text_color(to_hex(shade)),
    )  # fmt: skip


def draw_class_gradients(deltas: Tensor, gradients: Tensor, classes: Sequence[str], label: int) -> Figure:
    """One proposal's predicted deltas, (K, 4) for K classes, beside the gradient of the box loss with respect to them, (K, 4)."""
    page = Page(2.75)
    cell = 0.33
    with st.style():
        for row, name in enumerate(classes):
            weight = "bold" if row == label else "normal"
            page.text(1.2, 0.5 + (row + 0.5) * cell, name, ha="right", va="center", fontweight=weight, fontsize=9)
        number_table(page.sheet, deltas, 1.3, 0.5, cell, "predicted deltas", tint=st.DETECTION)
        # Divided by the largest: what matters is which are 0.
        relative = gradients / gradients.abs().max()
        number_table(page.sheet, relative, 3.9, 0.5, cell, "gradient, largest = 1", tint=st.FOREGROUND)
        for column, name in enumerate(("dx", "dy", "dw", "dh")):
            for left in (1.3, 3.9):
                page.text(
                    left + (column + 0.5) * cell, 0.5 + len(classes) * cell + 0.05, name, ha="center", color=st.MUTED
                )
        page.arrow((1.3 + 4 * cell + 0.15, 0.5 + 3 * cell), (3.75, 0.5 + 3 * cell))
        page.text(
            (1.3 + 4 * cell + 3.9) / 2, 0.5 + 3 * cell - 0.08, "box loss", ha="center", va="bottom", color=st.MUTED
        )
        y = 0.5 + (label + 0.5) * cell
        page.text(5.45, y, f"← the true class: {classes[label]}", va="center", fontsize=9)
    return page.figure


def draw_repeats(repeats: Mapping[str, Mapping[str, Sequence[float]]]) -> Figure:
    """The four losses of one image and one model, computed repeatedly: a mark for each time.

    Args:
        repeats: by the way in which they were computed, by the loss's name, the values.
    """
    names = list(next(iter(repeats.values())))
    looks = ((st.MUTED, "o"), (st.FOREGROUND, "D"), (st.DETECTION, "s"))
    with st.style():
        page = Page(0.55 + 0.62 * len(names) + 0.5)
        ax = page.panel(1.42, 0.42, 4.9, 0.62 * len(names))
        for row, name in enumerate(names):
            for place, (values, (color, marker)) in enumerate(zip(repeats.values(), looks)):
                y = row + (place - (len(repeats) - 1) / 2) * 0.27
                many = values[name]
                ax.plot(
                    many,
                    [y] * len(many),
                    marker,
                    color=color,
                    markersize=4.5,
                    alpha=0.55,
                    markeredgewidth=0,
                    clip_on=False,
                )
                low, high = f"{min(many):.3f}", f"{max(many):.3f}"
                spread = low if low == high else f"{low} … {high}"
                ax.annotate(
                    spread, (1, y), (8, 0), xycoords=("axes fraction", "data"), textcoords="offset points",
                    va="center", fontsize=7.5, color=color,
                )  # fmt: skip
        ax.set(yticks=range(len(names)), ylim=(len(names) - 0.5, -0.5), xlim=(0, None))
        ax.set_yticklabels(names)
        ax.set_xlabel("loss of one image, a mark for each sample", fontsize=8)
        ax.grid(axis="y", visible=False)
        for row in range(1, len(names)):
            ax.axhline(row - 0.5, color=st.FAINT, linewidth=0.8)
        for place, (way, (color, marker)) in enumerate(zip(repeats, looks)):
            x = 1.5 + 2.2 * place
            page.sheet.plot(x, 0.2, marker, color=color, markersize=5)
            page.text(x + 0.12, 0.2, way, va="center", fontsize=8.5, color=color)
    return page.figure
