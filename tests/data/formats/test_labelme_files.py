"""labelme's files as people keep them: renamed, with shapes in groups, with flags."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import exports as ex
import pytest

from frcnn_edu.data import open_dataset

FIRST = "IMG 0.jpg"


def boxes(data: Any) -> dict[str, list[list[int]]]:
    return {record.path.name: [[round(side) for side in box] for box in record.boxes] for record in data.records}


def truth(rename: Any = str) -> dict[str, list[list[int]]]:
    return {rename(name): [list(box) for _, *box in found] for name, found in ex.TRUTH.items()}


def change(root: Path, edit: Any) -> None:
    for file in root.glob("*.json"):
        content = json.loads(file.read_text())
        edit(file, content)
        ex.dump(file, content)


def test_renamed_with_their_images(tmp_path: Path) -> None:
    """The name inside is the one that the image had before."""
    ex.labelme(tmp_path)
    change(tmp_path, lambda file, content: content.update(imagePath=f"DSC_{file.stem[4:]}.jpg"))
    data: Any = open_dataset(tmp_path, "all")
    assert boxes(data) == truth()
    assert data.findings.left_out == {}
    (what,) = data.findings.repaired
    assert what == "images taken by the name of the json file, because the name inside it differs"


def test_renumbered_with_their_images(tmp_path: Path) -> None:
    """So that the name inside is that of another image."""
    ex.labelme(tmp_path)
    change(tmp_path, lambda file, content: content.update(imagePath=f"IMG {(int(file.stem[4:]) + 3) % 10}.jpg"))
    assert boxes(open_dataset(tmp_path, "all")) == truth()


@pytest.mark.parametrize("shift", [0, 3], ids=["old names", "names of others"])
def test_renamed_in_two_folders(tmp_path: Path, shift: int) -> None:
    ex.labelme(tmp_path / "json")
    (tmp_path / "images").mkdir()
    for path in (tmp_path / "json").glob("*.jpg"):
        path.rename(tmp_path / "images" / path.name)
    name = "IMG {}.jpg" if shift else "DSC_{}.jpg"
    edit = lambda file, content: content.update(imagePath=name.format((int(file.stem[4:]) + shift) % 10))  # noqa: E731
    change(tmp_path / "json", edit)
    assert boxes(open_dataset(tmp_path, "all")) == truth()


def test_an_image_elsewhere_that_is_called_like_a_json_file(tmp_path: Path) -> None:
    """It is another one: the other json files are not called like their images."""
    ex.labelme(tmp_path)
    for i, file in enumerate(sorted(tmp_path.glob("*.json"))):
        file.rename(file.with_name(f"{i}.json"))
    ex.draw(tmp_path / "elsewhere", ["IMG 3.jpg"], lambda _: "7.jpg")
    assert boxes(open_dataset(tmp_path, "all")) == truth()


def test_json_files_of_another_name(tmp_path: Path) -> None:
    ex.labelme(tmp_path)
    for file in [*tmp_path.glob("*.json")]:
        file.rename(file.with_name(f"annotation_{file.name}"))
    data: Any = open_dataset(tmp_path, "all")
    assert boxes(data) == truth()
    assert data.findings.left_out == {}


@pytest.mark.parametrize("rename", [str.upper, lambda stem: f"{stem}.jpg"], ids=["upper case", "with suffix"])
def test_json_files_in_another_spelling(tmp_path: Path, rename: Callable[[str], str]) -> None:
    ex.labelme(tmp_path)
    change(tmp_path, lambda file, content: content.update(imagePath=f"{file.stem}.jpg".lower()))
    for file in [*tmp_path.glob("*.json")]:
        file.rename(file.with_name(f"{rename(file.stem)}.json"))
    data: Any = open_dataset(tmp_path, "all")
    assert boxes(data) == truth()
    assert [*data.findings.left_out, *data.findings.noted] == []
    assert {*data.findings.repaired} <= {"images found in a different folder or spelling than named"}


@pytest.mark.parametrize("path", [None, "", r"C:\cards\{}", r"..\..\cards\{}", "/home/me/cards/{}"])
def test_paths_of_other_machines(tmp_path: Path, path: str | None) -> None:
    ex.labelme(tmp_path)
    change(tmp_path, lambda file, content: content.update(imagePath=path and path.format(f"{file.stem}.jpg")))
    assert boxes(open_dataset(tmp_path, "all")) == truth()


def shapes(root: Path, *found: dict[str, Any]) -> Any:
    """The data set of one image with these shapes: triangles, unless they say otherwise."""
    ex.draw(root, [FIRST])
    filled = [{"label": "ace", "shape_type": "polygon", "group_id": None, "flags": {}} | shape for shape in found]
    ex.dump(root / "IMG 0.json", {"version": "5", "flags": {}, "shapes": filled, "imagePath": FIRST})
    return open_dataset(root, "all")


LEFT, RIGHT = [[5, 10], [15, 10], [5, 20]], [[40, 15], [60, 15], [40, 35]]


def test_parts_of_one_object(tmp_path: Path) -> None:
    data = shapes(tmp_path, {"points": LEFT, "group_id": 1}, {"points": RIGHT, "group_id": 1})
    assert boxes(data) == {FIRST: [[5, 10, 60, 35]]}
    assert data.records[0].area == [50 + 200]
    assert data.findings.repaired == {"shapes of one group joined into one object": {FIRST: 1}}


@pytest.mark.parametrize(
    ("one", "other"),
    [({"group_id": 1}, {"group_id": 2}), ({"group_id": 1}, {"group_id": 1, "label": "king"}), ({}, {})],
    ids=["groups", "classes", "none"],
)
def test_objects_of_their_own(tmp_path: Path, one: dict[str, Any], other: dict[str, Any]) -> None:
    data = shapes(tmp_path, {"points": LEFT, **one}, {"points": RIGHT, **other})
    assert boxes(data) == {FIRST: [[5, 10, 15, 20], [40, 15, 60, 35]]}


def test_a_person_with_key_points(tmp_path: Path) -> None:
    """Points of a group are no part of the box."""
    point = {"points": [[70, 50]], "shape_type": "point", "group_id": 1}
    assert boxes(shapes(tmp_path, {"points": LEFT, "group_id": 1}, point)) == {FIRST: [[5, 10, 15, 20]]}


@pytest.mark.parametrize(
    ("more", "ignored"),
    [({"flags": {"difficult": True}}, 1), ({"difficult": True}, 1), ({"flags": {"iscrowd": True}}, 1),
     ({"flags": {"difficult": False, "red": True}}, 0), ({"flags": None}, 0)],
)  # fmt: skip
def test_flags(tmp_path: Path, more: dict[str, Any], ignored: int) -> None:
    assert shapes(tmp_path, {"points": LEFT, **more}).records[0].iscrowd == [ignored]


def test_turned_shapes(tmp_path: Path) -> None:
    """X-AnyLabeling writes their four corners."""
    points = [[20, 10], [40, 20], [35, 30], [15, 20]]
    data = shapes(tmp_path, {"points": points, "shape_type": "rotation", "direction": 0.46})
    assert boxes(data) == {FIRST: [[15, 10, 40, 30]]}
    assert data.findings.repaired == {"boxes around rotated boxes": {FIRST: 1}}
