"""One figure for each stage of the network, drawn from the tensors that the stage takes and returns.

Boxes and images are in pixels of the resized image, as everywhere between the transform and its postprocess.
"""

from collections.abc import Sequence

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from ..model import ImageList
from ..viz import style as st
from ..viz.draw import WIDTH, draw_boxes, draw_ground_truth, draw_labels, line_width, panels, ratio, show_image

LEVEL_KEYS = tuple(st.LEVEL_NAMES)  # "0", "1", "2", "3", "pool"


def strength(features: Tensor, among: Tensor | None = None) -> Tensor:
    """How far each cell's features are from the average cell's: the root mean square over channels.

    Args:
        features: (1, C, H, W). The result is (H, W).
        among: the map (1, C, H', W') whose average cell is meant; `features` itself by default.
    """
    average = (features if among is None else among)[0].detach().mean(dim=(1, 2), keepdim=True)  # (C, 1, 1)
    return (features[0].detach() - average).square().mean(dim=0).sqrt()


def show_map(
    ax: Axes, values: Tensor, color: str, *, size: tuple[int, int] | None = None, top: float | None = None
) -> None:
    """Show a map (H, W), dark = low, in a frame of `color`.

    Args:
        size: (height, width) in pixels of the image the map lies over; by default one unit per cell.
        top: the value shown brightest; by default one that a twentieth of the cells exceed, so that no single cell
            darkens all others.
    """
    height, width = size or values.shape[-2:]
    top = values.detach().quantile(0.95).item() if top is None else top
    ax.imshow(
        values.detach().cpu().numpy(), cmap=st.FEATURE_CMAP, vmin=0, vmax=top, extent=(0, width, height, 0),
    )  # fmt: skip
    ax.set(xlim=(0, width), ylim=(height, 0), xticks=[], yticks=[])
    ax.grid(False)
    frame(ax, color)


def frame(ax: Axes, color: str, linewidth: float = 1.8) -> None:
    """Put a frame of `color` around a panel."""
    for spine in ax.spines.values():
        spine.set(visible=True, color=color, linewidth=linewidth)


def shown(images: ImageList) -> Tensor:
    """The first normalised image of a batch, stretched to 0–1 so that it can be shown (3, H, W)."""
    pixels = images.tensors[0]
    return (pixels - pixels.min()) / (pixels.max() - pixels.min()).clamp(min=1e-6)


def shape_text(tensor: Tensor) -> str:
    return "×".join(map(str, tensor.shape[1:] if tensor.ndim == 4 else tensor.shape))


# ------------------------------------------------------------------------------------------------------------ the stages


def plot_transform(image: Tensor, batch: ImageList) -> Figure:
    """The image as given, and normalised, resized and padded, both at the same scale in pixels."""
    (height, width), (padded_height, padded_width) = batch.image_sizes[0], batch.tensors.shape[-2:]
    pixel = 6.4 / (image.shape[-1] + padded_width)  # inches
    tall = max(image.shape[-2], padded_height) * pixel + 0.6
    left = 0.4
    with st.style():
        figure = Figure(figsize=(WIDTH, tall))
        for picture, title in ((image, "as given"), (shown(batch), "as the network sees it")):
            high, wide = (side * pixel for side in picture.shape[-2:])
            ax = figure.add_axes((left / WIDTH, 1 - (0.3 + high) / tall, wide / WIDTH, high / tall))
            show_image(ax, picture)
            ax.set(xticks=[0, picture.shape[-1]], yticks=[0, picture.shape[-2]], title=title)
            left += wide + 0.7
        padding = torch.tensor([[0.0, height, padded_width, padded_height], [width, 0, padded_width, padded_height]])
        there = torch.tensor([padded_height > height, padded_width > width])
        draw_boxes(ax, padding[there], st.INK, linewidth=0.8, dashes=(3, 3))
        text = f"normalised: mean 0, deviation 1\nresized to {height}×{width}\npadded to {padded_height}×{padded_width}"
        ax.text(0, padded_height + 0.35 / pixel, text, color=st.MUTED, fontsize=8, va="top", linespacing=1.4)
    return figure


def plot_maps(bottom_up: dict[str, Tensor], pyramid: dict[str, Tensor]) -> Figure:
    """C2…C5 above P2…P5 and pool, all over the same image: each cell as bright as its features are strong."""
    with st.style():
        figure, axes = panels([ratio(pyramid["0"])] * 10, columns=5, title=0.24, gap=0.1)
        for row, (maps, letter) in enumerate(((bottom_up, "C"), (pyramid, "P"))):
            for column, (key, features) in enumerate(maps.items()):
                ax, level = axes[5 * row + column], st.LEVEL_NAMES[key]
                show_map(ax, strength(features), st.level_color(key), size=(100, round(100 / ratio(pyramid["0"]))))
                ax.set_aspect("auto")
                name = level if level == "pool" else letter + level[1]
                ax.set_title(f"{name}  {shape_text(features)}", fontsize=9)
        axes[4].set_axis_off()
        axes[4].text(0, 0.5, "pool: every second\nrow and column\nof P5", va="center", color=st.MUTED, fontsize=9)
    return figure


def plot_anchors(image: Tensor, anchors: Sequence[Tensor], grids: Sequence[tuple[int, int]], point: Tensor) -> Figure:
    """Each level's grid of locations with the anchors of the location nearest to `point` (x, y), and all of them at once.

    Args:
        anchors: (H·W·A, 4) for each level, row by row.
        grids: (H, W) of each level.
    """
    height, width = image.shape[-2:]
    margin = 0.17 * width
    with st.style():
        figure, axes = panels([(height + 2 * margin) / (width + 2 * margin)] * 6, columns=3, title=0.24, caption=0.12)
        number = 0
        for ax, key, boxes, (rows, columns) in zip(axes, LEVEL_KEYS, anchors, grids, strict=False):
            show_image(ax, image, dim=0.55)
            by_location = boxes.view(rows * columns, -1, 4)
            centers = (by_location[:, 0, :2] + by_location[:, 0, 2:]) / 2  # (H·W, 2)
            nearest = by_location[int((centers - point).norm(dim=1).argmin())]  # (A, 4)
            x, y = centers.T.tolist()
            ax.scatter(x, y, s=max(0.5, 24 / columns), color=st.INK, linewidths=0, alpha=0.7, clip_on=False)
            for panel in (ax, axes[5]):
                draw_boxes(panel, nearest, st.level_color(key), linewidth=1.4, clip=False)
            number += len(nearest)
            ax.set_title(f"{st.LEVEL_NAMES[key]}: {len(boxes)} anchors on {rows}×{columns}", fontsize=9)
        show_image(axes[5], image, dim=0.55)
        axes[5].set_title(f"{number} anchors: {len(nearest)} on each of {len(grids)} levels", fontsize=9)
        for ax in axes:
            ax.set(xlim=(-margin, width + margin), ylim=(height + margin, -margin))
    return figure


def plot_objectness(size: tuple[int, int], objectness: Sequence[Tensor], ground_truth: Tensor) -> Figure:
    """For each level, how likely the best anchor of each location holds an object: black 0, bright 1.

    Args:
        size: (height, width) of the padded image.
        objectness: logits (1, A, H, W) for each level.
        ground_truth: (N, 4) annotated boxes, drawn over each level.
    """
    with st.style():
        figure, axes = panels([size[0] / size[1]] * 5, columns=5, title=0.24, caption=0.18)
        for ax, key, logits in zip(axes, LEVEL_KEYS, objectness, strict=True):
            best = logits[0].sigmoid().amax(dim=0)  # (H, W)
            show_map(ax, best, st.level_color(key), size=size, top=1.0)
            draw_boxes(ax, ground_truth, st.GROUND_TRUTH, linewidth=0.9, dashes=st.DASHES, halo=False)
            ax.set_title(f"{st.LEVEL_NAMES[key]}  {shape_text(logits)}", fontsize=9)
            ax.text(
                0.5,
                -0.03,
                f"best {float(best.max()):.2f}",
                transform=ax.transAxes,
                ha="center",
                va="top",
                fontsize=8,
                color=st.MUTED,
            )
    return figure


def plot_box_steps(
    image: Tensor, steps: Sequence[tuple[str, Tensor, str]], ground_truth: Tensor | None = None
) -> Figure:
    """The same image beside itself, each time with the boxes of one step: (title, boxes (N, 4), colour)."""
    with st.style():
        figure, axes = panels([ratio(image)] * len(steps), columns=len(steps), title=0.24)
        for ax, (title, boxes, color) in zip(axes, steps, strict=True):
            show_image(ax, image, dim=0.35)
            draw_boxes(
                ax,
                boxes,
                color,
                linewidth=1.1,
                alpha=min(1.0, max(0.35, 40 / max(1, len(boxes)))),
                halo=len(boxes) <= 40,
            )
            if ground_truth is not None:
                draw_ground_truth(ax, ground_truth)
            ax.set_title(title, fontsize=9)
    return figure


def plot_levels(pyramid: dict[str, Tensor], size: tuple[int, int], proposals: Tensor, levels: Tensor) -> Figure:
    """Each proposal on the map it is pooled from.

    Args:
        pyramid: maps by name; "pool" is not pooled from.
        size: (height, width) of the padded image.
        levels: (N,) index of each proposal's map, 0 for P2.
    """
    with st.style():
        figure, axes = panels([size[0] / size[1]] * 4, columns=4, title=0.24)
        for index, (ax, key) in enumerate(zip(axes, LEVEL_KEYS[:4], strict=True)):
            boxes = proposals[levels == index]
            show_map(ax, strength(pyramid[key]), st.level_color(key), size=size)
            draw_boxes(ax, boxes, "#ffffff", linewidth=0.9, alpha=0.8 if len(boxes) < 60 else 0.5, halo=False)
            ax.set_title(f"{st.LEVEL_NAMES[key]}  {len(boxes)} proposals", fontsize=9)
    return figure


def plot_roi_align(image: Tensor, box: Tensor, features: Tensor, scale: float, pooled: Tensor, key: str) -> Figure:
    """A proposal's 7×7 bins on the image, its sampling points on the feature cells, and the features it gets.

    Args:
        box: (4,) in pixels.
        features: the map (1, C, H, W) it is pooled from, with `scale` cells per pixel and level name `key`.
        pooled: (C, 7, 7).
    """
    bins = pooled.shape[-1]
    edges = torch.linspace(0, 1, bins + 1)
    with st.style():
        figure, axes = panels([ratio(features)] * 3, columns=3, title=0.24, caption=0.02, gap=0.1)
        show_image(axes[0], image)
        _draw_bins(axes[0], box, edges, st.PROPOSAL)
        axes[0].set_title("the proposal and its bins", fontsize=9)

        show_map(axes[1], strength(features), st.level_color(key))
        on_map = box * scale
        _draw_bins(axes[1], on_map + 0.5, edges, st.PROPOSAL)  # a cell's value sits at its index: drawn at its middle
        sampled = (torch.arange(2 * bins) + 0.5) / (2 * bins)  # sampling_ratio 2: two points a bin each way
        xs, ys = (on_map[a] + sampled * (on_map[a + 2] - on_map[a]) + 0.5 for a in (0, 1))
        x, y = torch.meshgrid(xs, ys, indexing="xy")
        axes[1].scatter(x.flatten().tolist(), y.flatten().tolist(), s=2.2, color="#ffffff", linewidths=0)
        axes[1].set_title(f"its points on the cells of {st.LEVEL_NAMES[key]}", fontsize=9)

        show_map(axes[2], strength(pooled[None], among=features), st.PROPOSAL)
        axes[2].set_title(f"what it gets: {shape_text(pooled)}", fontsize=9)
    return figure


def _draw_bins(ax: Axes, box: Tensor, edges: Tensor, color: str) -> None:
    x1, y1, x2, y2 = box.tolist()
    for t in edges.tolist():
        ax.plot([x1 + t * (x2 - x1)] * 2, [y1, y2], color=color, linewidth=0.7)
        ax.plot([x1, x2], [y1 + t * (y2 - y1)] * 2, color=color, linewidth=0.7)
    draw_boxes(ax, box[None], color, linewidth=line_width(ax))


def plot_box_head(
    image: Tensor,
    proposal: Tensor,
    probabilities: Tensor,
    boxes: Tensor,
    classes: Sequence[str],
    ground_truth: Tensor | None = None,
) -> Figure:
    """What the box head says of one proposal: how likely each class is, and the box it would have as each class.

    Args:
        proposal: (4,).
        probabilities: (K,) for K classes with the background.
        boxes: (K, 4), decoded.
    """
    with st.style():
        figure = Figure(figsize=(WIDTH, 3.1))
        left = figure.add_axes((0.125, 0.06, 0.33, 0.82))
        colors = [st.class_color(label) for label in range(len(classes))]
        left.barh(range(len(classes)), probabilities.tolist(), color=colors, height=0.68)
        for row, value in enumerate(probabilities.tolist()):
            inside = value > 0.8
            left.text(
                value + (-0.015 if inside else 0.015), row, f"{value:.2f}", va="center", ha="right" if inside else "left",
                color=st.text_color(colors[row]) if inside else st.INK,
            )  # fmt: skip
        left.set(
            yticks=range(len(classes)), yticklabels=classes, xlim=(0, 1), xticks=[], title="how likely is each class?"
        )
        left.invert_yaxis()
        left.grid(False)
        left.spines["bottom"].set_visible(False)
        right = figure.add_axes((0.5, 0.06, 0.49, 0.82))
        show_image(right, image)
        best = int(probabilities[1:].argmax()) + 1
        others = [label for label in range(1, len(classes)) if label != best]
        draw_boxes(right, boxes[others], [colors[label] for label in others], linewidth=1.0)
        draw_boxes(right, proposal[None], st.INK, linewidth=1.6, dashes=(1, 1.5))
        draw_boxes(right, boxes[best : best + 1], colors[best])
        if ground_truth is not None:
            draw_ground_truth(right, ground_truth)
        draw_labels(right, boxes[best : best + 1], [f"as {classes[best]}"], [colors[best]])
        right.set_title("where would it be as each class?")
    return figure


def plot_object(
    image: Tensor,
    ground_truth: Tensor,
    anchor: Tensor,
    proposal: Tensor,
    pooled: Tensor,
    detection: Tensor,
    key: str,
    answer: str,
) -> Figure:
    """One object's way through the network: its ground truth, an anchor, a proposal, 7×7 features and the detection.

    Args:
        ground_truth, anchor, proposal, detection: (4,) each.
        pooled: (C, 7, 7).
        key: name of the level that the proposal was pooled from.
        answer: class and score, in words.
    """
    x1, y1, x2, y2 = ground_truth.tolist()
    reach = 0.8 * max(x2 - x1, y2 - y1)
    x, y = (x1 + x2) / 2, (y1 + y2) / 2
    with st.style():
        figure, axes = panels([1.0] * 5, columns=5, title=0.24, caption=0.18, gap=0.1)
        steps = [
            ("ground truth", None, st.GROUND_TRUTH, "what was drawn there"),
            ("best anchor", anchor, st.ANCHOR, "fixed beforehand"),
            ("proposal", proposal, st.PROPOSAL, "moved by its deltas"),
            ("7×7 features", None, st.level_color(key), f"pooled from {st.LEVEL_NAMES[key]}"),
            ("detection", detection, st.DETECTION, answer),
        ]
        for index, (ax, (title, box, color, caption)) in enumerate(zip(axes, steps, strict=True)):
            if index == 3:
                show_map(ax, strength(pooled[None]), color)
            else:
                show_image(ax, image)
                if box is not None:
                    draw_boxes(ax, box[None], color, linewidth=2.2)
                draw_ground_truth(ax, ground_truth[None])
                ax.set(xlim=(x - reach, x + reach), ylim=(y + reach, y - reach), facecolor=st.FAINT)
                frame(ax, color)
            ax.set_title(title, fontsize=9)
            ax.text(0, -0.03, caption, transform=ax.transAxes, va="top", fontsize=8, color=st.MUTED)
    return figure
