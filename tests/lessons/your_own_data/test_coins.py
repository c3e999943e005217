"""The photographs of coins: the boxes, the split, the folder, what is spoilt in it, and the shipped detector of coins."""

import sys
from collections import Counter
from pathlib import Path

import pytest
import torch

from frcnn_edu.catalogue import COINS_WEIGHTS
from frcnn_edu.data import open_dataset
from frcnn_edu.lessons.the_whole_network.pictures.photograph import draw_found, found_coins, photograph
from frcnn_edu.lessons.your_own_data import coins, spoil
from frcnn_edu.lessons.your_own_data.pictures.main import data_report, plot_boxes, plot_worst
from frcnn_edu.lessons.your_own_data.write_model import recipe
from frcnn_edu.ops import box_iou
from frcnn_edu.training import evaluate, load_model
from frcnn_edu.training.errors import judge

CPU = torch.device("cpu")


@pytest.fixture
def needs_skimage() -> None:
    pytest.importorskip("skimage", reason="scikit-image, which brings the photographs, is not installed")


@pytest.fixture
def folder(needs_skimage: None, tmp_path: Path) -> Path:
    assert coins.write_photographs(tmp_path / "photos") == {"train": 69, "val": 24}
    return tmp_path / "photos"


def test_without_scikit_image_it_is_said_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    coins._grey_photograph.cache_clear()
    monkeypatch.setitem(sys.modules, "skimage", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install scikit-image \(in the extra 'course'"):
        coins.photograph()


def test_boxes_are_inside_of_the_photograph_and_apart(needs_skimage: None) -> None:
    image, boxes = coins.photograph(), coins.coin_boxes()
    assert image.shape == (3, 303, 384)
    assert image.dtype == torch.float32
    assert 0 <= image.min() < image.max() <= 1
    assert boxes.shape == (24, 4)
    assert (boxes[:, :2] >= 0).all()
    assert (boxes[:, 2:] <= torch.tensor([384, 303])).all()
    sides = boxes[:, 2:] - boxes[:, :2]
    assert sides.min() >= 35
    assert sides.max() <= 65
    assert (sides[:, 0] / sides[:, 1]).log().abs().max() < 0.25  # coins are nearly round
    assert torch.equal(box_iou(boxes, boxes), torch.eye(24))


def test_boxes_are_tight(needs_skimage: None) -> None:
    """Each side touches its coin: just inside the middle of the side it is brighter than a few pixels further out."""
    grey = coins.photograph()[0]
    for x0, y0, x1, y1 in coins.coin_boxes().long().tolist():
        x, y = slice(x0 + (x1 - x0) // 3, x1 - (x1 - x0) // 3), slice(y0 + (y1 - y0) // 3, y1 - (y1 - y0) // 3)
        sides = [
            (grey[y0 + 1 : y0 + 3, x], grey[y0 - 4 : y0 - 2, x]),
            (grey[y1 - 3 : y1 - 1, x], grey[y1 + 2 : y1 + 4, x]),
            (grey[y, x0 + 1 : x0 + 3], grey[y, x0 - 4 : x0 - 2]),
            (grey[y, x1 - 3 : x1 - 1], grey[y, x1 + 1 : x1 + 3]),
        ]
        assert all(inside.mean() > outside.mean() + 0.05 for inside, outside in sides), (x0, y0, x1, y1)


def test_no_coin_is_cut_and_none_is_in_both_splits() -> None:
    boxes, shown = coins.coin_boxes(), {}
    for split in ("train", "val"):
        windows = torch.tensor(coins.windows(split), dtype=torch.float32)
        corner, end = windows[:, None, :2], windows[:, None, 2:]
        inside = ((boxes[:, :2] >= corner) & (boxes[:, 2:] <= end)).all(dim=2)  # (windows, 24)
        touched = ((boxes[:, 2:] > corner) & (boxes[:, :2] < end)).all(dim=2)
        assert torch.equal(inside, touched)
        assert inside.sum(dim=1).min() >= 2
        shown[split] = inside.any(dim=0)
    assert shown["train"].tolist() == [True] * 18 + [False] * 6
    assert torch.equal(shown["val"], ~shown["train"])
    assert max(window[3] for window in coins.windows("train")) <= min(window[1] for window in coins.windows("val"))
    assert not set(coins.OTHERS["train"]) & set(coins.OTHERS["val"])


def test_items_and_parts(needs_skimage: None) -> None:
    data = coins.CoinPhotographs()
    assert {name: len(part) for name, part in data.parts.items()} == {
        "train": 69, "val": 9, "val without coins": 15, "train without coins": 30,
    }  # fmt: skip
    assert len(data) == 123
    image, target = data[data.parts["val"][0]]
    assert image.shape == (3, 77, 140)
    torch.testing.assert_close(target["boxes"], coins.coin_boxes()[18:20] - torch.tensor([0.0, 226, 0, 226]))
    image, target = data[122]
    assert target["boxes"].shape == (0, 4)
    assert max(image.shape) <= coins.LONGER_SIDE
    with pytest.raises(IndexError, match="outside these 123"):
        data[123]


def test_the_folder_is_a_data_set(folder: Path) -> None:
    train, val, data = open_dataset(folder, "train"), open_dataset(folder, "val"), coins.CoinPhotographs()
    assert train.classes == val.classes == coins.CLASSES
    assert (len(train), len(val)) == (69, 24)
    image, target = train[0]
    torch.testing.assert_close(target["boxes"], data[0][1]["boxes"])
    torch.testing.assert_close(image, data[0][0], atol=0.1, rtol=0)  # JPEG
    assert sum(len(target["boxes"]) == 0 for _, target in val) == 15

    assert coins.add_photographs_without_coins(folder) == 30
    assert len(open_dataset(folder, "train")) == 99
    assert len(open_dataset(folder, "val")) == 24
    with pytest.raises(FileExistsError):
        coins.write_photographs(folder)


def test_seven_mistakes_are_made_and_noticed(folder: Path) -> None:
    made = spoil.spoil(folder)
    assert list(made) == [
        "000003.xml", "000005.xml", "000006.xml", "000008.jpg", "000009.xml", "000010.xml", "000011.jpg",
    ]  # fmt: skip
    data = open_dataset(folder, "train")
    assert len(data) == 66
    counts = [Counter({reason: places.total() for reason, places in kind.items()})
              for kind in (data.findings.left_out, data.findings.repaired)]  # fmt: skip
    assert [count.total() for count in counts] == [4, 2]
    repaired, whole = {record.path.stem: record.boxes for record in data.records}, coins.CoinPhotographs()
    torch.testing.assert_close(torch.as_tensor(repaired["000003"]), whole[3][1]["boxes"])
    assert len(repaired["000006"]) == len(whole[6][1]["boxes"]) - 1
    assert data[[*repaired].index("000011")][0].shape == whole[11][0].shape
    assert len(plot_boxes(data).axes) == 3


def test_the_shipped_model_finds_the_coins_that_it_has_not_seen(folder: Path) -> None:
    model, classes, config = load_model(COINS_WEIGHTS)
    assert classes == coins.CLASSES
    assert config == recipe()
    assert COINS_WEIGHTS.stat().st_size < 4.5e6
    data = open_dataset(folder, "val")
    found = evaluate(model, data, device=CPU)
    assert found.metrics["AP50"] >= 0.95
    assert found.metrics["AP"] >= 0.8
    fates = [judge(*pair) for pair in zip(found.detections, found.targets, strict=True)]
    assert not any(fate.missed.any() for fate in fates)
    assert len(plot_worst(data, found, fates, count=2).axes) == 2
    with torch.no_grad():
        (whole,) = model([coins.photograph()])
    boxes = whole["boxes"][whole["scores"] >= 0.5]
    assert len(boxes) == 24
    assert found_coins(boxes).all()


def test_the_photograph_is_drawn(needs_skimage: None) -> None:
    words = [text.get_text() for ax in photograph().axes for text in ax.texts]
    assert words[0] == "24 detections, 24 of 24 coins found"
    assert words[1::2][:2] == ["18 of 18", "6 of 6"]
    nothing = draw_found(coins.photograph(), {"boxes": torch.zeros(0, 4), "scores": torch.zeros(0)})
    assert "0 detections, 0 of 24 coins found" in [text.get_text() for ax in nothing.axes for text in ax.texts]


def test_the_data_are_drawn(needs_skimage: None) -> None:
    assert data_report().get_figwidth() == 8
