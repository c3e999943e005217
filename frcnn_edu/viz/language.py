"""The words of a figure in the reader's language, in a font that has their characters."""

from functools import cache
from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, fontManager
from matplotlib.text import Text

from ..words import folder, language, words

FONTS = "font-*.otf"  # in the folder of a language: its regular and its bold font


def put_in_language(figure: Figure) -> None:
    """Replace the words of a figure by those of the reader's language; in English nothing changes."""
    fonts = _fonts(language())
    for text in figure.findobj(Text):
        text.set_text(words(text.get_text()))
        if fonts and not text.get_text().isascii():  # each character is taken from the first font that has it
            text.set_fontfamily(list(dict.fromkeys([*text.get_fontfamily(), *fonts])))


@cache
def _fonts(chosen: str) -> list[str]:
    """The names of the fonts of a language, which matplotlib knows from now on."""
    names = []
    for file in sorted((folder() / chosen).glob(FONTS)):
        fontManager.addfont(Path(file))
        names.append(FontProperties(fname=str(file)).get_name())
    return list(dict.fromkeys(names))
