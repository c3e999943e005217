"""Precision, recall and F1 against counting by hand, and against what `judge` says of each detection."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from frcnn_edu.training import Evaluation, coco_metrics
from frcnn_edu.training.details import measure_details
from frcnn_edu.training.precision_recall import Curve, Point, curves

CLASSES = ("background", "cat", "dog")


def found(*rows: tuple[float, ...]) -> dict[str, torch.Tensor]:
    """Detections from (x0, y0, x1, y1, label, score)."""
    values = torch.tensor(rows).reshape(-1, 6)
    return {"boxes": values[:, :4], "labels": values[:, 4].long(), "scores": values[:, 5]}


def target(*rows: tuple[float, ...]) -> dict[str, torch.Tensor]:
    """Objects from (x0, y0, x1, y1, label), or with a last 1 to be ignored."""
    values = torch.tensor([(*row, 0.0)[:6] for row in rows]).reshape(-1, 6)
    return {"boxes": values[:, :4], "labels": values[:, 4].long(), "iscrowd": values[:, 5].long()}


CAT, DOG, AWAY = (0, 0, 10, 10, 1), (50, 50, 60, 60, 2), (80, 80, 90, 90)


def test_counted_by_hand() -> None:
    detections = [
        found((*CAT, 0.9), (*AWAY, 1, 0.8), (1, 0, 10, 10, 1, 0.7), (*DOG, 0.6)),  # right, nothing there, twice, right
        found((*CAT, 0.4)),  # right, but below 0.5
    ]
    together, cats, dogs = curves(detections, [target(CAT, DOG), target(CAT)], CLASSES)
    point = cats.at(0.5)
    assert (point.objects, point.detections, point.right) == (2, 3, 1)
    assert (point.precision, point.recall, point.f1) == (1 / 3, 1 / 2, pytest.approx(2 / 5))
    assert cats.at(0.4).right == 2
    assert (dogs.at(0.5).precision, dogs.at(0.5).recall, dogs.at(0.5).f1) == (1, 1, 1)
    assert (together.objects, together.at(0.5).detections, together.at(0.5).right) == (3, 4, 2)
    assert dogs.ap50 == pytest.approx(1)
    assert together.ap50 == pytest.approx((cats.ap50 + dogs.ap50) / 2)
    best = cats.best()  # F1 is 2/3 at 0.9 (1 of 1 right, 1 of 2 found) and at 0.4 (2 of 4, 2 of 2): the higher one
    assert (best.score_threshold, best.f1) == (pytest.approx(0.9), pytest.approx(2 / 3))


def test_a_threshold_means_the_same_as_in_detect() -> None:
    (together, *_) = curves([found((*CAT, 0.7))], [target(CAT)], CLASSES)  # 0.7 is less as float32
    assert together.at(0.7).right == int((torch.tensor([0.7]) >= 0.7).sum()) == 1


def test_the_best_threshold_takes_all_of_one_score_or_none() -> None:
    four = np.array([0.75, 0.5, 0.5, 0.5], np.float32)
    curve = Curve(None, 2, four, np.array([True, True, False, False]))
    assert curve.best() == Point(0.75, 2, 1, 1)  # F1 2/3; the second alone would make it 1, but brings two wrong ones
    assert Curve(None, 3, four[:2], np.array([True, True])).best() == Point(0.5, 3, 2, 2)
    assert Curve(None, 3, four[:1], np.array([False])).best() is None


def test_nothing_to_measure() -> None:
    together, cats, dogs = curves([found(), found((*AWAY, 2, 0.9))], [target(CAT), target()], CLASSES)
    assert (cats.at(0.5).precision, cats.at(0.5).recall, cats.at(0.5).f1, cats.best()) == (None, 0, 0, None)
    assert (dogs.at(0.5).precision, dogs.at(0.5).recall, dogs.at(0.5).f1, dogs.ap50) == (0, None, 0, None)
    assert (together.at(0.5).precision, together.at(0.5).recall) == (0, 0)
    (nobody, *_) = curves([found()], [target()], CLASSES)
    assert (nobody.ap50, nobody.at(0.5).precision, nobody.at(0.5).recall, nobody.at(0.5).f1) == (None, None, None, None)


def test_what_is_to_be_ignored_counts_neither_way() -> None:
    _, cats, _ = curves([found((*CAT, 0.9), (2, 2, 8, 8, 1, 0.8))], [target((*CAT, 1))], CLASSES)
    assert (cats.objects, len(cats.scores)) == (0, 0)


def test_more_than_a_hundred_detections_of_an_image_are_all_counted() -> None:
    rows = [(12 * (i % 20), 12 * (i // 20), 12 * (i % 20) + 10, 12 * (i // 20) + 10, 1) for i in range(150)]
    detections, targets = [found(*[(*row, 1 - i / 200) for i, row in enumerate(rows)])], [target(*rows)]
    _, cats, _ = curves(detections, targets, CLASSES)
    assert cats.at(0).recall == 1
    recalls = {most: coco_metrics(detections, targets, CLASSES, most)["AR100"] for most in (100, 150)}
    assert recalls == {100: pytest.approx(100 / 150), 150: pytest.approx(1)}


box = st.tuples(*[st.integers(0, 20)] * 2, *[st.integers(2, 12)] * 2, st.integers(1, 2)).map(
    lambda b: (b[0], b[1], b[0] + b[2], b[1] + b[3], b[4])
)
image = st.tuples(st.lists(st.tuples(box, st.integers(0, 20)), max_size=6), st.lists(box, max_size=4))


@given(st.lists(image, min_size=1, max_size=3), st.integers(0, 20))
def test_the_evaluator_and_judge_agree_and_the_matrix_adds_up(images: list, score: int) -> None:
    detections = [found(*[(*b, s / 20) for b, s in sorted(rows, key=lambda row: -row[1])]) for rows, _ in images]
    targets = [target(*objects) for _, objects in images]
    details = measure_details(Evaluation({}, detections, targets), CLASSES, score / 20)
    for label in (1, 2):
        point = details.curves[label].at(score / 20)
        kinds = {kind: numbers[label] for kind, numbers in details.counts.kinds.items()}
        assert (point.objects, point.right) == (details.counts.objects[label], kinds["right"])
        assert point.detections == sum(kinds.values())
        assert point.right == details.confusion[label, label]
        assert details.confusion[label].sum() == point.objects
        assert details.confusion[:, label].sum() == point.detections
        best = details.curves[label].best()
        f1s = [details.curves[label].at(s).f1 for s in details.curves[label].scores]
        assert best is None or best.f1 == max(f1s)
    empty = [len(f["scores"][f["scores"] >= score / 20]) for f, t in zip(detections, targets) if not len(t["labels"])]
    alarms = details.false_alarms
    assert (alarms.images, alarms.detections) == (len(empty), sum(empty))
    assert alarms.with_detections == sum(count > 0 for count in empty)
