"""COCO's siblings: LVIS, key points, captions, panoptic segments, objects to be ignored."""

from pathlib import Path
from typing import Any

import exports as ex
import pytest

from frcnn_edu.data import CocoDetection, open_dataset
from frcnn_edu.data.sources import layout_of


@pytest.mark.parametrize("key", ["ignore", "iscrowd"])
@pytest.mark.parametrize(("value", "ignored"), [(1, 1), (True, 1), ("1", 1), (0, 0), (None, 0)])
def test_objects_to_be_ignored(tmp_path: Path, key: str, value: Any, ignored: int) -> None:
    content = ex.coco()
    content["annotations"][0][key] = value
    ex.draw(tmp_path)
    data: Any = open_dataset(ex.dump(tmp_path / "all.json", content), "all")
    assert sum(sum(record.iscrowd) for record in data.records) == ignored
    assert data.records[0].iscrowd == [ignored]


@pytest.mark.parametrize("address", ["http://images.cocodataset.org/val2017/{}", "https://host/{}?size=full"])
def test_addresses_in_the_place_of_file_names(tmp_path: Path, address: str) -> None:
    """As LVIS has them."""
    content = ex.coco()
    for image in content["images"]:
        image["coco_url"] = address.format(image.pop("file_name").replace(" ", "%20"))
    ex.draw(tmp_path / "val2017")
    data: Any = open_dataset(ex.dump(tmp_path / "lvis_v1_val.json", content), "all")
    assert len(data) == 10
    assert data.findings.left_out == {}


CAPTION = {"image_id": 1, "id": 1, "caption": "two cards"}
SEGMENTS = {"image_id": 1, "file_name": "a.png", "segments_info": [{"id": 1, "category_id": 1, "bbox": [1, 1, 5, 5]}]}


def archive(root: Path, **kinds: Any) -> Path:
    """Files as in COCO's archive of annotations: one for each kind and split."""
    for kind, change in kinds.items():
        for split in ("train", "val"):
            ex.draw(root / f"{split}2017", ex.SPLIT[split])
            ex.dump(root / "annotations" / f"{kind}_{split}2017.json", change(ex.coco(ex.SPLIT[split])))
    return root


def captions(content: Any) -> Any:
    return {"images": content["images"], "annotations": [CAPTION]}


def panoptic(content: Any) -> Any:
    return content | {"annotations": [SEGMENTS]}


def images_alone(content: Any) -> Any:
    return {"images": content["images"], "categories": content["categories"]}


def test_files_without_boxes_are_passed_over(tmp_path: Path) -> None:
    root = archive(
        tmp_path,
        captions=captions,
        panoptic=panoptic,
        person_keypoints=lambda content: content,
        image_info=images_alone,
    )
    assert layout_of(root).by == "person_keypoints_train2017.json and person_keypoints_val2017.json"
    assert [len(open_dataset(root, split)) for split in ("train", "val")] == [6, 2]


@pytest.mark.parametrize(
    ("kind", "change", "message"),
    [
        ("captions", captions, "contains captions, not boxes of objects; name the file with the instances"),
        ("panoptic", panoptic, "contains panoptic segments, not boxes of objects; name the file with the instances"),
        ("image_info", images_alone, "it lists only images: name the file with their instances"),
    ],
)
def test_files_without_boxes_say_so(tmp_path: Path, kind: str, change: Any, message: str) -> None:
    """Where the folder holds nothing else, and where one of them is named."""
    root = archive(tmp_path, **{kind: change})
    for source in (root, root / "annotations" / f"{kind}_train2017.json"):
        with pytest.raises(ValueError, match=rf"{kind}_train2017\.json .*{message}"):
            open_dataset(source, "train")


def test_json_of_others_says_whose_it_is(tmp_path: Path) -> None:
    file = ex.dump(tmp_path / "x.json", {"categories": {"label": {}}, "items": [{"annotations": []}]})
    with pytest.raises(ValueError, match="it looks like Datumaro's"):
        CocoDetection(file)
    ex.labelme(tmp_path / "labelme")
    with pytest.raises(ValueError, match="it looks like labelme's"):
        CocoDetection(tmp_path / "labelme" / "IMG 1.json")
