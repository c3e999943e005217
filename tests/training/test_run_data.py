"""What a run remembers of its data, and finding them again."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from stand_ins import Squares

from frcnn_edu.data import open_dataset, write_voc
from frcnn_edu.training import TrainConfig
from frcnn_edu.training.run_data import changes, check_found, found_again, remember


@pytest.fixture
def voc(tmp_path: Path) -> Path:
    write_voc(Squares(), tmp_path / "voc", "train", range(6))
    write_voc(Squares(), tmp_path / "voc", "val", range(6, 9))
    return tmp_path / "voc"


def remembered(voc: Path, config: TrainConfig) -> dict[str, Any]:
    return remember(*(open_dataset(voc, split) for split in ("train", "val")), replace(config, data=str(voc)), voc)


def change(voc: Path, name: str, old: str, new: str) -> None:
    file = voc / name
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new, 1))


def test_nothing_changed(voc: Path, config: TrainConfig, tmp_path: Path) -> None:
    before = remembered(voc, config)
    assert (before["train"]["images"], before["val"]["images"], before["from_run"]) == (6, 3, ".")
    shutil.move(voc, tmp_path / "elsewhere")
    assert changes(before, remembered(tmp_path / "elsewhere", config), tmp_path) == []
    assert changes({}, before, tmp_path) == []  # a run from before it remembered anything


@pytest.mark.parametrize(
    ("name", "old", "new", "expected"),
    [
        ("ImageSets/Main/train.txt", "000004\n", "", "for training: 5 images, previously 6; 5 objects, previously 6"),
        ("ImageSets/Main/train.txt", "000003\n", "", "for training: 5 images, previously 6"),
        ("ImageSets/Main/val.txt", "000006", "000000", "for evaluation: different images, as many as before"),
        ("Annotations/000001.xml", "<xmin>", "<xmin>1", "for training: different boxes, as many as before"),
    ],
    ids=["an image less", "one without objects less", "another image", "another box"],
)
def test_what_changed_is_said(
    voc: Path, config: TrainConfig, name: str, old: str, new: str, expected: str, tmp_path: Path
) -> None:
    before = remembered(voc, config)
    change(voc, name, old, new)
    assert changes(before, remembered(voc, config), tmp_path) == [expected]


def test_the_best_model_of_other_images_is_put_aside_aloud(voc: Path, config: TrainConfig, tmp_path: Path) -> None:
    before = remembered(voc, config)
    change(voc, "ImageSets/Main/val.txt", "000006\n", "")
    (tmp_path / "best.safetensors").touch()
    assert changes(before, remembered(voc, config), tmp_path) == [
        "for evaluation: 2 images, previously 3",
        "best.safetensors was measured on the old images; it is kept as best-before.safetensors",
    ]


def test_a_data_set_of_one_s_own_has_a_length(config: TrainConfig, tmp_path: Path) -> None:
    assert remember(Squares(7), Squares(2), config, tmp_path) == {
        "train": {"images": 7},
        "val": {"images": 2},
        "from_run": None,
    }


@pytest.mark.parametrize("moved", [False, True], ids=["from another folder", "moved together"])
def test_data_are_found_from_the_run_folder(
    moved: bool, config: TrainConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, other = tmp_path / "home", tmp_path / "other"
    for folder in ("data/mine", "runs/first"):
        (home / folder).mkdir(parents=True)
    monkeypatch.chdir(home)
    config = replace(config, data="data/mine")
    facts = remember(Squares(), Squares(), config, Path("runs/first"))
    assert facts["from_run"] == "../../data/mine"
    assert found_again(config, facts, Path("runs/first")).data == "data/mine"
    if moved:
        shutil.move(home, other)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    found = found_again(config, facts, (other if moved else home) / "runs/first")
    assert found.data == ("../other/data/mine" if moved else "../home/data/mine")
    check_found(found)


def test_the_run_s_own_data_come_before_others_of_the_same_name(
    config: TrainConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in ("home/data", "home/run", "project/data"):
        (tmp_path / folder).mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "project")
    assert (
        found_again(replace(config, data="data"), {"from_run": "../data"}, tmp_path / "home/run").data == "../home/data"
    )


@pytest.mark.parametrize("facts", [None, {}, {"from_run": None}, {"from_run": 3}, {"from_run": "../gone"}], ids=str)
def test_data_that_are_not_found_are_left_as_they_were_named(facts: Any, config: TrainConfig, tmp_path: Path) -> None:
    config = replace(config, data=str(tmp_path / "gone.json"))
    assert found_again(config, facts, tmp_path / "run") == config
    with pytest.raises(
        ValueError, match=r"was trained on .*gone\.json, which no longer exists; give the place of its data as --data"
    ):
        check_found(config)


def test_an_absolute_path_counts_as_long_as_it_leads_somewhere(config: TrainConfig, tmp_path: Path) -> None:
    for name in ("old", "new", "run"):
        (tmp_path / name).mkdir()
    config = replace(config, data=str(tmp_path / "old"))
    assert found_again(config, {"from_run": "../new"}, tmp_path / "run") == config
    (tmp_path / "old").rmdir()
    assert Path(found_again(config, {"from_run": "../new"}, tmp_path / "run").data).samefile(tmp_path / "new")


def test_the_built_in_data_are_no_file(config: TrainConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("shapes").mkdir()
    assert remember(Squares(), Squares(), config, tmp_path)["from_run"] is None
    check_found(config)
