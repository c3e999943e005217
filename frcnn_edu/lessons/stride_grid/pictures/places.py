"""Where exactly anchors are centred: strides that are no power of two, corners or centres of cells, two objects in one cell."""

from collections.abc import Callable, Sequence

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import Tensor

from frcnn_edu.data import ShapesDetection
from frcnn_edu.lessons.stages import LEVEL_KEYS
from frcnn_edu.lessons.story import followed, story
from frcnn_edu.ops import box_iou
from frcnn_edu.viz import style as st
from frcnn_edu.viz.draw import draw_boxes, draw_ground_truth, draw_labels, panels, show_image
from frcnn_edu.viz.sheet import arrow, bare, draw_grid

from .recall import grids_of, strides_of

PICTURE = 263  # of the test set: a cross lies on a circle, with both centres in one cell of P4


# ----------------------------------------------------------------------------------------------------------- strides of pool


def plot_pool_stride(pictures: Sequence[tuple[str, tuple[int, int], int]]) -> Figure:
    """The cells of `pool` as the network computes them, and the places where its anchors are centred.

    Args:
        pictures: (title, (height, width) of the padded image, true stride of a cell) for each.
    """
    with st.style():
        figure, axes = panels([h / w for _, (h, w), _ in pictures], columns=2, title=0.3, caption=0.3, gap=0.16)
        for ax, (title, size, true) in zip(axes, pictures, strict=True):
            _draw_pool(ax, size, true)
            ax.set_title(title)
    return figure


def _draw_pool(ax: Axes, size: tuple[int, int], true: int) -> None:
    rows, columns = grids_of(size)[-1]
    down, across = strides_of(size, [(rows, columns)])[0]
    ax.set(xlim=(0, size[1]), ylim=(size[0], 0))
    bare(ax)
    ax.add_patch(Rectangle((0, 0), size[1], size[0], facecolor="#f3f4f6", edgecolor=st.MUTED))
    for row in range(rows):
        for column in range(columns):
            x, y = column * true, row * true
            cell = (min(true, size[1] - x), min(true, size[0] - y))
            ax.add_patch(Rectangle((x, y), *cell, facecolor="none", edgecolor=st.LEVELS["pool"], linewidth=1))
            ax.plot([x, column * across], [y, row * down], color=st.DETECTION, linewidth=1.2, clip_on=False)
            ax.plot(column * across, row * down, "o", color=st.INK, markersize=3, clip_on=False)
    off = ((rows - 1) * (true - down), (columns - 1) * (true - across))
    words = f"The stride is {down} down and {across} across; a cell is {true}×{true} pixels."
    if off[0]:
        words += f"\nThe last row’s anchors are {off[0]} pixels too high."
    if off[1]:
        words += f"\nThe last column’s anchors are {off[1]} pixels too far left."
    ax.text(0, -0.03, words, transform=ax.transAxes, va="top", fontsize=8, color=st.MUTED, linespacing=1.35)


# ------------------------------------------------------------------------------------------------------- corners or centres


def half_stride_later(anchors: Sequence[Tensor], strides: Sequence[tuple[int, int]]) -> list[Tensor]:
    """Each level's anchors (H·W·A, 4), moved from the corners of the cells to their centres."""
    return [
        boxes + torch.tensor([across, down, across, down]) / 2
        for boxes, (down, across) in zip(anchors, strides, strict=True)
    ]


def plot_off_center(image: Tensor, ground_truth: Tensor, choices: Sequence[tuple[str, Tensor, float, str]]) -> Figure:
    """An object with one anchor per panel, on the grid of the anchor's level; both centres are marked.

    Args:
        ground_truth: (4,).
        choices: (title, the anchor (4,), offset of the dots in strides, name of the level, "P2" … "P5") for each panel.
    """
    x1, y1, x2, y2 = ground_truth.tolist()
    middle_x, middle_y, reach = (x1 + x2) / 2, (y1 + y2) / 2, 0.95 * (x2 - x1)
    with st.style():
        figure, axes = panels([0.72] * len(choices), columns=len(choices), title=0.28, gap=0.1)
        for ax, (title, anchor, offset, level) in zip(axes, choices, strict=True):
            show_image(ax, image, dim=0.35)
            stride = 2 ** int(level[1])
            rows, columns = -(-image.shape[-2] // stride), -(-image.shape[-1] // stride)
            draw_grid(ax, rows, columns, (stride, stride), color=st.LEVELS[level], linewidths=0.9, alpha=0.8)
            places = [(stride * (c + offset), stride * (r + offset)) for r in range(rows) for c in range(columns)]
            xs, ys = zip(*places, strict=True)
            ax.scatter(xs, ys, s=14, color=st.INK, linewidths=0, zorder=3)
            draw_boxes(ax, anchor[None], st.ANCHOR, linewidth=2.4)
            draw_ground_truth(ax, ground_truth[None])
            ax.plot(middle_x, middle_y, marker="P", color=st.FOCUS, markeredgecolor=st.INK, markersize=10)
            ax.plot(
                *((anchor[:2] + anchor[2:]) / 2).tolist(), "o", color=st.ANCHOR, markeredgecolor=st.INK, markersize=8
            )
            ax.set(xlim=(middle_x - reach, middle_x + reach), ylim=(middle_y + 0.72 * reach, middle_y - 0.72 * reach))
            iou = float(box_iou(ground_truth[None], anchor[None]))
            ax.set_title(f"{title}: IoU {iou:.2f}")
    return figure


def two_anchors() -> Figure:
    """The anchor that fits our object best, and the one its detection comes from."""
    choices = []
    for name, at in (("best fit", followed()), ("winner", followed().winner)):
        level = st.LEVEL_NAMES[LEVEL_KEYS[at.level]]
        anchor = torch.cat(story().trace.anchors)[at.anchor]
        choices.append((f"{name}: anchor {at.anchor}, {level}", anchor, 0.0, level))
    return plot_off_center(story().resized, story().box, choices)


# ---------------------------------------------------------------------------------------------------- two objects, one cell


def plot_two_in_one_cell(
    image: Tensor, boxes: Tensor, stride: int, detections: dict[str, Tensor], classes: Sequence[str]
) -> Figure:
    """Two objects centred in one cell of P4, and what the model finds.

    Args:
        image: (3, H, W), as the network sees it.
        boxes: (2, 4) the objects' annotated boxes.
        detections: "boxes", "labels" and "scores".
    """
    centers = (boxes[:, :2] + boxes[:, 2:]) / 2
    column, row = (centers[0] // stride).long().tolist()
    sure = detections["scores"] >= 0.5
    with st.style():
        figure, axes = panels([image.shape[-2] / image.shape[-1]] * 2, columns=2, title=0.28, gap=0.1)
        show_image(axes[0], image, dim=0.25)
        rows, columns = (-(-side // stride) for side in image.shape[-2:])
        draw_grid(axes[0], rows, columns, (stride, stride), color=st.INK, linewidths=0.7, alpha=0.6)
        cell = Rectangle((column * stride, row * stride), stride, stride, facecolor=st.FOCUS, edgecolor=st.INK)
        axes[0].add_patch(cell)
        draw_ground_truth(axes[0], boxes)
        for x, y in centers.tolist():
            axes[0].plot(x, y, "o", color=st.GROUND_TRUTH, markeredgecolor=st.INK, markersize=6, zorder=5)
        arrow(
            axes[0],
            (column * stride + 60, row * stride - 42),
            (column * stride + 1.2 * stride, row * stride - 2),
            st.INK,
        )
        words = f"both are centred in\ncell ({row}, {column}) of P4"
        axes[0].text(column * stride + 50, row * stride - 44, words, fontsize=8.5, va="bottom", ha="left")
        axes[0].set_title("two objects, one cell")
        found = {name: values[sure] for name, values in detections.items()}
        colors = [st.class_color(label) for label in found["labels"].tolist()]
        names = [classes[label] for label in found["labels"].tolist()]
        texts = [f"{name} {score:.2f}" for name, score in zip(names, found["scores"].tolist(), strict=True)]
        show_image(axes[1], image)
        draw_boxes(axes[1], found["boxes"], colors)
        draw_labels(axes[1], found["boxes"], texts, colors, fontsize=7.6)
        axes[1].set_title("what the model finds")
    return figure


# ------------------------------------------------------------------------------------------------------------------- files


def picture_with_two() -> tuple[Tensor, Tensor]:
    """The image with two objects in one cell (3, 128, 160), and the two boxes (2, 4)."""
    image, target = ShapesDetection("test", length=PICTURE + 1)[PICTURE]
    return image, target["boxes"][:2]


def pool_stride() -> Figure:
    """`pool` of the full model at 800×1088, and of the small model at 128×160."""
    return plot_pool_stride([("pool at 800×1088", (800, 1088), 64), ("pool at 128×160", (128, 160), 64)])


def two_in_one_cell() -> Figure:
    """A cross on a circle: the shipped model finds both."""
    image, boxes = picture_with_two()
    with torch.no_grad():
        detections = story().model([image])[0]
    return plot_two_in_one_cell(image, boxes, 16, detections, story().classes)


FIGURES: dict[str, Callable[[], Figure]] = {"pool_stride": pool_stride, "two_in_one_cell": two_in_one_cell}
