"""Pictures and explorers in another language: every word is translated, and every character can be drawn."""

import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from frcnn_edu.languages.font import STYLES, characters_of, missing_characters
from frcnn_edu.lessons import explore, figures
from frcnn_edu.lessons.board.board import LABELS
from frcnn_edu.viz import style as st
from frcnn_edu.viz.output import figure_to_png
from frcnn_edu.viz.text_sizes import smallest_word
from frcnn_edu.words import catalogue, folder, languages, speaking, units

pytestmark = pytest.mark.slow
DPI = 100  # of the pictures that are only looked at for their words
DRAWN = sorted(set(figures.FIGURES) - {"shapes_examples"})


def unknown(texts: Iterator[str], language: str) -> list[str]:
    """The messages of some texts that are in no catalogue."""
    return sorted({unit for text in texts for unit in units(text) if unit not in catalogue(language)})


def texts_of(explorer: Any) -> Iterator[str]:
    yield from (explorer.title, explorer.board.problem, *(words for words, _ in explorer.prompts))
    yield from (control.description for control in explorer.controls.values())
    for control in explorer.controls.values():
        yield from (str(label) for label, _ in getattr(control, "_options_full", ()))
    for panel in explorer.scene.panels:
        yield from (panel.title, panel.caption, panel.alt)
        for axis in (panel.x_axis, panel.y_axis):
            yield from (axis.label, *axis.texts) if axis else ()
        for layer in panel.layers:
            yield from getattr(layer, "texts", ())
    yield from (handle.label for handle in explorer.scene.handles)
    yield from (piece for piece in explorer.scene.words if isinstance(piece, str))


@pytest.mark.parametrize("language", languages())
@pytest.mark.parametrize("name", explore.EXPLORERS)
def test_every_word_of_an_explorer_is_translated(name: str, language: str) -> None:
    explorer = explore.EXPLORERS[name]()
    texts = [*texts_of(explorer)]
    for index in range(len(explorer.prompts)):
        explorer.try_prompt(index)
        texts += texts_of(explorer)
    assert unknown(iter(texts), language) == []
    assert set(LABELS) <= set(catalogue(language))


@pytest.mark.parametrize("language", languages())
@pytest.mark.parametrize("name", DRAWN)
def test_a_figure_is_drawn_in_the_language_without_missing_characters(name: str, language: str) -> None:
    figure = figures.FIGURES[name]()
    assert unknown((text.get_text() for text in figure.findobj(Text)), language) == []
    with speaking(language), warnings.catch_warnings():
        warnings.filterwarnings("error", message="Glyph .* missing")
        figure_to_png(figure, dpi=DPI)
        assert (smallest_word(figure) or 10) >= 10
        assert outside(figure) == []


def outside(figure: Figure) -> list[str]:
    """The words of a figure that reach beyond its edges. (Numbers of axes that are not shown may be anywhere.)"""
    with st.style():
        FigureCanvasAgg(figure).draw()
        shown = [text for text in figure.findobj(Text) if re.search(r"^[^$]*[A-Za-z\u4e00-\u9fff]{2}", text.get_text())]
        boxes = [(text, text.get_window_extent()) for text in shown if text.axes is None or not text.get_clip_on()]
    right, top = figure.bbox.width + 1, figure.bbox.height + 1
    return [text.get_text() for text, box in boxes if min(box.x0, box.y0) < -1 or box.x1 > right or box.y1 > top]


@pytest.mark.parametrize("language", languages())
def test_the_fonts_have_every_character(language: str) -> None:
    for style in STYLES:
        file = folder() / language / f"font-{style}.otf"
        assert missing_characters(language, characters_of(file)) == set()
        assert file.stat().st_size < 400_000


def test_an_unknown_character_is_seen(tmp_path: Path) -> None:
    figure = Figure()
    figure.text(0.5, 0.5, "\u9f98")
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message="Glyph .* missing")
        with pytest.raises(UserWarning, match="missing"):
            figure_to_png(figure)
