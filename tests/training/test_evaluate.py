from typing import Any

import pytest
import torch
from stand_ins import CLASSES, Squares
from torch import Tensor, nn

from frcnn_edu.training import coco_metrics, coco_table, evaluate
from frcnn_edu.training.coco_evaluator import run_coco


def target(boxes: list[list[float]], labels: list[int], crowds: list[int] | None = None) -> dict[str, Any]:
    corners = torch.tensor(boxes).reshape(-1, 4)
    return {
        "boxes": corners,
        "labels": torch.tensor(labels, dtype=torch.int64),
        "area": (corners[:, 2:] - corners[:, :2]).prod(dim=1),
        "iscrowd": torch.tensor(crowds or [0] * len(labels)),
    }


def found(boxes: list[list[float]], labels: list[int], scores: list[float]) -> dict[str, Tensor]:
    return {"boxes": torch.tensor(boxes).reshape(-1, 4), "labels": torch.tensor(labels), "scores": torch.tensor(scores)}


ONE = pytest.approx(1)  # COCO's evaluator divides by true + false + 2e-16
NOTHING = found([], [], [])
LARGE, SMALL = [10.0, 10.0, 110.0, 110.0], [200.0, 20.0, 220.0, 40.0]


def test_perfect() -> None:
    metrics = coco_metrics([found([LARGE, SMALL], [1, 2], [0.9, 0.3])], [target([LARGE, SMALL], [1, 2])], CLASSES)
    assert metrics.pop("per_class") == {"red": ONE, "green": ONE}
    assert metrics.pop("AP_medium") is None
    assert metrics == dict.fromkeys(("AP", "AP50", "AP75", "AP_small", "AP_large", "AR100"), ONE)


def test_shifted_box_passes_the_thresholds_below_its_iou() -> None:
    shifted = [26.0, 10.0, 126.0, 110.0]  # IoU 84/116 = 0.724: right at 0.50 … 0.70, five of ten thresholds
    metrics = coco_metrics([found([shifted], [1], [0.9])], [target([LARGE], [1])], CLASSES)
    assert metrics["AP"] == pytest.approx(0.5)
    assert (metrics["AP50"], metrics["AP75"]) == (ONE, 0)
    assert metrics["per_class"] == {"red": pytest.approx(0.5), "green": None}


def test_nothing_found_and_nothing_to_find() -> None:
    assert coco_metrics([NOTHING], [target([LARGE], [1])], CLASSES)["AP"] == 0
    assert coco_metrics([NOTHING], [target([], [])], CLASSES)["AP"] is None


def test_detection_on_an_empty_image_counts_as_wrong() -> None:
    targets = [target([LARGE], [1]), target([], [])]
    right, wrong = found([LARGE], [1], [0.6]), found([LARGE], [1], [0.9])
    assert coco_metrics([right, wrong], targets, CLASSES)["AP"] == pytest.approx(0.5)  # the second of two is right
    assert coco_metrics([right, NOTHING], targets, CLASSES)["AP"] == ONE


def test_wrong_class_is_wrong() -> None:
    assert coco_metrics([found([LARGE], [2], [0.9])], [target([LARGE], [1])], CLASSES)["AP"] == 0


def test_detections_on_a_crowd_are_ignored() -> None:
    detections = [found([LARGE, SMALL], [1, 1], [0.6, 0.9])]  # the better one lies on the crowd
    crowd = target([LARGE, SMALL], [1, 1], [0, 1])
    assert coco_metrics(detections, [crowd], CLASSES)["AP"] == ONE
    without = target([LARGE], [1])
    assert coco_metrics(detections, [without], CLASSES)["AP"] == pytest.approx(0.5)


def test_the_numbers_are_those_of_cocos_own_summary(capsys: pytest.CaptureFixture[str]) -> None:
    generator = torch.Generator().manual_seed(0)
    detections, targets = [], []
    for _ in range(12):
        corners = 100 * torch.rand(6, 2, generator=generator)
        boxes = torch.cat((corners, corners + 5 + 120 * torch.rand(6, 2, generator=generator)), dim=1)
        labels = torch.randint(1, 3, (6,), generator=generator)
        targets.append(target(boxes.tolist(), labels.tolist(), [0, 0, 0, 0, 0, 1]))
        near = boxes + 6 * torch.randn(6, 4, generator=generator)
        near[:, 2:] = torch.maximum(near[:, 2:], near[:, :2] + 1)
        detections.append(found(near.tolist(), labels.tolist(), torch.rand(6, generator=generator).tolist()))
    evaluator = run_coco(detections, targets, CLASSES)
    evaluator.summarize()  # prints
    capsys.readouterr()
    places = {"AP": 0, "AP50": 1, "AP75": 2, "AP_small": 3, "AP_medium": 4, "AP_large": 5, "AR100": 8}
    metrics = coco_metrics(detections, targets, CLASSES)
    for name, place in places.items():
        assert 0 < metrics[name] < 1
        assert metrics[name] == evaluator.stats[place], name


class Oracle(nn.Module):
    """Knows the targets of `Squares`, and uses a random number as a careless model might."""

    def __init__(self, data: Squares) -> None:
        super().__init__()
        self.known = [data[index] for index in range(len(data))]
        self.sizes: list[int] = []

    def forward(self, images: list[Tensor]) -> list[dict[str, Tensor]]:
        assert not self.training
        assert not torch.is_grad_enabled()
        self.sizes.append(len(images))
        targets = [next(t for known, t in self.known if torch.equal(known, image)) for image in images]
        return [found(t["boxes"].tolist(), t["labels"].tolist(), [0.9] * len(t["labels"])) for t in targets]


def test_evaluate_goes_over_all_images_once(capsys: pytest.CaptureFixture[str]) -> None:
    data = Squares(7)
    model = Oracle(data).train()
    before = torch.get_rng_state()
    result = evaluate(model, data, device=torch.device("cpu"), batch_size=3)
    assert result.metrics["AP"] == ONE
    assert [len(each["boxes"]) for each in result.detections] == [0, 1, 2, 0, 1, 2, 0]
    assert model.sizes == [3, 3, 1]
    assert model.training
    assert torch.equal(torch.get_rng_state(), before)
    assert capsys.readouterr().out == ""


def test_table() -> None:
    metrics = coco_metrics([found([LARGE], [1], [0.9])], [target([LARGE], [1])], CLASSES)
    table = coco_table(metrics)
    assert "AP 0.50:0.95    1.000" in table
    assert "small objects       –" in table
    assert [line.split() for line in table.splitlines()[-2:]] == [["red", "1.000"], ["green", "–"]]
