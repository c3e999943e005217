"""The figures of notebook 03: from C2…C5 to P2…P5 and "pool"."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from frcnn_edu.lessons.stages import shape_text, show_map, shown, strength
from frcnn_edu.lessons.story import story
from frcnn_edu.model import FeaturePyramidNetwork
from frcnn_edu.viz import style as st
from frcnn_edu.viz.draw import draw_boxes, panels, ratio
from frcnn_edu.viz.sheet import Page

from .numbers import plot_lateral, plot_nearest
from .towers import DOWN, UP, plot_towers
from .ways import enlarged, multiplications, plot_ways

Parts = dict[str, tuple[Tensor, Tensor, Tensor]]

# ------------------------------------------------------------------------------------------------------ what is inside


def inside(fpn: FeaturePyramidNetwork, bottom_up: dict[str, Tensor]) -> Parts:
    """For each level, finest first: what it adds itself, what comes down to it, and the sum; each (N, C, H, W)."""
    parts: Parts = {}
    above: Tensor | None = None
    with torch.no_grad():
        for block, (key, features) in reversed(list(zip(fpn.inner_blocks, bottom_up.items(), strict=True))):
            lateral = block(features)
            down = torch.zeros_like(lateral) if above is None else F.interpolate(above, size=lateral.shape[-2:])
            above = lateral + down
            parts[key] = (lateral, down, above)
    return dict(reversed(parts.items()))


def contributions(parts: Parts) -> dict[str, dict[str, Tensor]]:
    """For each level, what each level from there up contributes to its sum, by the levels' names: (N, C, H, W)."""
    shares: dict[str, dict[str, Tensor]] = {}
    above: dict[str, Tensor] = {}
    for key in reversed(parts):
        lateral = parts[key][0]
        above = {name: F.interpolate(share, size=lateral.shape[-2:]) for name, share in above.items()}
        above[key] = lateral
        shares[key] = above
    return dict(reversed(shares.items()))


def contrast(features: Tensor) -> float:
    """The contrast of a map (1, C, H, W): how far its cells are from the average cell, root mean square over all channels."""
    return float(strength(features).square().mean().sqrt())


# ------------------------------------------------------------------------------------------------------ connections


def plot_connections(
    fpn: FeaturePyramidNetwork, bottom_up: dict[str, Tensor], pyramid: dict[str, Tensor], size: tuple[int, int]
) -> Figure:
    """Every step from C2…C5 to P2…P5 and pool with its shapes: bottom-up, lateral, top-down.

    Args:
        size: (height, width) of the padded image.
    """
    parts = inside(fpn, bottom_up)
    laterals: Any = fpn.inner_blocks
    smoothing: Any = fpn.layer_blocks
    wide, high = 1.15, 1.15 * size[0] / size[1]
    columns = {"C": 0.62, "M": 3.72, "P": 6.2}
    tops = {"pool": 0.4, "3": 1.62, "2": 3.0, "1": 4.38, "0": 5.76}
    with st.style():
        page = Page(7.2)
        page.text(columns["C"], 0.12, "bottom-up", fontsize=10.5, fontweight="bold", color=UP)
        page.text(2.1, 0.12, "lateral", fontsize=10.5, fontweight="bold")
        page.text(columns["M"], 0.12, "top-down", fontsize=10.5, fontweight="bold", color=DOWN)
        page.text(columns["P"], 0.12, "output", fontsize=10.5, fontweight="bold")
        for (key, features), lateral, smooth in zip(bottom_up.items(), laterals, smoothing, strict=True):
            top, name = tops[key], 2 + int(key)
            middle = top + high / 2
            maps = {
                "C": (f"C{name}", features),
                "M": ("sum" if key != "3" else "lateral", parts[key][2]),
                "P": (f"P{name}", pyramid[key]),
            }
            for column, (title, values) in maps.items():
                ax = page.panel(columns[column], top, wide, high)
                show_map(ax, strength(values), st.level_color(key))
                page.text(columns[column], top - 0.06, f"{title}  {shape_text(values)}", fontsize=8, va="bottom",
                          fontweight="bold")  # fmt: skip
            _convolution(page, 1.83, 3.66 if key == "3" else 3.08, middle, "1×1", lateral[0].weight)
            if key != "3":
                page.sheet.plot(3.24, middle, "o", markersize=14, markerfacecolor=st.PAPER, markeredgecolor=DOWN,
                                markeredgewidth=1.6)  # fmt: skip
                page.text(3.24, middle, "+", ha="center", va="center", fontsize=12, color=DOWN)
                page.arrow((3.4, middle), (3.66, middle), color=st.INK)
                above = tops[str(int(key) + 1)] + high
                bend = above + 0.13
                page.arrow((columns["M"] + wide / 2, above + 0.02), (columns["M"] + wide / 2, bend), (3.24, bend),
                           (3.24, middle - 0.13), color=DOWN, width=2)  # fmt: skip
                page.text(3.16, bend + 0.16, f"copied to\n{features.shape[-2]}×{features.shape[-1]}", fontsize=7.5, ha="right",
                          color=DOWN, linespacing=1.15)  # fmt: skip
                page.arrow(
                    (columns["C"] + wide / 2, top - 0.22), (columns["C"] + wide / 2, above + 0.03), color=UP, width=2
                )
            _convolution(page, 4.95, 6.1, middle, "3×3", smooth[0].weight)
        ax = page.panel(columns["P"], tops["pool"], wide, high - 0.06)
        show_map(ax, strength(pyramid["pool"]), st.level_color("pool"))
        ax.set_aspect("auto")
        page.text(columns["P"] - 0.08, tops["pool"] + 0.3, f"pool  {shape_text(pyramid['pool'])}", fontsize=8,
                  fontweight="bold", ha="right")  # fmt: skip
        page.text(columns["P"] - 0.08, tops["pool"] + 0.48, "every second row and\ncolumn of P5", fontsize=7.5, ha="right",
                  color=st.MUTED, linespacing=1.3)  # fmt: skip
        page.arrow(
            (columns["P"] + wide + 0.14, tops["3"] + 0.4),
            (columns["P"] + wide + 0.14, tops["pool"] + 0.5),
            color=st.INK,
        )
        bottom = tops["0"] + high
        page.arrow((columns["C"] + wide / 2, bottom + 0.3), (columns["C"] + wide / 2, bottom + 0.03), color=UP, width=2)
        page.text(
            columns["C"] + wide / 2 + 0.1, bottom + 0.12, f"image 3×{size[0]}×{size[1]}", fontsize=7.5, color=st.MUTED
        )
    return page.figure


def _convolution(page: Page, left: float, right: float, y: float, name: str, weight: Tensor) -> None:
    """An arrow with a convolution's name above it and its channels, in → out, below."""
    page.arrow((left, y), (right, y), color=st.INK)
    page.text(left + 0.5, y - 0.05, name, ha="center", va="bottom", fontsize=8)
    page.text(left + 0.5, y + 0.06, f"{weight.shape[1]} → {weight.shape[0]}", ha="center", fontsize=7.5, color=st.MUTED)


# ------------------------------------------------------------------------------------------------------ what comes down


def plot_top_down(parts: Parts) -> Figure:
    """What each level contributes to the sums: a column for each C, copied on its way down; a row for each sum."""
    shares = contributions(parts)
    keys = list(reversed(parts))  # coarse to fine
    shape = ratio(parts[keys[-1]][0])
    with st.style():
        figure, axes = panels([shape] * 20, columns=5, head=0.2, title=0.06, caption=0.26, gap=0.18)
        for row, key in enumerate(keys):
            for column, source in enumerate([*keys, "sum"]):
                ax = axes[5 * row + column]
                values = parts[key][2] if source == "sum" else shares[key].get(source)
                if values is None:
                    ax.set_axis_off()
                    continue
                show_map(ax, strength(values), st.INK if source == "sum" else st.level_color(source))
                ax.set_aspect("auto")
                words = f"{values.shape[-2]}×{values.shape[-1]}, contrast {contrast(values):.2f}"
                ax.text(0, -0.04, words, transform=ax.transAxes, va="top", fontsize=7.5, color=st.MUTED)
                if source not in ("sum", key):
                    _note(ax, (0.5, 1.14), "▼", DOWN, 8)
                sign = "=" if source == "sum" else "+" if column > 0 else ""
                _note(ax, (-0.065, 0.5), sign, st.INK, 13)
        for ax, source in zip(axes[:5], [*keys, "sum"], strict=True):
            title = "the sum" if source == "sum" else f"from C{2 + int(source)}"
            ax.text(0, 1.05, title, transform=ax.transAxes, fontsize=9, fontweight="bold", va="bottom")
    return figure


def _note(ax: Axes, place: tuple[float, float], text: str, color: str, fontsize: float) -> None:
    ax.text(*place, text, transform=ax.transAxes, ha="center", va="center", color=color, fontsize=fontsize,
            clip_on=False)  # fmt: skip


def plot_parts(parts: Parts, pyramid: dict[str, Tensor], size: tuple[int, int], box: Tensor) -> Figure:
    """Each level around one object: lateral alone, top-down alone, their sum, and the sum after its 3×3 convolution.

    Args:
        size: (height, width) of the padded image.
        box: (4,) of the object in its pixels.
    """
    with st.style():
        keys = list(reversed(parts))
        figure, axes = panels([0.72] * 16, columns=4, head=0.3, caption=0.2, gap=0.1)
        x, y = ((box[:2] + box[2:]) / 2).tolist()
        reach = 0.85 * float(box[2] - box[0])
        for row, key in enumerate(keys):
            lateral, down, both = parts[key]
            # The three maps that are added share one scale; the output of the 3×3 convolution has its own.
            top = float(strength(both).quantile(0.95))
            for column, (values, limit) in enumerate(((lateral, top), (down, top), (both, top), (pyramid[key], None))):
                ax = axes[4 * row + column]
                show_map(ax, strength(values), st.level_color(key), size=size, top=limit)
                draw_boxes(ax, box[None], st.FOCUS, linewidth=1.5)
                ax.set(xlim=(x - reach, x + reach), ylim=(y + 0.72 * reach, y - 0.72 * reach), facecolor=st.FAINT)
                words = f"contrast {contrast(values):.2f}"
                if column == 1 and row == 0:
                    words = "there is no level above"
                if column == 0:
                    words = f"level {2 + int(key)}:  {words}"
                ax.text(0, -0.03, words, transform=ax.transAxes, va="top", fontsize=7.5, color=st.MUTED)
        for ax, title in zip(axes, ("lateral", "from above", "their sum", "after the 3×3: P"), strict=False):
            ax.set_title(title, fontsize=9.5)
    return figure


# ------------------------------------------------------------------------------------------------------------- figures


def _backbone() -> Any:
    return story().model.backbone


def fpn() -> Figure:
    """The opening figure of notebook 03."""
    seen = story().trace
    return plot_towers(shown(seen.batch), seen.bottom_up, seen.pyramid, story().box)


def ways_to_a_pyramid() -> Figure:
    """Four ways to a pyramid, for the course's image and the shipped model."""
    seen, backbone = story().trace, _backbone()
    images = seen.batch.tensors
    with torch.no_grad():
        deepest = {key: backbone.body(enlarged(images, 2 ** (3 - int(key))))["3"] for key in "0123"}
    backbone_cost, pyramid_cost = multiplications(backbone.body, images), multiplications(backbone.fpn, seen.bottom_up)
    copies = sum(multiplications(backbone.body, enlarged(images, factor)) for factor in (1, 2, 4, 8))
    costs = [copies / backbone_cost, 1.0, 1.0, 1 + pyramid_cost / backbone_cost]
    return plot_ways(shown(seen.batch), deepest, seen.bottom_up, seen.pyramid, story().box, costs)


def fpn_top_down() -> Figure:
    """What each of C2…C5 contributes to the sums of the shipped model."""
    return plot_top_down(inside(_backbone().fpn, story().trace.bottom_up))


def fpn_connections() -> Figure:
    """The three kinds of connections of the shipped model, with their shapes."""
    seen = story().trace
    size = (seen.batch.tensors.shape[-2], seen.batch.tensors.shape[-1])
    return plot_connections(_backbone().fpn, seen.bottom_up, seen.pyramid, size)


def fpn_parts() -> Figure:
    """Lateral, top-down, sum and result around the course's object."""
    seen = story().trace
    size = (seen.batch.tensors.shape[-2], seen.batch.tensors.shape[-1])
    return plot_parts(inside(_backbone().fpn, seen.bottom_up), seen.pyramid, size, story().box)


def nearest_upsampling() -> Figure:
    """2×2 → 4×4 by copying and by blending, and 13 → 25."""
    return plot_nearest(torch.tensor([[16.0, 32.0], [48.0, 64.0]]))


def lateral_connection() -> Figure:
    """The two levels of the pencil example, with all their numbers."""
    return plot_lateral(*pencil_example())


def pencil_example() -> tuple[FeaturePyramidNetwork, Tensor, Tensor]:
    """A pyramid of two levels whose numbers can be checked by hand, and its maps: fine (1, 2, 4, 4), coarse (1, 3, 2, 2)."""
    pyramid = FeaturePyramidNetwork([2, 3], out_channels=1)
    weights: Sequence[Tensor] = (
        torch.tensor([1.0, -1.0]).view(1, 2, 1, 1),
        torch.tensor([1.0, 2.0, -1.0]).view(1, 3, 1, 1),
        torch.tensor([[0.0, 1, 0], [1, 2, 1], [0, 1, 0]]).view(1, 1, 3, 3),
    )
    laterals: Any = pyramid.inner_blocks
    smoothing: Any = pyramid.layer_blocks
    with torch.no_grad():
        laterals[0][0].weight.copy_(weights[0])
        laterals[1][0].weight.copy_(weights[1])
        for block in smoothing:
            block[0].weight.copy_(weights[2])
    fine = torch.tensor([[[3.0, 1, 0, 0], [2, 4, 1, 0], [0, 2, 5, 1], [0, 0, 1, 2]],
                         [[1.0, 0, 0, 0], [1, 1, 0, 0], [0, 1, 2, 0], [0, 0, 0, 1]]])  # fmt: skip
    coarse = torch.tensor([[[4.0, 1], [0, 3]], [[1.0, 0], [2, 2]], [[1.0, 2], [0, 1]]])
    return pyramid, fine[None], coarse[None]


FIGURES: dict[str, Callable[[], Figure]] = {
    "fpn": fpn,
    "ways_to_a_pyramid": ways_to_a_pyramid,
    "fpn_top_down": fpn_top_down,
    "fpn_connections": fpn_connections,
    "nearest_upsampling": nearest_upsampling,
    "lateral_connection": lateral_connection,
    "fpn_parts": fpn_parts,
}
