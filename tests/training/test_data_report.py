"""What a report says of a data set, held against the model itself."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from frcnn_edu import FasterRCNN, box_iou, fasterrcnn_mobilenet_v3_large_fpn, fasterrcnn_small_fpn
from frcnn_edu.data import ShapesDetection, open_dataset
from frcnn_edu.data.findings import Findings
from frcnn_edu.training.data_report import Geometry, describe_data, unreached


class Given:
    """A data set of blank images with given sizes and targets."""

    classes = ("background", "dog", "cat")

    def __init__(self, items: list[tuple[tuple[int, int], Tensor]], ignored: int = 0) -> None:
        self.items, self.ignored = items, ignored

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> tuple[Tensor, dict[str, Any]]:
        size, boxes = self.items[index]
        crowd = torch.zeros(len(boxes), dtype=torch.int64)
        crowd[: self.ignored] = 1
        return torch.zeros(3, *size), {"boxes": boxes, "labels": crowd + 1, "iscrowd": crowd}


class Broken(Given):
    """… of which the second is damaged."""

    def __getitem__(self, index: int) -> tuple[Tensor, dict[str, Any]]:
        if index == 1:
            raise ValueError("cannot read it")
        return super().__getitem__(index)


@pytest.fixture(scope="module")
def model() -> FasterRCNN:
    return fasterrcnn_small_fpn(num_classes=3).eval()  # type: ignore[return-value]


BOXES = torch.tensor([[10.0, 10, 30, 40], [0, 0, 60, 60], [5, 5, 7, 9]])


@pytest.mark.slow
def test_maps_are_where_the_model_has_them(model: FasterRCNN) -> None:
    geometry = Geometry(model)
    for size in ((100, 150), (300, 97), (128, 160)):
        images, targets = model.transform([torch.zeros(3, *size)], [{"boxes": BOXES}])
        with torch.no_grad():
            maps = list(model.backbone(images.tensors).values())
        expected = model.rpn.anchor_generator(images, maps)[0]
        new_size, grid = geometry(size)
        assert new_size == images.image_sizes[0]
        rows = grid.int().tolist()
        anchors = model.rpn.anchor_generator.grid_anchors([row[:2] for row in rows], [row[2:] for row in rows])
        assert torch.equal(torch.cat(anchors), expected)
        report = describe_data({"train": Given([(size, BOXES)])}, model)
        assert torch.equal(report.boxes, targets[0]["boxes"])
        assert torch.allclose(report.reach.amax(dim=1), box_iou(report.boxes, expected).amax(dim=1), atol=1e-6)
        pool = model.roi_heads.box_roi_pool
        pool.scales = None
        with torch.no_grad():
            pool(dict(zip(["0", "1", "2", "3", "pool"], maps)), [report.boxes], images.image_sizes)
        assert torch.equal(report.levels, pool.map_levels([report.boxes]))


def test_counts(model: FasterRCNN) -> None:
    none = torch.zeros(0, 4)
    train = Given([((60, 80), BOXES), ((60, 80), none)], ignored=1)
    report = describe_data({"train": train, "val": Given([((90, 50), BOXES[:1])])}, model)
    assert report.images == {"train": 2, "val": 1}
    assert report.empty == {"train": 1, "val": 0}
    assert report.ignored == {"train": 1, "val": 0}
    assert report.labels.tolist() == [1, 1, 1]
    assert report.splits.tolist() == [0, 0, 1]
    assert report.sides.tolist() == pytest.approx([60, 8**0.5, 600**0.5])
    assert (report.level_names, report.map_names) == (("P2", "P3", "P4", "P5"), ("P2", "P3", "P4", "P5", "pool"))
    assert report.bounds == (56, 112, 224)
    assert report.findings.summary() == ""


def test_damaged_and_thin_images_are_found(model: FasterRCNN) -> None:
    sizes = [((60, 80), BOXES), ((60, 80), BOXES), ((2, 900), BOXES[:0])]
    report = describe_data({"train": Broken(sizes)}, model)
    assert report.images == {"train": 1}
    assert report.findings.left_out == {
        "images that are damaged: training takes others instead": {"image 1": 1},
        "images that are too thin for the model: training leaves them out": {"image 2": 1},
    }
    with pytest.raises(ValueError, match=r"no image can be used: images that are too thin .*are damaged"):
        describe_data({"train": Broken([sizes[2], sizes[0]])}, model)


def test_findings_of_all_splits_are_put_together(model: FasterRCNN) -> None:
    train, val = Given([((60, 80), BOXES)]), Given([((60, 80), BOXES)])
    for dataset, place in ((train, "a"), (val, "b")):
        dataset.findings = Findings()  # type: ignore[attr-defined]
        dataset.findings.leave_out("boxes refused", place, 2)  # type: ignore[attr-defined]
    assert describe_data({"train": train, "val": val}, model).findings.summary() == "boxes refused: 4 (a, b)"


def test_objects_annotated_twice_are_noted(model: FasterRCNN) -> None:
    report = describe_data({"train": Given([((60, 80), BOXES[[0, 1, 0, 0]]), ((60, 80), BOXES)])}, model)
    assert report.findings.noted == {"objects that are annotated twice: same class, same box": {"image 0": 2}}
    assert len(report.labels) == 7


def test_what_is_probably_wrong_is_told(model: FasterRCNN, voc: Path) -> None:
    data = open_dataset(voc, "val")
    report = describe_data({"train": data, "val": data}, model)
    assert report.doubts == ["val: 3 images are in train as well, such as 000008.jpg"]


def test_anchors_are_suggested_only_where_they_reach_more(model: FasterRCNN) -> None:
    fine = describe_data({"val": ShapesDetection("val", 10)}, model)
    assert unreached(fine.reach) < 0.1
    assert fine.fitted is None or unreached(fine.fitted_reach) <= unreached(fine.reach) - 0.01
    tall = torch.tensor([[10.0 + 4 * i, 5, 14 + 4 * i, 60] for i in range(20)])
    report = describe_data({"train": Given([((128, 160), tall)])}, model)
    assert unreached(report.reach) == 1
    assert report.fitted is not None
    assert report.fitted_reach is not None
    assert unreached(report.fitted_reach) <= 0.01
    square = torch.tensor([[20.0, 20, 44, 44], [60, 60, 84, 84]])
    assert describe_data({"train": Given([((128, 160), square)])}, model).fitted is None


def test_a_data_set_without_objects(model: FasterRCNN) -> None:
    report = describe_data({"train": Given([((60, 80), torch.zeros(0, 4))])}, model)
    assert (len(report.labels), report.reach.shape, report.fitted) == (0, (0, 5), None)
    assert unreached(report.reach) == 0


def test_a_model_with_other_maps() -> None:
    model = fasterrcnn_mobilenet_v3_large_fpn(weights=None, weights_backbone=None, num_classes=3, min_size=64)
    report = describe_data({"train": Given([((60, 80), BOXES)])}, model.eval())
    assert (report.level_names, report.map_names) == (("P5",), ("P5", "P5", "pool"))
    assert report.reach.shape == (3, 3)
