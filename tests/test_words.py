"""The words of pictures and explorers in another language: how a text is looked up, and what chooses the language."""

import json
import os
from pathlib import Path

import pytest
from matplotlib.figure import Figure

from frcnn_edu import words as module
from frcnn_edu.lessons.checking import Verdict
from frcnn_edu.viz.language import put_in_language
from frcnn_edu.words import labels, language, name_classes, skeleton, speaking, translated, units, words

KNOWN = {
    "{1} positive": "{1} 个正样本",
    "The best fit of {1} is on P{2}.": "{1}的最佳锚框在 P{2} 上。",
    "It comes from an anchor.": "它来自一个锚框。",
    "low-quality matches": "低质量匹配",
    "our {1}": "我们的{1}",
    "object {1}, a {2}": "物体 {1}（{2}）",
    "cross": "十字",
    "star": "星形",
    "number of anchors": "锚框数",
    "only its\nwidth": "只改\n宽度",
}


@pytest.mark.parametrize(
    ("text", "pattern", "slots"),
    [
        ("8 positive", "{1} positive", ["8"]),
        ("11,000 of 3.5 m", "{1} of {2} m", ["11,000", "3.5"]),
        ("dx −0.14, dy +0.2", "dx {1}, dy {2}", ["−0.14", "+0.2"]),
        ("256 − 7", "{1} − {2}", ["256", "7"]),
        ("(−3)", "({1})", ["−3"]),
        ("2·10⁻⁴ of P3", "{1} of P{2}", ["2·10⁻⁴", "3"]),
        ("is 33rd by score", "is {1} by score", ["33rd"]),
        ("our cross and object 3, a star", "{1} and {2}", ["our cross", "object 3, a star"]),
        ("across a crossing", "across a crossing", []),
        ("cross entropy, square roots", "cross entropy, square roots", []),
    ],
)
def test_a_skeleton_is_a_text_without_numbers_and_names(text: str, pattern: str, slots: list[str]) -> None:
    assert skeleton(text) == (pattern, slots)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("8 positive", "8 个正样本"),
        (" 8 positive", " 8 个正样本"),
        ("The best fit of our cross is on P3.", "我们的十字的最佳锚框在 P3 上。"),
        ("The best fit of object 3, a star is on P4.", "物体 3（星形）的最佳锚框在 P4 上。"),
        ("It comes from an anchor. 8 positive", "它来自一个锚框。8 个正样本"),
        ("number of anchors\n8 positive", "锚框数\n8 个正样本"),
        ("only its\nwidth", "只改\n宽度"),
        ("0 · star 0.00, 1 · cross 0.53", "0 · 星形 0.00, 1 · 十字 0.53"),
        ("an unknown label", "an unknown label"),
        ("8 positive: an unknown label", "8 positive: an unknown label"),
        ("roi_heads", "roi_heads"),
        ("It comes from an anchor. ", "它来自一个锚框。"),
        ("0.25", "0.25"),
        ("", ""),
    ],
)
def test_translated(text: str, shown: str) -> None:
    assert translated(text, KNOWN) == shown


def test_units_are_what_catalogues_have() -> None:
    assert units("It has 8 boxes. Our cross, too!\n0.5") == ["It has {1} boxes.", "Our {1}, too!"]
    assert units("roi_heads 3") == units("12 · 0.5") == units("star") == []
    assert units("P2   8×10 cells   good\nP3   4×5 cells   bad") == ["{1}×{2} cells", "good", "{1}×{2} cells", "bad"]


def test_the_language_is_english_at_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FRCNN_EDU_LANG", raising=False)
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    assert language() == "en"
    assert words("8 positive") == "8 positive"
    assert labels(["Reset"]) == {}


@pytest.mark.parametrize(
    ("notebook", "chosen"),
    [
        ("notebooks/zh/03_fpn.ipynb", "zh_CN"),
        ("zh/deeper/03_fpn.ipynb", "zh_CN"),
        ("notebooks/03_fpn.ipynb", "en"),
        ("zh", "en"),
        ("", "en"),
    ],
)
def test_a_notebook_chooses_its_language(notebook: str, chosen: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FRCNN_EDU_LANG", raising=False)
    monkeypatch.setenv("JPY_SESSION_NAME", notebook)
    assert language() == chosen
    monkeypatch.setenv("FRCNN_EDU_LANG", "en")
    assert language() == "en"


def test_an_unknown_language_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FRCNN_EDU_LANG", "xx")
    with pytest.raises(ValueError, match=r"FRCNN_EDU_LANG=xx: expected one of en, zh_CN"):
        language()


def test_speaking_ends_with_its_block(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FRCNN_EDU_LANG", raising=False)
    with speaking("zh_CN"):
        assert language() == "zh_CN"
    assert "FRCNN_EDU_LANG" not in os.environ


def test_the_classes_of_own_data_are_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "catalogue", lambda chosen: KNOWN)
    for name in ("SLOT", "PART"):
        monkeypatch.setattr(module, name, getattr(module, name))
    monkeypatch.setattr(module, "_more", set())
    text = "The best fit of our white cell is on P3. The best fit of object 2, a cell 7 is on P2."
    name_classes(["white cell"])  # in English nothing has to be known
    assert module._more == set()
    with speaking("zh_CN"):
        name_classes(["cell 7", "white cell", "anchor", "cross"])
        assert words(text) == "我们的white cell的最佳锚框在 P3 上。物体 2（cell 7）的最佳锚框在 P2 上。"
    assert module._more == {"cell 7", "white cell"}


def test_figures_and_checkers_speak_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "catalogue", lambda chosen: {**KNOWN, "Right.": "正确。", "Well done.": "做得好。"})
    figure = Figure()
    text = figure.text(0.5, 0.5, "8 positive")
    other = figure.text(0.5, 0.1, "0.25")
    with speaking("zh_CN"):
        put_in_language(figure)
        assert repr(Verdict(True, "Well done.")) == "正确。做得好。"
    assert text.get_text() == "8 个正样本"
    assert any("zh_CN" in family for family in text.get_fontfamily())
    assert other.get_text() == "0.25"


def test_messages_are_collected_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FRCNN_EDU_COLLECT", str(tmp_path / "shown.jsonl"))
    monkeypatch.setattr(module, "_noted", set())
    for text in ("12 boxes", "13 boxes", "0.5", "A line. 12 boxes"):
        words(text)
    labels(["Try {1} of {2}"])
    found = [json.loads(line) for line in (tmp_path / "shown.jsonl").read_text(encoding="utf-8").splitlines()]
    assert found == [["{1} boxes", "12 boxes"], ["A line.", "A line. 12 boxes"], ["Try {1} of {2}", "Try {1} of {2}"]]
