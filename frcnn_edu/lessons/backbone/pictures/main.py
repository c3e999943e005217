"""The figures of notebook 02: the bottom-up way from a batch to C2 … C5."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Polygon, Rectangle
from torch import Tensor, nn

from frcnn_edu.lessons.stages import frame, shape_text, show_map, strength
from frcnn_edu.lessons.story import story
from frcnn_edu.lessons.transform.pictures.main import as_colours
from frcnn_edu.model import resnet_fpn_backbone
from frcnn_edu.viz import style as st
from frcnn_edu.viz.draw import WIDTH, draw_boxes, draw_ground_truth, panels, ratio, show_image
from frcnn_edu.viz.sheet import Page

from .fields import FIGURES as FIELD_FIGURES
from .fields import field_size, windows

LEVELS = ("0", "1", "2", "3")  # C2 … C5 by the model's names


@cache
def resnet50_backbone() -> Any:
    """A ResNet-50 without weights (on the "meta" device: shapes only), as the detector has it."""
    with torch.device("meta"):
        return resnet_fpn_backbone(backbone_name="resnet50", weights=None, trainable_layers=5).body


def small_backbone() -> Any:
    """The `SlimResNet` of the course's model, with its weights."""
    return story().model.backbone.body


# -------------------------------------------------------------------------------------------------------- the pathway


def _slab(sheet: Axes, left: float, top: float, width: float, height: float, depth: float, color: str) -> None:
    """The upper and the right face of a box whose front has this place; `depth` runs to the upper right."""
    dx, dy = 0.55 * depth, -0.4 * depth
    right, bottom = left + width, top + height
    upper = [(left, top), (left + dx, top + dy), (right + dx, top + dy), (right, top)]
    side = [(right, top), (right + dx, top + dy), (right + dx, bottom + dy), (right, bottom)]
    for corners, paper in ((upper, 0.55), (side, 0.3)):
        shade = [(1 - paper) * channel + paper for channel in to_rgb(color)]
        sheet.add_patch(Polygon(corners, facecolor=shade, edgecolor=color, linewidth=0.9, joinstyle="round"))


def plot_pathway(picture: Tensor, bottom_up: Mapping[str, Tensor]) -> Figure:
    """The padded image and the maps made of it, one after another: the fewer cells, the more channels (the depth)."""
    high, wide = picture.shape[-2:]
    widths = (1.6, 1.35, 1.0, 0.66, 0.46)
    base = 1.62
    with st.style():
        page = Page(2.35)
        left = 0.12
        for index, (key, width) in enumerate(zip((None, *bottom_up), widths, strict=True)):
            features = None if key is None else bottom_up[key]
            height = width * high / wide
            top, depth = base - height, 0.0 if features is None else features.shape[1] / 190
            color = st.MUTED if key is None else st.level_color(key)
            _slab(page.sheet, left, top, width, height, depth, color)
            ax = page.panel(left, top, width, height)
            if features is None:
                show_image(ax, picture)
                frame(ax, color)
                name, lines = "image", [f"3×{high}×{wide}"]
            else:
                show_map(ax, strength(features), color)
                stride = wide // features.shape[-1]
                name, lines = f"C{1 + index}", [shape_text(features), f"a cell: {stride}×{stride} px"]
            page.text(left, base + 0.12, name, fontweight="bold", fontsize=10.5)
            page.text(left, base + 0.34, "\n".join(lines), color=st.MUTED, fontsize=8, linespacing=1.4)
            end = left + width + 0.55 * depth
            if index < 4:
                page.arrow((end + 0.08, base - 0.2), (end + 0.36, base - 0.2), width=1.6, head=10)
                step = ("stem +\nlayer1", "layer2", "layer3", "layer4")[index]
                page.text(end + 0.22, base - 0.27, step, ha="center", va="bottom", fontsize=7.2, color=st.INK)
            left = end + 0.44
    return page.figure


# ----------------------------------------------------------------------------------------------------- ResNet-50, inside


@dataclass(frozen=True)
class Step:
    """One of a backbone's children: what comes out of it, and what it takes.

    Attributes:
        name: the child's name, or "image".
        shape: (C, H, W) of its output.
        blocks: residual blocks in it, 0 for the stem's layers.
        weights: number of parameters.
        field, stride: what one of its cells sees, and stands for, in pixels.
    """

    name: str
    shape: tuple[int, int, int]
    blocks: int
    weights: int
    field: int
    stride: int


def backbone_steps(backbone: Any, size: tuple[int, int]) -> list[Step]:
    """The stages of a ResNet on an image of `size` (height, width), from really running them."""
    x = torch.zeros(1, 3, *size, device=next(iter(backbone.state_dict().values())).device)
    steps = [Step("image", (3, *size), 0, 0, 1, 1)]
    with torch.no_grad():
        for name, child in backbone.items():
            x = child(x)
            if name not in ("bn1", "relu"):  # they change no shape
                field, stride = field_size(windows(backbone, name))
                count = sum(parameter.numel() for parameter in child.parameters())
                blocks = len(list(child.children())) if name.startswith("layer") else 0
                _, channels, height, width = x.shape
                steps.append(Step(name, (channels, height, width), blocks, count, field, stride))
    return steps


def plot_stages(steps: Sequence[Step]) -> Figure:
    """The stages of a ResNet from left to right, with what is known about each underneath."""
    tallest, base = steps[0].shape[1], 1.28
    rows = ("output", "stride", "a cell sees", "blocks", "weights")
    with st.style():
        page = Page(2.98)
        column = (WIDTH - 0.92) / len(steps)
        for index, step in enumerate(steps):
            channels, height, width = step.shape
            left = 0.92 + index * column
            key = str(int(step.name[-1]) - 1) if step.name.startswith("layer") else None
            color = st.level_color(key) if key else st.MUTED
            front = 0.5 * (height / tallest) ** 0.55  # inches; drawn to scale C5 would be a dot
            broad, depth = front * width / height, 0.018 * channels**0.5
            _slab(page.sheet, left, base - front, broad, front, depth, color)
            page.sheet.add_patch(Rectangle((left, base - front), broad, front, facecolor=color, edgecolor=color))
            level = f"C{int(key) + 2}" if key else {"image": "image", "conv1": "stem", "maxpool": ""}[step.name]
            page.text(left, 0.12, level, fontsize=10.5, fontweight="bold")
            page.text(left, 0.33, "" if step.name == "image" else step.name, fontsize=8, color=st.MUTED)
            facts = (
                f"{channels}×{height}×{width}",
                str(step.stride),
                f"{step.field}×{step.field}",
                str(step.blocks) if step.blocks else "–",
                _short_count(step.weights),
            )
            for row, fact in enumerate(facts):
                page.text(left, base + 0.24 + 0.28 * row, fact, fontsize=7.6 if row == 0 else 8.5)
        for row, name in enumerate(rows):
            y = base + 0.24 + 0.28 * row
            page.text(0.1, y, name, fontsize=8.5, color=st.MUTED)
            page.sheet.plot([0.1, WIDTH - 0.1], [y - 0.065] * 2, color=st.FAINT, linewidth=0.8)
    return page.figure


def _short_count(count: int) -> str:
    if count == 0:
        return "–"
    return f"{count / 1e6:.1f} million" if count >= 100_000 else f"{count:,}"


def block_path(block: nn.Module) -> list[tuple[str, int, int, int]]:
    """A residual block's convolutions: (label, input channels, output channels, weights)."""
    found = []
    for layer in (child for name, child in block.named_children() if name.startswith("conv")):
        assert isinstance(layer, nn.Conv2d)
        size, stride = layer.kernel_size[0], layer.stride[0]
        label = f"{size}×{size}" + (f", stride {stride}" if stride > 1 else "")
        found.append((label, layer.in_channels, layer.out_channels, layer.weight.numel()))
    return found


def plot_blocks(blocks: Sequence[tuple[str, nn.Module]]) -> Figure:
    """Residual blocks beside each other, from top to bottom; the width of a bar is a number of channels.

    Args:
        blocks: for each a title and the block (torchvision's `Bottleneck` or `BasicBlock`).
    """
    column = WIDTH / len(blocks)
    widest = max(max(c_in, c_out) for _, block in blocks for _, c_in, c_out, _ in block_path(block))
    unit = (column - 1.25) / widest
    with st.style():
        page = Page(3.8)
        for index, (title, block) in enumerate(blocks):
            path, middle = block_path(block), index * column + 0.88 + (column - 1.25) / 2
            page.text(index * column + 0.1, 0.1, title, fontsize=10, fontweight="bold")
            step = 2.5 / len(path)
            top = 0.5
            _bar(page, middle, top, path[0][1], unit)
            for label, c_in, c_out, weights in path:
                a, b, start, end = c_in * unit / 2, c_out * unit / 2, top + 0.2, top + step
                corners = [(middle - a, start), (middle + a, start), (middle + b, end), (middle - b, end)]
                page.sheet.add_patch(Polygon(corners, facecolor=st.STAGES["backbone"], alpha=0.2, edgecolor="none"))
                page.text(
                    middle,
                    (start + end) / 2,
                    f"{label}\n{weights:,}",
                    ha="center",
                    va="center",
                    fontsize=8,
                    linespacing=1.3,
                )
                top += step
                _bar(page, middle, top, c_out, unit)
            end = top + 0.2
            shortcut = getattr(block, "downsample", None)
            x = index * column + 0.3
            page.sheet.plot([middle - path[0][1] * unit / 2, x], [0.6, 0.6], color=st.FOREGROUND, linewidth=2)
            page.arrow((x, 0.6), (x, end + 0.17), (middle - 0.12, end + 0.17), color=st.FOREGROUND, width=2, head=11)
            words = "shortcut:\nas it is" if shortcut is None else f"shortcut:\n1×1, stride {shortcut[0].stride[0]}"
            page.text(
                x, 1.75, words, ha="center", va="center", fontsize=8, color=st.FOREGROUND, linespacing=1.3, rotation=90,
                bbox={"facecolor": st.PAPER, "edgecolor": "none", "pad": 2},
            )  # fmt: skip
            page.sheet.plot([middle, middle], [end, end + 0.08], color=st.INK, linewidth=1.5)
            page.text(
                middle, end + 0.17, "+", ha="center", va="center", fontsize=10, fontweight="bold",
                bbox={"boxstyle": "circle,pad=0.15", "facecolor": st.PAPER, "edgecolor": st.INK},
            )  # fmt: skip
            total = sum(parameter.numel() for parameter in block.parameters() if parameter.dim() == 4)
            page.text(middle, end + 0.4, f"then ReLU · {total:,} weights", ha="center", va="center", fontsize=8.5)
    return page.figure


def _bar(page: Page, middle: float, top: float, channels: int, unit: float) -> None:
    width = channels * unit
    page.sheet.add_patch(Rectangle((middle - width / 2, top), width, 0.2, facecolor=st.STAGES["backbone"]))
    if width > 0.3:
        page.text(middle, top + 0.1, str(channels), ha="center", va="center", color="#ffffff", fontsize=8.5)
    else:
        page.text(middle + width / 2 + 0.05, top + 0.1, str(channels), va="center", fontsize=8.5)


# -------------------------------------------------------------------------------------------------------- what they see


def similarity(features: Tensor, cell: tuple[int, int]) -> Tensor:
    """Cosine between each cell's features and those of one `cell` (row, column), minus the average cell's: (H, W), −1…1."""
    centred = features[0] - features[0].mean(dim=(1, 2), keepdim=True)  # (C, H, W)
    return nn.functional.cosine_similarity(centred, centred[:, cell[0], cell[1], None, None], dim=0)


def plot_seen(picture: Tensor, bottom_up: Mapping[str, Tensor], box: Tensor) -> Figure:
    """Each map over the image: how strong its cells are, and how like the cell in the middle of `box` (4,), outlined."""
    size = (picture.shape[-2], picture.shape[-1])
    x, y = ((box[:2] + box[2:]) / 2).tolist()
    with st.style():
        figure, axes = panels([ratio(picture)] * 8, columns=4, title=0.25, caption=0.04, gap=0.08)
        for index, (key, features) in enumerate(bottom_up.items()):
            stride = size[1] // features.shape[-1]
            row, column = int(y) // stride, int(x) // stride
            cell = torch.tensor([[column, row, column + 1, row + 1]]) * stride
            alike = similarity(features, (row, column)).clamp(min=0)
            for ax, values, top in ((axes[index], strength(features), None), (axes[4 + index], alike, 1.0)):
                show_map(ax, values, st.level_color(key), size=size, top=top)
                draw_ground_truth(ax, box[None])
                draw_boxes(ax, cell, st.FOCUS, linewidth=1.6)
            axes[index].set_title(f"C{2 + index}: strength", fontsize=9)
            axes[4 + index].set_title(f"C{2 + index}: like that cell", fontsize=9)
    return figure


# ------------------------------------------------------------------------------------------------------------- figures


def padded_picture() -> Tensor:
    """The course's image as the backbone gets it, in colours: (3, 128, 160)."""
    transform = story().model.transform
    return as_colours(story().trace.batch.tensors[0], transform.image_mean, transform.image_std)


def backbone() -> Figure:
    """The course's image on its way to C5."""
    return plot_pathway(padded_picture(), story().trace.bottom_up)


def resnet50_stages() -> Figure:
    """ResNet-50 on an image of the usual size."""
    return plot_stages(backbone_steps(resnet50_backbone(), (800, 1344)))


def residual_blocks() -> Figure:
    """A bottleneck, one that halves the map, and the small model's block."""
    resnet, slim = resnet50_backbone(), small_backbone()
    return plot_blocks(
        [
            ("Bottleneck", resnet["layer1"][1]),
            ("first of layer2", resnet["layer2"][0]),
            ("BasicBlock (ours)", slim["layer2"][1]),
        ]
    )


FIGURES: dict[str, Callable[[], Figure]] = {
    "backbone": backbone,
    "resnet50_stages": resnet50_stages,
    "residual_blocks": residual_blocks,
    **FIELD_FIGURES,
}
