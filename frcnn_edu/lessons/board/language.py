"""A scene in the reader's language."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from frcnn_edu.words import ENGLISH, language, words

from .formula import Frac, Line, Piece, Root, Sub, Table, Term
from .scene import Axis, Boxes, Layer, Panel, Points, Scene, Words


def in_language(scene: Scene) -> Scene:
    """The scene with everything that is written in it in the reader's language."""
    return replace(
        scene,
        panels=[_panel(panel) for panel in scene.panels],
        formula=[_line(line) for line in scene.formula],
        words=_line(scene.words),
        handles=[replace(handle, label=words(handle.label)) for handle in scene.handles],
    )


def control_in_language(control: Any) -> Any:
    """An ipywidget whose description and options are in the reader's language; the same one."""
    control.description = words(control.description)
    if hasattr(control, "_options_full"):
        options = [(words(label), one) for label, one in control._options_full]
        if language() != ENGLISH:  # setting them chooses the first
            value = control.value
            control.options = options
            control.value = value
    return control


def _panel(panel: Panel) -> Panel:
    return replace(
        panel,
        title=words(panel.title),
        caption=words(panel.caption),
        alt=words(panel.alt),
        layers=[_layer(layer) for layer in panel.layers],
        x_axis=_axis(panel.x_axis),
        y_axis=_axis(panel.y_axis),
    )


def _axis(axis: Axis | None) -> Axis | None:
    return None if axis is None else replace(axis, label=words(axis.label), texts=[words(text) for text in axis.texts])


def _layer(layer: Layer) -> Layer:
    if isinstance(layer, Words):
        return replace(layer, texts=[words(text) for text in layer.texts])
    if not isinstance(layer, Boxes | Points) or not layer.values:
        return layer
    return replace(layer, values={words(name): column for name, column in layer.values.items()})


def _line(line: Line) -> Sequence[Piece]:
    """A line of a formula or the sentences below it, piece by piece; neighbouring strings are one text."""
    joined: list[Piece] = []
    for piece in [line] if isinstance(line, Piece) else line:
        if isinstance(piece, str) and joined and isinstance(joined[-1], str):
            joined[-1] += piece
        else:
            joined.append(piece)
    return [_piece(piece) for piece in joined]


def _piece(piece: Piece) -> Piece:
    match piece:
        case str():
            return words(piece)
        case Term():
            return replace(piece, text=words(piece.text))
        case Frac():
            return Frac(_line(piece.top), _line(piece.bottom))
        case Root():
            return Root(_line(piece.inside))
        case Sub():
            return Sub(piece.text, words(piece.index))
        case Table():
            return Table([[_line(cell) for cell in row] for row in piece.rows])
