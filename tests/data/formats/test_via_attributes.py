"""Which attribute of a region of the VGG Image Annotator is its class."""

import json
from pathlib import Path
from typing import Any

import exports as ex
import pytest

from frcnn_edu.data import open_dataset

CASES: dict[str, tuple[list[dict[str, Any]], str, list[str]]] = {
    "numbers": ([{"digit": 3}, {"digit": 4.0}, {"digit": 0}], "digit", ["0", "3", "4"]),
    "truth values": ([{"ripe": True}, {"ripe": False}, {"ripe": True}], "ripe", ["false", "true"]),
    "text before numbers": ([{"id": 1, "fruit": "pear"}, {"id": 2}, {"id": 3, "fruit": "fig"}], "fruit", ["fig", "pear"]),
    "text before yes and no": (
        [{"cut": "no", "fruit": "pear"}, {"cut": "yes", "fruit": ""}, {"cut": "no", "fruit": "fig"}],
        "fruit", ["fig", "pear"]),
    "yes and no alone": ([{"cut": "no"}, {"cut": "yes"}, {"cut": "no"}], "cut", ["no", "yes"]),
    "what is called class": ([{"fruit": "pear", "class": 1}, {"fruit": "fig", "class": 2}, {"fruit": "fig"}], "class", ["1", "2"]),
    "check boxes": ([{"fruit": {"fig": False, "pear": True}}] * 3, "fruit", ["pear"]),
}  # fmt: skip


def opened(root: Path, attributes: list[dict[str, Any]]) -> Any:
    regions = [
        {"shape_attributes": {"name": "rect", "x": 5 * i, "y": 4, "width": 20, "height": 30}, "region_attributes": each}
        for i, each in enumerate(attributes)
    ]
    ex.draw(root, ["IMG 0.jpg"])
    ex.dump(root / "via.json", {"IMG 0.jpg1": {"filename": "IMG 0.jpg", "size": 1, "regions": regions}})
    return open_dataset(root, "all")


@pytest.mark.parametrize("case", CASES)
def test_the_class(tmp_path: Path, case: str) -> None:
    attributes, name, classes = CASES[case]
    data = opened(tmp_path, attributes)
    assert data.classes == ("background", *classes)
    assert data.findings.noted == {"attribute taken as the class of a region": {name: 1}}


def test_two_checked_boxes(tmp_path: Path) -> None:
    data = opened(tmp_path, [{"fruit": {"fig": True, "pear": True}}])
    assert data.classes == ("background", "fig")
    assert data.findings.repaired == {"several classes checked, the first one used": {"IMG 0.jpg": 1}}


def test_numbers_are_no_words_for_a_class(tmp_path: Path) -> None:
    """Each region has a number of its own and an animal."""
    ex.via(tmp_path)
    file = tmp_path / "via_project.json"
    content = json.loads(file.read_text())
    number = 0
    for entry in content["_via_img_metadata"].values():
        for region in entry["regions"]:
            region["region_attributes"] = {"id": str(number), "animal": next(iter(region["region_attributes"]["card"]))}
            number += 1
    ex.dump(file, content)
    assert open_dataset(tmp_path, "all").classes == ("background", "ace", "king")
