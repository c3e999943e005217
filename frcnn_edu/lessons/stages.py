"""One figure for each stage of the network, drawn from the tensors that the stage takes and returns.

Boxes and images are in pixels of the resized image, as everywhere between the transform and its `postprocess`.
"""

from collections.abc import Sequence

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from ..model import ImageList
from ..viz import style as st
from ..viz.draw import WIDTH, draw_boxes, draw_ground_truth, line_width, panels, ratio, show_image

LEVEL_KEYS = tuple(st.LEVEL_NAMES)  # "0", "1", "2", "3", "pool"


def strength(features: Tensor, among: Tensor | None = None) -> Tensor:
    """How far each cell's features are from those of the average cell: the root mean square over channels.

    Args:
        features: (1, C, H, W). The result is (H, W).
        among: the map (1, C, H', W') whose average cell is used; by default `features` itself.
    """
    average = (features if among is None else among)[0].detach().mean(dim=(1, 2), keepdim=True)  # (C, 1, 1)
    return (features[0].detach() - average).square().mean(dim=0).sqrt()


def show_map(
    ax: Axes, values: Tensor, color: str, *, size: tuple[int, int] | None = None, top: float | None = None
) -> None:
    """Show a map (H, W) in a frame of `color`; low values are dark.

    Args:
        size: (height, width) in pixels of the image that the map covers; by default one unit per cell.
        top: the value that is drawn brightest; by default one that 5 % of the cells exceed, so that a single cell
            does not darken all others.
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
    """The image as given beside the normalised, resized and padded one, both at the same scale."""
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
        text = f"normalised\nresized to {height}×{width}\npadded to {padded_height}×{padded_width}"
        ax.text(0, padded_height + 0.35 / pixel, text, color=st.MUTED, fontsize=8, va="top", linespacing=1.4)
    return figure


def plot_maps(bottom_up: dict[str, Tensor], pyramid: dict[str, Tensor]) -> Figure:
    """C2…C5 above P2…P5 and pool: the more a cell's features differ from the average cell's, the brighter it is."""
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


def plot_anchors(image: Tensor, anchors: Tensor, maps: Sequence[Tensor], point: Tensor) -> Figure:
    """Each level's grid of cells with the anchors of the cell nearest to `point` (x, y), and all of these together.

    Args:
        anchors: (N, 4), the levels one after another, each row by row.
        maps: the feature map (1, C, H, W) of each level.
    """
    grids = [(features.shape[-2], features.shape[-1]) for features in maps]
    each = len(anchors) // sum(rows * columns for rows, columns in grids)  # anchors per cell
    levels = anchors.split([each * rows * columns for rows, columns in grids])
    height, width = image.shape[-2:]
    margin = 0.17 * width
    with st.style():
        figure, axes = panels([(height + 2 * margin) / (width + 2 * margin)] * 6, columns=3, title=0.24, caption=0.12)
        number = 0
        for ax, key, boxes, (rows, columns) in zip(axes, LEVEL_KEYS, levels, grids, strict=False):
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
    """For each level, the highest objectness among the anchors of each cell, as a probability: black is 0, bright is 1.

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
    """The same image once for each step, with the boxes of that step: (title, boxes (N, 4), colour)."""
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


def plot_roi_align(image: Tensor, box: Tensor, features: Tensor, scale: float, pooled: Tensor, key: str) -> Figure:
    """A proposal's 7×7 bins on the image, its sampling points on the feature cells, and the features read there.

    Args:
        box: (4,) in pixels.
        features: the map (1, C, H, W) from which it is pooled, with `scale` cells per pixel and level name `key`.
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
        _draw_bins(axes[1], on_map + 0.5, edges, st.PROPOSAL)  # a cell's value is at its index: drawn at its middle
        sampled = (torch.arange(2 * bins) + 0.5) / (2 * bins)  # sampling_ratio 2: two points per bin each way
        xs, ys = (on_map[a] + sampled * (on_map[a + 2] - on_map[a]) + 0.5 for a in (0, 1))
        x, y = torch.meshgrid(xs, ys, indexing="xy")
        axes[1].scatter(x.flatten().tolist(), y.flatten().tolist(), s=2.2, color="#ffffff", linewidths=0)
        axes[1].set_title(f"its sampling points on {st.LEVEL_NAMES[key]}", fontsize=9)

        show_map(axes[2], strength(pooled[None], among=features), st.PROPOSAL)
        axes[2].set_title(f"its features: {shape_text(pooled)}", fontsize=9)
    return figure


def _draw_bins(ax: Axes, box: Tensor, edges: Tensor, color: str) -> None:
    x1, y1, x2, y2 = box.tolist()
    for t in edges.tolist():
        ax.plot([x1 + t * (x2 - x1)] * 2, [y1, y2], color=color, linewidth=0.7)
        ax.plot([x1, x2], [y1 + t * (y2 - y1)] * 2, color=color, linewidth=0.7)
    draw_boxes(ax, box[None], color, linewidth=line_width(ax))
