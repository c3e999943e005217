from pathlib import Path

import torch
from PIL import Image

from frcnn_edu.lessons.your_own_data.pictures.main import plot_turned


def test_a_turned_photograph_is_shown_both_ways(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (30, 40), "red").save(tmp_path / "a.jpg", exif=exif)
    stored, shown = plot_turned(tmp_path / "a.jpg", torch.tensor([[2.0, 3, 20, 25]])).axes
    assert (stored.get_xlim(), stored.get_ylim()) == ((0, 30), (40, 0))
    assert (shown.get_xlim(), shown.get_ylim()) == ((0, 40), (30, 0))
