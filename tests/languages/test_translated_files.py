"""A small project in a small language: what is written, where its links lead, and what stays byte for byte."""

from pathlib import Path

import polib
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from frcnn_edu.languages.catalogue import read_catalogue, updated, write_catalogue
from frcnn_edu.languages.edition import Edition
from frcnn_edu.languages.messages import messages
from frcnn_edu.languages.sources import catalogue_file, sources
from frcnn_edu.languages.translate import Translator
from frcnn_edu.notebook_checks.notebooks import read_notebook, write_notebook
from frcnn_edu.notebook_checks.twins import same_code

GERMAN = {
    "# A notebook": "# Ein Heft",
    "## The `end`, at last?": "## Das `end`, endlich?",
    "See [below](#The-end,-at-last?), [deeper](deeper/a.ipynb#Our-cross) and [a page](../docs/page.md).": (
        "Siehe [unten](#The-end,-at-last?), [tiefer](deeper/a.ipynb#Our-cross) und [eine Seite](../docs/page.md)."
    ),
    "A picture of a box": "Ein Bild einer Box",
    "## Our cross": "## Unser Kreuz",
    "Back to [the notebook](../a.ipynb#The-end,-at-last?).": "Zurück zum [Heft](../a.ipynb#The-end,-at-last?).",
    "Read [the notebook](notebooks/a.ipynb), [all](notebooks/deeper) or [the code](frcnn_edu/a.py).": (
        "Lies [das Heft](notebooks/a.ipynb), [alle](notebooks/deeper) oder [den Code](frcnn_edu/a.py)."
    ),
    "A [picture](../figures/a.png).": "Ein [Bild](../figures/a.png).",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project with two notebooks and two pages, and complete German catalogues."""
    shown = new_output("display_data", {"text/plain": "x"}, metadata={"image/png": {"alt": "A picture of a box"}})
    cells = [
        new_markdown_cell("# A notebook", id="title"),
        new_code_cell("print(1)", id="code", outputs=[shown], execution_count=1),
        new_markdown_cell(
            "See [below](#The-end,-at-last?), [deeper](deeper/a.ipynb#Our-cross) and [a page](../docs/page.md).\n\n$$x$$",
            id="see",
        ),
        new_markdown_cell("## The `end`, at last?", id="end"),
    ]
    deeper = [new_markdown_cell("## Our cross\n\nBack to [the notebook](../a.ipynb#The-end,-at-last?).", id="cross")]
    write_notebook(new_notebook(cells=cells), tmp_path / "notebooks" / "a.ipynb")
    write_notebook(new_notebook(cells=deeper), tmp_path / "notebooks" / "deeper" / "a.ipynb")
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "page.md").write_text("A [picture](../figures/a.png).\n", encoding="utf-8")
    text = "Read [the notebook](notebooks/a.ipynb), [all](notebooks/deeper) or [the code](frcnn_edu/a.py).\n"
    (tmp_path / "README.md").write_text(text, encoding="utf-8")
    for source in sources(tmp_path):
        catalogue = updated(polib.POFile(), messages(tmp_path / source), source, "de")
        for entry in catalogue:
            entry.msgstr = GERMAN[entry.msgid]
        write_catalogue(catalogue, tmp_path / catalogue_file("de", source))
    return tmp_path


def test_a_notebook_keeps_its_code_and_outputs(root: Path) -> None:
    place = Translator(root, "de").write("notebooks/a.ipynb")
    assert place == root / "notebooks" / "de" / "a.ipynb"
    original, translation = read_notebook(root / "notebooks" / "a.ipynb"), read_notebook(place)
    assert same_code(original, translation)
    assert translation.cells[0].source == "# Ein Heft"
    assert translation.cells[1].outputs[0].metadata["image/png"]["alt"] == "A picture of a box"
    translation.cells[1].source = "print(2)"
    assert not same_code(original, translation)


def test_links_lead_to_translations_and_to_translated_headings(root: Path) -> None:
    translator = Translator(root, "de")
    translator.write("notebooks/a.ipynb")
    see = read_notebook(root / "notebooks" / "de" / "a.ipynb").cells[2].source
    assert "[tiefer](deeper/a.ipynb#Unser-Kreuz)" in see
    assert "[eine Seite](../../docs/de/page.md)" in see
    assert "[unten](#Das-end,-endlich?)" in see
    assert see.endswith("$$x$$")
    back = read_notebook(translator.write("notebooks/deeper/a.ipynb")).cells[0].source
    assert back == "## Unser Kreuz\n\nZurück zum [Heft](../a.ipynb#Das-end,-endlich?)."


def test_links_of_documents(root: Path) -> None:
    translator = Translator(root, "de")
    text = translator.write("README.md").read_text(encoding="utf-8")
    assert (
        text == "Lies [das Heft](notebooks/de/a.ipynb), [alle](notebooks/de/deeper) oder [den Code](frcnn_edu/a.py).\n"
    )
    assert translator.write("docs/page.md").read_text(encoding="utf-8") == "Ein [Bild](../../figures/a.png).\n"


def test_an_edition_has_the_links_of_the_english_files_and_translated_alternative_texts(root: Path) -> None:
    edition = Edition(root, "de")
    assert edition.document("README.md").startswith("Lies [das Heft](notebooks/a.ipynb)")
    cells = edition.notebook("notebooks/a.ipynb").cells
    assert cells[1].outputs[0].metadata["image/png"]["alt"] == "Ein Bild einer Box"
    assert "[tiefer](deeper/a.ipynb#Unser-Kreuz)" in cells[2].source
    assert Edition(root).document("README.md").startswith("Read")


def test_commands_open_translated_notebooks(root: Path) -> None:
    translator = Translator(root, "de")
    commands = "```bash\njupyter lab notebooks/a.ipynb\nls notebooks/none.ipynb\n```"
    wanted = commands.replace("notebooks/a", "notebooks/de/a")
    assert translator.text(f"{commands}\n\n`notebooks/a.ipynb`", "README.md") == f"{wanted}\n\n`notebooks/a.ipynb`"


def test_what_is_fuzzy_stays_english(root: Path) -> None:
    file = root / catalogue_file("de", "docs/page.md")
    catalogue = read_catalogue(file)
    catalogue[0].flags = ["fuzzy"]
    write_catalogue(catalogue, file)
    assert Translator(root, "de").write("docs/page.md").read_text(encoding="utf-8").startswith("A [picture]")


def test_an_edition_takes_the_outputs_of_notebooks_that_were_executed_in_its_language(root: Path) -> None:
    copied = read_notebook(root / "notebooks" / "a.ipynb")
    copied.cells[1].outputs[0].data["text/plain"] = "auf Deutsch"
    write_notebook(copied, root / "course" / "a.ipynb")
    edition = Edition(root, "de", root / "course")
    assert edition.notebook("notebooks/a.ipynb").cells[1].outputs[0].data["text/plain"] == "auf Deutsch"
    assert edition.notebook("notebooks/a.ipynb").cells[0].source == "# Ein Heft"
    copied.cells[1].source = "print(2)"
    write_notebook(copied, root / "course" / "a.ipynb")
    with pytest.raises(ValueError, match=r"a\.ipynb is not a copy of the notebook as it is now: the cell code differs"):
        edition.notebook("notebooks/a.ipynb")
