"""The checkers of notebook 14: stubs and likely mistakes are recognised, right answers pass."""

import math

import pytest

from frcnn_edu.lessons.train_the_complete_model import exercises as check


def stub(*args):
    raise NotImplementedError


@pytest.mark.parametrize("checker", [check.learning_rate, check.average_precision])
def test_stub_is_not_right(checker):
    verdict = checker(stub)
    assert not verdict
    assert "no body yet" in verdict.message


def ramp(step, warmup, first=0.001):
    return first + (1 - first) * step / warmup if step < warmup else 1.0


def cosine(progress):
    return (1 + math.cos(math.pi * progress)) / 2


def test_learning_rate_right():
    assert check.learning_rate(lambda step, steps, highest, warmup: highest * ramp(step, warmup) * cosine(step / steps))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda s, n, top, w: ramp(s, w) * cosine(s / n), "multiply by it"),
        (lambda s, n, top, w: top * ramp(s, w, 0.0) * cosine(s / n), "begins at 0"),
        (lambda s, n, top, w: top * cosine(s / n), "no warm-up"),
        (lambda s, n, top, w: top * (ramp(s, w) if s < w else cosine(s / n)), "only the ramp"),
        (lambda s, n, top, w: top * ramp(s, w) * cosine(max(s - w, 0) / (n - w)), "starts when the warm-up ends"),
        (lambda s, n, top, w: top * ramp(s, w) * 2 * cosine(s / n), "twice as large"),
        (lambda s, n, top, w: top * ramp(s, w) * (1 - s / n), "straight line"),
        (lambda s, n, top, w: top * ramp(s, w) * math.cos(math.pi / 2 * s / n), "quarter of a cosine"),
        (lambda s, n, top, w: top / 3, "yours is"),
    ],
)
def test_learning_rate_mistakes(wrong, message):
    verdict = check.learning_rate(wrong)
    assert not verdict
    assert message in verdict.message


def curve(right, objects):
    hits = [sum(right[: i + 1]) for i in range(len(right))]
    return [hit / (i + 1) for i, hit in enumerate(hits)], [hit / objects for hit in hits]


def coco(right, objects, *, pick=max, missing=0.0, places=101, divisor=101):
    precision, recall = curve(right, objects)
    total = 0.0
    for i in range(places):
        reached = [p for p, r in zip(precision, recall, strict=True) if r >= i / 100]
        total += pick(reached) if reached else missing if isinstance(missing, float) else missing(precision)
    return total / divisor


def test_average_precision_right():
    assert check.average_precision(coco)


def voc(right, objects):
    precision, recall = curve(right, objects)
    best = [
        max((p for p, r in zip(precision, recall, strict=True) if r >= k / objects), default=0.0)
        for k in range(1, objects + 1)
    ]
    return sum(best) / objects


def at_hits(right, objects):
    return [p for p, hit in zip(curve(right, objects)[0], right, strict=True) if hit]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda r, n: coco(r, n, pick=lambda reached: reached[0]), "or a higher one"),
        (lambda r, n: sum(at_hits(r, n)) / max(len(at_hits(r, n)), 1), "leave out the recalls"),
        (lambda r, n: sum(at_hits(r, n)) / n, "mean precision at the right detections"),
        (lambda r, n: sum(r) / len(r) if r else 0.0, "order should matter"),
        (voc, "exact area"),
        (lambda r, n: coco(r, n, missing=lambda p: p[-1] if p else 0.0), "unreached recalls"),
        (lambda r, n: coco(r, n, divisor=100), "divide by 100"),
        (lambda r, n: 0.5, "COCO's evaluator returns"),
    ],
)
def test_average_precision_mistakes(wrong, message):
    verdict = check.average_precision(wrong)
    assert not verdict
    assert message in verdict.message
