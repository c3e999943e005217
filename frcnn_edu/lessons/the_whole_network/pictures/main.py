"""The whole network on one page: what happens to an image, and which class does it."""

import copy
import inspect
import textwrap
from collections.abc import Callable
from pathlib import Path

import torch
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch, Rectangle
from torch import Tensor, nn

from frcnn_edu.lessons.stages import frame, show_map, shown, strength
from frcnn_edu.lessons.story import story
from frcnn_edu.model import FasterRCNN
from frcnn_edu.model.fast import run_as
from frcnn_edu.model.rpn import concat_box_prediction_layers
from frcnn_edu.viz import style as st
from frcnn_edu.viz.draw import WIDTH, draw_boxes, draw_detections, ratio, show_image
from frcnn_edu.viz.sheet import Page
from frcnn_edu.viz.trace import Trace


def draw_whole_network(way: Trace, classes: tuple[str, ...]) -> Figure:
    """An image's way through the network, every panel from the tensors that were really there."""
    with st.style():
        page = Page(6.3)
        _image_to_pyramid(page, way)
        _pyramid_to_detections(page, way, classes)
    return page.figure


_MAP_WIDTHS = {"0": 1.3, "1": 0.92, "2": 0.64, "3": 0.42, "pool": 0.26}  # inches: smaller upwards, though not by half


def _image_to_pyramid(page: Page, way: Trace) -> None:
    (height, width), (small_height, small_width) = way.image.shape[-2:], way.batch.tensors.shape[-2:]
    wide, scale = 2.3, 2.3 / way.image.shape[-1]
    page.heading(0.1, 0.1, 1, "image", st.INK, f"{height}×{width} pixels")
    picture = page.panel(0.1, 0.54, wide, scale * height)
    show_image(picture, way.image)

    y = 0.54 + scale * height + 0.3
    page.heading(
        0.1, y, 2, "transform", st.STAGES["transform"], f"normalise, resize, pad to {small_height}×{small_width}"
    )
    small = page.panel(0.1, y + 0.44, scale * small_width, scale * small_height)
    show_image(small, shown(way.batch))
    frame(small, st.STAGES["transform"])
    page.arrow((0.19, y - 0.25), (0.19, y - 0.05))

    page.heading(3.15, 0.1, 3, "backbone", st.STAGES["backbone"], "C2 … C5: coarser, but more telling")
    page.heading(5.75, 0.1, 4, "feature pyramid", st.STAGES["fpn"], "P2 … P5, pool: telling at every size")
    bottom, gap = y + 0.44 + scale * small_height, 0.14
    left, right = 3.8, 6.4  # middles of the two columns
    for key, map_wide in _MAP_WIDTHS.items():
        high = map_wide * ratio(way.pyramid["0"])
        top, middle = bottom - high, bottom - high / 2
        if key in way.bottom_up:
            _map(page, way.bottom_up[key], left, top, map_wide, high, "C" + st.LEVEL_NAMES[key][1], key)
            page.arrow((left + map_wide / 2 + 0.45, middle), (right - map_wide / 2 - 0.06, middle), width=1.0, head=7)
        _map(page, way.pyramid[key], right, top, map_wide, high, st.LEVEL_NAMES[key], key)
        if key != "pool":  # bottom-up on the left, top-down on the right; pool is taken from P5
            lower, upper = top - 0.01, top - gap + 0.01
            if key == "3":
                page.arrow((right, lower), (right, upper), width=1.0, head=5)
            else:
                page.arrow((left, lower), (left, upper), width=1.0, head=5)
                page.arrow((right, upper), (right, lower), width=1.0, head=5)
        bottom = top - gap
    first = y + 0.44 + scale * small_height - 0.65 * ratio(way.pyramid["0"])
    page.arrow((0.1 + scale * small_width + 0.07, first), (left - 0.65 - 0.07, first))


def _map(page: Page, features: Tensor, middle: float, y: float, wide: float, high: float, name: str, key: str) -> None:
    ax = page.panel(middle - wide / 2, y, wide, high)
    show_map(ax, strength(features), st.level_color(key))
    ax.set_aspect("auto")  # pool has 2×3 cells where P2 has 32×40
    x, rows, columns = middle + wide / 2 + 0.06, *features.shape[-2:]
    page.text(x, y + high / 2, name, fontsize=7.5, va="bottom", fontweight="bold")
    page.text(x, y + high / 2 + 0.01, f"{rows}×{columns}", fontsize=6.5, color=st.MUTED)


def _pyramid_to_detections(page: Page, way: Trace, classes: tuple[str, ...]) -> None:
    small = shown(way.batch)[:, : way.batch.image_sizes[0][0], : way.batch.image_sizes[0][1]]
    wide, y = 1.78, 4.86
    high = wide * ratio(small)
    xs = [0.1 + i * (wide + 0.227) for i in range(4)]
    number = sum(len(boxes) for boxes in way.anchors)
    page.arrow((6.4, 4.03), (6.4, 4.16), (xs[0] + 0.09, 4.16), (xs[0] + 0.09, 4.34))

    page.heading(xs[0], 4.38, 5, "RPN: anchors", st.STAGES["anchors"], f"where, among {number} boxes?")
    ax = page.panel(xs[0], y, wide, high)
    show_image(ax, small, dim=0.35)
    likely, _ = likely_anchors(way, 24)
    draw_boxes(ax, likely, st.ANCHOR, linewidth=1.0)
    frame(ax, st.STAGES["anchors"])

    page.heading(xs[1], 4.38, 6, "RPN: proposals", st.STAGES["rpn"], "moved to fit, best kept")
    ax = page.panel(xs[1], y, wide, high)
    show_image(ax, small, dim=0.35)
    draw_boxes(ax, way.proposals[:20], st.PROPOSAL, linewidth=1.0)
    frame(ax, st.STAGES["rpn"])

    page.heading(xs[2], 4.38, 7, "RoIAlign", st.STAGES["roi_align"], "7×7 features for each")
    tile = (wide - 3 * 0.05) / 4
    rows = max(1, int((high + 0.05) / (tile + 0.05)))
    for index, pooled in enumerate(way.pooled[: 4 * rows]):
        row, column = divmod(index, 4)
        ax = page.panel(xs[2] + column * (tile + 0.05), y + row * (high - tile) / max(1, rows - 1), tile, tile)
        show_map(ax, strength(pooled[None]), st.STAGES["roi_align"])

    page.heading(xs[3], 4.38, 8, "detections", st.STAGES["roi_heads"], "what is it, where exactly?")
    ax = page.panel(xs[3], y, wide, high)
    found = way.detections
    sure = found["scores"] >= 0.5
    draw_detections(way.image, found["boxes"][sure], found["labels"][sure], classes=classes, ax=ax)
    frame(ax, st.STAGES["roi_heads"])
    for left in xs[:3]:
        page.arrow((left + wide + 0.03, y + high / 2), (left + wide + 0.2, y + high / 2))


def likely_anchors(way: Trace, number: int) -> tuple[Tensor, Tensor]:
    """The `number` anchors with the highest objectness of all levels (number, 4), and their logits, best first."""
    logits = concat_box_prediction_layers(way.objectness, way.deltas)[0].flatten()
    best = logits.topk(min(number, len(logits)))
    return torch.cat(way.anchors)[best.indices], best.values


# ------------------------------------------------------------------------------------------------------ class structure


OURS = __name__.partition(".")[0]  # this package


def draw_class_structure(model: FasterRCNN) -> Figure:
    """Which class inherits from which, and what each of the four parts is made of, read off a real model's textbook."""
    model = run_as(copy.deepcopy(model), "textbook")  # type: ignore[assignment]
    with st.style():
        page = Page(5.6)
        # torchvision's classes of these names are in between, for `isinstance` alone: nothing of them runs.
        ours = [cls for cls in type(model).__mro__ if cls.__module__.startswith(OURS)]
        family = [*ours, nn.Module]
        wide, gap = 2.2, 0.6
        left = (WIDTH - len(family) * wide - (len(family) - 1) * gap) / 2
        for index, cls in enumerate(family):
            x = left + index * (wide + gap)
            _card(page, x, 0.25, wide, 0.78, st.INK, "nn.Module" if cls is nn.Module else cls.__name__, _adds(cls))
            if index:
                page.text(x - gap / 2, 0.45, "is a", ha="center", color=st.MUTED, fontsize=8)
                page.arrow((x - gap + 0.05, 0.68), (x - 0.06, 0.68))

        parts = list(model.named_children())
        wide, gap = 1.86, 0.12
        for index, (name, part) in enumerate(parts):
            x = gap + index * (wide + gap)
            color = st.STAGES[name]
            center = x + wide / 2
            page.arrow((left + wide / 2, 1.05), (left + wide / 2, 1.3), (center, 1.3), (center, 1.5))
            inside = _inside(part)
            _card(page, x, 1.53, wide, 1.52 + 0.405 * len(inside), color, name, "")
            page.text(x + 0.1, 1.83, type(part).__name__, fontsize=7.6, fontweight="bold")
            page.text(x + 0.1, 2.02, _where(type(part)), fontsize=7, color=st.MUTED)
            page.text(x + 0.1, 2.24, textwrap.fill(_purpose(type(part)), 29), fontsize=7.4, linespacing=1.25)
            for row, (attribute, value) in enumerate(inside):
                _small_card(page, x + 0.07, 2.98 + row * 0.405, wide - 0.14, attribute, value, color)
        page.text(gap + 0.04, 5.2, "thick frame: has weights\nthin frame: has none", fontsize=7.4, color=st.MUTED)
    return page.figure


def _card(page: Page, x: float, y: float, wide: float, high: float, color: str, title: str, text: str) -> None:
    page.sheet.add_patch(
        FancyBboxPatch(
            (x, y),
            wide,
            high,
            boxstyle="round,pad=0,rounding_size=0.06",
            facecolor="#f6f8fa",
            edgecolor=color,
            linewidth=1.4,
        )
    )
    page.sheet.add_patch(Rectangle((x, y), wide, 0.25, facecolor=color, edgecolor="none"))
    page.text(
        x + 0.1, y + 0.13, title, fontweight="bold", fontsize=9.5, va="center_baseline", color=st.text_color(color)
    )
    page.text(x + 0.1, y + 0.33, text, fontsize=7.6, linespacing=1.3)


def _small_card(page: Page, x: float, y: float, wide: float, attribute: str, value: object, color: str) -> None:
    has_weights = isinstance(value, nn.Module) and any(True for _ in value.parameters())
    page.sheet.add_patch(
        Rectangle((x, y), wide, 0.36, facecolor=st.PAPER, edgecolor=color, linewidth=1.6 if has_weights else 0.6)
    )
    page.text(x + 0.06, y + 0.045, attribute, fontsize=7.2, fontweight="bold")
    page.text(x + 0.06, y + 0.2, type(value).__name__, fontsize=6.6, color=st.INK)


def _inside(part: nn.Module) -> list[tuple[str, object]]:
    """The attributes of a part that are modules or objects of this package, modules first."""
    package = __name__.split(".")[0]
    helpers = [(n, v) for n, v in vars(part).items() if type(v).__module__.split(".")[0] == package]
    return [*part.named_children(), *helpers]


def _where(cls: type) -> str:
    return f"{Path(inspect.getfile(cls)).parent.name}/{Path(inspect.getfile(cls)).name}"


def _purpose(cls: type) -> str:
    """The first sentence of the docstring of the file that defines a class."""
    text = (inspect.getmodule(cls).__doc__ or "").replace("\n", " ")
    return text.split(". ")[0].rstrip(". ")


def _adds(cls: type) -> str:
    """What a class defines itself, in one or two lines."""
    if cls is nn.Module:
        return "PyTorch's: parameters,\nstate_dict, train and eval"
    methods = [
        n for n, value in vars(cls).items() if inspect.isfunction(value) and (n == "__init__" or not n.startswith("_"))
    ]
    return f"{_where(cls)}\ndefines {', '.join(methods)}"


# ------------------------------------------------------------------------------------------------------------- figures


def whole_network() -> Figure:
    """The course's image on its way through the shipped model."""
    return draw_whole_network(story().trace, story().classes)


def class_structure() -> Figure:
    """What inherits from what, and what each part is made of."""
    return draw_class_structure(story().model)


FIGURES: dict[str, Callable[[], Figure]] = {"whole_network": whole_network, "class_structure": class_structure}
