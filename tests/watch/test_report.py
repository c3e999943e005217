import base64
import io
import re
from pathlib import Path

import pytest
import torch
from PIL import Image
from torch.utils.data import Subset

from frcnn_edu.data import ShapesDetection
from frcnn_edu.training import LOSSES, Evaluation, RunState, TrainConfig, coco_metrics
from frcnn_edu.training.errors import judge
from frcnn_edu.watch.report import write_report

CONFIG = TrainConfig(epochs=1, data="<b>my</b> photos")


def data_and_found(count: int = 3) -> tuple[Subset, Evaluation]:
    """Images whose first object is missed, whose others are found, and one detection in the void."""
    data = Subset(ShapesDetection("val"), range(count))
    data.classes = ShapesDetection.classes
    targets = [target for _, target in data]
    detections = [
        {
            "boxes": torch.cat((target["boxes"][1:], torch.tensor([[0.0, 0, 3, 3]]))),
            "labels": torch.cat((target["labels"][1:], torch.tensor([2]))),
            "scores": torch.linspace(0.9, 0.6, len(target["boxes"])),
        }
        for target in targets
    ]
    return data, Evaluation(coco_metrics(detections, targets, data.classes), detections, targets)


def state() -> RunState:
    state = RunState(seconds=90)
    for step in range(20):
        state.add_step(dict.fromkeys(LOSSES, 1 / (step + 1)), 0.01)
    state.epochs += [{"epoch": 1.0, "AP": 0.1, "AP50": 0.2, "AP75": 0.1}]
    return state


@pytest.mark.slow
def test_a_page_that_needs_nothing_beside_it(tmp_path: Path) -> None:
    data, found = data_and_found()
    write_report(tmp_path / "report.html", found, data, CONFIG, split="val", state=state())
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert not re.search(r"(src|href)=\"(?!data:image/png)", page)
    assert "<script" not in page
    assert "<b>my</b>" not in page  # what a user wrote is text
    assert "&lt;b&gt;my&lt;/b&gt; photos, 20 steps in 1 min 30 s; measured on 3 images" in page
    pictures = re.findall(r"data:image/png;base64,([^\"]+)", page)
    sizes = [Image.open(io.BytesIO(base64.b64decode(picture))).size for picture in pictures]
    assert len(sizes) == 4  # losses, average precision, errors, the worst images
    assert all(width >= 1200 for width, _ in sizes)


@pytest.mark.slow
def test_the_table_counts(tmp_path: Path) -> None:
    data, found = data_and_found()
    write_report(tmp_path / "report.html", found, data, CONFIG, split="val")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "The run" not in page
    rows = re.findall(r"<tr>((?:<td>[^<]*</td>){10})</tr>", page)
    cells = [re.findall(r"<td>([^<]*)</td>", row) for row in rows]
    assert [row[0] for row in cells] == list(data.classes[1:])
    objects, missed, right, background = (sum(int(row[k]) for row in cells) for k in (2, 3, 4, 9))
    assert objects == sum(len(target["boxes"]) for target in found.targets)
    assert (missed, right, background) == (3, objects - 3, 3)


def test_without_errors_there_are_no_worst_images(tmp_path: Path) -> None:
    data, _ = data_and_found(1)
    target = data[0][1]
    perfect = [{"boxes": target["boxes"], "labels": target["labels"], "scores": torch.ones(len(target["boxes"]))}]
    found = Evaluation(coco_metrics(perfect, [target], data.classes), perfect, [target])
    write_report(tmp_path / "report.html", found, data, CONFIG, split="val")
    assert "worst images" not in (tmp_path / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("classes", [1, 80])
@pytest.mark.slow
def test_few_and_many_classes(classes: int, tmp_path: Path) -> None:
    data, found = data_and_found(2)
    data.classes = ("background", *[f"class number {k}, with a long name" for k in range(classes)])
    one = [{**each, "labels": each["labels"].clamp(max=classes)} for each in found.detections]
    targets = [{**each, "labels": each["labels"].clamp(max=classes)} for each in found.targets]
    found = Evaluation(coco_metrics(one, targets, data.classes), one, targets)
    write_report(tmp_path / "report.html", found, data, CONFIG, split="val")
    assert judge(one[0], targets[0]).errors > 0
    assert (tmp_path / "report.html").stat().st_size > 50_000
