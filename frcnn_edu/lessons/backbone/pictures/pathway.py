"""Figures of notebook 02: the maps of a backbone, one after another, and the stages that compute them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Polygon, Rectangle
from torch import Tensor

from frcnn_edu.lessons.stages import frame, shape_text, show_map, strength
from frcnn_edu.viz import style as st
from frcnn_edu.viz.draw import WIDTH, show_image
from frcnn_edu.viz.sheet import Page

from .fields import field_size, windows


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
    """The padded image and the maps made from it, from left to right; the depth of a block is its number of channels."""
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


#: What the ResNet paper calls the stages; its conv2_x begins with the max pooling.
PAPER_NAMES = {"image": "–", "conv1": "conv1", "maxpool": "conv2_x"} | {
    f"layer{i}": f"conv{i + 1}_x" for i in range(1, 5)
}


@dataclass(frozen=True)
class Step:
    """One of a backbone's children: its output and its size.

    Attributes:
        name: the child's name, or "image".
        shape: (C, H, W) of its output.
        blocks: residual blocks in it, 0 for the stem's layers.
        weights: number of parameters.
        field, stride: receptive field and stride of one of its cells, in pixels.
    """

    name: str
    shape: tuple[int, int, int]
    blocks: int
    weights: int
    field: int
    stride: int


def backbone_steps(backbone: Any, size: tuple[int, int]) -> list[Step]:
    """The stages of a ResNet, measured by running it on an image of `size` (height, width)."""
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
    """The stages of a ResNet from left to right, with the facts about each underneath."""
    tallest, base = steps[0].shape[1], 1.28
    rows = ("in the paper", "output", "stride", "a cell sees", "blocks", "weights")
    with st.style():
        page = Page(3.26)
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
                PAPER_NAMES[step.name],
                f"{channels}×{height}×{width}",
                str(step.stride),
                f"{step.field}×{step.field}",
                str(step.blocks) if step.blocks else "–",
                _short_count(step.weights),
            )
            for row, fact in enumerate(facts):
                page.text(left, base + 0.24 + 0.28 * row, fact, fontsize=7.6 if row == 1 else 8.5)
        for row, name in enumerate(rows):
            y = base + 0.24 + 0.28 * row
            page.text(0.1, y, name, fontsize=8.5, color=st.MUTED)
            page.sheet.plot([0.1, WIDTH - 0.1], [y - 0.065] * 2, color=st.FAINT, linewidth=0.8)
    return page.figure


def _short_count(count: int) -> str:
    if count == 0:
        return "–"
    return f"{count / 1e6:.1f} million" if count >= 100_000 else f"{count:,}"
