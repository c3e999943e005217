"""What `train` says of its data before it starts."""

import shutil
from pathlib import Path

import torch
from torch import nn

from frcnn_edu.commands.train_data import open_run_data
from frcnn_edu.commands.train_plan import Plan, _about_data
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
