"""The words of a figure in the reader's language, in a font that has their characters."""

import os
from functools import cache
from pathlib import Path

from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, fontManager
from matplotlib.text import Text

from ..words import COLLECT, ENGLISH, folder, language, words

FONTS = "font-*.otf"  # in the folder of a language: its regular and its bold font


def put_in_language(figure: Figure) -> None:
    """Replace the words of a figure by those of the reader's language; in English nothing changes."""
    if language() == ENGLISH and COLLECT not in os.environ:
        return
    more = fonts()
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            _put_ticks_in_language(axis)
    for text in figure.findobj(Text):
        text.set_text(words(text.get_text()))
        if more and not text.get_text().isascii():  # each character is taken from the first font that has it
            text.set_fontfamily(list(dict.fromkeys([*text.get_fontfamily(), *more])))


def _put_ticks_in_language(axis: Axis) -> None:
    """Replace the labels of an axis, which it writes anew when it is drawn."""
    labels = [label.get_text() for label in axis.get_ticklabels()]
    shown = [words(label) for label in labels]
    if shown != labels:
        axis.set_ticks(axis.get_ticklocs(), labels=shown)


def fonts() -> list[str]:
    """The names of the fonts that the reader's language needs besides that of all figures."""
    return _fonts(language())


@cache
def _fonts(chosen: str) -> list[str]:
    names = []
    for file in sorted((folder() / chosen).glob(FONTS)):
        fontManager.addfont(Path(file))  # from now on, matplotlib knows it
        names.append(FontProperties(fname=str(file)).get_name())
    return list(dict.fromkeys(names))
