"""What `train` says of its data before it starts."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from frcnn_edu.commands import train_plan
from frcnn_edu.commands.train_data import RunData, open_run_data
from frcnn_edu.commands.train_plan import Plan, _about_data, print_plan
from frcnn_edu.data import ShapesDetection
from frcnn_edu.training import TrainConfig


def test_images_in_no_split_are_told(voc: Path, tmp_path: Path) -> None:
    """Those of the test split, which is not opened, are in one."""
    root = tmp_path / "voc"
    shutil.copytree(voc, root)
    config = TrainConfig(data=str(root), epochs=1)

    def lines() -> list[str]:
        data = open_run_data(config, lambda found: None)
        return _about_data(Plan(nn.Identity(), data, config, torch.device("cpu"), 1, tmp_path, ""))

    before = lines()
    assert not any("no split" in line for line in before)
    for name in ("x.jpg", "y.jpg"):
        shutil.copy(root / "JPEGImages" / "000000.jpg", root / "JPEGImages" / name)
    assert [line for line in lines() if line not in before] == [
        "         images that are in no split: 2 (x.jpg, y.jpg)"
    ]


@pytest.mark.parametrize(
    ("images", "batch_size", "words"),
    [
        (3000, 2, ["3,000 training images, 1,200 for evaluation", "2 images per step"]),
        (1, 1, ["1 training image, 1,200 for evaluation", "1 image per step"]),
    ],
    ids=["many", "one"],
)
def test_numbers_are_written_in_one_way(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    images: int,
    batch_size: int,
    words: list[str],
) -> None:
    monkeypatch.setattr(train_plan, "doubts", lambda splits: [])
    monkeypatch.setattr(train_plan, "look_at_some", lambda splits: [])
    monkeypatch.setattr(train_plan, "_about_time", lambda plan: "")
    train, val = ShapesDetection("train", images), ShapesDetection("val", 1200)
    config = replace(TrainConfig(epochs=1), batch_size=batch_size)
    data = RunData(train, val, "val", val, "val", [])
    print_plan(Plan(nn.Identity(), data, config, torch.device("cpu"), 1, tmp_path, ""))
    said = capsys.readouterr().out
    assert all(part in said for part in words)
