"""Notebooks as web pages in which each figure keeps the text that says what it shows: `jupyter nbconvert --to course`."""

import html
from typing import Any

from jinja2 import DictLoader
from nbconvert import HTMLExporter

# nbconvert's own pages say "No description has been provided for this image", whatever an output's metadata holds.
TEMPLATE = """
{%- extends 'index.html.j2' -%}
{%- block data_png scoped -%}{{ super() | with_alt(output | get_metadata('alt', 'image/png')) }}{%- endblock -%}
"""


class CourseExporter(HTMLExporter):
    """nbconvert's page of a notebook, with alternative texts."""

    def __init__(self, **options: Any) -> None:
        super().__init__(extra_loaders=[DictLoader({"course.html.j2": TEMPLATE})], **options)
        self.template_file = "course.html.j2"

    def default_filters(self) -> Any:
        yield from super().default_filters()
        yield "with_alt", with_alt


def with_alt(image: str, alt: str | None) -> str:
    """The HTML of an image with an alternative text."""
    return image.replace("<img ", f'<img alt="{html.escape(alt)}" ', 1) if alt else image
