from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from frcnn_edu.training.errors import KINDS, RIGHT, judge, tally

TARGET = {
    "boxes": torch.tensor([[0.0, 0, 10, 10], [50, 50, 60, 60], [80, 0, 100, 20]]),
    "labels": torch.tensor([1, 2, 1]),
    "iscrowd": torch.tensor([0, 0, 1]),
}


def found(*rows: tuple[float, ...]) -> dict[str, Tensor]:
    """Detections from (x0, y0, x1, y1, label, score)."""
    values = torch.tensor(rows).reshape(-1, 6)
    return {"boxes": values[:, :4], "labels": values[:, 4].long(), "scores": values[:, 5]}


@pytest.mark.parametrize(
    ("kind", "row"),
    [
        ("right", (0, 0, 10, 9, 1, 0.9)),
        ("localisation", (0, 0, 10, 4, 1, 0.9)),  # IoU 0.4
        ("background", (0, 0, 10, 0.9, 1, 0.9)),  # IoU 0.09
        ("background", (200, 200, 210, 210, 1, 0.9)),
        ("class", (0, 0, 10, 10, 2, 0.9)),
        ("both", (50, 50, 60, 54, 1, 0.9)),
    ],
)
def test_the_kinds(kind: str, row: tuple[float, ...]) -> None:
    fates = judge(found(row), TARGET)
    assert fates.kinds == [kind]
    assert fates.missed.tolist() == [kind != RIGHT, True, False]  # what is to be ignored is not missed
    assert fates.errors == (1 if kind == RIGHT else 3)


def test_the_better_score_takes_the_object() -> None:
    fates = judge(found((0, 0, 10, 8, 1, 0.6), (0, 0, 10, 7, 1, 0.8), (0, 0, 10, 10, 1, 0.4)), TARGET)
    assert fates.kinds == ["right", "duplicate"]
    assert fates.chosen.tolist() == [1, 0]  # the third scores too little
    assert judge(found((0, 0, 10, 10, 1, 0.4)), TARGET, score_threshold=0.3).kinds == ["right"]


def test_what_lies_on_an_object_to_ignore_is_not_looked_at() -> None:
    assert judge(found((80, 0, 100, 20, 1, 0.9), (81, 1, 90, 9, 2, 0.9)), TARGET).kinds == []
    assert judge(found((90, 0, 130, 20, 1, 0.9)), TARGET).kinds == ["background"]  # a quarter lies on it


def test_nothing() -> None:
    nothing: dict[str, Any] = {"boxes": torch.zeros(0, 4), "labels": torch.zeros(0, dtype=torch.int64)}
    assert judge(found((0, 0, 10, 10, 1, 0.9)), nothing).kinds == ["background"]
    assert judge(found(), TARGET).errors == 2
    assert judge(found(), nothing).errors == 0


coordinates = st.tuples(*[st.integers(0, 20)] * 2, *[st.integers(1, 20)] * 2, st.integers(1, 3))


@given(st.lists(st.tuples(coordinates, st.floats(0, 1, width=32)), max_size=8), st.lists(coordinates, max_size=6))
def test_each_detection_has_one_kind_and_each_object_one_fate(rows: list, objects: list) -> None:
    detections = found(*[(x, y, x + w, y + h, label, score) for (x, y, w, h, label), score in rows])
    target = {
        "boxes": torch.tensor([[x, y, x + w, y + h] for x, y, w, h, _ in objects], dtype=torch.float32).reshape(-1, 4),
        "labels": torch.tensor([label for *_, label in objects], dtype=torch.int64),
    }
    fates = judge(detections, target)
    assert len(fates.kinds) == len(fates.chosen) == int((detections["scores"] >= 0.5).sum())
    assert fates.kinds.count("right") == len(objects) - int(fates.missed.sum())
    counts = tally([fates], [detections], [target], classes=4)
    assert sum(map(sum, counts.kinds.values())) == len(fates.kinds)
    assert counts.objects == [sum(label == k for *_, label in objects) for k in range(4)]
    for k in range(4):
        assert counts.kinds[RIGHT][k] + counts.missed[k] == counts.objects[k]
    assert set(counts.kinds) == set(KINDS)
