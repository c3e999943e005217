from pathlib import Path
from types import SimpleNamespace

import torch
from PIL import Image

from frcnn_edu.lessons.your_own_data.pictures.main import plot_turned, plot_worst
from frcnn_edu.training.errors import judge


def test_a_turned_photograph_is_shown_both_ways(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (30, 40), "red").save(tmp_path / "a.jpg", exif=exif)
    stored, shown = plot_turned(tmp_path / "a.jpg", torch.tensor([[2.0, 3, 20, 25]])).axes
    assert (stored.get_xlim(), stored.get_ylim()) == ((0, 30), (40, 0))
    assert (shown.get_xlim(), shown.get_ylim()) == ((0, 40), (30, 0))


class Photographs(list):
    """Grey images, each with the record of its file."""

    records = tuple(SimpleNamespace(path=Path(f"{name}.jpg")) for name in "abc")


def test_the_worst_images_come_first_with_the_scores_of_their_wrong_detections() -> None:
    object_, elsewhere = [10.0, 10, 40, 40], [60.0, 60, 90, 90]
    boxes = ([object_], [object_, elsewhere], [elsewhere, elsewhere])  # no error; one; two, and the object is missed
    detections = [
        {
            "boxes": torch.tensor(found),
            "labels": torch.ones(len(found)),
            "scores": torch.tensor([0.9, 0.8])[: len(found)],
        }
        for found in boxes
    ]
    targets = [{"boxes": torch.tensor([object_]), "labels": torch.ones(1)} for _ in boxes]
    fates = [judge(*pair) for pair in zip(detections, targets, strict=True)]
    data = Photographs((torch.full((3, 100, 100), 0.5), {}) for _ in boxes)
    figure = plot_worst(data, SimpleNamespace(detections=detections, targets=targets), fates, count=3)
    words = [[text.get_text() for text in ax.texts] for ax in figure.axes]
    assert words == [
        ["0.90", "0.80", "c.jpg: 2 wrong, 1 missed, 0 right"],
        ["0.80", "b.jpg: 1 wrong, 0 missed, 1 right"],
        ["a.jpg: 0 wrong, 0 missed, 1 right"],
    ]
