"""What Sphinx is taught for this site: formulas as MathML, tables that scroll by themselves, one anchor per heading."""

import re
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging
from sphinx.writers.html5 import HTML5Translator

from .formulas import mathml

logger = logging.getLogger(__name__)
BRACKET, MARK = re.compile(r"[(\[“‘]+$"), re.compile(r"^[,.;:!?)\]”’]+")  # what belongs to the formula beside it


def setup(app: Sphinx) -> dict[str, Any]:
    """Register everything."""
    app.add_html_math_renderer("mathml", (visit_math, None), (visit_math_block, None))
    app.add_post_transform(KeepMarks)
    app.add_post_transform(WrapTables)
    app.add_post_transform(KeepOneAnchor)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def visit_math(self: HTML5Translator, node: nodes.math) -> None:
    """A formula in a line of text."""
    self.body.append(convert(node, "inline"))
    raise nodes.SkipNode


def visit_math_block(self: HTML5Translator, node: nodes.math_block) -> None:
    """A formula on a line of its own."""
    self.body.append(f'<div class="formula">{convert(node, "block")}</div>\n')
    raise nodes.SkipNode


def convert(node: nodes.math | nodes.math_block, display: str) -> str:
    """A formula as MathML. One that cannot be converted is reported with its page, and so ends the build."""
    try:
        return mathml(node.astext(), display)
    except ValueError as error:
        logger.warning("the formula %s cannot be converted: %s", node.astext(), error, location=node)
        return ""


class KeepMarks(SphinxPostTransform):
    """Keeps a formula, the bracket before it and the mark after it in one line, where browsers might break it."""

    default_priority = 500

    def run(self, **_: Any) -> None:
        for formula in list(self.document.findall(nodes.math)):
            before, after = formula.previous_sibling(), formula.next_node(descend=False, siblings=True)
            opening = "".join(BRACKET.findall(before)) if isinstance(before, nodes.Text) else ""
            closing = "".join(MARK.findall(after)) if isinstance(after, nodes.Text) else ""
            if not opening + closing:
                continue
            parent = formula.parent
            if opening:
                parent.replace(before, nodes.Text(before.removesuffix(opening)))
            if closing:
                parent.replace(after, nodes.Text(after.removeprefix(closing)))
            parts = [nodes.Text(opening), formula.deepcopy(), nodes.Text(closing)]
            parent.replace(formula, nodes.inline("", "", *parts, classes=["keep"]))


class WrapTables(SphinxPostTransform):
    """Puts each table into a box, which can scroll sideways where the table is too wide."""

    default_priority = 500

    def run(self, **_: Any) -> None:
        for table in list(self.document.findall(nodes.table)):
            table.replace_self(nodes.container("", table.deepcopy(), classes=["wide"], is_div=True))


class KeepOneAnchor(SphinxPostTransform):
    """Leaves each heading the anchor to which links lead; those by which they were found may not be valid HTML."""

    default_priority = 500

    def run(self, **_: Any) -> None:
        for section in self.document.findall(nodes.section):
            section["ids"] = section["ids"][:1]
