"""Checkers for notebook 14: the learning rate of a step, and average precision by hand."""

import math
from collections.abc import Callable, Sequence

import torch

from frcnn_edu.lessons.checking import checker, expect
from frcnn_edu.training import TrainConfig, coco_metrics, lr_factor

FACTOR = TrainConfig(epochs=1).warmup_factor


@checker
def learning_rate(function: Callable[[int, int, float, int], float]) -> str:
    """Check a function (step, steps, highest, warmup_steps) → the learning rate of this step; the first step is 0."""
    for steps, highest, warmup in ((480, 1.5e-3, 100), (200, 0.02, 20)):
        config = TrainConfig(epochs=1, lr=highest, warmup_steps=warmup)
        for step in (warmup, steps // 2, 3 * steps // 4, steps - 1, warmup // 2, 0):
            rate = float(function(step, steps, highest, warmup))
            right = highest * lr_factor(step, step / steps, config)
            if math.isclose(rate, right, rel_tol=1e-6, abs_tol=1e-12):
                continue
            _explain_rate(rate, step, steps, highest, warmup)
            expect(
                False,
                f"In step {step} of {steps} (highest rate {highest}, {warmup} steps of warm-up) the rate is {right:.3g}, but yours is {rate:.3g}.",
            )
    return "The rate follows from the step alone, so a run can be resumed anywhere."


def _explain_rate(rate: float, step: int, steps: int, highest: float, warmup: int) -> None:
    ramp = FACTOR + (1 - FACTOR) * step / warmup if step < warmup else 1.0
    cosine = (1 + math.cos(math.pi * step / steps)) / 2

    def near(share: float) -> bool:
        return math.isclose(rate, highest * share, rel_tol=1e-6, abs_tol=1e-12)

    where = f"In step {step} of {steps}"
    expect(not near(ramp * cosine / highest), f"{where} you return a fraction of the highest rate; multiply by it.")
    from_zero = step / warmup * cosine
    expect(
        step >= warmup or not near(from_zero),
        f"{where} your warm-up begins at 0, so the first step would change nothing. It should begin at {FACTOR:g} of the rate.",
    )
    expect(step >= warmup or not near(cosine), f"{where} your rate has no warm-up.")
    expect(
        step >= warmup or not (near(ramp) or near(min(ramp, cosine))),
        f"{where} only the ramp counts. Multiply it by the cosine, which falls from the first step.",
    )
    later = (1 + math.cos(math.pi * max(step - warmup, 0) / (steps - warmup))) / 2
    expect(
        not near(ramp * later),
        f"{where} your cosine starts when the warm-up ends. It should run over the whole training, of which {step}/{steps} has been completed.",
    )
    expect(
        not near(ramp * (1 + math.cos(math.pi * step / steps))),
        f"{where} your rate is twice as large as it should be, because 1 + cos goes from 2 to 0.",
    )
    expect(not near(ramp * (1 - step / steps)), f"{where} your rate falls in a straight line, not along a cosine.")
    expect(
        not near(ramp * math.cos(math.pi / 2 * step / steps)),
        f"{where} you use a quarter of a cosine wave. Use half of one, moved up: (1 + cos πt) / 2 is flat at both ends.",
    )


CASES = (
    ((True, False, False, True, True, False, True), 6),  # the first one tells mistakes apart
    ((True, False, True, True, False), 4),
    ((True, True), 2),
    ((False, True), 2),
    ((False, False), 3),
    ((), 2),
)


def coco_average_precision(right: Sequence[bool], objects: int) -> float:
    """AP50 of these detections, the most confident first, by COCO's own evaluator. The objects are in a row, and wrong detections far below it."""
    ground_truth = torch.tensor([[20.0 * i, 0, 20.0 * i + 10, 10] for i in range(objects)])
    found = iter(ground_truth)
    boxes = [next(found) if hit else torch.tensor([20.0 * i, 500, 20.0 * i + 10, 510]) for i, hit in enumerate(right)]
    target = {"boxes": ground_truth, "labels": torch.ones(objects, dtype=torch.int64)}
    detections = {
        "boxes": torch.stack(boxes) if boxes else torch.zeros(0, 4),
        "labels": torch.ones(len(boxes), dtype=torch.int64),
        "scores": 0.9 - 0.01 * torch.arange(len(boxes)),
    }
    return float(coco_metrics([detections], [target], ("background", "object"))["AP50"])


@checker
def average_precision(function: Callable[[list[bool], int], float]) -> str:
    """Check a function (right, number of objects) → average precision as COCO measures it, at 101 recalls."""
    for right, objects in CASES:
        value = float(function(list(right), objects))
        expected = coco_average_precision(right, objects)
        if math.isclose(value, expected, abs_tol=1e-6):
            continue
        _explain_average_precision(value, right, objects)
        expect(
            False,
            f"For {list(right)} and {objects} objects, COCO's evaluator returns {expected:.4f}, but you return {value:.4f}.",
        )
    return "A wrong detection below the last right one costs nothing, so it does no harm to keep detections with scores down to 0.05."


def _explain_average_precision(value: float, right: Sequence[bool], objects: int) -> None:
    hits = [sum(right[: i + 1]) for i in range(len(right))]
    precision = [hit / (i + 1) for i, hit in enumerate(hits)]
    recall = [hit / objects for hit in hits]
    at_hits = [p for p, hit in zip(precision, right) if hit]
    name = f"For {list(right)} and {objects} objects,"

    def near(other: float) -> bool:
        return math.isclose(value, other, abs_tol=1e-6)

    def at(threshold: float, best: bool) -> float:
        reached = [p for p, r in zip(precision, recall) if r >= threshold]
        return (max(reached) if best else reached[0]) if reached else 0.0

    thresholds = [i / 100 for i in range(101)]
    expect(
        not near(sum(at(t, best=False) for t in thresholds) / 101),
        f"{name} you take the precision where each recall is first reached. COCO takes the highest precision at that recall *or a higher one*.",
    )
    if at_hits:
        expect(
            not near(sum(at_hits) / len(at_hits)) or len(at_hits) == objects,
            f"{name} you leave out the recalls that are never reached. Their precision is 0.",
        )
        expect(
            not near(sum(at_hits) / objects),
            f"{name} you return the mean precision at the right detections. At each of 101 recalls, COCO takes the highest precision at that recall or a higher one.",
        )
        expect(
            not near(sum(right) / len(right)),
            f"{name} you return the precision of all detections, but their order should matter.",
        )
        steps = [at(k / objects, best=True) for k in range(1, objects + 1)]
        expect(
            not near(sum(steps) / objects),
            f"{name} you return the exact area, as VOC has done since 2010. COCO takes the mean over the recalls 0, 0.01 … 1.",
        )
        last = [at(t, best=True) or precision[-1] for t in thresholds]
        expect(
            not near(sum(last) / 101), f"{name} you give unreached recalls the last precision. Their precision is 0."
        )
        interpolated = sum(at(t, best=True) for t in thresholds)
        expect(
            not near(interpolated / 100),
            f"{name} you divide by 100, but from 0 to 1 in steps of 0.01 there are 101 recalls.",
        )
