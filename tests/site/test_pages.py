"""The parts of a page: code in its parts, links, images, folds, the README's tables, and the output folder."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from reading_pages import ROOT

from frcnn_edu.languages.edition import Edition
from frcnn_edu.site.extension import mathml
from frcnn_edu.site.folder import MARK, check_replaceable, put_in_place
from frcnn_edu.site.pages.code import Part, code_parts
from frcnn_edu.site.pages.contents import groups
from frcnn_edu.site.pages.documents import start_page
from frcnn_edu.site.pages.home import _linked
from frcnn_edu.site.pages.links import page_links
from frcnn_edu.site.pages.markup import fenced, folded, image, png_size
from frcnn_edu.site.pages.page import Page
from frcnn_edu.site.pages.readme import introduction, lessons, section, ways
from frcnn_edu.site.pages.widgets import VIEW, widget_pictures
from frcnn_edu.site.sphinx_run import Shown, run_sphinx

README = (ROOT / "README.md").read_text(encoding="utf-8")
PNG = (ROOT / "figures" / "photograph.png").read_bytes()


@pytest.mark.parametrize(
    ("source", "parts"),
    [
        ("import torch", [("imports", "import torch")]),
        ("x = 1\nprint(x)", [("code", "x = 1\nprint(x)")]),
        ("import torch\n\nx = 1", [("imports", "import torch"), ("code", "x = 1")]),
        ("# why\nx = 1\n# how\nshow(x)", [("code", "# why\nx = 1"), ("picture", "# how\nshow(x)")]),
        ("import a\nviz.show(\n    x,\n)", [("imports", "import a"), ("picture", "viz.show(\n    x,\n)")]),
        ("show(x)\nprint(x)\nimport a", [("code", "show(x)\nprint(x)\nimport a")]),
        ("x = 1\nshow(x)\nshow(x)  # again", [("code", "x = 1"), ("picture", "show(x)\nshow(x)  # again")]),
        ("for x in y:\n    show(x)", [("code", "for x in y:\n    show(x)")]),
    ],
)
def test_code_parts(source: str, parts: list[tuple[str, str]]) -> None:
    assert code_parts(source) == [Part(kind, text) for kind, text in parts]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "page", "expected"),
    [
        ("[a](03_fpn.ipynb)", "notebooks/02_backbone", "[a](03_fpn.md)"),
        ("[a](../02_backbone.ipynb#Our-cross)", "notebooks/deeper/02_backbone", "[a](../02_backbone.md#Our-cross)"),
        ("[a](../docs/training.md)", "notebooks/16_your_own_data", "[a](../docs/training.md)"),
        ("[a](solutions/03_fpn.ipynb)", "notebooks/03_fpn", "[a](03_fpn.md)"),
        ("[a](../README.md)", "docs/map", "[a](../start.md)"),
        ("[a](https://example.org/b.ipynb)", "docs/map", "[a](https://example.org/b.ipynb)"),
        ("[a](#Our-cross)", "notebooks/03_fpn", "[a](#Our-cross)"),
        ("see `frcnn_edu/cli.py`", "docs/map", "see [`frcnn_edu/cli.py`](../source/frcnn_edu/cli.py.md)"),
        ("`frcnn_edu/no.py`", "docs/map", "`frcnn_edu/no.py`"),
        ("[`frcnn_edu/cli.py`](map.md)", "docs/speed", "[`frcnn_edu/cli.py`](map.md)"),
        ("`[a](b.ipynb)`", "docs/map", "`[a](b.ipynb)`"),
        ("[a](../frcnn_edu/cli.py)", "docs/map", "[a](../source/frcnn_edu/cli.py.md)"),
        ("55 % of `7 % 2`, 5 apples", "docs/map", "55\u00a0% of `7 % 2`, 5 apples"),
    ],
)
def test_page_links(text: str, page: str, expected: str) -> None:
    assert page_links(text, page, ROOT)[0] == expected


def test_page_links_name_the_files_that_need_a_page() -> None:
    _, files = page_links("[a](../frcnn_edu/cli.py) ![b](../figures/fpn.png) [c](map.md)", "docs/speed", ROOT)
    assert files == {"frcnn_edu/cli.py", "figures/fpn.png"}
    with pytest.raises(ValueError, match=r"no page for figures, to which"):
        page_links("[a](../figures)", "docs/speed", ROOT)


def test_a_fence_is_longer_than_those_in_the_text() -> None:
    assert fenced("```\nx\n```", "text").startswith("````{code-block} text\n")
    assert fenced("x", "python", "output").splitlines()[1] == ":class: output"


def test_a_fold_shows_its_summary_as_text() -> None:
    assert "<summary>a &lt; b</summary>" in folded("a < b", "c", "solution")
    assert '<details class="code" open>' in folded("Code", "c", "code", open_=True)


def test_an_image_states_its_size_and_quotes_its_words() -> None:
    assert png_size(PNG) == (1200, 823)
    element = image("a.png", PNG, 'a "box"\n\nof two lines')
    assert 'width="1200" height="823" loading="lazy" alt="a &quot;box&quot; of two lines"' in element
    assert "lazy" not in image("a.png", PNG, "", first=True)
    with pytest.raises(ValueError, match="not a PNG"):
        png_size(b"GIF89a" * 5)


def test_the_readme_gives_its_tables() -> None:
    assert [lesson.title[:2] for lesson in lessons(README)] == [f"{number:02d}" for number in range(17)]
    three = ways(section(README, "Three ways through the course"))
    assert [way.time.split(" (")[0] for way in three] == ["one hour", "one evening", "seven hours"]
    assert introduction(README)[0].startswith("Understand Faster R-CNN")
    assert "<!--" not in section(README, "Start")
    with pytest.raises(ValueError, match="no section 'Elsewhere'"):
        section(README, "Elsewhere")


def test_the_home_page_links_the_numbers_of_lessons_only() -> None:
    assert _linked("03 in about 20 minutes") == "[03](notebooks/03_fpn.ipynb) in about 20 minutes"
    assert _linked("[03](notebooks/03_fpn.ipynb)") == "[03](notebooks/03_fpn.ipynb)"


def test_the_start_page_is_not_about_the_site_and_says_where_the_project_is() -> None:
    assert "frcnn_edu site" in README
    assert "frcnn_edu site" not in start_page(Edition(ROOT)).text
    assert "git clone" not in start_page(Edition(ROOT)).text
    assert (
        "git clone https://example.org/course frcnn_edu" in start_page(Edition(ROOT), "https://example.org/course").text
    )


def test_every_document_must_be_in_the_contents(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "new.md").write_text("# New")
    with pytest.raises(ValueError, match=r"docs/new\.md is in no group"):
        groups(tmp_path)


def test_widgets_keep_their_last_pictures() -> None:
    def model(name: str, value: str = "", children: tuple[str, ...] = ()) -> dict[str, object]:
        buffers = [{"path": ["value"], "data": value}]
        return {
            "model_name": name,
            "state": {"children": [f"IPY_MODEL_{child}" for child in children]},
            "buffers": buffers,
        }

    models = {"a": model("VBoxModel", "", ("b", "c", "d")), "b": model("ImageModel", "UE5H"), "c": model("ImageModel")}
    models["d"] = model("HBoxModel", "", ("b",))
    notebook = SimpleNamespace(metadata={"widgets": {"application/vnd.jupyter.widget-state+json": {"state": models}}})
    assert VIEW.endswith("view+json")
    assert [*widget_pictures(notebook, {"model_id": "a"})] == [b"PNG", b"PNG"]


def test_formulas_are_mathml() -> None:
    assert mathml(r"\frac{a}{b}", "inline").startswith("<math")
    assert "1ex" not in mathml(r"\begin{cases} a \\[1ex] b \end{cases}", "block")


@pytest.mark.parametrize("link", ["nowhere.md", "contents.md#Elsewhere"])
def test_a_link_that_leads_nowhere_stops_the_build(link: str, tmp_path: Path) -> None:
    source = tmp_path / "source"
    (source / "files").mkdir(parents=True)
    Page("contents", f"# Contents\n\nSee [this]({link}).").write(source)
    shown = Shown(Edition(ROOT), [{"caption": "All", "pages": [("contents", "Contents")]}], {}, [])
    with pytest.raises(ValueError, match=rf"cannot be built:[\s\S]*{link.rpartition('#')[2]}"):
        run_sphinx(source, tmp_path / "site", tmp_path / "work", [shown], files=["files"])


def new_site(folder: Path, text: str) -> Path:
    new = folder / "new"
    new.mkdir()
    (new / "index.html").write_text(text)
    return new


def test_only_an_earlier_site_is_replaced(tmp_path: Path) -> None:
    out = tmp_path / "site"
    for text in ("first", "second"):
        put_in_place(new_site(tmp_path, text), out)
        assert (out / "index.html").read_text() == text
    assert [path.name for path in tmp_path.iterdir()] == ["site"]
    (out / MARK).unlink()
    with pytest.raises(ValueError, match="not an earlier site"):
        check_replaceable(out)


def test_a_folder_beside_the_site_is_left_alone(tmp_path: Path) -> None:
    foreign = tmp_path / ".site.old" / "letters"
    foreign.mkdir(parents=True)
    for text in ("first", "second"):
        put_in_place(new_site(tmp_path, text), tmp_path / "site")
    assert foreign.is_dir()
    assert {path.name for path in tmp_path.iterdir()} == {"site", ".site.old"}


@pytest.mark.parametrize("earlier", [True, False])
def test_an_earlier_site_is_put_back_if_the_new_one_cannot_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, earlier: bool
) -> None:
    if earlier:
        put_in_place(new_site(tmp_path, "first"), tmp_path / "site")
    new, rename = new_site(tmp_path, "second"), Path.rename

    def full(path: Path, target: Path) -> Path:
        if path == new:
            raise OSError("the disk is full")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", full)
    with pytest.raises(OSError, match="the disk is full"):
        put_in_place(new, tmp_path / "site")
    assert {path.name for path in tmp_path.iterdir()} == ({"site", "new"} if earlier else {"new"})
    if earlier:
        assert (tmp_path / "site" / "index.html").read_text() == "first"
