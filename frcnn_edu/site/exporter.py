"""A notebook as one web page, in which each figure keeps the text that says what it shows, and explorers are alive.

`jupyter nbconvert --to course notebooks/10_level_mapper.ipynb`
"""

import html
from itertools import pairwise
from typing import Any

from jinja2 import DictLoader
from nbconvert import HTMLExporter
from nbconvert.preprocessors import Preprocessor

from .pages.widgets import explorer_of, explorer_place, is_style_sheet, is_widget

# nbconvert's own pages say "No description has been provided for this image", whatever an output's metadata holds.
TEMPLATE = """
{%- extends 'index.html.j2' -%}
{%- block data_png scoped -%}
{{ super() | with_alt(output | get_metadata('alt', 'image/png')) | in_place(output | get_metadata('explorer', 'image/png')) }}
{%- endblock -%}
{%- block body_footer -%}{{ resources.explorers }}{{ super() }}{%- endblock -%}
"""


class CourseExporter(HTMLExporter):
    """nbconvert's page of a notebook, with alternative texts, and with explorers that need no kernel."""

    def __init__(self, **options: Any) -> None:
        super().__init__(extra_loaders=[DictLoader({"course.html.j2": TEMPLATE})], **options)
        self.template_file = "course.html.j2"
        self.register_preprocessor(LiveExplorers, enabled=True)

    def default_filters(self) -> Any:
        yield from super().default_filters()
        yield "with_alt", with_alt
        yield "in_place", in_place


class LiveExplorers(Preprocessor):
    """Marks the still pictures of explorers, and leaves out the widgets, which need a kernel.

    The metadata of a picture says in "explorer" which one it shows; `resources["explorers"]` is the HTML that makes them alive.
    """

    def preprocess(self, nb: Any, resources: Any) -> tuple[Any, Any]:
        shown = {name for cell in nb.cells if cell.cell_type == "code" and (name := self._mark(cell))}
        resources["explorers"] = _embedded(shown) if shown else ""
        if not any(is_widget(output) for cell in nb.cells for output in cell.get("outputs", [])):
            nb.metadata.pop("widgets", None)  # the state of widgets, and with it a script for them from elsewhere
        return nb, resources

    def _mark(self, cell: Any) -> str | None:
        """Mark the still picture of a cell's explorer; returns its name, or None where there is no such picture."""
        name = explorer_of(cell)
        for still, widget in pairwise(cell.outputs if name else []):
            if "image/png" in still.get("data", {}) and is_widget(widget):
                still.metadata.setdefault("image/png", {})["explorer"] = name
                cell.outputs = [one for one in cell.outputs if one is not widget and not is_style_sheet(one)]
                return name
        return None


def _embedded(names: set[str]) -> str:
    from .explorers import embedded  # with PyTorch: nbconvert imports all exporters, whichever it uses

    return embedded(names)


def with_alt(image: str, alt: str | None) -> str:
    """The HTML of an image with an alternative text."""
    return image.replace("<img ", f'<img alt="{html.escape(alt)}" ', 1) if alt else image


def in_place(image: str, explorer: str | None) -> str:
    """The HTML of an image, as the place of an explorer if it is the picture of one."""
    return explorer_place(explorer, image) if explorer else image
