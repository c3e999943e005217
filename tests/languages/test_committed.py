"""The translations in this repository: complete, in step with the English, and written. None of this needs to know the languages."""

from functools import cache
from pathlib import Path

import polib
import pytest

from frcnn_edu.commands.translations import SITE_WORDS
from frcnn_edu.languages.catalogue import read_catalogue, updated
from frcnn_edu.languages.checks import catalogue_problems, plain_problems
from frcnn_edu.languages.edition import Edition, editions
from frcnn_edu.languages.glossary import Term, read_glossary
from frcnn_edu.languages.marked import site_messages
from frcnn_edu.languages.messages import Message, messages
from frcnn_edu.languages.sources import LOCALE, catalogue_file, languages, sources, twin
from frcnn_edu.languages.switch import LINE, switch
from frcnn_edu.languages.translate import Translator
from frcnn_edu.notebook_checks.find import find_notebooks
from frcnn_edu.notebook_checks.notebooks import read_notebook, write_notebook
from frcnn_edu.notebook_checks.twins import same_code
from frcnn_edu.words import FILE as SHOWN
from frcnn_edu.words import NAMES

ROOT = Path(__file__).parents[2]
PAIRS = [(language, source) for language in languages(ROOT) for source in sources(ROOT)]
NOTEBOOKS = [pair for pair in PAIRS if pair[1].endswith(".ipynb")]
HOW = "run: python -m frcnn_edu notebooks --extract; translate; python -m frcnn_edu notebooks --language"


@cache
def glossary(language: str) -> list[Term]:
    return read_glossary(ROOT, language)


@cache
def translator(language: str) -> Translator:
    return Translator(ROOT, language)


def essence(catalogue: polib.POFile) -> list[tuple[str, str, bool]]:
    return [(entry.msgid, entry.msgstr, entry.fuzzy) for entry in catalogue]


def test_the_course_is_there_in_chinese() -> None:
    assert "zh_CN" in languages(ROOT)
    assert [edition.name for edition in editions(ROOT)] == ["English", "中文"]


@pytest.mark.parametrize(("language", "source"), PAIRS)
def test_every_message_is_translated_and_in_order(language: str, source: str) -> None:
    catalogue = read_catalogue(ROOT / catalogue_file(language, source))
    assert catalogue_problems(catalogue, language, glossary(language)) == []
    now = updated(catalogue, messages(ROOT / source), source, language)
    assert essence(now) == essence(catalogue), f"the English of {source} has changed; {HOW} {language}"


@pytest.mark.parametrize(("language", "source"), PAIRS)
def test_the_written_file_is_that_of_the_catalogue(language: str, source: str, tmp_path: Path) -> None:
    place = ROOT / twin(source, language)
    if source.endswith(".ipynb"):
        write_notebook(translator(language).notebook(source), tmp_path / "now.ipynb")
        assert place.read_bytes() == (tmp_path / "now.ipynb").read_bytes(), (
            f"{place} is not up to date; {HOW} {language}"
        )
    else:
        assert place.read_text(encoding="utf-8") == translator(language).document(source), f"{place}: {HOW} {language}"


@pytest.mark.parametrize(("language", "source"), NOTEBOOKS)
def test_code_and_outputs_are_equal(language: str, source: str) -> None:
    assert same_code(read_notebook(ROOT / source), read_notebook(ROOT / twin(source, language)))


@pytest.mark.parametrize("language", languages(ROOT))
def test_no_file_is_left_over(language: str) -> None:
    catalogues = {path.relative_to(ROOT).as_posix() for path in (ROOT / LOCALE / language).rglob("*.po")}
    special = {f"{LOCALE}/{language}/{name}" for name in (SITE_WORDS, SHOWN)}
    assert catalogues == special | {catalogue_file(language, source) for source in sources(ROOT)}
    written = {path.relative_to(ROOT).as_posix() for path in find_notebooks(ROOT / twin("notebooks", language))}
    assert written == {twin(source, language) for _, source in NOTEBOOKS}


@pytest.mark.parametrize("language", languages(ROOT))
def test_the_words_of_the_site_are_translated(language: str) -> None:
    catalogue = read_catalogue(ROOT / LOCALE / language / SITE_WORDS)
    assert [entry.msgid for entry in catalogue] == [message.text for message in site_messages(ROOT)]
    assert [entry.msgid for entry in catalogue if not entry.msgstr or entry.fuzzy or entry.obsolete] == []


@pytest.mark.parametrize("language", languages(ROOT))
def test_the_words_of_pictures_and_explorers_are_in_order(language: str) -> None:
    catalogue = read_catalogue(ROOT / LOCALE / language / SHOWN)
    assert {entry.msgid for entry in catalogue} >= set(NAMES)
    found = {entry.msgid: plain_problems(entry, language, glossary(language)) for entry in catalogue}
    assert {message: problems for message, problems in found.items() if problems} == {}


def test_the_readme_leads_to_its_translations() -> None:
    english = (ROOT / "README.md").read_text(encoding="utf-8")
    assert LINE.findall(english) == [switch(ROOT, "README.md")] == ["English · [中文](README.zh.md)"]
    chinese = (ROOT / "README.zh.md").read_text(encoding="utf-8")
    assert "[English](README.md) · 中文\n" in chinese


def test_marked_words_are_found() -> None:
    found = site_messages(ROOT)
    assert {"Lessons", "Menu", "Hide code", "Copy link", "Solution to exercise {1}"} <= {
        message.text for message in found
    }
    assert all(isinstance(message, Message) for message in found)


@pytest.mark.parametrize("language", languages(ROOT))
def test_each_page_of_a_notebook_has_alternative_texts_in_the_language(language: str) -> None:
    english, other = Edition(ROOT), Edition(ROOT, language)
    for source in ("notebooks/08_iou_labeling.ipynb", "notebooks/deeper/03_fpn.ipynb"):
        for one, two in zip(english.notebook(source).cells, other.notebook(source).cells, strict=True):
            for first, second in zip(one.get("outputs", []), two.get("outputs", []), strict=True):
                alt = first.get("metadata", {}).get("image/png", {}).get("alt")
                assert alt is None or second.metadata["image/png"]["alt"] != alt
