"""Markdown in blocks: nothing is lost, and only what has words is translated."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from frcnn_edu.languages.blocks import anchor, blocks, heading, replaced, words_only

TEXT = """# A title with `code`

A paragraph
of two lines with $x$.

- an item
- another one

| a | b |
|---|---|
| 1 | 2 |

$$
a \\cdot b
$$

```python
x = 1

y = 2
```

> A quotation.

`code_only`

![](figure.png)
"""


def test_together_the_blocks_are_the_text() -> None:
    assert "".join(block.text for block in blocks(TEXT)) == TEXT


@given(st.text(alphabet="ab #|-*`$\n>1.", max_size=80))
def test_together_the_blocks_are_any_text(text: str) -> None:
    assert "".join(block.text for block in blocks(text)) == text


def test_only_blocks_with_words_are_translated() -> None:
    found = [block.text.splitlines()[0] for block in blocks(TEXT) if block.has_words]
    assert found == ["# A title with `code`", "A paragraph", "- an item", "| a | b |", "> A quotation."]


@pytest.mark.parametrize(
    ("text", "has_words"),
    [
        ("$$\nx\n$$", False),
        ("$$\nx \\text{ if it fits}\n$$", True),
        ("```text\na map of files\n```", True),
        ("```text\n$ python -m frcnn_edu\nits answer\n```", False),
        ("```bash\nls\n```", False),
        ("![A picture](a.png)", True),
        ("[`a`](b.md)", False),
        ("<!-- a comment -->", False),
    ],
)
def test_what_has_words(text: str, has_words: bool) -> None:
    assert [block.has_words for block in blocks(text)] == [has_words]


def test_replaced_leaves_everything_else_as_it_is() -> None:
    assert replaced(TEXT, lambda text: text) == TEXT
    assert replaced("one\n\n\n```bash\nls\n```\n\n two", str.upper) == "ONE\n\n\n```bash\nls\n```\n\n TWO"


def test_words_only() -> None:
    assert words_only("Use `nms` on $x_1$ ([there](a.md#b), **2 boxes**).").split() == [
        "Use",
        "on",
        "(",
        "there",
        ",",
        "2",
        "boxes",
        ").",
    ]


@pytest.mark.parametrize(
    ("text", "title"), [("## Our `nms`", "Our nms"), ("# 08 · *IoU*", "08 · IoU"), ("no heading", None), ("", None)]
)
def test_headings(text: str, title: str | None) -> None:
    assert heading(text) == title


def test_an_anchor_is_jupyterlabs() -> None:
    assert anchor("Our cross, again?") == "Our-cross,-again?"
