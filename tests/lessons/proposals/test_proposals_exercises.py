import pytest
import torch
from torch import Tensor

from frcnn_edu.lessons.proposals import exercises as check
from frcnn_edu.ops import box_iou, nms


def with_offsets(boxes: Tensor, scores: Tensor, levels: Tensor, threshold: float, step: float | None = None) -> Tensor:
    step = float(boxes.max()) + 1 if step is None else step
    return nms(boxes + levels[:, None] * step, scores, threshold)


def by_level(boxes: Tensor, scores: Tensor, levels: Tensor, threshold: float) -> Tensor:
    kept = []
    for level in levels.unique():
        mine = torch.where(levels == level)[0]
        kept.append(mine[nms(boxes[mine], scores[mine], threshold)])
    return torch.cat(kept)


def stub(*args: object) -> None:
    raise NotImplementedError


def test_stubs_are_not_yet() -> None:
    for checker in (check.nms_per_level, check.recall_at):
        assert not checker(stub)
        assert "no body yet" in checker(stub).message
    assert not check.boxes_into_nms(...)


def test_nms_per_level_with_offsets_is_right() -> None:
    assert check.nms_per_level(with_offsets)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda b, s, lv, t: nms(b, s, t), "one NMS for all levels"),
        (lambda b, s, lv, t: with_offsets(b, s, lv, t, step=1.0), "moved by too little"),
        (lambda b, s, lv, t: nms(b, s + lv, t), "not the scores"),
        (by_level, "a different order"),
        (lambda b, s, lv, t: b[with_offsets(b, s, lv, t)], "Return the indices"),
        (lambda b, s, lv, t: with_offsets(b, s, lv, t).tolist(), "a list"),
        (lambda b, s, lv, t: with_offsets(b, s, lv, t)[:-1], "should have shape"),
        (lambda b, s, lv, t: with_offsets(b, s, lv, t).roll(1) + 1, "not the boxes"),
    ],
)
def test_nms_per_level_names_the_mistake(answer, message: str) -> None:
    verdict = check.nms_per_level(answer)
    assert not verdict
    assert message in verdict.message


def share(proposals: Tensor, ground_truth: Tensor, number: int) -> float:
    return float((box_iou(ground_truth, proposals[:number]).amax(dim=1) >= 0.5).float().mean())


def test_recall_is_right() -> None:
    assert check.recall_at(share)
    assert check.recall_at(lambda p, t, n: torch.tensor(share(p, t, n)))


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda p, t, n: float((box_iou(t, p[:n]).amax(dim=0) >= 0.5).float().mean()), "share of the *proposals*"),
        (lambda p, t, n: share(p, t, len(p)), "only the first 3 count"),
        (lambda p, t, n: float((box_iou(t, p[:n]) >= 0.5).sum() / len(t)), "counts it twice"),
        (lambda p, t, n: share(p, t, n) * len(t), "divide by 4"),
        (lambda p, t, n: float((box_iou(t, p[:n]).amax(dim=1) > 0.5).float().mean()), "exactly 0.5"),
        (lambda p, t, n: box_iou(t, p[:n]).amax(dim=1) >= 0.5, "one number"),
    ],
)
def test_recall_names_the_mistake(answer, message: str) -> None:
    verdict = check.recall_at(answer)
    assert not verdict
    assert message in verdict.message


def test_boxes_into_nms_is_right() -> None:
    assert check.boxes_into_nms(4507)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (5000, "13·13 cells"), (1000, "may *leave*"), (159882, "all the anchors"), (3794, "one anchor per cell"),
        (8382, "In training"), (4200, "Add the five numbers up"), ("many", "one number"),
    ],
)  # fmt: skip
def test_boxes_into_nms_names_the_mistake(answer: object, message: str) -> None:
    verdict = check.boxes_into_nms(answer)
    assert not verdict
    assert message in verdict.message
