"""Whose json a file is: told by the keys at its top, wherever they stand, in any encoding, and quickly."""

import json
from pathlib import Path
from typing import Any

import exports as ex
import pytest

from frcnn_edu.data import open_dataset
from frcnn_edu.data.formats import json_files
from frcnn_edu.data.formats.json_files import HEAD, first_keys, json_kind, read_json

LONG = "x" * (HEAD + 1000)


def in_front(content: dict[str, Any], **first: Any) -> dict[str, Any]:
    """The same with these entries in the place of its own, in front of the others."""
    return first | {key: value for key, value in content.items() if key not in first}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
def test_every_encoding_of_json(tmp_path: Path, encoding: str) -> None:
    """PowerShell writes UTF-16."""
    ex.draw(tmp_path)
    content = ex.coco()
    content["categories"][0]["name"] = "äß狗"
    (tmp_path / "all.json").write_text(json.dumps(content, ensure_ascii=False), encoding=encoding)
    assert json_kind(tmp_path / "all.json") == "coco"
    assert open_dataset(tmp_path, "all").classes == ("background", "äß狗", "king")


def test_a_long_description_in_front(tmp_path: Path) -> None:
    ex.draw(tmp_path)
    ex.dump(tmp_path / "all.json", in_front(ex.coco(), info={"description": LONG, "regions": "EU"}, licenses=[]))
    assert len(open_dataset(tmp_path, "all")) == 10


def test_the_image_itself_in_front(tmp_path: Path) -> None:
    """labelme may keep the image in the json file, in front of all else where the keys are sorted."""
    ex.labelme(tmp_path)
    for file in tmp_path.glob("*.json"):
        ex.dump(file, in_front(json.loads(file.read_text()), imageData=LONG))
    assert len(open_dataset(tmp_path, "all")) == 10


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        ({"info": {"regions": 1, "annotations": []}, "images": []}, "coco"),
        ({"info": {"images": [], "annotations": []}}, None),  # not at the top
        ({"categories": {"label": {"labels": []}}, "items": [{"annotations": []}]}, None),  # Datumaro's
        ([{"name": "a.jpg", "labels": [{"category": "car", "box2d": {}}]}], None),  # Scalabel's
        ([{"data": {"image": "a.jpg"}, "annotations": []}], "label_studio"),
        ([{"image": "a.jpg", "label": [{"x": 1, "labels": ["a"]}]}], "label_studio"),
        ({"version": "5", "shapes": [], "imagePath": "a.jpg"}, "labelme"),
        ({"shapes": [1], "circles": []}, None),
        ({"a.jpg12": {"filename": "a.jpg", "regions": []}}, "via"),
        ({'a"é.jpg12': {"size": 1, "filename": "a", "regions": {"0": LONG}}}, "via"),
        ({}, None),
        ([], None),
        ("text", None),
    ],
)
def test_kinds(tmp_path: Path, content: Any, kind: str | None) -> None:
    assert json_kind(ex.dump(tmp_path / "x.json", content)) == kind


def test_a_damaged_file_is_named_with_what_is_wrong(tmp_path: Path) -> None:
    """What it was is guessed, so that the message can say where it breaks off."""
    ex.draw(tmp_path)
    text = json.dumps(ex.coco())
    (tmp_path / "all.json").write_text("{" + text[1:].replace("ten images", 'ten "images'))
    with pytest.raises(ValueError, match=r"cannot read .*all\.json as json"):
        open_dataset(tmp_path, "all")


def test_a_whole_file_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every format asks of every file, and a folder may hold thousands."""
    file = ex.dump(tmp_path / "x.json", {"imageData": LONG, "shapes": [], "version": "5"})
    lengths: list[int] = []

    def beginning(file: Path, length: int) -> str:
        lengths.append(length)
        return original(file, length)

    original = json_files.beginning
    monkeypatch.setattr(json_files, "beginning", beginning)
    assert [json_kind(file) for _ in range(5)] == ["labelme"] * 5
    assert lengths == [HEAD, json_files.MOST]
    ex.dump(file, {"imageData": LONG, "images": []})
    assert json_kind(file) == "coco"  # it has changed


def test_first_keys(tmp_path: Path) -> None:
    file = ex.text(tmp_path / "x.json", '{ "a" : [1, {"b": 2}] ,"c":{"d": "}"}, "e": "' + LONG)
    assert first_keys(file) == {"a": "[", "c": "{", "e": '"'}
    assert first_keys(tmp_path / "nowhere.json") == {}
    assert first_keys(ex.dump(tmp_path / "list.json", [{"a": 1}])) == {}


def test_json_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    file = tmp_path / "x.json"
    for content in (b"\xff\xfe\x00", b"", b"[" * 100_000, b"\xd0\xcf"):
        file.write_bytes(content)
        with pytest.raises(ValueError, match=r"cannot read .*x\.json as json"):
            read_json(file)
