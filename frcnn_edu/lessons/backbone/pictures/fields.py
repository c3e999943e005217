"""Figures of notebook 02: which pixels a cell of a map depends on."""

from collections.abc import Sequence
from typing import Any

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Polygon, Rectangle
from torch import Tensor, nn

from frcnn_edu.lessons.stages import frame
from frcnn_edu.lessons.story import story
from frcnn_edu.lessons.transform.pictures.main import as_colours
from frcnn_edu.viz import style as st
from frcnn_edu.viz.draw import draw_boxes, show_image
from frcnn_edu.viz.sheet import Page, bare

# ----------------------------------------------------------------------------------------------------------- theory


def windows(backbone: nn.ModuleDict, until: str) -> list[tuple[int, int]]:
    """(kernel size, stride) of each layer on the long way through a ResNet's children, up to and including `until`."""
    found: list[tuple[int, int]] = []
    for name, child in backbone.items():
        for layer_name, layer in child.named_modules():
            if isinstance(layer, nn.Conv2d) and "downsample" not in layer_name:
                found.append((layer.kernel_size[0], layer.stride[0]))
            elif isinstance(layer, nn.MaxPool2d):
                found.append((int(layer.kernel_size), int(layer.stride)))  # type: ignore[arg-type]
        if name == until:
            return found
    raise ValueError(f"there is no child {until!r}; there are {list(backbone)}")


def field_size(layers: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """Receptive field and stride, in pixels, of a cell after layers of (kernel size, stride)."""
    field, stride = 1, 1
    for kernel, step in layers:
        field += (kernel - 1) * stride  # the window's further cells lie one stride apart
        stride *= step
    return field, stride


# ------------------------------------------------------------------------------------------------------- experiment


def influence(backbone: nn.Module, pixels: Tensor, key: str, cell: tuple[int, int], *, samples: int = 16) -> Tensor:
    """How strongly one cell of a map depends on each pixel.

    This is the size of the gradient, averaged over random mixtures of the cell's channels.

    Args:
        pixels: the batch (1, 3, H, W).
        key: name of the map among those that `backbone` returns.
        cell: (row, column).

    Returns:
        (H, W), its sum 1.
    """
    generator = torch.Generator().manual_seed(0)
    with torch.enable_grad():
        x = pixels.detach().clone().requires_grad_()
        features = backbone(x)[key][0, :, cell[0], cell[1]]  # (C,)
        total = torch.zeros(pixels.shape[-2:], dtype=pixels.dtype)
        for _ in range(samples):
            mixture = torch.randn(len(features), generator=generator, dtype=features.dtype)
            (gradient,) = torch.autograd.grad(features @ mixture, x, retain_graph=True)
            total += gradient[0].abs().sum(dim=0)
    return total / total.sum()


def share_within(weights: Tensor, box: tuple[int, int, int, int]) -> float:
    """How much of `weights` (H, W) lies within the pixels of a box (x1, y1, x2, y2)."""
    x1, y1, x2, y2 = box
    return float(weights[max(y1, 0) : y2, max(x1, 0) : x2].sum() / weights.sum())


def side_holding(weights: Tensor, center: tuple[int, int], share: float = 0.9) -> int:
    """Side of the smallest square around the pixel `center` (x, y) that holds `share` of the weights (H, W)."""
    x, y = center
    reach = 0
    while share_within(weights, (x - reach, y - reach, x + reach + 1, y + reach + 1)) < share:
        reach += 1
    return 2 * reach + 1


# ---------------------------------------------------------------------------------------------------------- figures


def plot_tiny_field(sizes: Sequence[int], sees: Sequence[Sequence[int]], strides: Sequence[int]) -> Figure:
    """Rows of cells above each other, and on each the ones that one cell of the topmost depends on.

    Args:
        sizes: number of cells of each row, from the pixels up.
        sees: for each row the indices of the cells that are depended on; a single one in the topmost.
        strides: how many pixels a cell of each row stands for.
    """
    unit, high, gap = 7.0 / sizes[0], 0.32, 0.48
    tall = len(sizes) * high + (len(sizes) - 1) * gap + 0.55
    colors = [st.MUTED, *(st.level_color(key) for key in ("2", "1", "0"))][: len(sizes)]
    with st.style():
        page = Page(tall)
        tops = [tall - 0.45 - (row + 1) * high - row * gap for row in range(len(sizes))]
        for row in range(len(sizes) - 1):
            side, under = unit * strides[row + 1], unit * strides[row]
            for cell in sees[row + 1]:
                below = [index for index in sees[row] if abs(index - cell * strides[row + 1] // strides[row]) <= 1]
                corners = [
                    (0.9 + cell * side, tops[row + 1] + high), (0.9 + (cell + 1) * side, tops[row + 1] + high),
                    (0.9 + (max(below) + 1) * under, tops[row]), (0.9 + min(below) * under, tops[row]),
                ]  # fmt: skip
                page.sheet.add_patch(Polygon(corners, facecolor=colors[row + 1], alpha=0.16, edgecolor="none"))
        for row, (count, top) in enumerate(zip(sizes, tops, strict=True)):
            side = unit * strides[row]
            for index in range(count):
                lit = index in sees[row]
                page.sheet.add_patch(
                    Rectangle(
                        (0.9 + index * side, top), side, high, facecolor=colors[row] if lit else st.PAPER,
                        edgecolor=st.MUTED, linewidth=0.8,
                    )
                )  # fmt: skip
                page.text(
                    0.9 + (index + 0.5) * side, top + high / 2, str(index), ha="center", va="center", fontsize=8,
                    color=st.text_color(colors[row]) if lit else st.MUTED,
                )  # fmt: skip
            name = "pixels" if row == 0 else f"map {row}"
            page.text(0.8, top + high / 2, name, ha="right", va="center", fontsize=9)
        first, last = min(sees[0]), max(sees[0])
        cell = sees[-1][0] * strides[-1]
        bottom = tops[0] + high
        for x1, x2, y, color, words in (
            (first, last + 1, bottom + 0.1, st.INK, f"sees {last + 1 - first} pixels"),
            (cell, cell + strides[-1], bottom + 0.25, st.FOREGROUND, f"stride: {strides[-1]} pixels"),
        ):
            page.sheet.plot(
                [0.9 + x1 * unit, 0.9 + x2 * unit], [y, y], color=color, linewidth=2.6, solid_capstyle="butt"
            )
            beside = 0.9 + max(last + 1, cell + strides[-1]) * unit + 0.08
            page.text(beside, y, words, va="center", color=color, fontsize=8.5)
    return page.figure


def plot_fields(
    picture: Tensor,
    weights: Sequence[Tensor],
    cells: Sequence[tuple[int, int]],
    fields: Sequence[int],
    strides: Sequence[int],
) -> Figure:
    """One cell of each map: the square that it stands for, the one that it can see, and the pixels that matter to it.

    Args:
        picture: (3, H, W) in 0–1, with padding.
        weights: for each map the influence (H, W) of every pixel.
        cells: (row, column) in each map.
        fields, strides: sides of the receptive field and of the cell, in pixels.
    """
    height, width = picture.shape[-2:]
    keys = [str(level) for level in range(len(weights))]
    with st.style():
        small = 2.12
        page = Page(2 * (small * height / width + 0.42))
        ax = page.panel(0.08, 0.3, 3.4, 3.4)
        _field_panel(ax, picture, keys, cells, fields, strides)
        ax.set_title("theoretical: what a cell can see")
        for index, key in enumerate(keys):
            x, y = 3.56 + (index % 2) * (small + 0.12), 0.3 + (index // 2) * (small * height / width + 0.4)
            ax = page.panel(x, y, small, small * height / width)
            light = (weights[index] / weights[index].quantile(0.995)).clamp(max=1).sqrt()
            show_image(ax, picture * light + (1 - light))  # what does not matter fades to white
            box, field = _squares(cells[index], fields[index], strides[index])
            draw_boxes(ax, field, st.INK, linewidth=1.1, dashes=st.DASHES, halo=False)
            draw_boxes(ax, box, st.FOCUS, linewidth=1.5)
            frame(ax, st.level_color(key))
            x1, y1, x2, y2 = map(int, box[0].tolist())
            inside = share_within(weights[index], (x1, y1, x2, y2))
            ax.set_title(f"C{2 + index}: {100 * inside:.0f} % from its own cell", fontsize=8.5)
    return page.figure


def _squares(cell: tuple[int, int], field: int, stride: int) -> tuple[Tensor, Tensor]:
    """The square that a cell stands for and the one it can see, around the pixel at its upper left corner: (1, 4) each."""
    (row, column), half = cell, field // 2
    x, y = column * stride, row * stride
    return torch.tensor([[x, y, x + stride, y + stride]]), torch.tensor(
        [[x - half, y - half, x + half + 1, y + half + 1]]
    )


def _field_panel(
    ax: Axes,
    picture: Tensor,
    keys: Sequence[str],
    cells: Sequence[tuple[int, int]],
    fields: Sequence[int],
    strides: Sequence[int],
) -> None:
    show_image(ax, picture, dim=0.25)
    bare(ax)
    ax.set_facecolor(st.PAPER)
    for key, cell, field, stride in reversed(list(zip(keys, cells, fields, strides, strict=True))):
        box, whole = _squares(cell, field, stride)
        color = st.level_color(key)
        draw_boxes(ax, whole, color, linewidth=2.0, fill=0.08, halo=False)
        draw_boxes(ax, box, color, linewidth=1.2, fill=0.75, halo=False)
        x1, y1 = whole[0, :2].tolist()
        if field == max(fields):  # there is room in its corner; the others are named below
            ax.text(x1 + 6, y1 + 9, _words(key, field, stride), fontsize=8.5, va="top", fontweight="bold")
    biggest = _squares(cells[-1], fields[-1], strides[-1])[1][0].tolist()
    ax.set(xlim=(biggest[0] - 4, biggest[2] + 4), ylim=(biggest[3] + 4, biggest[1] - 4), aspect="equal")
    small = [row for row in zip(keys, fields, strides, strict=True) if row[1] < max(fields)]
    for index, (key, field, stride) in enumerate(small):
        ax.text(
            biggest[0] + 10, biggest[3] - 12 - 24 * (len(small) - 1 - index), _words(key, field, stride), fontsize=8.5,
            color=st.level_color(key), fontweight="bold",
        )  # fmt: skip


def _words(key: str, field: int, stride: int) -> str:
    return f"C{2 + int(key)}: {field}×{field}, stride {stride}"


def receptive_fields() -> Figure:
    """The course's image and the cells of C2 … C5 in the middle of the cross."""
    backbone: Any = story().model.backbone.body
    batch = story().trace.batch
    x, y = ((story().box[:2] + story().box[2:]) / 2).tolist()
    sizes = [field_size(windows(backbone, f"layer{level}")) for level in (1, 2, 3, 4)]
    cells = [(int(y) // stride, int(x) // stride) for _, stride in sizes]
    weights = [influence(backbone, batch.tensors, str(index), cell) for index, cell in enumerate(cells)]
    transform = story().model.transform
    picture = as_colours(batch.tensors[0], transform.image_mean, transform.image_std)
    return plot_fields(picture, weights, cells, [field for field, _ in sizes], [stride for _, stride in sizes])
