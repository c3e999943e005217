"""Penn-Fudan: 170 photographs of pedestrians, the data set of torchvision's fine-tuning tutorial."""

import os
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torchvision.datasets.utils import download_and_extract_archive
from torchvision.ops import masks_to_boxes

from .images import UNREADABLE
from .records import Findings, Record, RecordDataset, Transforms, every_fifth, find_frame

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

    Raises:
        ValueError: an unknown split, or no such folder.
        RuntimeError: the download failed, or what came has another checksum.
    """

    classes = ("background", "pedestrian")

    def __init__(
        self, root: str | Path, split: str, download: bool = False, transforms: Transforms | None = None
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
        for path in every_fifth(sorted((folder / "PNGImages").glob("*.png")), split, folder):
            mask_file = folder / "PedMasks" / f"{path.stem}_mask.png"
            if not mask_file.is_file():
                findings.note("images left out, no mask", path.name)
                continue
            masks = read_masks(mask_file)  # (N, H, W)
            height, width = masks.shape[1:]
            if frame := find_frame(path, (width, height), findings):
                record = Record(path, len(records), upright=frame[1])
                boxes = masks_to_boxes(masks)  # (N, 4), up to the last pixel inside; the edges are exclusive here
                boxes[:, 2:] += 1
                for box, area in zip(boxes.tolist(), masks.sum(dim=(1, 2)).tolist()):
                    record.add(tuple(box), label=1, ignore=False, area=area)
                records.append(record)
        super().__init__(self.classes, records, findings, transforms)


def read_masks(path: Path) -> Tensor:
    """The masks (N, H, W) bool in a file where pixels of person i hold the value i, and 0 is the background."""
    try:
        with Image.open(path) as file:
            values = torch.from_numpy(np.array(file))  # (H, W)
    except UNREADABLE as error:
        raise ValueError(f"cannot read {path} as a mask: {error}") from error
    numbers = values.unique()
    return values == numbers[numbers > 0][:, None, None]


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
