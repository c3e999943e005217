"""Boxes, labels and detections on images.

Everything here makes `matplotlib.figure.Figure` objects without pyplot, so it works without a screen and in threads.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.textpath import TextPath
from torch import Tensor

from ..words import words
from . import style as st
from .labels import place_labels

WIDTH = 8.0  # inches: 800 px at 100 dpi, the width of a page on a code-hosting site


# --------------------------------------------------------------------------------------------------- images and boxes


def show_image(ax: Axes, image: Tensor, *, dim: float = 0.0) -> None:
    """Show an image, float (3, H, W) in 0–1, on `ax` with one data unit per pixel and the corner at (0, 0).

    Data units are the boxes' pixels: the image spans 0…W and 0…H. `dim` (0–1) mixes in white, so that boxes stand out.
    """
    if image.ndim != 3 or image.shape[0] != 3 or not image.is_floating_point():
        raise ValueError(f"image: expected float (3, H, W), got {image.dtype} {tuple(image.shape)}")
    height, width = image.shape[-2:]
    pixels = image.detach().cpu().clamp(0, 1).permute(1, 2, 0).numpy()  # (H, W, 3)
    ax.imshow(pixels * (1 - dim) + dim, extent=(0, width, height, 0))
    ax.set(xlim=(0, width), ylim=(height, 0), xticks=[], yticks=[])
    ax.grid(False)
    ax.spines[:].set_visible(False)


def points_wide(ax: Axes) -> float:
    """Width of `ax` on paper, in points (1/72 inch), after an image's aspect ratio has been applied."""
    figure = ax.get_figure(root=True)
    assert figure is not None  # an Axes that draws always has one
    if figure.get_layout_engine() is not None:
        figure.draw_without_rendering()
    ax.apply_aspect()
    return float(ax.get_window_extent().width * 72 / figure.dpi)


def line_width(ax: Axes) -> float:
    """Width in points of a box's line that suits the size of the image on paper."""
    return float(np.clip(points_wide(ax) / 220, 0.9, 2.4))


def draw_boxes(
    ax: Axes,
    boxes: Tensor,
    color: str | Sequence[str],
    *,
    linewidth: float | None = None,
    dashes: tuple[float, float] | None = None,
    fill: float = 0.0,
    alpha: float = 1.0,
    halo: bool = True,
    clip: bool = True,
) -> PolyCollection:
    """Outline boxes on `ax` and return them as one collection.

    Args:
        boxes: (N, 4) xyxy in the data units of `ax`; N may be 0.
        color: one for all boxes, or one per box.
        linewidth: in points; by default it follows the image's width on paper.
        dashes: lengths of dash and gap in line widths; by default the line is solid.
        fill: opacity of the inside, 0–1.
        halo: a thin contrasting edge that keeps the line visible on any background.
        clip: whether lines stop at the image's border; False shows anchors that extend beyond it.
    """
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        raise ValueError(f"boxes: expected shape (N, 4), got {tuple(boxes.shape)}")
    if linewidth is None:
        linewidth = line_width(ax)
    colors = [color] * len(boxes) if isinstance(color, str) else list(color)
    if len(colors) != len(boxes):
        raise ValueError(f"color: expected one, or one for each of the {len(boxes)} boxes, got {len(colors)}")
    x1, y1, x2, y2 = boxes.detach().cpu().double().numpy().T  # each (N,)
    corners = np.stack([x1, y1, x2, y1, x2, y2, x1, y2], axis=1).reshape(-1, 4, 2)
    if halo:
        wider = min(1.3, 0.8 * linewidth)
        casing = PolyCollection(
            list(corners),
            edgecolors=[to_rgba(st.text_color(c), 0.6 * alpha) for c in colors],
            facecolors="none",
            linewidths=linewidth + wider,
            linestyles=_dashes(linewidth, dashes, longer=wider),
            clip_on=clip,
            joinstyle="miter",
        )
        ax.add_collection(casing, autolim=False)
    outlines = PolyCollection(
        list(corners),
        edgecolors=[to_rgba(c, alpha) for c in colors],
        facecolors=[to_rgba(c, fill) for c in colors] if fill else "none",
        linewidths=linewidth,
        linestyles=_dashes(linewidth, dashes),
        clip_on=clip,
        joinstyle="miter",
    )
    ax.add_collection(outlines, autolim=False)
    return outlines


def _dashes(linewidth: float, dashes: tuple[float, float] | None, longer: float = 0.0) -> Any:
    """Matplotlib's line style for `dashes`; `longer` is by how many points each dash, and the line's width, grows."""
    if dashes is None:
        return "solid"
    dash, gap = (length * linewidth for length in dashes)
    grown = linewidth + longer  # matplotlib counts in widths of the line it draws
    return longer / 2 / grown, ((dash + longer) / grown, max(gap - longer, 0.1) / grown)


# --------------------------------------------------------------------------------------------------------------- labels


def draw_labels(
    ax: Axes, boxes: Tensor, texts: Sequence[str], colors: Sequence[str], *, fontsize: float | None = None
) -> None:
    """Write one small label at each box, on a chip of the box's colour; see `place_labels`."""
    if len(texts) == 0:
        return
    wide = points_wide(ax)
    fontsize = float(np.clip(wide / 42, 7.3, 9.0)) if fontsize is None else fontsize
    (left, right), (bottom, top) = ax.get_xlim(), ax.get_ylim()
    unit = (right - left) / wide  # data units per point
    pad = 0.22 * fontsize
    font = FontProperties(family="DejaVu Sans", weight="bold")
    texts = [words(text) for text in texts]
    inked = [_ink(text, fontsize, font) for text in texts]
    widths = [1.03 * ink + 2 * pad for ink in inked]  # glyphs are rounded to pixels on screen: leave them some room
    sizes = np.array([[w, 1.1 * fontsize + pad] for w in widths]) * unit
    corner = np.array([left, top, left, top])  # of what the panel shows, which may be a part of the image
    places = place_labels(boxes.detach().cpu().numpy() - corner, sizes, (right - left, bottom - top))
    for place, (w, h), text, color in zip(places, sizes, texts, colors, strict=True):
        if place is None:
            continue
        x, y = place[0] + left, place[1] + top
        chip = np.array([[x, y], [x + w, y], [x + w, y + h], [x, y + h]])
        ax.add_collection(PolyCollection([chip], facecolors=color, edgecolors="none", zorder=3), autolim=False)
        ax.text(
            x + pad * unit, y + h - 0.32 * fontsize * unit, text, fontproperties=font, fontsize=fontsize,
            color=st.text_color(color), va="baseline", zorder=4,
        )  # fmt: skip


def _ink(text: str, fontsize: float, font: FontProperties) -> float:
    """The width of a label in points; a character that the usual font lacks, such as a Chinese one, is as wide as high."""
    wide = sum(character > "\u2e80" for character in text)
    usual = "".join(character for character in text if character <= "\u2e80")
    return wide * fontsize + float(
        TextPath((0, 0), usual, size=fontsize, prop=font).get_extents().width if usual else 0
    )


# ----------------------------------------------------------------------------------------------------------- detections


def draw_detections(
    image: Tensor,
    boxes: Tensor,
    labels: Tensor,
    scores: Tensor | None = None,
    *,
    classes: Sequence[str],
    ground_truth: Mapping[str, Any] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw an image with its detections (or, without scores, with its annotated boxes).

    Args:
        image: float (3, H, W) in 0–1.
        boxes, labels, scores: (N, 4) xyxy in pixels of the image, (N,) int64, (N,) in 0–1, as the model returns them.
        classes: class names; index 0 is the background.
        ground_truth: a target dict whose "boxes" are drawn dashed.
        ax: the axes to draw on; by default those of a new figure as wide as a page, `ax.figure`.
    """
    if len(labels) != len(boxes) or (scores is not None and len(scores) != len(boxes)):
        raise ValueError(
            f"expected as many labels (and scores) as boxes; got {len(boxes)} boxes, {len(labels)} labels "
            f"and {'no' if scores is None else len(scores)} scores"
        )
    wrong = [int(label) for label in labels if not 0 <= int(label) < len(classes)]
    if wrong:
        raise ValueError(f"label {wrong[0]} has no name: there are {len(classes)} classes")
    with st.style():
        if ax is None:
            ax = picture_axes(image)
        show_image(ax, image)
        if scores is None:
            order = torch.arange(len(boxes))
        else:
            order = scores.detach().cpu().argsort(descending=True, stable=True)
        boxes, names = boxes.detach().cpu()[order], [classes[int(labels[i])] for i in order]
        colors = [st.class_color(int(labels[i])) for i in order]
        texts = names if scores is None else [f"{n} {float(scores[i]):.2f}" for n, i in zip(names, order, strict=True)]
        for box, color in reversed(list(zip(boxes, colors, strict=True))):  # the best one is drawn last, on top
            draw_boxes(ax, box[None], color)
        if ground_truth is not None:
            draw_ground_truth(ax, ground_truth["boxes"])
        draw_labels(ax, boxes, texts, colors)
    return ax


def draw_ground_truth(ax: Axes, boxes: Tensor) -> None:
    """Outline annotated boxes (N, 4): dashed, so that a detection underneath stays visible."""
    draw_boxes(ax, boxes, st.GROUND_TRUTH, linewidth=0.8 * line_width(ax), dashes=st.DASHES)


def picture_axes(image: Tensor, *, longest: float = WIDTH) -> Axes:
    """A new figure filled by one image, its longer side `longest` inches."""
    height, width = image.shape[-2:]
    scale = longest / max(height, width)
    return Figure(figsize=(width * scale, height * scale)).add_axes((0, 0, 1, 1))


def detection_sheet(
    images: Sequence[Tensor],
    detections: Sequence[Mapping[str, Tensor]],
    targets: Sequence[Mapping[str, Any]] | None,
    classes: Sequence[str],
    *,
    columns: int = 4,
    score_threshold: float = 0.5,
) -> Figure:
    """A contact sheet: each image with its detections of at least `score_threshold` and its annotated boxes dashed."""
    if not images or len(detections) != len(images) or (targets is not None and len(targets) != len(images)):
        expected = "as many detections (and targets) as images, at least one"
        raise ValueError(
            f"expected {expected}; got {len(images)} images, {len(detections)} detections"
            f"{'' if targets is None else f', {len(targets)} targets'}"
        )
    with st.style():
        figure, axes = panels([ratio(image) for image in images], columns=columns, caption=0.2, head=0.34)
        for index, (ax, image, found) in enumerate(zip(axes, images, detections, strict=True)):
            keep = found["scores"] >= score_threshold
            ground_truth = None if targets is None else targets[index]
            draw_detections(
                image, found["boxes"][keep], found["labels"][keep], found["scores"][keep],
                classes=classes, ground_truth=ground_truth, ax=ax,
            )  # fmt: skip
            caption = f"{int(keep.sum())} detected" + (
                "" if ground_truth is None else f" / {len(ground_truth['boxes'])} annotated"
            )
            ax.text(0, -0.02, caption, transform=ax.transAxes, va="top", fontsize=7.3, color=st.MUTED)
        used = sorted(
            {int(label) for found in detections for label in found["labels"][found["scores"] >= score_threshold]}
        )
        handles: list[Any] = [Patch(color=st.class_color(label), label=classes[label]) for label in used]
        if targets is not None:
            handles.append(Line2D([], [], color=st.GROUND_TRUTH, linestyle=(0, st.DASHES), label="annotated"))
        legend_on_top(figure, handles)
    return figure


def legend_on_top(figure: Figure, handles: list[Any]) -> None:
    """One row of legend entries along the top edge of a figure."""
    figure.legend(
        handles=handles,
        loc="upper left",
        bbox_to_anchor=(0.0, 1.0),
        ncols=max(1, len(handles)),
        borderaxespad=0.4,
        handlelength=1.4,
        columnspacing=1.4,
        handletextpad=0.5,
    )


def panels(
    ratios: Sequence[float],
    *,
    columns: int = 4,
    head: float = 0.0,
    title: float = 0.0,
    caption: float = 0.0,
    gap: float = 0.06,
) -> tuple[Figure, list[Axes]]:
    """A page-wide figure with equally wide panels in rows, laid out exactly (no layout engine moves anything later).

    Args:
        ratios: height / width of each panel.
        columns: panels in a row, at most.
        head, title, caption: space in inches at the top of the figure, above and below each row.
        gap: inches between panels and around them.
    """
    columns = min(columns, len(ratios))
    wide = (WIDTH - gap * (columns + 1)) / columns  # inches
    rows = [ratios[i : i + columns] for i in range(0, len(ratios), columns)]
    heights = [wide * max(row) for row in rows]
    tall = head + sum(heights) + (title + caption + gap) * len(rows) + gap
    figure = Figure(figsize=(WIDTH, tall))
    axes, top = [], tall - head - gap
    for row, height in zip(rows, heights, strict=True):
        top -= title + height
        for column in range(len(row)):
            left = gap + column * (wide + gap)
            ax = figure.add_axes((left / WIDTH, top / tall, wide / WIDTH, height / tall))
            ax.set_anchor("N")
            axes.append(ax)
        top -= caption + gap
    return figure, axes


def ratio(image: Tensor) -> float:
    """Height / width of an image or map (…, H, W)."""
    return image.shape[-2] / image.shape[-1]
