"""The figures of notebook 01: from photographs of any size to one batch."""

from collections.abc import Callable, Sequence
from functools import cache

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import Tensor

from frcnn_edu.data import ShapesDetection
from frcnn_edu.lessons.story import story
from frcnn_edu.model import GeneralizedRCNNTransform, ImageList
from frcnn_edu.model.transform import Target
from frcnn_edu.viz import style as st
from frcnn_edu.viz.draw import WIDTH, draw_ground_truth, panels, show_image
from frcnn_edu.viz.sheet import Page, arrow, bare, caption, draw_grid, short_number

HATCH = "////"  # padding: it is hatched in every figure

# ------------------------------------------------------------------------------------------------------------ examples


def tiny_images() -> tuple[list[Tensor], list[Target]]:
    """Two images of a few pixels, 4×8 and 7×5, each with a box around its orange rectangle."""
    wide, tall = torch.empty(3, 4, 8), torch.empty(3, 7, 5)
    for image, color in ((wide, (0.78, 0.86, 0.92)), (tall, (0.80, 0.90, 0.82))):
        image[:] = torch.tensor(color)[:, None, None]
    orange = torch.tensor([0.90, 0.45, 0.15])[:, None, None]
    wide[:, 1:3, 2:6] = orange
    tall[:, 2:6, 1:4] = orange
    boxes = torch.tensor([[2.0, 1, 6, 3]]), torch.tensor([[1.0, 2, 4, 6]])
    return [wide, tall], [{"boxes": box, "labels": torch.tensor([1])} for box in boxes]


def tiny_transform() -> GeneralizedRCNNTransform:
    """The transform for `tiny_images`: shorter side 6, longer at most 10, padded to a multiple of 4."""
    return GeneralizedRCNNTransform(6, 10, [0.5, 0.5, 0.5], [0.25, 0.25, 0.25], size_divisible=4)


@cache
def mixed_pictures() -> tuple[list[Tensor], list[Target]]:
    """The course's image, a tall and a broad one."""
    items = [(story().image, story().target)]
    items += [ShapesDetection("test", size=size)[index] for size, index in (((300, 180), 5), ((160, 400), 17))]
    return [image for image, _ in items], [target for _, target in items]


def rings(size: int = 128) -> Tensor:
    """Rings around the middle, the narrower the further out, 4 pixels a ring at the sides: (3, size, size) in 0–1."""
    x = torch.arange(size) - (size - 1) / 2
    square = x[:, None] ** 2 + x[None] ** 2
    return (0.5 + 0.5 * torch.cos(torch.pi * square / (2 * size))).expand(3, -1, -1)


# ------------------------------------------------------------------------------------------------------- the transform


def as_colours(values: Tensor, mean: Sequence[float], std: Sequence[float]) -> Tensor:
    """What normalised values (…, 3, H, W) look like: normalising undone, cut to 0–1."""
    shift, scale = (torch.tensor(each, dtype=values.dtype, device=values.device)[:, None, None] for each in (mean, std))
    return (values * scale + shift).clamp(0, 1)


def large(batch: ImageList, transform: GeneralizedRCNNTransform, image: Tensor) -> Tensor:
    """The first image of a batch as colours, without padding, as large as `image` (to draw boxes in its pixels on)."""
    height, width = batch.image_sizes[0]
    colours = as_colours(batch.tensors[0], transform.image_mean, transform.image_std)[:, :height, :width]
    return torch.nn.functional.interpolate(colours[None], size=tuple(image.shape[-2:]), mode="nearest")[0]


def mark_padding(ax: Axes, true: tuple[int, int], padded: tuple[int, int]) -> None:
    """Hatch what lies right of and below the image of size `true` (height, width)."""
    (height, width), (high, wide) = true, padded
    for x, y, w, h in ((width, 0, wide - width, height), (0, height, wide, high - height)):
        if w > 0 and h > 0:
            ax.add_patch(
                Rectangle((x, y), w, h, facecolor="none", edgecolor=st.PAPER, hatch=HATCH, linewidth=0, alpha=0.55)
            )
    ax.add_patch(Rectangle((0, 0), width, height, fill=False, edgecolor=st.INK, linewidth=0.9, clip_on=False))


def plot_batching(
    images: Sequence[Tensor],
    boxes: Sequence[Tensor],
    batch: ImageList,
    resized_boxes: Sequence[Tensor],
    mean: Sequence[float],
    std: Sequence[float],
    *,
    grid: bool = False,
) -> Figure:
    """Images as given above the batch that they become, all pixels of one size, padding hatched.

    Args:
        boxes, resized_boxes: (N, 4) for each image, in pixels of the image as given and as resized.
        grid: draw every pixel's border.
    """
    count, (high, wide) = len(images), batch.tensors.shape[-2:]
    space, title = 0.32, 0.3
    widest = max(sum(image.shape[-1] for image in images), count * wide)
    pixel = (WIDTH - 0.24 - (count - 1) * space) / widest
    pixel = min(pixel, 2.5 / max(image.shape[-2] for image in images))
    upper = max(image.shape[-2] for image in images) * pixel
    with st.style():
        beside = WIDTH - 0.12 - count * (wide * pixel + space) >= 1.5  # room for words at the right of the batch
        page = Page(title + upper + 0.55 + title + high * pixel + (0.1 if beside else 0.32))
        x = 0.12
        for image, ground_truth in zip(images, boxes, strict=True):
            h, w = (side * pixel for side in image.shape[-2:])
            ax = page.panel(x, title, w, h)
            _picture(ax, image, ground_truth, grid)
            ax.set_title(f"given: {image.shape[-2]}×{image.shape[-1]}", fontsize=9)
            x += w + space
        x, top = 0.12, title + upper + 0.55 + title
        page.arrow((0.3, title + upper + 0.12), (0.3, top - title - 0.06), width=1.8, head=11)
        page.text(0.46, title + upper + 0.3, "normalise, resize, pad", color=st.MUTED, va="center", fontsize=8.5)
        seen = as_colours(batch.tensors, mean, std)
        for index, (picture, ground_truth, size) in enumerate(zip(seen, resized_boxes, batch.image_sizes, strict=True)):
            ax = page.panel(x, top, wide * pixel, high * pixel)
            _picture(ax, picture, ground_truth, grid)
            mark_padding(ax, size, (high, wide))
            ax.set_title(f"batch[{index}]: {size[0]}×{size[1]}", fontsize=9)
            x += wide * pixel + space
        words = ["one tensor " + "×".join(map(str, batch.tensors.shape)), "hatched: padding, in the mean colour"]
        if beside:
            words = [words[0], f"every image lies in {high}×{wide}", words[1].replace(", ", ",\n")]
            page.text(x, top, "\n".join(words), color=st.MUTED, fontsize=8.5, linespacing=1.6)
        else:
            page.text(0.12, top + high * pixel + 0.09, "; ".join(words), color=st.MUTED)
    return page.figure


def _picture(ax: Axes, image: Tensor, ground_truth: Tensor, grid: bool) -> None:
    show_image(ax, image)
    if grid:
        draw_grid(ax, *image.shape[-2:], linewidths=0.4, alpha=0.25)
    draw_ground_truth(ax, ground_truth)


def plot_normalising(image: Tensor, normalised: Tensor, mean: Sequence[float]) -> Figure:
    """How often each value occurs, channel by channel, before and after normalising; `mean` becomes 0."""
    names, hues = ("red", "green", "blue"), ("#c44e52", "#4c9f70", "#4c72b0")
    with st.style():
        figure = Figure(figsize=(WIDTH, 2.6))
        for column, (values, limits, title) in enumerate(
            ((image, (0.0, 1.0), "as given: 0 to 1"), (normalised, (-2.4, 2.8), "normalised: the dashed mean is at 0"))
        ):
            for row, (name, hue) in enumerate(zip(names, hues, strict=True)):
                ax = figure.add_axes((0.075 + 0.48 * column, 0.64 - 0.245 * row, 0.43, 0.22))
                counts = torch.histc(values[row], 60, *limits)
                edges = torch.linspace(*limits, 61)[:-1]
                ax.fill_between(edges.tolist(), (counts / counts.max()).tolist(), step="post", color=hue, alpha=0.75)
                dashed = mean[row] if column == 0 else 0.0
                ax.axvline(dashed, color=st.INK, linewidth=1.2, linestyle=(0, (3, 2)))
                ax.text(dashed, 0.97, f"  {dashed:.3f}" if column == 0 else "  0", fontsize=8, va="top")
                ax.set(xlim=limits, ylim=(0, 1.08), yticks=[])
                ax.spines["left"].set_visible(False)
                ax.grid(axis="y", visible=False)
                if row < 2:
                    ax.tick_params(labelbottom=False)
                if row == 0:
                    ax.set_title(title)
                if column == 0:
                    ax.text(-0.02, 0.4, name, transform=ax.transAxes, ha="right", va="center", fontsize=8.5)
    return figure


def resized_size(transform: GeneralizedRCNNTransform, size: tuple[int, int]) -> tuple[int, int]:
    """The size (height, width) that an image of `size` has after resizing."""
    resized = transform.resize_image(
        torch.zeros(1, 1, 1).expand(1, *size)
    )  # (on "meta" it would take longer than computing)
    return resized.shape[-2], resized.shape[-1]


def plot_corners(transform: GeneralizedRCNNTransform, sizes: Sequence[tuple[int, int]]) -> Figure:
    """Where the lower right corner of an image lies before and after resizing, its upper left corner being (0, 0)."""
    limit, side = transform.max_size, transform.min_size[-1]
    heights = [(400, width) for width in range(140, 1301, 20)]
    path = sorted(
        (resized_size(transform, size) for size in [*heights, *[(w, h) for h, w in heights]]), key=lambda s: s[0] / s[1]
    )
    with st.style():
        figure = Figure(figsize=(WIDTH, 5.4))
        ax = figure.add_axes((0.075, 0.03, 0.92, 0.89))
        ax.plot([w for _, w in path], [h for h, _ in path], color=st.FOREGROUND, linewidth=2.6, solid_joinstyle="miter")
        for height, width in sizes:
            high, wide = resized_size(transform, (height, width))
            arrow(ax, (width, height), (wide, high), st.MUTED)
            ax.plot([width], [height], "o", color=st.PAPER, markeredgecolor=st.INK, markersize=5)
            ax.plot([wide], [high], "o", color=st.INK, markersize=5.5)
            x, y = (wide, high) if high * wide > height * width else (width, height)  # beside the corner further out
            ax.text(x + 22, y + 14, f"{height}×{width}\n→ {high}×{wide}", fontsize=8.5, va="top", linespacing=1.3)
        ax.text(
            side + 14,
            side - 14,
            f"shorter side\n{side}",
            color=st.FOREGROUND,
            va="bottom",
            fontweight="bold",
            fontsize=8.5,
        )
        ax.text(limit + 16, 0.78 * side, f"longer side {limit}", color=st.FOREGROUND, fontweight="bold", fontsize=8.5)
        ax.text(
            1.24 * limit, 1.05 * side, "○  lower right corner as given\n●  the same corner, resized", va="top",
            fontsize=9, linespacing=1.7,
        )  # fmt: skip
        ax.text(1.4 * limit, -26, "width →", color=st.MUTED, ha="center", va="bottom", fontsize=8.5)
        ax.text(-26, 0.5 * side, "← height", color=st.MUTED, ha="right", va="center", rotation=90, fontsize=8.5)
        ticks = [0, side, limit]
        ax.set(xlim=(0, 2250), ylim=(1440, 0), xticks=ticks, yticks=ticks, aspect="equal", anchor="NW")
        ax.grid(False)
        ax.xaxis.tick_top()
        ax.spines[["left", "top"]].set_visible(True)
        ax.spines[["bottom"]].set_visible(False)
    return figure


def plot_resampling(old: Tensor, new: Tensor) -> Figure:
    """A row of pixels and the row it is resized to: which two old pixels each new one is mixed from, and how much of each.

    Args:
        old, new: (n,), (m,).
    """
    n, m = len(old), len(new)
    top = float(max(old.max(), new.max()))
    with st.style():
        figure = Figure(figsize=(WIDTH, 2.75))
        ax = figure.add_axes((0.09, 0.0, 0.9, 1.0))
        bare(ax)
        ax.set(xlim=(0, n), ylim=(2.75 / 7.2 * n, 0))
        for y, row, name in ((0.1, old, f"{n} pixels"), (1.0, new, f"{m} pixels")):
            side = n / len(row)
            for index, value in enumerate(row.tolist()):
                grey = 0.25 + 0.7 * value / top
                ax.add_patch(
                    Rectangle((index * side, y), side, 0.38, facecolor=(grey,) * 3, edgecolor=st.PAPER, linewidth=2)
                )
                ink = st.text_color("#" + 3 * f"{round(255 * grey):02x}")
                at = y + (0.12 if y < 0.5 else 0.26)
                ax.text(
                    (index + 0.5) * side, at, short_number(value), ha="center", va="center", color=ink, fontsize=9.5
                )
            ax.text(-0.05, y + 0.19, name, ha="right", va="center", fontsize=8.5)
        for index in range(m):
            at = (index + 0.5) * n / m - 0.5  # in old pixels, whose centres are 0, 1, …
            for neighbour, share in _neighbours(at, n):
                start, end = (neighbour + 0.5, 0.38), ((index + 0.5) * n / m, 1.1)
                ax.plot(*zip(start, end, strict=True), color=st.FOREGROUND, linewidth=0.5 + 3.5 * share, zorder=3)
                t = 0.74 if share >= 0.5 else 0.66
                x, y = (start[axis] + t * (end[axis] - start[axis]) for axis in (0, 1))
                ax.text(
                    x, y, f"{share:.1f}", fontsize=7.5, ha="center", va="center", zorder=5,
                    bbox={"boxstyle": "round,pad=0.12", "facecolor": st.PAPER, "edgecolor": "none"},
                )  # fmt: skip
            ax.plot([(index + 0.5) * n / m], [1.1], "o", color=st.INK, markersize=4, zorder=6)
        ax.plot([i + 0.5 for i in range(n)], [0.38] * n, "o", color=st.INK, markersize=4, zorder=6)
    return figure


def _neighbours(at: float, count: int) -> list[tuple[int, float]]:
    """The pixels that bilinear interpolation at `at` (in pixels, the first centre being 0) mixes, with their shares."""
    at = min(max(at, 0.0), count - 1.0)
    left = int(at)
    shares = [(left, 1 - (at - left)), (min(left + 1, count - 1), at - left)]
    return [(pixel, share) for pixel, share in shares if share > 1e-9]


def plot_aliasing(image: Tensor, without: Tensor, with_antialias: Tensor) -> Figure:
    """An image, and what is left of it when it is shrunk without and with antialiasing."""
    factor = image.shape[-1] // without.shape[-1]
    side, gap = 2.56, 0.08  # 384 dots at 150 dpi: three a pixel of an image of 128, so that the page adds no pattern
    with st.style():
        page = Page(0.3 + side + 0.5)
        steps = (
            (image, "given", f"{image.shape[-2]}×{image.shape[-1]} pixels, rings around one middle"),
            (without, "resized, as the model does it", f"1/{factor} of the size: rings that were never there"),
            (with_antialias, "resized with antialias=True", "1/4 of the size: what is too fine turns grey"),
        )
        for index, (picture, title, words) in enumerate(steps):
            ax = page.panel(0.08 + index * (side + gap), 0.3, side, side)
            show_image(ax, picture)
            ax.set_title(title, fontsize=9.5)
            caption(ax, words, fontsize=7.6)
    return page.figure


def plot_padding_order(after: Tensor, before: Tensor, true_height: int) -> Figure:
    """The lower edge of an image that was padded after normalising, and of one padded before.

    Args:
        after, before: (3, H, W) as colours, in 0–1.
        true_height: rows of the image within the padding.
    """
    with st.style():
        figure, axes = panels([0.36, 0.36], columns=2, title=0.26, caption=0.24, gap=0.12)
        titles = ("normalised, then padded", "padded, then normalised")
        words = ("padding has the mean colour", "padding is black: the lowest value of each channel")
        for ax, picture, title, said in zip(axes, (after, before), titles, words, strict=True):
            show_image(ax, picture)
            high, wide = picture.shape[-2:]
            ax.set(ylim=(high, high - 0.36 * wide))
            ax.axhline(true_height, color=st.PAPER, linewidth=1, linestyle=(0, (3, 2)))
            ax.set_title(title)
            caption(ax, said)
    return figure


# ------------------------------------------------------------------------------------------------------------- figures


def transform() -> Figure:
    """Three images of different sizes, and the batch that the shipped model's transform makes of them."""
    images, targets = mixed_pictures()
    module = story().model.transform
    batch, resized = module(images, targets)
    return plot_batching(
        images,
        [target["boxes"] for target in targets],
        batch,
        [target["boxes"] for target in resized],
        module.image_mean,
        module.image_std,
    )


def resized_corners() -> Figure:
    """The sizes that images have after resizing with the defaults, 800 and 1333."""
    module = GeneralizedRCNNTransform(800, 1333, [0.0], [1.0])
    return plot_corners(module, [(333, 500), (300, 900), (1080, 1080), (500, 375), (640, 360)])


def resizing_without_antialias() -> Figure:
    """Rings shrunk to a quarter, without and with antialiasing."""
    image = rings()
    shrunk = GeneralizedRCNNTransform(32, 32, [0.0] * 3, [1.0] * 3).resize_image(image)
    smooth = torch.nn.functional.interpolate(image[None], scale_factor=0.25, mode="bilinear", antialias=True)[0]
    return plot_aliasing(image, shrunk, smooth)


FIGURES: dict[str, Callable[[], Figure]] = {
    "transform": transform,
    "resized_corners": resized_corners,
    "resizing_without_antialias": resizing_without_antialias,
}
