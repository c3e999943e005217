"""A scene on paper: what `board.js` draws on a canvas, drawn by matplotlib."""

import re
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.figure import Figure

from frcnn_edu.viz import style as st
from frcnn_edu.viz.draw import draw_boxes

from .formula import Line, Piece, Table, text
from .scene import WIDTH, Boxes, Grid, Handle, Layer, Lines, Panel, Picture, Points, Scene, Words

INCH = 100.0  # units per inch
POINT = 0.72  # points per unit
NAME = 18.0  # units: the height of the name of a box
WIDE = re.compile(r"[\u2e80-\u9fff\uff00-\uffef]")
# A word, or a Chinese character with the marks that may not begin a line; and the space before it.
PARTS = re.compile(r"(\s*)((?:[^\s\u2e80-\u9fff\uff00-\uffef]+|[\u2e80-\u9fff\uff00-\uffef])[，。、；：！？）”]*)")
MARKERS = {"dot": "o", "ring": "o", "cross": "x", "square": "s"}


def paint(scene: Scene) -> Figure:
    """The scene, its formula and its sentence on one page."""
    lines = [row for line in scene.formula for row in _rows(line)]
    words = _wrapped(text(scene.words), 114)
    height = scene.height + 12 + 20 * len(lines) + 17 * len(words)
    with st.style():
        figure = Figure(figsize=(WIDTH / INCH, height / INCH))
        for panel in scene.panels:
            _paint_panel(figure, height, panel, [handle for handle in scene.handles if handle.panel == panel.name])
        y = scene.height + 8
        for line, family, size in lines:
            figure.text(10 / WIDTH, 1 - (y + 15) / height, line, fontsize=size, family=family)
            y += 20
        for line in words:
            figure.text(10 / WIDTH, 1 - (y + 13) / height, line, fontsize=9)
            y += 17
    return figure


def _rows(line: Line) -> list[tuple[str, str, float]]:
    """A line of the formula, wrapped to the page, with its font and size; a table's rows in columns."""
    table = any(isinstance(piece, Table) for piece in ([line] if isinstance(line, Piece) else line))
    if table:
        return [(row, "DejaVu Sans Mono", 8.5) for row in text(line).split("\n")]
    return [(row, "DejaVu Serif", 10) for row in _wrapped(text(line), 112)]


def _wrapped(words: str, width: int) -> list[str]:
    """Lines of at most `width` letters; a Chinese character is two letters wide, and a line may end after it."""
    lines, room = [""], width
    for space, part in PARTS.findall(words.strip()):
        wide = len(part) + len(WIDE.findall(part))
        if len(space) + wide > room:
            lines.append("")
            room, space = width, ""
        lines[-1] += space + part
        room -= len(space) + wide
    return lines if lines[0] else []


def _paint_panel(figure: Figure, height: float, panel: Panel, handles: list[Handle]) -> None:
    x, y, w, h = panel.place
    ax = figure.add_axes((x / WIDTH, 1 - (y + h) / height, w / WIDTH, h / height))
    left, top, right, bottom = panel.view
    ax.set(xlim=(left, right), ylim=(bottom, top), xticks=[], yticks=[])
    ax.grid(False)
    _paint_axes(ax, panel)
    for order, layer in enumerate(panel.layers):
        _paint_layer(ax, layer, 1 + 0.01 * order)
    for handle in handles:
        _paint_handle(ax, handle, panel)
    ax.set_title(panel.title, fontsize=12.5 * POINT, pad=5 * POINT)
    below = 6 + (30 if panel.x_axis and panel.x_axis.label else 16 if panel.x_axis and panel.x_axis.ticks else 0)
    look: dict[str, Any] = {"va": "top", "fontsize": 11 * POINT, "color": st.MUTED, "linespacing": 1.25}
    ax.text(0, -below / h, panel.caption, transform=ax.transAxes, **look)


def _paint_axes(ax: Axes, panel: Panel) -> None:
    shown = panel.frame is not None
    for side in ("top", "right", "bottom", "left"):
        has_axis = (panel.x_axis or panel.y_axis) and side in ("bottom", "left")
        ax.spines[side].set_visible(bool(shown or has_axis))
        if panel.frame:
            ax.spines[side].set(color=panel.frame, linewidth=2.4 * POINT, zorder=5)
    for axis, spec in ((ax.xaxis, panel.x_axis), (ax.yaxis, panel.y_axis)):
        if spec:
            axis.set_ticks(list(spec.ticks), labels=list(spec.texts), fontsize=10.5 * POINT)
            axis.set_label_text(spec.label, fontsize=10.5 * POINT)
            axis.labelpad = 2
            axis.set_tick_params(length=0, pad=3)
            axis.grid(spec.grid)


def _paint_layer(ax: Axes, layer: Layer, zorder: float) -> None:
    match layer:
        case Picture():
            x1, y1, x2, y2 = layer.extent
            kind = "antialiased" if layer.smooth else "nearest"
            limits = ax.get_xlim(), ax.get_ylim()
            ax.imshow(layer.pixels.numpy(), extent=(x1, x2, y2, y1), interpolation=kind, aspect="auto", zorder=zorder)
            ax.set(xlim=limits[0], ylim=limits[1])
        case Boxes():
            _paint_boxes(ax, layer, zorder)
        case Points():
            open_ = layer.shape in ("ring", "cross")
            size = (2 * layer.radius * POINT) ** 2
            look: dict[str, Any] = {"marker": MARKERS[layer.shape], "s": size, "alpha": layer.alpha, "zorder": zorder}
            if layer.shape == "ring":
                look |= {"facecolors": "none", "edgecolors": layer.color}
            elif layer.shape == "cross":
                look |= {"color": layer.color}
            else:
                look |= {"color": layer.color, "edgecolors": st.text_color(layer.color) if layer.halo else "none"}
            ax.scatter(*layer.points.cpu().T.numpy(), linewidths=1.8 * POINT if open_ else 0.7 * POINT, **look)
        case Lines():
            paths = list(layer.points.cpu().numpy())
            look = {"colors": layer.color, "linewidths": layer.width * POINT, "alpha": layer.alpha, "zorder": zorder}
            ax.add_collection(
                LineCollection(paths, linestyles=(0, (3, 3)) if layer.dashed else "solid", **look), autolim=False
            )
            for path in paths if layer.arrow else []:
                arrow = {"arrowstyle": "-|>", "color": layer.color, "linewidth": 0, "shrinkA": 0, "shrinkB": 0}
                arrow["mutation_scale"] = (4 + 2.2 * layer.width) * 1.2 * POINT
                ax.annotate("", path[-1], path[-2], arrowprops=arrow, zorder=zorder)
        case Grid():
            x1, y1, x2, y2 = layer.extent
            lines = [[(x, y1), (x, y2)] for x in np.linspace(x1, x2, layer.columns + 1)]
            lines += [[(x1, y), (x2, y)] for y in np.linspace(y1, y2, layer.rows + 1)]
            look = {"colors": layer.color, "linewidths": layer.width * POINT, "alpha": layer.alpha, "zorder": zorder}
            ax.add_collection(LineCollection(lines, **look), autolim=False)
        case Words():
            for (x, y), words in zip(layer.points.tolist(), layer.texts, strict=True):
                look = {
                    "fontsize": layer.size * POINT,
                    "fontweight": "bold" if layer.bold else "normal",
                    "clip_on": True,
                }
                if layer.chip:
                    look["bbox"] = {"boxstyle": "square,pad=0.2", "facecolor": layer.chip, "edgecolor": "none"}
                va = {"top": "top", "middle": "center_baseline", "bottom": "bottom"}[layer.y]
                color = st.text_color(layer.chip) if layer.chip else layer.color
                ax.text(x, y, words, ha=layer.x, va=va, color=color, zorder=zorder, **look)


def _paint_boxes(ax: Axes, layer: Boxes, zorder: float) -> None:
    if layer.fill:
        x1, y1, x2, y2 = layer.boxes.cpu().numpy().T
        corners = np.stack([x1, y1, x2, y1, x2, y2, x1, y2], axis=1).reshape(-1, 4, 2)
        look: dict[str, Any] = {"facecolors": layer.color, "alpha": layer.alpha * layer.fill, "edgecolors": "none"}
        ax.add_collection(PolyCollection(list(corners), zorder=zorder, **look), autolim=False)
    if layer.width:
        before = len(ax.collections)
        look = {"linewidth": layer.width * POINT, "alpha": layer.alpha, "halo": layer.halo}
        draw_boxes(ax, layer.boxes, layer.color, dashes=st.DASHES if layer.dashed else None, **look)
        for collection in ax.collections[before:]:
            collection.set_zorder(zorder)


def _paint_handle(ax: Axes, handle: Handle, panel: Panel) -> None:
    look: dict[str, Any] = {"linewidth": 2.5 * POINT, "dashes": st.DASHES if handle.dashed else None}
    before = len(ax.collections)
    draw_boxes(ax, handle.box[None], handle.color, **look)
    for collection in ax.collections[before:]:
        collection.set_zorder(3)
    x1, y1, x2, y2 = handle.box.tolist()
    if handle.resizable:
        corners = ([x1, x2, x1, x2], [y1, y1, y2, y2])
        look = {"marker": "s", "s": (8 * POINT) ** 2, "color": st.PAPER, "edgecolors": handle.color}
        ax.scatter(*corners, linewidths=2 * POINT, zorder=3.1, **look)
    (_, top, _, bottom), unit = panel.view, panel.place[3]
    above = (y1 - top) / (bottom - top) * unit - handle.lift  # room for its name, in units
    words: dict[str, Any] = {
        "fontsize": 11 * POINT,
        "fontweight": "bold",
        "xytext": (2, 9 + handle.lift * POINT) if above >= NAME else (7, -16),
        "textcoords": "offset points",
    }
    box = {"boxstyle": "square,pad=0.15", "facecolor": (1, 1, 1, 0.88), "edgecolor": "none"}
    ax.annotate(handle.label, (x1, min(y1, y2)), bbox=box, clip_on=True, zorder=3.2, **words)
