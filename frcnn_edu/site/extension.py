"""What Sphinx is taught for this site: formulas as MathML, tables that scroll by themselves, one anchor per heading."""

import re
from typing import Any

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.writers.html5 import HTML5Translator


def setup(app: Sphinx) -> dict[str, Any]:
    """Register everything."""
    app.add_html_math_renderer("mathml", (visit_math, None), (visit_math_block, None))
    app.add_post_transform(WrapTables)
    app.add_post_transform(KeepOneAnchor)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def visit_math(self: HTML5Translator, node: nodes.math) -> None:
    """A formula in a line of text."""
    self.body.append(mathml(node.astext(), "inline"))
    raise nodes.SkipNode


def visit_math_block(self: HTML5Translator, node: nodes.math_block) -> None:
    """A formula on a line of its own."""
    self.body.append(f'<div class="formula">{mathml(node.astext(), "block")}</div>\n')
    raise nodes.SkipNode


def mathml(formula: str, display: str) -> str:
    """A formula in LaTeX as MathML, which browsers draw by themselves.

    A distance after the end of a line, as in `\\\\[1ex]`, is left out, because the converter would print it.
    """
    return convert(re.sub(r"\\\\\[[^\]]*\]", r"\\\\ ", formula), display=display)


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
