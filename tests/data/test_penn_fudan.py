import hashlib
import shutil
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import numpy as np
import pytest
import torch
from PIL import Image

from frcnn_edu.data import PennFudanDetection, penn_fudan


@pytest.fixture
def folder(tmp_path: Path, make_image: Callable[..., Path]) -> Path:
    """Six photographs 40 × 30 with two people each."""
    folder = tmp_path / "PennFudanPed"
    (folder / "PedMasks").mkdir(parents=True)
    for i in range(6):
        make_image(folder / "PNGImages" / f"FudanPed{i:05}.png")
        mask = np.zeros((30, 40), dtype=np.uint8)
        mask[2:12, 3:8] = 1
        mask[10:30, 30:40] = 2
        mask[10:12, 30:40] = 0
        mask[20, 5] = 2 if i == 1 else 0  # a part somewhere else widens the box
        Image.fromarray(mask).save(folder / "PedMasks" / f"FudanPed{i:05}_mask.png")
    return folder


def test_items(folder: Path) -> None:
    dataset = PennFudanDetection(folder.parent, "train")
    assert dataset.classes == ("background", "pedestrian")
    image, target = dataset[1]
    assert image.shape == (3, 30, 40)
    assert target["boxes"].tolist() == [[3, 2, 8, 12], [30, 12, 40, 30]]
    assert target["boxes"].dtype == torch.float32
    assert target["area"].tolist() == [50, 180]
    assert target["labels"].tolist() == [1, 1]
    assert target["iscrowd"].tolist() == [0, 0]
    assert dataset[0][1]["boxes"].tolist() == [[3, 2, 8, 12], [5, 12, 40, 30]]
    assert dataset[0][1]["area"].tolist() == [50, 181]


def test_splits(folder: Path) -> None:
    train, val = PennFudanDetection(folder, "train"), PennFudanDetection(folder, "val")
    assert [record.path.stem[-1] for record in train.records] == ["1", "2", "3", "4"]
    assert [record.path.stem[-1] for record in val.records] == ["0", "5"]
    with pytest.raises(ValueError, match="no split 'test'"):
        PennFudanDetection(folder, "test")


def test_a_photograph_without_people_or_without_a_mask(folder: Path) -> None:
    Image.new("L", (40, 30)).save(folder / "PedMasks" / "FudanPed00001_mask.png")
    (folder / "PedMasks" / "FudanPed00002_mask.png").unlink()
    Image.new("L", (4, 3)).save(folder / "PedMasks" / "FudanPed00003_mask.png")
    dataset = PennFudanDetection(folder, "train")
    assert len(dataset) == 2
    assert dataset[0][1]["boxes"].shape == (0, 4)
    assert "images left out, no mask: 1 (FudanPed00002.png)" in dataset.summary
    assert "images left out, of a different size than annotated: 1 (FudanPed00003.png)" in dataset.summary


def test_a_mask_without_any_background(folder: Path) -> None:
    Image.new("L", (40, 30), 1).save(folder / "PedMasks" / "FudanPed00001_mask.png")
    assert PennFudanDetection(folder, "train")[0][1]["boxes"].tolist() == [[0, 0, 40, 30]]


@pytest.mark.parametrize("content", [b"", b"oops", "cut off"])
def test_a_damaged_mask_is_left_out(folder: Path, content: bytes | str) -> None:
    path = folder / "PedMasks" / "FudanPed00001_mask.png"
    path.write_bytes(path.read_bytes()[:-30] if isinstance(content, str) else content)
    dataset = PennFudanDetection(folder, "train")
    assert len(dataset) == 3
    assert "images left out, mask unreadable: 1 (FudanPed00001_mask.png)" in dataset.summary
    with pytest.raises(ValueError, match=r"strict.*mask unreadable: 1 \(FudanPed00001_mask\.png\)"):
        PennFudanDetection(folder, "train", strict=True)


def test_kinds_of_masks(folder: Path) -> None:
    """A palette says how people look, not who they are; more than 255 need 16 bits; a colour is no number."""
    values = np.zeros((30, 40), dtype=np.uint16)
    values[29, 39], values[5:7, 0:3] = 300, 7  # a person of one pixel, in the corner
    expected = [[0, 5, 3, 7], [39, 29, 40, 30]]
    indexed = Image.fromarray((values // 7).astype(np.uint8))
    indexed.putpalette([0, 0, 0, 255, 255, 255] * 128)
    masks = [Image.fromarray(values), indexed, Image.fromarray(values > 0), indexed.convert("RGB")]
    for i, mask in enumerate(masks):
        mask.save(folder / "PedMasks" / f"FudanPed{i + 1:05}_mask.png")
    dataset = PennFudanDetection(folder, "train")
    assert [dataset[i][1]["boxes"].tolist() for i in range(3)] == [expected, expected, [[0, 5, 40, 30]]]
    assert dataset[0][1]["area"].tolist() == [6, 1]
    assert "mask does not have one whole number per pixel: 1 (FudanPed00004_mask.png)" in dataset.summary


def test_a_mask_without_a_photograph(folder: Path) -> None:
    (folder / "PNGImages" / "FudanPed00005.png").unlink()
    (folder / "PNGImages" / "FudanPed00005.png").mkdir()
    assert "images left out, no file: 1 (FudanPed00005.png)" in PennFudanDetection(folder, "val").summary
    assert len(PennFudanDetection(folder, "train", strict=True)) == 4


def test_a_missing_folder_says_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"PNGImages does not exist; download=True"):
        PennFudanDetection(tmp_path, "train")


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def archive(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The small data set as an archive on a server of our own, which the download finds instead of the real one."""
    archive = Path(shutil.make_archive(str(tmp_path / "served" / "PennFudanPed"), "zip", tmp_path, "PennFudanPed"))
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(archive.parent)))
    Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setattr(penn_fudan, "URL", f"http://127.0.0.1:{server.server_port}/{archive.name}")
    monkeypatch.setattr(penn_fudan, "MD5", hashlib.md5(archive.read_bytes()).hexdigest())
    yield archive
    server.shutdown()
    server.server_close()


def test_download(archive: Path, tmp_path: Path) -> None:
    root = tmp_path / "new" / "place"
    assert len(PennFudanDetection(root, "val", download=True)) == 2
    assert sorted(path.name for path in root.iterdir()) == ["PennFudanPed", "PennFudanPed.zip"]
    archive.unlink()
    assert len(PennFudanDetection(root, "val", download=True)) == 2  # it is not fetched again


@pytest.mark.parametrize("fault", ["another checksum", "nothing there"])
def test_a_failed_download_leaves_no_folder(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    if fault == "another checksum":
        monkeypatch.setattr(penn_fudan, "MD5", "0" * 32)
    else:
        archive.unlink()
    with pytest.raises(RuntimeError, match=r"could not download Penn-Fudan .*unpack it in"):
        PennFudanDetection(tmp_path / "new", "train", download=True)
    assert not (tmp_path / "new" / "PennFudanPed").exists()
