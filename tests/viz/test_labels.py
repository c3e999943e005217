import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as some

from frcnn_edu.viz.labels import place_labels


@some.composite
def crowds(draw_one: some.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    numbers = draw_one(some.integers(0, 30))
    rng = np.random.default_rng(draw_one(some.integers(0, 2**32 - 1)))
    corners = rng.uniform(-20, 180, (numbers, 2))
    boxes = np.concatenate([corners, corners + rng.uniform(1, 120, (numbers, 2))], axis=1)
    return boxes, rng.uniform(3, 40, (numbers, 2))


@given(crowds())
@settings(max_examples=60, deadline=None)
def test_labels_stay_inside_and_apart(crowd: tuple[np.ndarray, np.ndarray]) -> None:
    boxes, sizes = crowd
    places = place_labels(boxes, sizes, (160.0, 128.0))
    assert len(places) == len(boxes)
    taken = [(*p, p[0] + w, p[1] + h) for p, (w, h) in zip(places, sizes, strict=True) if p is not None]
    for x1, y1, x2, y2 in taken:
        assert x1 >= 0
        assert y1 >= 0
        assert x2 <= 160 + 1e-9
        assert y2 <= 128 + 1e-9
    for i, a in enumerate(taken):
        for b in taken[:i]:
            assert a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1]


def test_the_first_label_stands_on_its_box() -> None:
    boxes = np.array([[40.0, 50, 90, 90], [40.0, 50, 90, 90]])
    first, second = place_labels(boxes, np.array([[30.0, 10], [30.0, 10]]), (160.0, 128.0))
    assert first == (40, 40)
    assert second is not None
    assert second != first


def test_a_label_without_room_is_left_out() -> None:
    assert place_labels(np.array([[0.0, 0, 9, 9]]), np.array([[200.0, 10]]), (160.0, 128.0)) == [None]
