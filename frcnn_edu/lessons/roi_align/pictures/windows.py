"""Figures of notebook 11: a proposal's bins and points, and the window of the same size for every proposal."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from frcnn_edu.lessons.stages import LEVEL_KEYS, show_map, strength
from frcnn_edu.ops import roi_align as pooled_from
from frcnn_edu.viz import style as st
from frcnn_edu.viz.draw import draw_boxes, draw_labels, ratio, show_image
from frcnn_edu.viz.sheet import Page

MIDDLE = (
    0.5  # the value of cell i belongs to place i; its square is drawn from i to i + 1, so place i is drawn at i + 0.5
)


def read(features: Tensor, box: Tensor, scale: float, bins: int = 7, sampling_ratio: int = 2) -> Tensor:
    """RoIAlign for one box (4,) on one image's map (1, C, H, W): (C, bins, bins)."""
    return pooled_from(features, F.pad(box[None], (1, 0)), (bins, bins), scale, sampling_ratio)[0]


def sampling_points(box: Tensor, bins: int = 7, sampling_ratio: int = 2) -> tuple[Tensor, Tensor]:
    """x and y of all sampling points of a box (4,) in cells, (bins · sampling_ratio,) each."""
    number = bins * sampling_ratio
    share = (torch.arange(number) + 0.5) / number
    return tuple(box[a] + share * (box[a + 2] - box[a]).clamp(min=1) for a in (0, 1))  # type: ignore[return-value]


def draw_bins(ax: Axes, box: Tensor, bins: int = 7, points: bool = True) -> None:
    """A box (4,) in cells with its bins and sampling points, on cells drawn from i to i + 1."""
    x1, y1, x2, y2 = (box + MIDDLE).tolist()
    for k in range(1, bins):
        ax.plot([x1 + k / bins * (x2 - x1)] * 2, [y1, y2], color=st.PROPOSAL, linewidth=0.7)
        ax.plot([x1, x2], [y1 + k / bins * (y2 - y1)] * 2, color=st.PROPOSAL, linewidth=0.7)
    draw_boxes(ax, box[None] + MIDDLE, st.PROPOSAL, linewidth=1.8)
    if points:
        x, y = torch.meshgrid(*sampling_points(box, bins), indexing="xy")
        ax.scatter((x + MIDDLE).flatten().tolist(), (y + MIDDLE).flatten().tolist(), s=3, color=st.PAPER, linewidths=0)


def plot_same_window(
    image: Tensor, boxes: Tensor, names: Sequence[str], levels: Sequence[int], pyramid: dict[str, Tensor],
    scales: Sequence[float],
) -> Figure:  # fmt: skip
    """Three boxes on the image, each on its feature map with its bins, and the 7×7 features pooled from it.

    Args:
        boxes: (3, 4) in pixels of `image`.
        levels: index of each box's map, 0 for P2.
        scales: cells per pixel of all maps.
    """
    left, wide, gap = 2.55, 1.58, 0.17
    with st.style():
        page = Page(4.0)
        ax = page.panel(0.06, 0.36, left, left * ratio(image))
        show_image(ax, image)
        draw_boxes(ax, boxes, st.PROPOSAL, linewidth=2)
        draw_labels(ax, boxes, list(names), [st.PROPOSAL] * len(boxes), fontsize=8)
        page.text(0.06, 0.1, "proposals of any size …", fontsize=9.5, fontweight="bold")
        page.text(0.06, 2.42, "… each divided into 7×7 bins on its\nfeature map (squares: cells,\nwhite: sampling points) …",
                  color=st.MUTED, linespacing=1.4)  # fmt: skip
        page.text(
            0.06,
            3.2,
            "… become 7×7 numbers\nin each of 64 channels.",
            fontsize=9.5,
            fontweight="bold",
            linespacing=1.3,
        )
        reach = max(float((box[2:] - box[:2]).max()) * scales[k] for box, k in zip(boxes, levels, strict=True)) + 1.2
        for number, (box, name, level) in enumerate(zip(boxes, names, levels, strict=True)):
            key, x = LEVEL_KEYS[level], left + 0.3 + number * (wide + gap)
            features, on_map = pyramid[key], box * scales[level]
            panel = page.panel(x, 0.36, wide, wide)
            show_map(panel, strength(features), st.level_color(key))
            panel.set_facecolor(st.FAINT)
            draw_bins(panel, on_map)
            middle = ((on_map[:2] + on_map[2:]) / 2 + MIDDLE).tolist()
            panel.set(
                xlim=(middle[0] - reach / 2, middle[0] + reach / 2), ylim=(middle[1] + reach / 2, middle[1] - reach / 2)
            )
            width, height = (on_map[2:] - on_map[:2]).tolist()
            page.text(x, 0.1, name, fontsize=9.5, fontweight="bold")
            told = f"{height:.1f}×{width:.1f} cells of {st.LEVEL_NAMES[key]}"
            page.text(x, 0.43 + wide, told, fontsize=7.5, color=st.MUTED)
            page.arrow((x + wide - 0.16, 0.42 + wide), (x + wide - 0.16, 0.68 + wide))
            window = page.panel(x, 0.74 + wide, wide, wide)
            show_map(window, strength(read(features, box, scales[level])[None], among=features), st.PROPOSAL)
    return page.figure
