"""Chinese typography: full-width punctuation, and one rule for spaces."""

import pytest

from frcnn_edu.languages.chinese import typography_problems


@pytest.mark.parametrize(
    "text",
    [
        "图像里有 7 个物体，它们的 IoU 是 0.53。",
        "**锚框**（anchor）是形状为 (N, 4) 的张量。",
        "调用 `nms` 之后，$x$ 不变：“这里没有”。",
        "占 75% 左右；见[深入篇](a.ipynb)。",
        "| 术语 | 含义 |\n|---|---|\n| anchor | 锚框，见 `a` |",
        "- 一\n- 二",
        "English only, with (half-width) marks: fine!",
        "一次训练——分三步……",
    ],
)
def test_good_text(text: str) -> None:
    assert [*typography_problems(text)] == []


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("锚框,很多", "half-width punctuation"),
        ("锚框(anchor)", "half-width punctuation"),
        ("7个物体", "no space between"),
        ("物体7", "no space between"),
        ("调用`nms`之后", "no space between"),
        ("值$x$不变", "no space between"),
        ("占 75%左右", "no space between"),
        ("锚框 ，很多", "a space beside"),
        ("锚框， 很多", "a space beside"),
        ("锚 框", "a space inside"),
        ('说"没有"', "straight quotation"),
        ("第一行\n第二行", "a line break"),
        ("锚框â€™", "wrong encoding"),
    ],
)
def test_a_fault_is_found(text: str, problem: str) -> None:
    assert any(problem in found for found in typography_problems(text))


def test_the_place_is_quoted() -> None:
    assert next(typography_problems("这里调用`nms`，然后结束")).endswith("…这里调用▢，然后结束…")
