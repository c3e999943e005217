"""What latex2mathml would print, drop or set wrongly without a word is found here, and ends the build."""

import re
from xml.etree.ElementTree import Element

from latex2mathml.commands import LOCAL_FONTS, MATRICES

from .math_font import CHARACTERS

#: How many children an element has; with fewer, something was missing in the formula.
CHILDREN = {
    **dict.fromkeys(("mfrac", "msub", "msup", "munder", "mover", "mroot"), 2),
    **dict.fromkeys(("msubsup", "munderover"), 3),
}


def check_latex(latex: str) -> None:
    """Raises `ValueError` for what leaves no trace in the tree: unknown environments and fonts, and a brace without its other."""
    for name in re.findall(r"\\begin\s*\{([^}]*)\}", latex):
        if f"\\{name}" not in MATRICES:
            raise ValueError(f"the environment {name} is not known")
    for command in re.findall(r"\\math[a-z]+(?=\s*\{)", latex):
        if command not in LOCAL_FONTS:
            raise ValueError(f"the command {command} is not known")
    braces = re.sub(r"\\[{}]", "", latex)
    if braces.count("{") != braces.count("}"):
        raise ValueError("a brace has no other")


def check_tree(tree: Element) -> None:
    """Raises `ValueError` for what was not understood, or would not be drawn as it is meant."""
    for element in tree.iter():
        text = element.text or ""
        if "\\" in text or (element.tag == "mi" and text in ("}", "{", "&", "$")):
            raise ValueError(f"the command {text} is not known here")
        if len(element) != CHILDREN.get(element.tag, len(element)):
            raise ValueError(f"an <{element.tag}> lacks a part")
        if element.get("mathvariant", "normal") not in ("normal", "italic"):
            raise ValueError(f"browsers do not know the style {element.get('mathvariant')}")
        for character in text if element.tag != "mtext" else "":
            if not any(first <= ord(character) <= last for first, last in CHARACTERS):
                raise ValueError(f"the formulas' font has no {character}; math_font.py lists what it has")
