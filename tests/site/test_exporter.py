from pathlib import Path

from nbconvert.exporters import get_exporter

from frcnn_edu.notebook_checks.notebooks import read_notebook
from frcnn_edu.site.exporter import CourseExporter, with_alt

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "08_iou_labeling.ipynb"


def test_each_figure_keeps_its_text_on_a_web_page() -> None:
    page, _ = CourseExporter().from_notebook_node(read_notebook(NOTEBOOK))
    figures = page.count("<img ")
    assert figures > 5
    assert page.count("<img alt=") == figures
    assert "No description has been provided" not in page


def test_the_text_is_escaped() -> None:
    assert with_alt('<img src="a">', 'A "box" < 3') == '<img alt="A &quot;box&quot; &lt; 3" src="a">'
    assert with_alt('<img src="a">', None) == '<img src="a">'


def test_nbconvert_finds_the_exporter_by_its_name() -> None:
    assert get_exporter("course") is CourseExporter
