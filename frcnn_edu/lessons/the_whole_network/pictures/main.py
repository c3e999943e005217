"""The whole network on one page: what happens to an image in each of the ten stages."""

from collections.abc import Callable

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle
from torch import Tensor

from frcnn_edu.lessons.stages import frame, show_map, shown, strength
from frcnn_edu.lessons.story import story
from frcnn_edu.model.rpn import concat_box_prediction_layers
from frcnn_edu.viz import style as st
from frcnn_edu.viz.draw import draw_boxes, draw_labels, ratio, show_image
from frcnn_edu.viz.sheet import Page
from frcnn_edu.viz.trace import Trace

from .classes import draw_class_structure
from .one_object import two_chains


def draw_whole_network(way: Trace, classes: tuple[str, ...]) -> Figure:
    """An image's way through the network; every panel shows the tensors that the network really computed."""
    with st.style():
        page = Page(8.5)
        _image_to_pyramid(page, way)
        _pyramid_to_detections(page, way, classes)
    return page.figure


_MAP_WIDTHS = {"0": 1.3, "1": 0.92, "2": 0.64, "3": 0.42, "pool": 0.26}  # inches: smaller upwards, though not by half


def _image_to_pyramid(page: Page, way: Trace) -> None:
    (height, width), (small_height, small_width) = way.image.shape[-2:], way.batch.tensors.shape[-2:]
    wide, scale = 2.3, 2.3 / way.image.shape[-1]
    page.text(0.1, 0.19, "an image", fontsize=9.5, fontweight="bold", va="center_baseline")
    page.text(0.1, 0.35, f"{height}×{width} pixels", color=st.MUTED, fontsize=7.5)
    picture = page.panel(0.1, 0.54, wide, scale * height)
    show_image(picture, way.image)

    y = 0.54 + scale * height + 0.3
    caption = f"normalise, resize, pad to {small_height}×{small_width}"
    _heading(page, 0.1, y, 1, "Transform", st.STAGES["transform"], caption)
    small = page.panel(0.1, y + 0.44, scale * small_width, scale * small_height)
    show_image(small, shown(way.batch))
    frame(small, st.STAGES["transform"])
    page.arrow((0.19, y - 0.25), (0.19, y - 0.05))

    _heading(page, 3.15, 0.1, 2, "Backbone", st.STAGES["backbone"], "C2 … C5: ever coarser, ever richer in meaning")
    _heading(page, 5.75, 0.1, 3, "FPN", st.STAGES["fpn"], "P2 … pool: rich in meaning at every scale")
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
    page.text(x, y + high / 2 + 0.01, f"{rows}×{columns}", fontsize=7.2, color=st.MUTED)


def _pyramid_to_detections(page: Page, way: Trace, classes: tuple[str, ...]) -> None:
    small = shown(way.batch)[:, : way.batch.image_sizes[0][0], : way.batch.image_sizes[0][1]]
    wide, upper, lower = 1.78, 4.86, 7.0  # inches; the tops of the panels in the two rows
    high = wide * ratio(small)
    xs = [0.1 + i * (wide + 0.227) for i in range(4)]

    def heading(number: int, title: str, color: str, caption: str) -> None:
        row, column = divmod(number - 4, 4)
        _heading(page, xs[column], (upper, lower)[row] - 0.48, number, title, color, caption)

    def image_panel(number: int, boxes: Tensor, color: str) -> Axes:
        row, column = divmod(number - 4, 4)
        ax = page.panel(xs[column], (upper, lower)[row], wide, high)
        show_image(ax, small, dim=0.35)
        draw_boxes(ax, boxes, color, linewidth=1.0)
        frame(ax, color)
        return ax

    page.arrow((6.4, 4.03), (6.4, 4.16), (xs[0] + 0.09, 4.16), (xs[0] + 0.09, upper - 0.52))
    number = sum(len(boxes) for boxes in way.anchors)
    heading(4, "Anchors", st.STAGES["anchors"], f"{number} boxes, always the same")
    ax = image_panel(4, way.anchors[2][_of_two_cells(way)], st.ANCHOR)
    x, y = ((way.anchors[2][1::3, :2] + way.anchors[2][1::3, 2:]) / 2).T.tolist()  # the centres of P4's anchors
    ax.scatter(x, y, s=4, color=st.INK, linewidths=0)

    heading(5, "RPN head", st.STAGES["anchors"], "objectness and deltas")
    image_panel(5, likely_anchors(way, 16)[0], st.ANCHOR)

    heading(6, "Proposals", st.STAGES["rpn"], "the best decoded anchors")
    image_panel(6, way.proposals[:16], st.PROPOSAL)

    heading(7, "RoIAlign", st.STAGES["roi_align"], "7×7 features of each")
    tile = (wide - 3 * 0.05) / 4
    rows = max(1, int((high + 0.05) / (tile + 0.05)))
    for index, pooled in enumerate(way.pooled[: 4 * rows]):
        row, column = divmod(index, 4)
        ax = page.panel(xs[3] + column * (tile + 0.05), upper + row * (high - tile) / max(1, rows - 1), tile, tile)
        show_map(ax, strength(pooled[None]), st.STAGES["roi_align"])
    below = upper + high
    turn = below + 0.13
    page.arrow((xs[3] + 0.89, below + 0.05), (xs[3] + 0.89, turn), (xs[0] + 0.09, turn), (xs[0] + 0.09, lower - 0.51))

    heading(8, "Box head", st.STAGES["roi_heads"], "probabilities and deltas")
    _bars(page.panel(xs[0] + 0.72, lower, wide - 0.72, high), way, classes)

    sure = way.detections["scores"] >= 0.5
    heading(9, "Detections", st.STAGES["roi_heads"], "duplicates are removed")
    image_panel(9, way.resized_detections["boxes"][sure], st.DETECTION)

    heading(10, "Postprocess", st.STAGES["transform"], "in the original's pixels")
    ax = page.panel(xs[2], lower, wide, high)
    show_image(ax, way.image)
    boxes, names = way.detections["boxes"][sure], [classes[label] for label in way.detections["labels"][sure]]
    colors = [st.class_color(int(label)) for label in way.detections["labels"][sure]]
    draw_boxes(ax, boxes, colors, linewidth=1.2)
    draw_labels(ax, boxes, names, colors, fontsize=7.2)
    frame(ax, st.STAGES["transform"])

    for y, lefts in ((upper, xs[:3]), (lower, xs[:2])):
        for left in lefts:
            page.arrow((left + wide + 0.03, y + high / 2), (left + wide + 0.2, y + high / 2))
    for row, (number, text) in enumerate(((2, "trained: it has weights"), (1, "fixed: it has no weights"))):
        _chip(page, xs[3] + 0.09, lower + 0.5 + 0.36 * row, number, st.INK, text="")
        page.text(xs[3] + 0.26, lower + 0.5 + 0.36 * row, text, fontsize=7.5, va="center_baseline")


def _of_two_cells(way: Trace) -> list[int]:
    """The indices of the six anchors of two cells of P4."""
    rows, columns = way.objectness[2].shape[-2:]
    cells = [rows // 4 * columns + columns // 4, rows // 2 * columns + 7 * columns // 10]
    return [3 * cell + shape for cell in cells for shape in range(3)]


def _bars(ax: Axes, way: Trace, classes: tuple[str, ...]) -> None:
    """The class probabilities of the most confident proposal."""
    probabilities = way.class_logits.softmax(dim=1)  # (N, K)
    best = probabilities[int(probabilities[:, 1:].amax(dim=1).argmax())]  # (K,)
    ax.barh(range(len(classes)), best.tolist(), color=[st.class_color(label) for label in range(len(classes))])
    ax.set(yticks=range(len(classes)), xlim=(0, 1), xticks=[])
    ax.set_yticklabels(classes, fontsize=7.5)
    ax.tick_params(axis="y", length=0)
    ax.invert_yaxis()
    ax.grid(False)
    frame(ax, st.STAGES["roi_heads"])


#: The stages that have weights.
LEARNT = (2, 3, 5, 8)


def _heading(page: Page, x: float, y: float, number: int, title: str, color: str, caption: str) -> None:
    """A stage's number with its name, and a few words underneath; the chip of a stage without weights is hollow."""
    _chip(page, x + 0.09, y + 0.09, number, color, text=str(number))
    page.text(x + 0.26, y + 0.09, title, fontsize=9.5, fontweight="bold", va="center_baseline")
    page.text(x, y + 0.25, caption, color=st.MUTED, fontsize=7.5)


def _chip(page: Page, x: float, y: float, number: int, color: str, text: str) -> None:
    face = color if number in LEARNT else st.PAPER
    page.sheet.add_patch(Circle((x, y), 0.1, facecolor=face, edgecolor=color, linewidth=1.6))
    page.text(
        x, y, text, ha="center", va="center_baseline", fontsize=7.5, fontweight="bold",
        color=st.text_color(color) if number in LEARNT else st.INK,
    )  # fmt: skip


def likely_anchors(way: Trace, number: int) -> tuple[Tensor, Tensor]:
    """The `number` anchors with the highest objectness of all levels (number, 4), and their logits, best first."""
    logits = concat_box_prediction_layers(way.objectness, way.deltas)[0].flatten()
    best = logits.topk(min(number, len(logits)))
    return torch.cat(way.anchors)[best.indices], best.values


# ------------------------------------------------------------------------------------------------------------- figures


def whole_network() -> Figure:
    """The course's image on its way through the shipped model."""
    return draw_whole_network(story().trace, story().classes)


def class_structure() -> Figure:
    """What inherits from what, and what each part is made of."""
    return draw_class_structure(story().model)


def our_cross() -> Figure:
    """The two chains of the course's object."""
    return two_chains(story())


FIGURES: dict[str, Callable[[], Figure]] = {"whole_network": whole_network, "class_structure": class_structure}
