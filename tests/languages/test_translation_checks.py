"""Checks of translations: each fault is planted in a good pair, and found."""

import polib
import pytest

from frcnn_edu.languages.checks import entry_problems, plain_problems
from frcnn_edu.languages.glossary import Term

GLOSSARY = [Term(("ground-truth box",), ("真实框",)), Term(("anchor",), ("锚框",)), Term(("stride",), ("步长",))]
ENGLISH = "Each **anchor** calls `nms` with $x > 0.5$ on 300 boxes ([deeper](deeper/09.ipynb#NMS))."
GOOD = "每个**锚框**用 $x > 0.5$ 对 300 个框调用 `nms`（[深入篇](deeper/09.ipynb#NMS)）。"


def problems(english: str, translation: str, **state: object) -> list[str]:
    return entry_problems(polib.POEntry(msgid=english, msgstr=translation, **state), "zh_CN", GLOSSARY)


def test_a_good_translation_has_no_problems() -> None:
    assert problems(ENGLISH, GOOD) == []


@pytest.mark.parametrize(
    ("before", "after", "named"),
    [
        ("`nms`", "`soft_nms`", "code: missing ['nms']; not in the English ['soft_nms']"),
        ("$x > 0.5$", "$x > 0.7$", "formulas"),
        ("300", "三百", "numbers: missing ['300']"),
        ("300 个框", "300 个框中的 2 个", "numbers: not in the English ['2']"),
        ("09.ipynb#NMS", "08.ipynb#NMS", "links"),
        ("**锚框**", "锚框", "emphases: 0 instead of 1"),
        ("**锚框**", "**anchor**", "glossary: 'anchor' is 锚框"),
        ("每个", "- 每个", "blocks"),
        ("每个", "# 每个", "blocks"),
        ("。", ".", "half-width punctuation"),
    ],
)
def test_a_difference_is_found(before: str, after: str, named: str) -> None:
    found = problems(ENGLISH, GOOD.replace(before, after))
    assert any(named in problem for problem in found), found


@pytest.mark.parametrize(
    ("state", "named"),
    [({"flags": ["fuzzy"]}, "fuzzy"), ({"obsolete": True}, "obsolete"), ({"msgstr": ""}, "not translated")],
)
def test_an_unfinished_message_is_found(state: dict[str, object], named: str) -> None:
    assert problems(ENGLISH, **{"translation": GOOD, **state})[0].startswith(named) if "msgstr" not in state else True
    entry = polib.POEntry(**{"msgid": ENGLISH, "msgstr": GOOD, **state})
    assert entry_problems(entry, "zh_CN", GLOSSARY)[0].startswith(named)


def test_tables_and_lists_keep_their_size() -> None:
    table = "| a | b |\n|---|---|\n| one | two |"
    assert problems(table, table.replace("one", "一").replace("two", "二")) == []
    assert problems(table, "| a | b |\n|---|---|\n| 一 | 二 |\n| 三 | 四 |")
    assert problems("- one\n- two", "- 一\n- 二") == []
    assert problems("- one\n- two", "- 一二")


def test_words_in_a_formula_may_be_translated() -> None:
    assert problems("$a \\text{ if it fits}$ holds", "$a \\text{ 若合适}$ 成立") == []


def test_a_longer_term_is_not_taken_for_a_shorter_one() -> None:
    assert problems("The ground-truth box.", "真实框。") == []
    assert problems("An anchored boat.", "一条抛锚的船。") == []
    assert "'stride'" in problems("Two strides.", "两个跨度。")[0]


def test_millions_are_counted_in_ten_thousands() -> None:
    assert problems("It has 2.1 million weights.", "它有 210 万个权重。") == []
    assert problems("It has 2.1 million weights.", "它有 2.1 万个权重。")
    assert problems("177.6 billion multiplications", "1776 亿次乘法") == []
    assert problems("1.05 million / 23.5 million", "105 万 / 2350 万") == []


def test_a_language_without_rules_of_its_own_is_only_compared() -> None:
    entry = polib.POEntry(msgid="Each anchor, once.", msgstr="Jeder Anker, einmal.")
    assert entry_problems(entry, "de", []) == []


@pytest.mark.parametrize(
    ("english", "translation", "problem"),
    [
        ("{1} anchors", "{1} 个锚框", None),
        ("only its\nwidth", "只改\n宽度", None),
        ("anchor_generator", "anchor_generator", None),
        ("# {1} of {2}", "# {2} 中的 {1}", None),
        ("{1} anchors", "锚框", "numbers and places"),
        ("{1} anchors", "{1} 个框", "glossary"),
        ("two, three", "二,三", "half-width"),
        ("two, three", "", "not translated"),
    ],
)
def test_words_of_a_picture(english: str, translation: str, problem: str | None) -> None:
    found = plain_problems(polib.POEntry(msgid=english, msgstr=translation), "zh_CN", GLOSSARY)
    assert found == [] if problem is None else any(problem in one for one in found)
