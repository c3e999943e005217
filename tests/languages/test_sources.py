"""Where translations are."""

import pytest

from frcnn_edu.languages.sources import catalogue_file, short, twin


@pytest.mark.parametrize(
    ("source", "place"),
    [
        ("README.md", "README.zh.md"),
        ("docs/glossary.md", "docs/zh/glossary.md"),
        ("notebooks/03_fpn.ipynb", "notebooks/zh/03_fpn.ipynb"),
        ("notebooks/deeper/03_fpn.ipynb", "notebooks/zh/deeper/03_fpn.ipynb"),
        ("notebooks", "notebooks/zh"),
        ("notebooks/solutions", "notebooks/zh/solutions"),
    ],
)
def test_twins(source: str, place: str) -> None:
    assert twin(source, "zh_CN") == place


def test_names() -> None:
    assert (short("zh_CN"), short("de")) == ("zh", "de")
    assert catalogue_file("zh_CN", "notebooks/deeper/03_fpn.ipynb") == "locale/zh_CN/notebooks/deeper/03_fpn.po"
    assert catalogue_file("zh_CN", "README.md") == "locale/zh_CN/README.po"
