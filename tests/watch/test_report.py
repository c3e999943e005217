import base64
import io
import re
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image
from torch.utils.data import Subset

from frcnn_edu.data import ShapesDetection
from frcnn_edu.data.collecting import Record
from frcnn_edu.training import LOSSES, Evaluation, RunState, TrainConfig, coco_metrics
from frcnn_edu.training.details import measure_details
from frcnn_edu.training.errors import judge
from frcnn_edu.watch.report import write_report
from frcnn_edu.watch.report_tables import confusion_table

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
    details = measure_details(found, data.classes)
    names = [data.classes[label] for label in details.present]
    by_class, kinds = cells_of(page, 10), cells_of(page, 9)
    assert [row[0] for row in by_class] == [*names, "all together"]
    assert [row[0] for row in kinds] == names
    objects, missed, right, background = (sum(int(row[k]) for row in kinds) for k in (1, 2, 3, 8))
    assert objects == sum(len(target["boxes"]) for target in found.targets)
    assert (missed, right, background) == (3, objects - 3, 3)
    assert by_class[-1][3:7] == [str(objects), str(objects), *[f"{(objects - 3) / objects:.3f}"] * 2]
    assert "there are no such images here" in page
    assert "<h2>Confusion matrix</h2>" in page


@pytest.mark.slow
def test_one_scale_and_names_of_files(tmp_path: Path) -> None:
    data, found = data_and_found(2)
    paths = [Path("photos/a $x$ $.jpg"), Path("photos/\x1b[31m 照片 <b>.jpg")]
    data.records = [Record(path, k, upright=True) for k, path in enumerate(paths)]
    write_report(tmp_path / "report.html", found, data, None, split="val", model="w.pth", source="photos")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "w.pth on photos; measured on 2 images" in page
    assert "Settings" not in page
    tiles = re.findall(r"<div><b>([^<]*)</b>", page)
    assert len(tiles) == 7
    assert all(tile == "–" or 0 <= float(tile) <= 1 for tile in tiles)
    assert not re.search("per cent|%</", page)
    listed = re.findall("<li>([^<]*): 1 wrong, 1 missed, [0-9]+ right</li>", page)
    assert sorted(listed) == ["photos/a $x$ $.jpg", "photos/�[31m 照片 &lt;b&gt;.jpg"]
    assert page.isprintable() or all(line.isprintable() for line in page.splitlines())


@pytest.mark.slow
def test_images_that_were_not_measured(tmp_path: Path) -> None:
    """Names and images are those of the others, though their numbers in the data are higher."""
    data, found = data_and_found(3)
    data.records = [Record(Path(f"{k}.jpg"), k, upright=True) for k in range(3)]
    found = replace(
        found, detections=found.detections[1:], targets=found.targets[1:], not_measured={0: "<0.jpg> is damaged"}
    )
    write_report(tmp_path / "report.html", found, data, None, split="val", model="w.pth", source="photos")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "measured on 2 images" in page
    assert "<p>1 image was not measured: &lt;0.jpg&gt; is damaged.</p>" in page
    assert sorted(re.findall("<li>([^<]*): 1 wrong", page)) == ["1.jpg", "2.jpg"]


@pytest.mark.slow
def test_a_confusion_matrix_or_of_many_classes_the_pairs() -> None:
    data, found = data_and_found(2)
    matrix = confusion_table(measure_details(found, data.classes))
    assert matrix.count("<tr>") == len(measure_details(found, data.classes).present) + 2
    assert "no object left" in matrix
    names = ("background", *[f"kind {k}" for k in range(1, 41)])
    corners = torch.tensor([[20.0 * k, 0, 20.0 * k + 10, 10] for k in range(40)])
    target = {"boxes": corners, "labels": torch.arange(1, 41)}
    swapped = {"boxes": corners, "labels": torch.arange(40, 0, -1), "scores": torch.full((40,), 0.9)}
    pairs = confusion_table(measure_details(Evaluation({}, [swapped], [target]), names))
    assert "<td>kind 1</td><td>kind 40</td><td>1</td>" in pairs
    assert pairs.count("<tr>") == 31


def cells_of(page: str, columns: int) -> list[list[str]]:
    """The rows of tables with that many columns, without their heads."""
    rows = re.findall(rf"<tr>((?:<td>[^<]*</td>){{{columns}}})</tr>", page)
    return [re.findall(r"<td>([^<]*)</td>", row) for row in rows]


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
