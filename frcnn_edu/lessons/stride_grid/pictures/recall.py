"""Which boxes any anchor can reach, measured on random boxes of each size."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor
from typing import Any

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator
from torch import Tensor

from frcnn_edu.lessons.base_anchors.pictures.main import DEFAULT_SIZES, training_shapes
from frcnn_edu.lessons.story import story
from frcnn_edu.model import AnchorGenerator
from frcnn_edu.model.faster_rcnn import fpn_anchors
from frcnn_edu.ops import box_area, box_iou
from frcnn_edu.viz import style as st
from frcnn_edu.viz.draw import WIDTH

BOXES = 150  # random boxes for each side


def grids_of(size: tuple[int, int]) -> list[tuple[int, int]]:
    """(H, W) of P2 … P5 and pool for a padded image of this (height, width), a multiple of 32 each."""
    levels = [(size[0] // stride, size[1] // stride) for stride in (4, 8, 16, 32)]
    return [*levels, ((levels[-1][0] + 1) // 2, (levels[-1][1] + 1) // 2)]


def strides_of(size: tuple[int, int], grids: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The stride of each level (vertically, horizontally), as the generator computes it."""
    return [(size[0] // rows, size[1] // columns) for rows, columns in grids]


@dataclass(frozen=True)
class Grid:
    """The anchors of one level (H, W, A, 4), and its stride (vertically, horizontally)."""

    anchors: Tensor
    stride: tuple[int, int]


def grids_with_anchors(
    generator: AnchorGenerator, grids: Sequence[tuple[int, int]], strides: Sequence[tuple[int, int]]
) -> list[Grid]:
    """The generator's anchors for grids of these (rows, columns) and strides, level by level."""
    levels = zip(generator.grid_anchors(grids, strides), grids, strides, strict=True)
    return [Grid(anchors.view(*grid, -1, 4), stride) for anchors, grid, stride in levels]


def pyramid_anchors(generator: AnchorGenerator, size: tuple[int, int]) -> list[Grid]:
    """The anchors of all five levels for a padded image of this (height, width)."""
    grids = grids_of(size)
    return grids_with_anchors(generator, grids, strides_of(size, grids))


def random_boxes(side: float, size: tuple[int, int], generator: torch.Generator, count: int = BOXES) -> Tensor:
    """Boxes of area side² with ratios from 1/2 to 2, anywhere inside an image of this (height, width): (count, 4)."""
    root = 2 ** (torch.rand(count, generator=generator) - 0.5)  # √ratio
    shapes = torch.stack((side / root, side * root), dim=1)  # (count, 2)
    corner = torch.rand(count, 2, generator=generator) * (torch.tensor([size[1], size[0]]) - shapes)
    return torch.cat((corner, corner + shapes), dim=1)


def best_iou(box: Tensor, levels: Sequence[Grid]) -> float:
    """The best IoU of a box (4,) with any anchor, or 0 if that is below 0.5.

    Boxes with IoU ≥ 0.5 share at least half the width and half the height of each, so each contains the other's centre.
    Hence only the few anchors centred in the box are compared.
    """
    x1, y1, x2, y2 = box.tolist()
    best = 0.0
    for level in levels:
        down, across = level.stride
        near = level.anchors[ceil(y1 / down) : floor(y2 / down) + 1, ceil(x1 / across) : floor(x2 / across) + 1]
        if near.numel() > 0:
            best = max(best, float(box_iou(box[None], near.reshape(-1, 4)).max()))
    return best if best >= 0.5 else 0.0


def recall(
    levels: Sequence[Grid], sides: Sequence[float], size: tuple[int, int], thresholds: Sequence[float] = (0.5, 0.7)
) -> Tensor:
    """Share of random boxes of each side whose best IoU is at least each threshold: (thresholds, sides)."""
    best = []
    for side in sides:
        # An IoU is at most the smaller area divided by the larger: most levels cannot reach 0.5.
        likely = [level for level in levels if (box_area(level.anchors[0, 0]) / side**2 - 1.25).abs().min() <= 0.76]
        boxes = random_boxes(side, size, torch.Generator().manual_seed(0))
        best.append([best_iou(box, likely) for box in boxes])
    return torch.stack([(torch.tensor(best) >= threshold).float().mean(dim=1) for threshold in thresholds])


# ---------------------------------------------------------------------------------------------------------------- figures


def plot_recall(models: Sequence[tuple[str, Sequence[float], Tensor, Sequence[int], Tensor | None]]) -> Figure:
    """Share of random boxes that some anchor reaches, by their size, one panel per model.

    Args:
        models: (title, sides (S,), recall (2, S) at IoU 0.5 and 0.7, sizes of the anchors, sides of real objects or None).
    """
    with st.style():
        figure = Figure(figsize=(WIDTH, 3.2 * len(models)))
        for index, (title, sides, values, sizes, objects) in enumerate(models):
            bottom = 1 - (index + 1) / len(models) + 0.17 / len(models)
            ax = figure.add_axes((0.095, bottom, 0.885, 0.68 / len(models)))
            for reached, color in zip(values, (st.ANCHOR, st.FOREGROUND), strict=True):
                ax.plot(list(sides), reached.tolist(), color=color, linewidth=2)
            ax.fill_between(list(sides), values[1].tolist(), color=st.FOREGROUND, alpha=0.15, linewidth=0)
            for size in sizes:
                ax.axvline(size, color=st.MUTED, linewidth=0.9, linestyle=(0, (2, 2)), zorder=0)
                ax.text(size, 1.045, str(size), ha="center", va="bottom", fontsize=8, color=st.MUTED)
            if objects is not None:
                low = [-0.07] * len(objects)
                ax.scatter(objects.tolist(), low, marker="|", s=26, color=st.GROUND_TRUTH, linewidth=0.35, alpha=0.6)
                ax.text(
                    sides[0], -0.07, "the training set's objects:", fontsize=7.3, color=st.GROUND_TRUTH, va="center"
                )
            _log_sides(ax, sides)
            ax.set(ylim=(-0.14 if objects is not None else -0.03, 1.04), ylabel="share reached")
            ax.set_title(title, pad=17)
            _name_curves(ax, sides, values)
        ax.set_xlabel("side √(w·h) of the box, in pixels")
    return figure


def _log_sides(ax: Axes, sides: Sequence[float]) -> None:
    ax.set(xscale="log", xlim=(sides[0] * 0.97, sides[-1] * 1.03))
    ax.xaxis.set_major_locator(FixedLocator([4, 8, 16, 32, 64, 128, 256, 512]))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter("{x:.0f}")
    ax.set_yticks([0, 0.5, 1], ["0", "50 %", "100 %"])


def _name_curves(ax: Axes, sides: Sequence[float], values: Tensor) -> None:
    """Each curve's name, left of where it rises."""
    for row, (words, color) in enumerate((("IoU ≥ 0.5", st.ANCHOR), ("IoU ≥ 0.7", st.FOREGROUND))):
        rise = next((side for side, value in zip(sides, values[0].tolist(), strict=True) if value > 0), sides[0])
        ax.text(
            rise * 0.86, 0.62 - 0.22 * row, words, ha="right", va="center", fontsize=9, fontweight="bold",
            color=color,
        )  # fmt: skip


def plot_small_objects(sides: Sequence[float], choices: Sequence[tuple[str, Tensor]]) -> Figure:
    """The same for small boxes and several sets of anchors: one panel for each threshold, one curve for each set.

    Args:
        choices: (name, recall (2, S) at IoU 0.5 and 0.7).
    """
    looks = ((st.ANCHOR, "-", "o"), (st.FOREGROUND, (4.0, 1.5), "s"), (st.INK, (1.0, 1.0), "^"))
    with st.style():
        figure = Figure(figsize=(WIDTH, 3.7))
        for index, threshold in enumerate(("0.5", "0.7")):
            ax = figure.add_axes((0.095 + 0.47 * index, 0.3, 0.42, 0.59))
            for (_, values), (color, dashes, marker) in zip(choices, looks, strict=False):
                line = dashes if isinstance(dashes, str) else (0, dashes)
                ax.plot(
                    sides, values[index].tolist(), color=color, linewidth=2, linestyle=line, marker=marker, markersize=4
                )
            ax.set_title(f"IoU ≥ {threshold}")
            _log_sides(ax, sides)
            ax.set(ylim=(-0.03, 1.05), xlabel="side of the box, in pixels")
            ax.set_xticks([8, 11, 16, 23, 32])
            if index:
                ax.set_yticklabels([])
            else:
                ax.set_ylabel("share reached")
        key = figure.add_axes((0.095, 0.0, 0.89, 0.12))
        key.set(xlim=(0, len(choices)), ylim=(0, 1))
        key.set_axis_off()
        for index, ((name, _), (color, dashes, marker)) in enumerate(zip(choices, looks, strict=False)):
            line = dashes if isinstance(dashes, str) else (0, dashes)
            key.plot([index, index + 0.14], [0.55, 0.55], color=color, linestyle=line, linewidth=2)
            key.plot(index + 0.07, 0.55, color=color, marker=marker, markersize=5)
            key.text(index + 0.17, 0.55, name, va="center", fontsize=8.5)
    return figure


# ------------------------------------------------------------------------------------------------------------------- files

# No side is halfway between two anchor sizes: there IoU is 0.5 up to rounding, and computers would not agree.
COURSE_SIDES = tuple(4.6 * 2 ** (i / 8) for i in range(34))  # 5 … 80 pixels: taller ones do not fit into 120×160
DEFAULT_SIDES = tuple(8.1 * 2 ** (i / 8) for i in range(49))  # 8 … 518


def recall_by_size() -> Figure:
    """The small model's anchors, and the full model's at 800 pixels."""
    course: Any = story().model.rpn.anchor_generator
    ours = recall(pyramid_anchors(course, (128, 160)), COURSE_SIDES, (120, 160))
    theirs = recall(pyramid_anchors(fpn_anchors(DEFAULT_SIZES), (800, 1088)), DEFAULT_SIDES, (800, 1066))
    sizes = [size for (size,) in course.sizes]
    objects = training_shapes().prod(dim=1).sqrt()
    return plot_recall(
        [
            (
                "the small model's anchors, image 120×160",
                COURSE_SIDES,
                ours,
                sizes[:4],
                objects[objects <= COURSE_SIDES[-1]],
            ),
            ("the full model's anchors, image 800×1066", DEFAULT_SIDES, theirs, DEFAULT_SIZES, None),
        ]
    )
