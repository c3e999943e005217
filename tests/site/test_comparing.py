"""The comparisons of the explorers' tests find what is wrong: in numbers, in texts, and in a part of many numbers."""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from golden import ALL, MANY, sampled, step_through
from hand_on_a_page import same_text
from torch import Tensor

from frcnn_edu.notebook_checks.browser import find_browser

Difference = Callable[[Any, Any], str | None]
needs_a_browser = pytest.mark.skipif(
    find_browser() is None and not os.environ.get("BROWSER_REQUIRED"),
    reason="no browser: install Chromium (or name one in the variable CHROMIUM) to test what compares in it",
)
SAME = [
    ("IoU = 0.5", "IoU = 0.5"),
    ("0.50 of 3", "0.51 of 3"),
    ("−1,234.5", "−1,234.6"),
    ("0.0", "−0.1"),
]
OTHER = [
    ("2.0", "2"),
    ("2", "2.0"),
    ("0.5", "0.51"),
    ("0.5", "0.5999"),
    ("0.51", "0.5"),
    ("0.50", "0.52"),
    ("2", "3"),
    ("1,234", "1,235"),
    ("2 boxes", "2 cells"),
    ("1 of 2", "1 of"),
]
TEXTS = [*((one, other, True) for one, other in SAME), *((one, other, False) for one, other in OTHER)]
WHERE_SAMPLES_ARE = [
    (1056, 4),
    (200, 4),
    (4911, 2),
    (1, 190, 2),
    (120, 160, 3),
    (128, 160, 3),
    (800, 1066, 3),
    (25, 34, 3),
]


@pytest.fixture(scope="module")
def page(browser: Any) -> Iterator[Any]:
    """A page with compare.js."""
    opened = browser.new_page()
    opened.goto("about:blank")
    opened.add_script_tag(content=(Path(__file__).parent / "compare.js").read_text(encoding="utf-8"))
    yield opened
    opened.close()


@pytest.fixture
def difference(page: Any) -> Difference:
    def compared(wanted: Any, found: Any) -> str | None:
        texts = [json.dumps(value) for value in (wanted, found)]
        return page.evaluate("(texts) => difference(...texts.map((text) => JSON.parse(text)))", texts)

    return compared


@pytest.mark.parametrize(("one", "other", "same"), TEXTS)
def test_texts_on_a_page(one: str, other: str, same: bool) -> None:
    assert same_text(one, other) == same


@needs_a_browser
@pytest.mark.parametrize(("one", "other", "same"), TEXTS)
def test_texts_of_the_engine(difference: Difference, one: str, other: str, same: bool) -> None:
    assert (difference(one, other) is None) == same


@needs_a_browser
def test_a_number_is_compared_with_a_number(difference: Difference) -> None:
    assert difference(0, 0) is difference(2, 2.00001) is difference(30000, 30001) is None
    others: list[Any] = [None, "", "0", False, [], 0.001]
    for wrong in others:
        assert difference(0, wrong), wrong


@needs_a_browser
@pytest.mark.parametrize("number", [5, 33, 200, 252, 1056])
def test_one_wrong_side_of_the_boxes_is_found(difference: Difference, number: int) -> None:
    boxes = torch.arange(4.0 * number).reshape(number, 4)
    assert difference(sampled(boxes), boxes.reshape(-1).tolist()) is None
    for side in range(4):
        wrong = boxes.clone()
        wrong[:, side] += 50
        assert difference(sampled(boxes), wrong.reshape(-1).tolist()), f"{number} boxes, side {side}"


@needs_a_browser
@pytest.mark.parametrize("size", [(7, 7), (25, 34), (120, 152), (120, 160), (128, 160)])
def test_one_wrong_colour_at_one_border_of_a_picture_is_found(difference: Difference, size: tuple[int, int]) -> None:
    pixels = torch.randint(0, 100, (*size, 3), generator=torch.Generator().manual_seed(1))
    assert difference(sampled(pixels), as_page_picture(pixels)) is None
    border = -(-size[1] // 5)
    for columns in (slice(0, border), slice(-border, None)):
        for colour in range(3):
            wrong = pixels.clone()
            wrong[:, columns, colour] += 50
            assert difference(sampled(pixels), as_page_picture(wrong)), f"{columns}, colour {colour}"


@needs_a_browser
def test_a_picture_without_its_last_bytes_is_found(difference: Difference) -> None:
    pixels = torch.zeros(12, 12, 3, dtype=torch.int64)
    picture = as_page_picture(pixels)
    assert difference(sampled(pixels), picture | {"rgba": picture["rgba"][:300]})


def as_page_picture(pixels: Tensor) -> dict[str, Any]:
    """A picture as a page has it: with a fourth byte for each pixel."""
    height, width, _ = pixels.shape
    opaque = torch.cat([pixels, torch.full((height, width, 1), 255)], dim=2)
    return {"height": height, "width": width, "rgba": opaque.reshape(-1).tolist()}


@pytest.mark.parametrize("shape", WHERE_SAMPLES_ARE)
def test_samples_come_from_everywhere(shape: tuple[int, ...]) -> None:
    """From each entry of a short side, from each fifth of a long one; and there are neither too few nor too many."""
    number = torch.Size(shape).numel()
    taken = torch.zeros(number, dtype=torch.bool)
    taken[:: step_through(shape)] = True
    assert MANY / 2 <= taken.sum() <= ALL
    for axis, side in enumerate(shape):
        counts = taken.reshape(shape).movedim(axis, 0).reshape(side, -1).sum(dim=1)
        assert all(part.sum() for part in counts.tensor_split(min(side, 5))), f"axis {axis}"


def test_few_numbers_are_compared_one_by_one() -> None:
    assert step_through((40, 4)) == step_through(()) == step_through((0, 4)) == 1
    assert sampled(torch.tensor([[1.0, 2.0]])) == {"shape": [1, 2], "every": 1, "numbers": [1.0, 2.0]}
