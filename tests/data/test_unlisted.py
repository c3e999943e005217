"""Images that are in no split are named, whichever splits are open; those of the other splits are not."""

import sys
from collections.abc import Callable
from pathlib import Path

import exports as ex
import pytest

from frcnn_edu.data import open_dataset
from frcnn_edu.data.sources import layout_of
from frcnn_edu.data.unlisted import unlisted_images

DATA_YAML = "train: ../train/images\nval: ../val/images\ntest: ../test/images\nnames: [ace, king]\n"
ARRANGEMENTS: dict[str, Callable[[Path], Path]] = {
    "image sets": lambda root: ex.voc_sets(root, **ex.SPLIT),
    "image sets with more on a line": lambda root: ex.voc_sets(root, lambda name: f"{Path(name).stem}.jpg", **ex.SPLIT),
    "folders of Pascal VOC": ex.voc_split_folders,
    "one json for each split": lambda root: ex.coco_files(root, "annotations/instances_{}.json", "images"),
    "lists of YOLO": ex.yolo_lists,
    "folders of YOLO": lambda root: ex.yolo_splits(root, DATA_YAML),
}


@pytest.fixture(params=ARRANGEMENTS)
def root(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    root = tmp_path / "cards"
    ARRANGEMENTS[request.param](root)
    return root


@pytest.mark.parametrize("opened", [("train", "val"), ("train", "val", "test"), ("train",)], ids="+".join)
def test_only_what_is_in_no_split(root: Path, opened: tuple[str, ...]) -> None:
    datasets = {split: open_dataset(root, split) for split in opened}
    assert unlisted_images(layout_of(root), datasets) == []
    for name in ("more/b.jpg", "more/a.PNG", ".hidden/c.jpg", "masks/IMG 2_mask.png"):
        ex.draw(root, ["IMG 0.jpg"], lambda _, name=name: name)
    (root / "more" / "notes.txt").write_text("no image")
    assert unlisted_images(layout_of(root), datasets) == [root / "more" / "a.PNG", root / "more" / "b.jpg"]


def test_around_a_file_only_its_images_folder_is_looked_at(tmp_path: Path) -> None:
    ex.coco_files(tmp_path, "{}.json", "images")
    ex.draw(tmp_path / "other", ["IMG 0.jpg"], lambda name: "x.jpg")
    ex.draw(tmp_path / "images", ["IMG 0.jpg"], lambda name: "y.jpg")
    layout = layout_of(tmp_path / "train.json")
    datasets = {split: open_dataset(layout.path, split) for split in layout.splits}
    assert [path.name for path in unlisted_images(layout, datasets)] == ["y.jpg"]


@pytest.mark.skipif(sys.platform == "win32", reason="links need a permission there")
@pytest.mark.parametrize("relative", [False, True], ids=["absolute", "relative"])
def test_links_are_what_they_lead_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, relative: bool) -> None:
    root = ex.voc_sets(tmp_path / "cards", **ex.SPLIT)
    (tmp_path / "store").mkdir()
    for number, path in enumerate(sorted((root / "JPEGImages").iterdir())):
        path.rename(tmp_path / "store" / f"{number}.jpg")
        path.symlink_to(tmp_path / "store" / f"{number}.jpg")
    (root / "store").symlink_to(tmp_path / "store", target_is_directory=True)
    monkeypatch.chdir(tmp_path)
    layout = layout_of("cards" if relative else root)
    datasets = {split: open_dataset(layout.path, split) for split in layout.splits}
    assert unlisted_images(layout, datasets) == []
    ex.draw(tmp_path / "store", ["IMG 0.jpg"], lambda _: "more.jpg")  # in a folder that a link leads to
    assert [path.name for path in unlisted_images(layout, datasets)] == ["more.jpg"]


def test_image_sets_in_utf_16(tmp_path: Path) -> None:
    """As PowerShell writes them; and a list that is gone."""
    root = ex.voc_sets(tmp_path / "cards", **ex.SPLIT)
    for file in (root / "ImageSets" / "Main").iterdir():
        file.write_text(file.read_text(), encoding="utf-16")
    layout = layout_of(root)
    datasets = {split: open_dataset(root, split) for split in ("train", "val")}
    assert unlisted_images(layout, datasets) == []
    (root / "ImageSets" / "Main" / "test.txt").unlink()
    assert len(unlisted_images(layout, datasets)) == len(ex.SPLIT["test"])
