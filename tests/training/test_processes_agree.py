"""Processes that see different things end with the same sentence."""

from typing import Any

import pytest

from frcnn_edu.training import ALONE, Processes
from frcnn_edu.training.agreement import check_agreement


class Several(Processes):
    """As this process and others would see what each of them has."""

    def __init__(self, *others: dict[str, Any]) -> None:
        self.others, self.count = others, 1 + len(others)

    def gather_objects(self, mine: Any) -> list[Any]:
        return [mine, *self.others]


MINE = {"images": 8, "classes": ("cat", "dog"), "workers": 0}


def test_the_same_everywhere() -> None:
    check_agreement(Several(MINE, MINE), MINE)
    check_agreement(Several({**MINE, "workers": 4}), MINE, but=("workers",))
    check_agreement(ALONE, MINE)


@pytest.mark.parametrize(
    ("others", "message"),
    [
        (
            [MINE, {**MINE, "images": 9}],
            "images: process 2 has 9, process 0 has 8; all processes of a run need the same data",
        ),
        ([{**MINE, "classes": ("cat",)}, MINE], r"classes: process 1 has \('cat',\), process 0 has \('cat', 'dog'\)"),
        ([{**MINE, "workers": list(range(1000))}], r"workers: process 1 has \[0, 1, .{,95}…, process 0 has 0"),
    ],
)
def test_a_difference_is_named(others: list[dict[str, Any]], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        check_agreement(Several(*others), MINE)
