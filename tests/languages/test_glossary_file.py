"""The glossary of a language, and how it agrees with the glossary of the course."""

import re
from pathlib import Path

import pytest

from frcnn_edu.languages.glossary import FILE, read_glossary
from frcnn_edu.languages.sources import LOCALE, languages

ROOT = Path(__file__).parents[2]


def test_a_row_needs_a_term_and_a_translation(tmp_path: Path) -> None:
    folder = tmp_path / LOCALE / "de"
    folder.mkdir(parents=True)
    (folder / FILE).write_text("english,translation,also,note\nanchor,Anker,,\nbox,,,\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"glossary\.csv, line 3"):
        read_glossary(tmp_path, "de")
    assert read_glossary(tmp_path, "fr") == []


@pytest.mark.parametrize("language", languages(ROOT))
def test_a_term_is_listed_once(language: str) -> None:
    forms = [form for term in read_glossary(ROOT, language) for form in term.english]
    assert len(forms) == len(set(forms)) > 50


def test_the_chinese_of_the_glossary_is_that_of_the_course() -> None:
    """The page "Glossary" has a column with the Chinese terms."""
    page = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
    given = {}
    for terms, chinese in re.findall(r"^\| ([^|]+) \| ([^|]*[\u4e00-\u9fff][^|]*) \|", page, re.MULTILINE):
        for term in terms.split(", "):
            given[term] = [part for word in chinese.split(", ") for part in re.split(r"[（）]", word) if part]
    compared = 0
    for term in read_glossary(ROOT, "zh_CN"):
        for form in term.english:
            if form in given:
                compared += 1
                shared = [word for word in given[form] if any(word in one or one in word for one in term.translations)]
                assert shared, f"{form}: {term.translations} here, {given[form]} on the page"
    assert compared > 25
