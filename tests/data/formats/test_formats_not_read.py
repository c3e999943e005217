"""Data sets in formats that are not read: the message names the format, one file, and the way out."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import exports as ex
import more_exports as more
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from frcnn_edu.data.formats import foreign
from frcnn_edu.data.formats.foreign import about_foreign, an_example
from frcnn_edu.data.formats.foreign_formats import FOREIGN, format_of
from frcnn_edu.data.sources import layout_of

BOX = {"left": 10, "top": 10, "width": 40, "height": 30}
SUPERVISELY = {
    "description": "", "tags": [], "size": {"height": 80, "width": 100},
    "objects": [{"classTitle": "ace", "geometryType": "rectangle", "points": {"exterior": [[1, 1], [5, 5]], "interior": []}}],
}  # fmt: skip
VIA_3 = {
    "project": {"pid": "1", "data_format_version": "3.1.1", "vid_list": ["1"]}, "config": {}, "attribute": {},
    "file": {"1": {"fid": "1", "fname": "a.jpg"}}, "view": {}, "metadata": {"1_a": {"vid": "1", "xy": [2, 10, 10, 40, 30]}},
}  # fmt: skip
VOTT_ASSET = {
    "asset": {"format": "jpg", "name": "a.jpg", "path": "file:C:/a.jpg"},
    "regions": [{"type": "RECTANGLE", "tags": ["ace"], "boundingBox": BOX}], "version": "2.2.0",
}  # fmt: skip
VOTT_PROJECT = {"name": "cards", "sourceConnection": {}, "assets": {"1f": {"name": "a.jpg", "isVisited": True}}}
LABELBOX = {
    "data_row": {"id": "c1", "external_id": "a.jpg"},
    "projects": {"c2": {"labels": [{"annotations": {"objects": []}}]}},
}
LABELBOX_1 = [
    {"ID": "1", "External ID": "a.jpg", "Labeled Data": "https://x/a.jpg", "Label": {"objects": [{"bbox": BOX}]}}
]
V7 = {
    "version": "2.0",
    "item": {"name": "a.jpg"},
    "annotations": [{"name": "ace", "bounding_box": {"x": 1, "y": 1, "w": 5, "h": 5}}],
}
V7_1 = {
    "dataset": "cards",
    "image": {"filename": "a.jpg"},
    "annotations": [{"name": "ace", "bounding_box": {"x": 1, "y": 1}}],
}
HASTY = {
    "project_name": "cards", "export_format_version": "1.1", "label_classes": [{"class_name": "ace"}],
    "images": [{"image_name": "a.jpg", "labels": [{"class_name": "ace", "bbox": [1, 1, 5, 5]}]}],
}  # fmt: skip
FIFTYONE = {"samples": [{"filepath": "data/a.jpg", "ground_truth": {"_cls": "Detections", "detections": []}}]}
SAGEMAKER = {"source-ref": "s3://b/a.jpg", "boxes": {"annotations": [{"class_id": 0, **BOX}]}}
PALIGEMMA = {"image": "a.jpg", "prefix": "detect ace", "suffix": "<loc0100><loc0100><loc0500><loc0500> ace"}
CROWD_HUMAN = {"ID": "a", "gtboxes": [{"tag": "person", "fbox": [1, 1, 5, 5]}]}
DLIB = (
    '<?xml version="1.0"?><dataset><name>x</name><images>'
    "<image file='a.jpg'><box top='1' left='1' width='9' height='9'/></image></images></dataset>"
)

# A file of each format, what is in it, what it is called, and some words of the way out.
FILES: dict[str, tuple[str, Any, str, str]] = {
    "supervisely elsewhere": ("ds0/a.jpg.json", SUPERVISELY, "Supervisely's json", "these files in ann/, and the images in img/"),
    "via 3": ("via_project.json", VIA_3, "a project of the VGG Image Annotator 3", "export it as COCO"),
    "vott": ("target/1f-asset.json", VOTT_ASSET, "VoTT's json", "export the project as CSV or Pascal VOC"),
    "vott project": ("cards.vott", VOTT_PROJECT, "VoTT's json", "export the project as CSV"),
    "labelbox": ("export.ndjson", LABELBOX, "Labelbox's export", "filename,xmin,ymin,xmax,ymax,class"),
    "labelbox, version 1": ("export.json", LABELBOX_1, "Labelbox's export", "filename,xmin"),
    "v7": ("annotations/a.json", V7, "V7's Darwin json", "darwin convert coco"),
    "v7, version 1": ("annotations/a.json", V7_1, "V7's Darwin json", "darwin convert coco"),
    "hasty": ("cards.json", HASTY, "Hasty's json", "export the project as COCO"),
    "fiftyone": ("samples.json", FIFTYONE, "FiftyOne's own json", "fiftyone convert"),
    "sagemaker": ("output.manifest", SAGEMAKER, "SageMaker Ground Truth's manifest", "filename,xmin"),
    "paligemma": ("_annotations.train.jsonl", PALIGEMMA, "boxes as text for a language model", "as COCO or YOLO"),
    "crowdhuman": ("annotation_train.odgt", CROWD_HUMAN, "CrowdHuman's list", "filename,xmin"),
    "wider face": (
        "wider_face_train_bbx_gt.txt", "0--Parade/0_Parade_1.jpg\n1\n449 330 122 149 0 0 0 0 0 0 ", "WIDER FACE's list",
        "datum convert -i FOLDER -if wider_face"),
    "mot": ("seq1/gt/gt.txt", "1,1,10,10,40,30,1,1,1.0", "MOT's tracks", "-if mot_seq"),
    "yolov4": ("train/_annotations.txt", "a.jpg 10,10,50,40,0 1,1,5,5,1", "YOLOv3 or YOLOv4", "as COCO or YOLO"),
    "kitti elsewhere": (
        "annos/a.txt", "Car 0.00 0 -1.58 587.01 173.33 614.12 200.12 1.65 1.67 3.64 -0.65 1.71 46.70 -1.59", "KITTI's labels",
        "labels in label_2/ or labels/"),
    "dota elsewhere": (
        "annos/a.txt", "imagesource:GoogleEarth\ngsd:0.1\n1 1 5 1 5 4 1 4 plane 0", "DOTA's labels", "labels in labelTxt/"),
    "visdrone elsewhere": ("gts/a.txt", "10,10,40,30,1,4,0,0", "VisDrone's labels", "labels in annotations/"),
    "oidv4": ("train/Apple/Label/a.txt", "Apple 10.0 10.0 50.0 40.0", "the OIDv4 ToolKit's labels", "filename,xmin"),
    "via 3, table": (
        "via.csv", "# Exported using VGG Image Annotator (http://www.robots.ox.ac.uk/~vgg/software/via)\n# SHAPE_ID = {}",
        "a table of the VGG Image Annotator 3", "export it as COCO"),
    "run lengths": ("a.csv", "ImageId,EncodedPixels\na.jpg,1 3 10 5", "masks written as run lengths", "toBbox"),
    "dlib": ("labels.xml", DLIB, "dlib's XML", "filename,xmin"),
    "tfrecord": ("train/cards.tfrecord", "\x00", "a TensorFlow TFRecord", "TFObjectDetectionDataset"),
    "tfrecord, parts": ("cards.tfrecord-00000-of-00010", "\x00", "a TensorFlow TFRecord", "fiftyone convert"),
    "parquet": ("data/train-00000-of-00001.parquet", "PAR1", "a table of Hugging Face's datasets", "metadata.jsonl"),
    "matlab": ("digitStruct.mat", "MATLAB", "a MATLAB file", "filename,xmin"),
    "spreadsheet": ("labels.xlsx", "PK", "a spreadsheet", "save it as CSV"),
    "arrays": ("boxes.npy", "\x93NUMPY", "a file of arrays", "filename,xmin"),
    "video": ("cards.mp4", "\x00", "a video", "frames as images"),
}  # fmt: skip


def text_of(content: Any) -> str:
    return content if isinstance(content, str) else json.dumps(content)


def test_every_format_is_tried() -> None:
    tried = {format_of(Path(file).suffix, text_of(content)) for file, content, _, _ in FILES.values()}
    assert tried == {*FOREIGN}


@pytest.mark.parametrize(("file", "content", "what", "way_out"), FILES.values(), ids=FILES)
def test_it_is_named_with_a_file_and_a_way_out(
    tmp_path: Path, file: str, content: Any, what: str, way_out: str
) -> None:
    root = tmp_path / "cards"
    ex.draw(root / "images", ["IMG 0.jpg"])
    ex.text(root / file, text_of(content))
    for named in (root, root / file):
        sentence = about_foreign(named)
        assert sentence is not None
        assert sentence.startswith(file if named == root else Path(file).name)
        assert what in sentence
        assert way_out in sentence
        assert sentence.isprintable()
        assert len(sentence) < 320


@pytest.mark.parametrize(("file", "content", "what", "way_out"), FILES.values(), ids=FILES)
def test_no_reader_takes_it_for_its_own(tmp_path: Path, file: str, content: Any, what: str, way_out: str) -> None:
    root = tmp_path / "cards"
    ex.draw(root / "images", ["IMG 0.jpg"])
    ex.text(root / file, text_of(content))
    for named in (root, root / file):
        with pytest.raises(ValueError, match=r"^no data set at .* Supported formats: ") as raised:
            layout_of(named)
        assert what in str(raised.value)
        assert way_out in str(raised.value)


def test_a_sound_export_is_not_foreign(tmp_path: Path) -> None:
    """What is read looks like none of the formats that are not: neither its files nor its folder."""
    writers: list[Callable[[Path], Path]] = [
        ex.voc, ex.coco_outlines, ex.labelme, ex.via, ex.label_studio, ex.cvat, ex.open_images, ex.darknet, ex.yolo_lists,
        more.createml, more.via_csv, more.image_folder, more.sku, more.make_sense,
        lambda p: (ex.draw(p), ex.table(p / "labels.csv", ex.tensorflow_rows()))[1],
        lambda p: ex.via(p, 1), lambda p: ex.label_studio(p, minimal=True),
    ]  # fmt: skip
    for i, write in enumerate(writers):
        source = write(tmp_path / str(i))
        assert about_foreign(tmp_path / str(i)) is None
        assert source == tmp_path / str(i) or about_foreign(source) is None


# ------------------------------------------------------------------------------------------------------ what has no boxes


def test_folders_of_classes(tmp_path: Path) -> None:
    ex.text(tmp_path / "README.txt", "cats and dogs")
    for split in ("train", "val"):
        for kind in ("cat", "dog", "emu", "fox"):
            ex.draw(tmp_path / split / kind, ["IMG 0.jpg"])
    sentence = about_foreign(tmp_path)
    assert sentence is not None
    assert sentence.startswith(
        "there are images in folders (cat, dog, emu, …), such as train/cat/IMG 0.jpg, but no ann"
    )
    assert "a data set for classification, which has no boxes" in sentence
    with pytest.raises(ValueError, match=r"a data set for classification, which has no boxes"):
        layout_of(tmp_path)
    ex.text(tmp_path / "boxes.csv", "what,ever")
    assert about_foreign(tmp_path) is None


@pytest.mark.parametrize("folders", [["images"], ["train", "val"], ["images/train", "images/val"], ["."]], ids=" ".join)
def test_images_alone_are_no_classes(tmp_path: Path, folders: list[str]) -> None:
    for folder in folders:
        ex.draw(tmp_path / folder, ["IMG 0.jpg"])
    assert about_foreign(tmp_path) is None
    with pytest.raises(ValueError, match=r"no data set at "):
        layout_of(tmp_path)


@pytest.mark.parametrize("folder", ["masks", "train/masks", "SegmentationClass", "masks/cats"])
def test_masks(tmp_path: Path, folder: str) -> None:
    ex.draw(tmp_path / "JPEGImages")
    ex.draw(tmp_path / folder, rename=lambda name: name.replace("jpg", "png"))
    sentence = about_foreign(tmp_path)
    assert sentence is not None
    assert sentence.startswith(f"{folder}/IMG 0.png looks like a mask for segmentation; ")
    with pytest.raises(ValueError, match=r"looks like a mask for segmentation; .*masks_to_boxes"):
        layout_of(tmp_path)


# ------------------------------------------------------------------------------------------------- what nobody knows


def test_an_unknown_file_is_shown(tmp_path: Path) -> None:
    ex.draw(tmp_path / "images", ["IMG 0.jpg"])
    ex.text(tmp_path / "README.txt", "nothing to see")
    ex.text(tmp_path / "notes" / "IMG 0.txt", "card ace at 1 2 \x1b[31m and so on, and so on, and so on")
    assert about_foreign(tmp_path) is None
    assert (
        an_example(tmp_path) == "notes/IMG 0.txt, for example, begins with 'card ace at 1 2 �[31m and so on, and so…'"
    )
    with pytest.raises(ValueError, match=r"found .*; notes/IMG 0\.txt, for example, begins with 'card ace"):
        layout_of(tmp_path)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
def test_marked_encodings_are_understood(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "cards.xml").write_bytes(DLIB.encode(encoding))
    assert "cards.xml begins with '<?xml version=" in (said := about_foreign(tmp_path) or "")
    assert "looks like dlib's XML" in said


def test_nothing_is_shown_where_nothing_is(tmp_path: Path) -> None:
    assert about_foreign(tmp_path) is None
    assert an_example(tmp_path) is None
    ex.text(tmp_path / "LICENSE.txt", "MIT")
    ex.text(tmp_path / "empty.txt")
    assert an_example(tmp_path) is None


def test_what_cannot_be_opened_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "gone.json").symlink_to(tmp_path / "nowhere")
    assert about_foreign(tmp_path) is None
    assert about_foreign(tmp_path / "gone.json") is None


def test_deep_and_wide_folders_are_looked_at_in_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A data set may have more folders and files than anybody wants to wait for."""
    opened: list[Path] = []
    monkeypatch.setattr(foreign, "beginning", lambda file, length: opened.append(file) or "")
    for i in range(300):
        ex.text(tmp_path / f"{i:03}" / "a.txt", "x")
    for i in range(50):
        ex.text(tmp_path / "000" / f"{i}.txt", "x")
    ex.text(tmp_path / "1" / "2" / "3" / "4" / "5" / "a.txt", "x")
    assert about_foreign(tmp_path) is None
    assert 0 < len(opened) <= 200 * 3
    assert tmp_path / "1" / "2" / "3" / "4" / "5" / "a.txt" not in opened


@settings(deadline=None, max_examples=50)
@given(
    head=st.text(max_size=60) | st.sampled_from([text_of(content) for _, content, _, _ in FILES.values()]),
    cut=st.integers(0, 200),
)
def test_any_text_can_be_looked_at(head: str, cut: int) -> None:
    for suffix in {suffix for each in FOREIGN for suffix in each.suffixes} | {"", ".x"}:
        found = format_of(suffix, head[:cut])
        assert found is None or suffix in found.suffixes


@pytest.mark.parametrize("unit", ["a.jpg ", "1 ", "1,1,", "a_b ", '"label": {', "1.0 ", "x"])
def test_long_lines(unit: str) -> None:
    """64 KiB without an end of line look like nothing, and no expression goes over them again and again."""
    for suffix in (".txt", ".csv", ".json", ".xml"):
        assert format_of(suffix, (unit * 65536)[:65536]) is None
