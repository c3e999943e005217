"""The fonts in which figures draw the words of a language: those of a free font, reduced to the characters that are needed.

    python -m frcnn_edu.languages.font zh_CN NotoSansCJK-Regular.ttc NotoSansCJK-Bold.ttc

reads two font files (of a collection, the font for Simplified Chinese) and writes `font-regular.otf` and `font-bold.otf` into the
folder of the language. They have names of their own, so that they never stand for a font of the same name on a reader's computer.
"""

import sys
from pathlib import Path

import matplotlib
from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTCollection, TTFont

from ..words import catalogue, folder

STYLES = ("regular", "bold")
WANTED = "Noto Sans CJK SC"  # of a collection
NAMES = {
    1: "frcnn_edu {language}",
    4: "frcnn_edu {language} {style}",
    6: "frcnn_edu-{language}-{style}",
}  # of a font's name table
NO_NAMES = (3, 5, 16, 17, 21, 22, 25)  # of the font before it was reduced; its copyright and licence stay


def missing_characters(language: str, known: set[int]) -> set[int]:
    """The characters of a language's words that are in no font: not among `known`, and not in that of all figures."""
    usual = Path(matplotlib.get_data_path(), "fonts", "ttf", "DejaVuSans.ttf")
    with TTFont(usual) as font:
        everywhere = set(font.getBestCmap())
    used = {ord(character) for text in catalogue(language).values() for character in text if character.isprintable()}
    return used - everywhere - known


def characters_of(file: Path) -> set[int]:
    """The characters that a font has."""
    with TTFont(file) as font:
        return set(font.getBestCmap())


def reduced(file: Path, characters: set[int], language: str, style: str) -> TTFont:
    """A font that has only these characters, and a name of its own.

    Raises:
        ValueError: it lacks one of them.
    """
    font = _read(file)
    if lacking := characters - set(font.getBestCmap()):
        raise ValueError(f"{file} has no {''.join(map(chr, sorted(lacking)))}")
    options = Options(layout_features=[], hinting=False, name_IDs=["*"], notdef_outline=True)
    subsetter = Subsetter(options)
    subsetter.populate(unicodes=characters)
    subsetter.subset(font)
    for number in NO_NAMES:
        font["name"].removeNames(nameID=number)
    for number, pattern in NAMES.items():
        font["name"].removeNames(nameID=number)
        font["name"].setName(pattern.format(language=language, style=style), number, 3, 1, 0x409)
    font["head"].modified = font["head"].created  # the same file every time
    font.recalcTimestamp = False
    return font


def _read(file: Path) -> TTFont:
    if file.suffix != ".ttc":
        return TTFont(file)
    return next(font for font in TTCollection(file).fonts if font["name"].getDebugName(1) == WANTED)


def main(language: str, *files: str) -> None:
    """Write the fonts of a language from the files of a regular and a bold font."""
    needed = missing_characters(language, set())
    for style, file in zip(STYLES, files, strict=True):
        place = folder() / language / f"font-{style}.otf"
        reduced(Path(file), needed, language, style).save(place)
        print(f"{place}: {len(needed)} characters, {place.stat().st_size} bytes")


if __name__ == "__main__":
    main(*sys.argv[1:])
