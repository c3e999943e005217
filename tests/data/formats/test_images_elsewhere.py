"""The same arrangements without their images, which lie in another folder, in one heap or as they were."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import exports as ex
import pytest
from test_layouts import LAYOUTS, objects

from frcnn_edu.data import open_dataset
from frcnn_edu.data.formats.folders import all_images
from frcnn_edu.data.sources import existing_splits, layout_of


def take_away(root: Path, to: Path, heap: bool) -> Path:
    """Move the images of an export to another folder."""
    for path in all_images(root):
        place = to / (path.name if heap else path.relative_to(root))
        place.parent.mkdir(parents=True, exist_ok=True)
        path.rename(place)
    return to


@pytest.mark.parametrize("heap", [True, False], ids=["heap", "folders"])
@pytest.mark.parametrize(("write", "splits"), [(layout[0], layout[2]) for layout in LAYOUTS.values()], ids=LAYOUTS)
def test_the_same_objects_with_images_elsewhere(
    tmp_path: Path, write: Callable[[Path], Path], splits: tuple[str, ...], heap: bool
) -> None:
    source = write(tmp_path / "cards")
    before = {split: objects(open_dataset(source, split)) for split in splits}
    images = take_away(tmp_path / "cards", tmp_path / "photos", heap)
    assert tuple(existing_splits(source, images)) == splits
    after = {split: objects(open_dataset(source, split, images=images)) for split in splits}
    if {*splits} == {"train", "val"} and layout_of(source, images).shares:  # images without labels are not known now
        before, after = ({"all": {**of["train"], **of["val"]}} for of in (before, after))
    assert {split: {name: boxes for name, boxes in of.items() if boxes} for split, of in after.items()} == {
        split: {name: boxes for name, boxes in of.items() if boxes} for split, of in before.items()
    }


def test_the_folder_that_is_named_is_searched(tmp_path: Path) -> None:
    """Not only the one in it that is called as folders of images are."""
    root = ex.darknet(tmp_path / "cards")
    ex.text(root / "obj.data", "train = data/train.txt", "valid = data/valid.txt", "names = data/obj.names")
    (root / "obj_valid_data").mkdir()
    for split, folder in (("train", "obj_train_data"), ("valid", "obj_valid_data")):
        names = ex.SPLIT["train" if split == "train" else "val"]
        ex.text(root / f"{split}.txt", *(f"data/{folder}/{i}.jpg" for i in range(len(names))))
        for i, name in enumerate(names):
            (root / "obj_train_data" / f"{Path(name).stem}.txt").rename(root / folder / f"{i}.txt")
            (tmp_path / "photos" / folder).mkdir(parents=True, exist_ok=True)
            (root / "obj_train_data" / name).rename(tmp_path / "photos" / folder / f"{i}.jpg")
    for split, folder in (("train", "obj_train_data"), ("val", "obj_valid_data")):
        data: Any = open_dataset(root, split, images=tmp_path / "photos")
        assert {record.path.parent.name for record in data.records} == {folder}
        assert [len(record.boxes) for record in data.records] == [len(ex.TRUTH[name]) for name in ex.SPLIT[split]]
