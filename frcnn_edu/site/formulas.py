"""Formulas: LaTeX to MathML, which browsers draw by themselves, with the spaces and signs that LaTeX would give them.

latex2mathml makes the tree. It knows what each sign is, but not its role: that a minus has nothing before it, that a bar
closes, that an operand follows the name of a function. Browsers derive the spaces from this, so the tree is mended here.
"""

import re
import unicodedata
from html import unescape
from xml.etree.ElementTree import Element, tostring

from latex2mathml.converter import convert_to_element

from .formula_checks import check_latex, check_tree

ROWS = ("math", "mrow", "mstyle", "mtd", "msqrt", "mpadded")  # elements whose children stand side by side
SCRIPTED = ("msub", "msup", "msubsup", "munder", "mover", "munderover")
THIN = "0.167em"
CLOSING = ")]}⌋⌉⟩!"
BARS, PRIMES = "|‖", "′″‴"
NOT_OPERATORS = "∞∅%°#_"  # signs that stand for a thing, as letters do
#: As good as no height. WebKit (Safari) does not draw an element that has none at all.
LOW = "0.01em"
#: Height of what is under a root, at least. All roots are then equally high, and stand on the line as the font's own sign does.
STRUT = "0.77em"


def mathml(latex: str, display: str) -> str:
    """A formula as MathML.

    Args:
        latex: the formula.
        display: "inline" or "block".

    Raises:
        ValueError: something in the formula is not known, or cannot be drawn.
    """
    check_latex(latex)
    # a distance after the end of a line, as in `\\[1ex]`, would be printed
    latex = re.sub(r"\\\\\[[^\]]*\]", r"\\\\ ", latex)
    try:
        tree = convert_to_element(latex, display=display)
    except Exception as error:  # latex2mathml has a class for each mistake, and for some none of its own
        raise ValueError(type(error).__name__) from error
    for element in tree.iter():
        element.text = unescape(element.text or "")
    check_tree(tree)
    mend(tree)
    return tostring(tree, encoding="unicode")


def mend(tree: Element) -> None:
    """Give each sign its role, and each row its spaces."""
    for element in list(tree.iter()):
        tell_operators(element)
        level_scripts(element)
        raise_root(element)
        stretch_brace(element)
    for row in rows(tree):
        join_thousands(row)
        pair_bars(row)
        mark_signs(row)
        space_functions(row)
    for element in list(tree.iter()):
        join_letters(element)
        tighten_scripts(element)


def rows(tree: Element) -> list[Element]:
    """All elements whose children stand side by side."""
    return [element for element in tree.iter() if element.tag in ROWS]


def tell_operators(element: Element) -> None:
    """Signs such as ≈ or ·, written as they are, are operators, with space around them; ∞ is none."""
    sign = element.text or ""
    if element.tag not in ("mi", "mo") or len(sign) != 1 or sign in PRIMES:
        return
    element.tag = "mi" if sign in NOT_OPERATORS or unicodedata.category(sign)[0] not in "SP" else "mo"
    if sign in "⌊⌋⌈⌉" and "stretchy" not in element.attrib:
        element.set("stretchy", "false")
    if sign in "/.":  # LaTeX sets no space around them
        element.attrib.update(lspace="0", rspace="0")


def level_scripts(element: Element) -> None:
    """Place the scripts of all letters alike: browsers would lower that of a *y*, whose tail goes below the line.

    A prime is no script: the font's is as high as it should be.
    """
    if element.tag not in ("msub", "msup", "msubsup"):
        return
    base, script = element[0], element[-1]
    if element.tag == "msup" and (script.text or "?") in PRIMES:
        element.tag = "mrow"
        script.tag = "mo"
        script.attrib.update(form="postfix", lspace="0", rspace="0")
    elif len(base) == 0:
        element[0] = wrap("mpadded", base)
        if element.tag in ("msub", "msubsup"):
            element[0].set("depth", "0")
        if element.tag in ("msup", "msubsup"):
            element[0].set("height", LOW)


def raise_root(element: Element) -> None:
    """Put a strut under a root, and set it as in a line of text: the bar is then at the height for which the sign is drawn."""
    if element.tag not in ("msqrt", "mroot"):
        return
    root = Element(element.tag, element.attrib)
    root[:] = element[:]
    strut = Element("mspace", height=STRUT, depth="0")
    if root.tag == "mroot":
        root[0] = wrap("mrow", strut, root[0])
    else:
        root.insert(0, strut)
    element.tag = "mstyle"
    element.attrib = {"displaystyle": "false"}
    element[:] = [root]


def wrap(tag: str, *children: Element) -> Element:
    """A new element around others."""
    element = Element(tag)
    element.extend(children)
    return element


def stretch_brace(element: Element) -> None:
    """A brace below or above an expression is as wide as the expression."""
    if element.tag in ("munder", "mover") and len(element[1]) == 0 and (element[1].text or "?") in "⏟⏞":
        element[1].set("stretchy", "true")


def join_thousands(row: Element) -> None:
    """The comma in `61{,}440` is part of the number."""
    parts = list(row)
    for before, comma, after in zip(parts, parts[1:], parts[2:]):
        alone = comma.tag == "mrow" and len(comma) == 1 and comma[0].text == ","
        if alone and before.tag == after.tag == "mn":
            after.text = f"{before.text},{after.text}"
            row.remove(before)
            row.remove(comma)


def pair_bars(row: Element) -> None:
    """Of the bars in |d|, the first opens and the second closes. A single one, as in a | b, is a relation."""
    for sign in BARS:
        inner = [core(part) for part in row]  # in |d|², the second bar is in the power
        bars = [part for part in inner if part.tag == "mo" and part.text == sign and "form" not in part.attrib]
        if len(bars) % 2 == 0:
            for number, bar in enumerate(bars):
                bar.attrib.update(form=("prefix", "postfix")[number % 2], fence="true", stretchy="false")


def core(part: Element) -> Element:
    """What has the scripts, if `part` has scripts."""
    while part.tag in SCRIPTED or part.tag == "mpadded":
        part = part[0]
    return part


def mark_signs(row: Element) -> None:
    """A minus after another operator or an opening bracket is a sign, without a space behind it."""
    before: Element | None = None
    for part in row:
        if part.tag == "mspace" or (part.text or "").isspace():
            continue
        if part.tag == "mo" and part.text in {"−", "+", "±"} and not is_operand(before):
            part.set("form", "prefix")
        before = part


def is_operand(part: Element | None) -> bool:
    """Whether an operator after `part` combines it with what follows."""
    if part is None or is_function(part):
        return False
    if part.tag != "mo":
        return True
    return part.get("form") == "postfix" or (part.text or "?") in CLOSING


def is_function(part: Element) -> bool:
    """Whether `part` is the name of a function, with or without a script. Letters set upright one by one are none."""
    part = core(part)
    name = (part.text or "").replace("\N{THIN SPACE}", "")
    return part.tag in ("mi", "mo") and len(name) > 1 and name.isascii() and name.isalpha()


def space_functions(row: Element) -> None:
    """A thin space between the name of a function and what is beside it, unless that is a bracket, sign or space."""
    for part in list(row):
        if not is_function(part):
            continue
        for element in part.iter("mo"):  # such as max, which would have the spaces of an operator
            if len(element.text or "") > 1:
                element.attrib.update(lspace="0", rspace="0")
        at = list(row).index(part)
        if at + 1 < len(row) and starts_an_operand(row[at + 1]):
            row.insert(at + 1, Element("mspace", width=THIN))
        if at > 0 and row[at - 1].tag not in ("mspace", "mtext") and is_operand(row[at - 1]):
            row.insert(at, Element("mspace", width=THIN))


def starts_an_operand(part: Element) -> bool:
    """Whether `part` begins with something else than a bracket, a sign or a space."""
    while part.tag == "mrow" and len(part):
        part = part[0]
    opening_bar = part.get("form") == "prefix" and (part.text or "?") in BARS
    return part.tag not in ("mo", "mspace", "mtext") or opening_bar


def join_letters(element: Element) -> None:
    """Letters that are set upright one by one are a word."""
    upright = [part.tag in ("mtext", "mn") or part.get("mathvariant") == "normal" for part in element]
    if element.tag == "mrow" and len(element) > 1 and all(upright):
        word = "".join(part.text or "" for part in element)
        element.tag = "mtext" if "\N{NO-BREAK SPACE}" in word else "mi"
        element[:] = []
        element.text = word


def tighten_scripts(element: Element) -> None:
    """In scripts, LaTeX sets no space around operators."""
    if element.tag in SCRIPTED:
        for script in element[1:]:
            for operator in script.iter("mo"):
                operator.attrib.update(lspace="0", rspace="0")
