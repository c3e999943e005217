"""Four ways to a pyramid of features, with the real maps and costs of the shipped model."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import torch
import torch.nn.functional as F
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor, nn

from frcnn_edu.lessons.stages import frame, show_map, strength
from frcnn_edu.viz import style as st
from frcnn_edu.viz.draw import draw_boxes, show_image
from frcnn_edu.viz.sheet import Page

WIDTHS = {"0": 1.24, "1": 0.94, "2": 0.7, "3": 0.48}  # inches; if they halved at each level, P5 would be too small
CENTERS = {"3": 0.76, "2": 1.43, "1": 2.28, "0": 3.35}  # inches from a quadrant's top to the middle of its map


def multiplications(module: nn.Module, *inputs: Any) -> int:
    """How many multiplications the convolutions of a module make: each weight once for each output cell."""
    counts: list[int] = []

    def note(conv: Any, _: Any, output: Tensor) -> None:
        counts.append(conv.weight.numel() * output[:, 0].numel())

    hooks = [part.register_forward_hook(note) for part in module.modules() if isinstance(part, nn.Conv2d)]
    try:
        with torch.no_grad():
            module(*inputs)
    finally:
        for hook in hooks:
            hook.remove()
    return sum(counts)


def enlarged(images: Tensor, factor: int) -> Tensor:
    """A batch (N, 3, H, W) as a finer level of an image pyramid: (N, 3, factor·H, factor·W)."""
    return F.interpolate(images, scale_factor=factor, mode="bilinear", align_corners=False)


def plot_ways(
    picture: Tensor,
    image_pyramid: dict[str, Tensor],
    bottom_up: dict[str, Tensor],
    pyramid: dict[str, Tensor],
    box: Tensor,
    costs: Sequence[float],
) -> Figure:
    """Image pyramid, single map, hierarchy and FPN, each with its maps, one object on them, and its cost.

    Args:
        picture: (3, H, W) in 0–1, the padded image to draw.
        image_pyramid: the deepest map of the enlarged images, by the level whose size it has.
        bottom_up, pyramid: maps by the model's names "0" … "3".
        box: (4,) of one object in pixels of the image.
        costs: of the four ways, in runs of the backbone.
    """
    with st.style():
        page = Page(9.2)
        page.sheet.plot([4.0, 4.0], [0.15, 9.05], color=st.FAINT, linewidth=0.8)
        page.sheet.plot([0.1, 7.9], [4.62, 4.62], color=st.FAINT, linewidth=0.8)
        draw: list[tuple[str, str, Callable[[float, float], None]]] = [
            ("a  image pyramid", "the backbone on every image size",
             lambda x, y: _image_pyramid(page, x, y, picture, image_pyramid, box)),
            ("b  single feature map", "semantic, but with few, large cells",
             lambda x, y: _single_map(page, x, y, picture, bottom_up, box)),
            ("c  pyramidal feature hierarchy", "fine cells, which have seen little",
             lambda x, y: _hierarchy(page, x, y, picture, bottom_up, box)),
            ("d  feature pyramid network", "fine cells, with coarse features added",
             lambda x, y: _feature_pyramid(page, x, y, picture, bottom_up, pyramid, box)),
        ]  # fmt: skip
        for index, ((title, words, draw_way), cost) in enumerate(zip(draw, costs, strict=True)):
            x, y = 0.15 + 4.05 * (index % 2), 0.12 + 4.63 * (index // 2)
            page.text(x, y, title, fontsize=10.5, fontweight="bold")
            page.text(x, y + 0.22, words, color=st.MUTED)
            page.text(x + 3.6, y - 0.03, f"{cost:.2f}", fontsize=14, fontweight="bold", ha="right")
            page.text(x + 3.6, y + 0.24, "runs of the backbone", fontsize=7.5, color=st.MUTED, ha="right")
            draw_way(x, y)
    return page.figure


def _height(key: str, picture: Tensor) -> float:
    return WIDTHS[key] * picture.shape[-2] / picture.shape[-1]


def _panel(page: Page, x: float, y: float, key: str, picture: Tensor) -> Axes:
    """A panel for level `key` whose middle is at `x` (in inches), in the quadrant that begins at `y`."""
    height = _height(key, picture)
    return page.panel(x - WIDTHS[key] / 2, y + CENTERS[key] - height / 2, WIDTHS[key], height)


def _map(
    page: Page, x: float, y: float, key: str, name: str, features: Tensor, box: Tensor, picture: Tensor, predicts: bool
) -> None:
    """A map with the object; where it is read from, with the number of cells that the object spans, and an arrow."""
    ax = _panel(page, x, y, key, picture)
    size = (picture.shape[-2], picture.shape[-1])
    show_map(ax, strength(features), st.level_color(key) if predicts else st.MUTED, size=size)
    right, middle = x + WIDTHS[key] / 2, y + CENTERS[key]
    if not predicts:
        ax.images[0].set_alpha(0.45)
        frame(ax, st.FAINT, 1.2)
        page.text(right + 0.06, middle, name, color=st.MUTED, fontsize=7.5, va="center")
        return
    draw_boxes(ax, box[None], st.FOCUS, linewidth=1.4)
    wide, high = ((box[2:] - box[:2]) * features.shape[-1] / picture.shape[-1]).tolist()
    page.arrow((right + 0.05, middle), (right + 0.28, middle), color=st.INK, width=1.2, head=7)
    page.text(right + 0.33, middle - 0.02, name, fontsize=8, fontweight="bold", va="bottom")
    page.text(right + 0.33, middle + 0.02, f"{high:.1f}×{wide:.1f}", fontsize=8, va="top")
    page.text(right + 0.33, middle + 0.16, "cells", fontsize=7.5, color=st.MUTED, va="top")


def _stack(page: Page, x: float, y: float, picture: Tensor) -> None:
    """The image under a stack of maps, and arrows all the way up."""
    height = _height("0", picture)
    ax = page.panel(x - 0.25, y + 4.03, 0.5, 0.5 * picture.shape[-2] / picture.shape[-1])
    show_image(ax, picture)
    arrows = [(4.03, CENTERS["0"] + height / 2)]
    keys = ["0", "1", "2", "3"]
    for low, high in pairwise(keys):
        arrows.append((CENTERS[low] - _height(low, picture) / 2, CENTERS[high] + _height(high, picture) / 2))
    for start, end in arrows:
        page.arrow((x, y + start - 0.02), (x, y + end + 0.03), width=1.2, head=7)


def _image_pyramid(page: Page, x: float, y: float, picture: Tensor, maps: dict[str, Tensor], box: Tensor) -> None:
    for key, features in maps.items():
        ax = _panel(page, x + 0.64, y, key, picture)
        show_image(ax, picture)
        draw_boxes(ax, box[None], st.FOCUS, linewidth=1.2)
        factor = features.shape[-1] // maps["3"].shape[-1]
        page.text(x + 0.64 - WIDTHS[key] / 2, y + CENTERS[key] + _height(key, picture) / 2 + 0.03, f"image ×{factor}",
                  fontsize=7.5, color=st.MUTED)  # fmt: skip
        start, end = x + 0.64 + WIDTHS[key] / 2, x + 2.2 - WIDTHS[key] / 2
        page.arrow((start + 0.05, y + CENTERS[key]), (end - 0.05, y + CENTERS[key]), width=1.2, head=7)
        if end - start > 0.5:
            page.text((start + end) / 2, y + CENTERS[key] - 0.05, "backbone", fontsize=7.5, color=st.MUTED, ha="center",
                      va="bottom")  # fmt: skip
        _map(page, x + 2.2, y, key, "C5", features, box, picture, predicts=True)


def _single_map(page: Page, x: float, y: float, picture: Tensor, maps: dict[str, Tensor], box: Tensor) -> None:
    _stack(page, x + 1.4, y, picture)
    for key, features in maps.items():
        _map(page, x + 1.4, y, key, f"C{2 + int(key)}", features, box, picture, predicts=key == "3")


def _hierarchy(page: Page, x: float, y: float, picture: Tensor, maps: dict[str, Tensor], box: Tensor) -> None:
    _stack(page, x + 1.4, y, picture)
    for key, features in maps.items():
        name = f"C{2 + int(key)}" if key != "0" else "C2 is not\nused"
        _map(page, x + 1.4, y, key, name, features, box, picture, predicts=key != "0")


def _feature_pyramid(
    page: Page, x: float, y: float, picture: Tensor, bottom_up: dict[str, Tensor], maps: dict[str, Tensor], box: Tensor
) -> None:
    left, right = x + 0.64, x + 2.2
    _stack(page, left, y, picture)
    keys = list(bottom_up)
    for key in keys:
        ax = _panel(page, left, y, key, picture)
        size = (picture.shape[-2], picture.shape[-1])
        show_map(ax, strength(bottom_up[key]), st.MUTED, size=size)
        ax.images[0].set_alpha(0.45)
        frame(ax, st.FAINT, 1.2)
        start, end = left + WIDTHS[key] / 2, right - WIDTHS[key] / 2
        page.arrow((start + 0.05, y + CENTERS[key]), (end - 0.05, y + CENTERS[key]), width=1.2, head=7)
        _map(page, right, y, key, f"P{2 + int(key)}", maps[key], box, picture, predicts=True)
    for high, low in pairwise(reversed(keys)):
        start, end = CENTERS[high] + _height(high, picture) / 2, CENTERS[low] - _height(low, picture) / 2
        page.arrow((right, y + start + 0.03), (right, y + end - 0.03), color=st.STAGES["fpn"], width=1.8, head=8)
