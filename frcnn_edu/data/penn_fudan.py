"""Penn-Fudan: 170 photographs of pedestrians, the data set of torchvision's fine-tuning tutorial."""

import os
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from PIL import Image
from torchvision.datasets.utils import download_and_extract_archive

from .findings import Findings
from .records import Box, Record, RecordDataset, Transforms, find_frame
from .splits import every_fifth

URL = "https://www.cis.upenn.edu/~jshi/ped_html/PennFudanPed.zip"
# Not published with the archive; the Avalanche library checks its own download of it against this one.
MD5 = "5aaa3dee905cef73325923716e38fc6d"


class PennFudanDetection(RecordDataset):
    """Pedestrians in the streets of two campuses (Wang, Shi, Song and Shen, 2007), with a mask for each person.

    A box runs around a person's mask, and `area` is the mask's. The data set comes undivided; every fifth photograph,
    in the order of names, is for validation here.

    Args:
        root: the folder PennFudanPed or the one that holds it.
        split: "train" (136 photographs) or "val" (34).
        download: fetch the archive (54 MB) into `root` and unpack it there, if the folder is not there yet.
        transforms: called with (image, target), returns both, changed.
        strict: stop at anything that has to be left out: a photograph or a mask without the other, or one that cannot
            be read.

    Raises:
        ValueError: an unknown split, or no such folder; with `strict`, something was left out.
        RuntimeError: the download failed, or what came has another checksum.
    """

    classes = ("background", "pedestrian")

    def __init__(
        self,
        root: str | Path,
        split: str,
        download: bool = False,
        transforms: Transforms | None = None,
        strict: bool = False,
    ) -> None:
        root = Path(root)
        folder = root if (root / "PedMasks").is_dir() else root / "PennFudanPed"
        if download and not folder.is_dir():
            download_penn_fudan(root)
        for name in ("PNGImages", "PedMasks"):
            if not (folder / name).is_dir():
                raise ValueError(f"{folder / name} does not exist; download=True fetches Penn-Fudan")

        findings = Findings()
        records: list[Record] = []
        images = {path.stem: path for path in _files(folder / "PNGImages")}
        masks = {path.stem.removesuffix("_mask"): path for path in _files(folder / "PedMasks")}
        for name in every_fifth(sorted({*images, *masks}), split, folder):
            if name not in images or name not in masks:
                findings.leave_out(f"images left out, no {'mask' if name in images else 'file'}", f"{name}.png")
            elif people := find_people(masks[name], findings):
                size, boxes, areas = people
                if frame := find_frame(images[name], size, findings):
                    records.append(Record(images[name], len(records), upright=frame[1]))
                    for box, area in zip(boxes, areas, strict=True):
                        records[-1].add(box, label=1, ignore=False, area=area)
        super().__init__(folder, self.classes, records, findings, transforms, strict)


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.glob("*.png") if path.is_file() and not path.name.startswith(".")]


def find_people(path: Path, findings: Findings) -> tuple[tuple[int, int], list[Box], list[float]] | None:
    """The (width, height) of a mask file, and box and area of each person in it; None, with a note, if it is no mask.

    Pixels of person i hold the value i, whatever its colour in a palette; 0 is the background.
    """
    try:
        with Image.open(path) as file:
            values = np.asarray(file)
    except Exception:  # whatever Pillow makes of a damaged file
        findings.leave_out("images left out, mask unreadable", path.name)
        return None
    if values.ndim != 2 or values.dtype.kind not in "biu":
        findings.leave_out("images left out, mask has not one whole number a pixel", path.name)
        return None
    height, width = values.shape
    numbers, person = np.unique(values, return_inverse=True)  # (N,), and which of them each pixel is
    y, x = (torch.from_numpy(axis.ravel()) for axis in np.indices(values.shape))  # (H·W,) each
    index = torch.from_numpy(person.ravel())
    # Every pixel tells its person how far he reaches: up to the last pixel inside, and edges are exclusive here.
    first, last = (
        [
            torch.zeros(len(numbers), dtype=torch.int64).scatter_reduce(0, index, axis, how, include_self=False)
            for axis in (x, y)
        ]
        for how in ("amin", "amax")
    )
    boxes = torch.stack([*first, last[0] + 1, last[1] + 1], dim=1)[numbers > 0].double()  # (N, 4)
    areas = index.bincount()[numbers > 0].double()
    return (width, height), [tuple(box) for box in boxes.tolist()], areas.tolist()


def download_penn_fudan(root: Path) -> None:
    """Fetch the archive, check it and unpack it as the folder PennFudanPed in `root`."""
    root.mkdir(parents=True, exist_ok=True)
    # Unpacked elsewhere first, so that a folder PennFudanPed is always complete.
    with TemporaryDirectory(dir=root) as unpacked:
        try:
            download_and_extract_archive(URL, download_root=str(root), extract_root=unpacked, md5=MD5)
        except (OSError, RuntimeError) as error:
            advice = f"fetch it by other means and unpack it in {root}"
            raise RuntimeError(f"could not get Penn-Fudan from {URL}: {error}; {advice}") from error
        os.replace(Path(unpacked) / "PennFudanPed", root / "PennFudanPed")
