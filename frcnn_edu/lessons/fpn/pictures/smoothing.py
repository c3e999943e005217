"""How far a cell reaches, what the 3×3 convolutions do to the borders of blocks, and detections without a connection."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from matplotlib.figure import Figure
from torch import Tensor

from frcnn_edu.lessons.stages import LEVEL_KEYS, frame, show_map, strength
from frcnn_edu.model import FeaturePyramidNetwork
from frcnn_edu.viz import style as st
from frcnn_edu.viz.draw import WIDTH, draw_boxes, draw_ground_truth, draw_labels, panels, ratio, show_image
from frcnn_edu.viz.sheet import bare, draw_grid


def block_differences(x: Tensor, margin: int = 2) -> tuple[float, float]:
    """Mean absolute difference of neighbours across the borders of 2×2 blocks, and of neighbours inside them.

    Args:
        x: maps (N, C, H, W), H and W even; blocks begin at (0, 0).
        margin: cells left out all around, an even number, because padding changes the cells at the border.
    """
    x = x[..., margin:-margin, margin:-margin]
    rows, columns = x.diff(dim=-2).abs(), x.diff(dim=-1).abs()  # (N, C, H−1, W), (N, C, H, W−1)
    inside = torch.cat((rows[..., 0::2, :].flatten(), columns[..., 0::2].flatten()))
    across = torch.cat((rows[..., 1::2, :].flatten(), columns[..., 1::2].flatten()))
    return float(across.mean()), float(inside.mean())


def block_ratio(x: Tensor) -> float:
    """Across divided by inside: 1 if no blocks are visible, larger if their borders are."""
    across, inside = block_differences(x)
    return across / inside


def reach(
    fpn: FeaturePyramidNetwork, bottom_up: dict[str, Tensor], key: str, cell: tuple[int, int]
) -> dict[str, Tensor]:
    """Which cells of each level change when one cell (row, column) of map `key` does: bool (H, W) by level."""
    changed = {name: features.clone() for name, features in bottom_up.items()}
    changed[key][..., cell[0], cell[1]] += 1.0
    with torch.no_grad():
        before, after = fpn(bottom_up), fpn(changed)
    return {name: (before[name] != after[name]).any(dim=1)[0] for name in before}


def plot_reach(reached: dict[str, Tensor], cell: tuple[int, int], size: tuple[int, int]) -> Figure:
    """The cells that one cell of C5 reaches, on P5 … P2; `size` is the padded image's (height, width)."""
    keys = [key for key in reversed(LEVEL_KEYS) if key in reached and key != "pool"]
    with st.style():
        figure, axes = panels([size[0] / size[1]] * len(keys), columns=len(keys), title=0.24, caption=0.2, gap=0.1)
        for ax, key in zip(axes, keys, strict=True):
            cells = reached[key]
            rows, columns = cells.shape
            stride = (size[0] / rows, size[1] / columns)
            ax.set(xlim=(0, size[1]), ylim=(size[0], 0))
            bare(ax)
            frame(ax, st.level_color(key))
            at = cells.nonzero()  # (number of cells, 2): row, column
            squares = torch.stack((at[:, 1] * stride[1], at[:, 0] * stride[0],
                                   (at[:, 1] + 1) * stride[1], (at[:, 0] + 1) * stride[0]), dim=1)  # fmt: skip
            draw_boxes(ax, squares, st.level_color(key), linewidth=0.4, fill=0.75, halo=False)
            draw_grid(ax, rows, columns, stride, color=st.MUTED, linewidths=0.3)
            coarse = [side / cells for side, cells in zip(size, reached["3"].shape, strict=True)]
            source = torch.tensor([[cell[1] * coarse[1], cell[0] * coarse[0], (cell[1] + 1) * coarse[1],
                                    (cell[0] + 1) * coarse[0]]])  # fmt: skip
            draw_boxes(ax, source, st.INK, linewidth=1.6, dashes=(3, 2), halo=False)
            high, wide = (int(cells.any(dim=dim).sum()) for dim in (1, 0))
            ax.set_title(f"{st.LEVEL_NAMES[key]}: {high}×{wide} cells", fontsize=9)
            words = "dashed: the cell of C5" if key == "3" else f"{int(cells.sum())} of {cells.numel()}"
            ax.text(0, -0.04, words, transform=ax.transAxes, va="top", fontsize=7.5, color=st.MUTED)
    return figure


def plot_smoothing(
    steps: Sequence[tuple[str, Tensor]], ratios: Mapping[str, Mapping[str, float]], window: tuple[int, int, int, int]
) -> Figure:
    """The finest level in steps, close up with its 2×2 blocks, and how strong the borders of the blocks are.

    Args:
        steps: (title, maps (1, C, H, W)).
        ratios: level → step → `block_ratio`.
        window: (top, left, bottom, right) in cells, what is shown of the maps.
    """
    top, left, bottom, right = window
    shape = (bottom - top) / (right - left)
    wide = (WIDTH - 0.1 * (len(steps) + 1)) / len(steps)
    tall = 0.34 + wide * shape + 0.55 + 0.46 * len(ratios) + 0.55
    with st.style():
        figure = Figure(figsize=(WIDTH, tall))
        for index, (title, features) in enumerate(steps):
            x, height = 0.1 + index * (wide + 0.1), wide * shape
            ax = figure.add_axes((x / WIDTH, 1 - (0.34 + height) / tall, wide / WIDTH, height / tall))
            values = strength(features)
            show_map(ax, values, st.level_color("P2"), top=float(values[top:bottom, left:right].max()))
            draw_grid(ax, values.shape[0] // 2, values.shape[1] // 2, (2.0, 2.0), color="#ffffff", linewidths=0.4)
            ax.set(xlim=(left, right), ylim=(bottom, top))
            ax.set_title(title, fontsize=9)
        ax = figure.add_axes((0.09, 0.5 / tall, 0.89, 0.46 * len(ratios) / tall))
        _dots(ax, ratios)
        ax.set_title("difference across block borders, divided by difference inside blocks", fontsize=9, pad=14)
    return figure


def _dots(ax: Any, ratios: Mapping[str, Mapping[str, float]]) -> None:
    """A row for each level, a dot with its name for each step."""
    markers = {"lateral": ("s", st.STAGES["backbone"]), "sum": ("o", st.DETECTION), "smoothed": ("D", st.FOREGROUND),
               "untrained 3×3": ("D", st.IGNORED)}  # fmt: skip
    for row, steps in enumerate(ratios.values()):
        for name, value in steps.items():
            marker, color = markers[name]
            offset = 0.2 if name == "untrained 3×3" else -0.2 if name == "smoothed" else 0.0
            ax.plot(value, row + offset, marker, markersize=7, color=color, markeredgecolor=st.PAPER)
            if row == 0 or name == "sum":
                side = -1 if name in ("smoothed", "untrained 3×3") else 1
                words = name if name != "sum" else f"sum {value:.2f}"
                ax.text(value + 0.02 * side, row + offset, words, ha="right" if side < 0 else "left", va="center",
                        fontsize=7.5, color=color if color != st.IGNORED else st.MUTED)  # fmt: skip
    ax.axvline(1.0, color=st.INK, linewidth=1)
    ax.text(1.0, -0.62, "1: no blocks visible", fontsize=7.5, ha="center", va="bottom", color=st.INK)
    ax.set(xlim=(0.45, 2.4), ylim=(len(ratios) - 0.5, -0.6), yticks=range(len(ratios)), yticklabels=list(ratios))
    ax.grid(axis="y", visible=False)
    ax.spines["left"].set_visible(False)
    ax.tick_params(axis="y", length=0)


def plot_without(
    image: Tensor,
    target: Mapping[str, Any],
    classes: Sequence[str],
    variants: Sequence[tuple[str, Mapping[str, Tensor], str]],
    threshold: float = 0.5,
) -> Figure:
    """One image's detections by several variants of the model, each a (title, detections, caption)."""
    with st.style():
        figure, axes = panels([ratio(image)] * len(variants), columns=2, title=0.24, caption=0.24)
        for ax, (title, found, words) in zip(axes, variants, strict=True):
            keep = found["scores"] >= threshold
            boxes, labels, scores = (found[name][keep] for name in ("boxes", "labels", "scores"))
            show_image(ax, image)
            colors = [st.class_color(int(label)) for label in labels]
            draw_boxes(ax, boxes, colors)
            draw_ground_truth(ax, target["boxes"])
            texts = [f"{classes[int(label)]} {float(score):.2f}" for label, score in zip(labels, scores, strict=True)]
            draw_labels(ax, boxes, texts, colors, fontsize=7.5)
            ax.set_title(title, fontsize=9)
            ax.text(0, -0.03, words, transform=ax.transAxes, va="top", fontsize=7.5, color=st.MUTED, linespacing=1.35)
    return figure
