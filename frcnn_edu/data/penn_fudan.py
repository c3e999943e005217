"""Penn-Fudan: 170 photographs of pedestrians, the data set of torchvision's fine-tuning tutorial."""

import os
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from PIL import Image
from torchvision.datasets.utils import download_and_extract_archive

from .findings import Findings
from .formats.annotated import Annotated, Item, Reading
from .formats.layout import Part
from .formats.recognise import PENN_FUDAN, recognise
from .records import RecordDataset, Transforms

URL = "https://www.cis.upenn.edu/~jshi/ped_html/PennFudanPed.zip"
# Not published with the archive; the Avalanche library checks its own download against this checksum.
MD5 = "5aaa3dee905cef73325923716e38fc6d"


class PennFudanDetection(RecordDataset):
    """Pedestrians in the streets of two campuses (Wang, Shi, Song and Shen, 2007), with a mask for each person.

    Each box encloses a person's mask, and `area` is the mask's. The data set comes undivided; here every fifth
    photograph, in the order of names, is for validation.

    Args:
        root: the folder PennFudanPed or the one that holds it.
        split: "train" (136 photographs) or "val" (34).
        download: whether to fetch the archive (54 MB) into `root` and unpack it there, if the folder does not exist.
        transforms: a function that maps (image, target) to both, changed.
        strict: whether to raise an error if anything has to be left out: a photograph or a mask without the other, or
            one that cannot be read.

    Raises:
        ValueError: an unknown split, or no such folder; with `strict`, something was left out.
        RuntimeError: the download failed, or its checksum is wrong.
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
        part = recognise(folder).part(split)
        super().__init__(folder, PENN_FUDAN, part, self.classes, transforms, strict)


def read_masks(part: Part, findings: Findings) -> Reading:
    """The photographs of a folder PennFudanPed, with a box around each person's mask."""
    assert part.images is not None  # `recognise` says where they are
    photographs = {path.stem: path for path in _files(part.images)}
    masks = {path.stem.removesuffix("_mask"): path for path in _files(part.annotations)}
    images = []
    for name in sorted({*photographs, *masks}):
        file = f"{name}.png"
        if name not in photographs or name not in masks:
            lacking = "mask" if name in photographs else "file"
            images.append(Annotated(file, problem=f"images left out, no {lacking}"))
        else:
            images.append(find_people(photographs[name], masks[name]))
    return Reading(images, list(PennFudanDetection.classes[1:]))


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.glob("*.png") if path.is_file() and not path.name.startswith(".")]


def find_people(photograph: Path, path: Path) -> Annotated:
    """A photograph with the box and area of each person in its mask file.

    Pixels of person i hold the value i, whatever its colour in a palette; 0 is the background.
    """
    try:
        with Image.open(path) as file:
            values = np.asarray(file)
    except Exception:  # Pillow may raise anything for a damaged file
        return Annotated(path.name, problem="images left out, mask unreadable")
    if values.ndim != 2 or values.dtype.kind not in "biu":
        return Annotated(path.name, problem="images left out, mask does not have one whole number per pixel")
    height, width = values.shape
    numbers, person = np.unique(values, return_inverse=True)  # (N,), and which of them each pixel is
    y, x = (torch.from_numpy(axis.ravel()) for axis in np.indices(values.shape))  # (H·W,) each
    index = torch.from_numpy(person.ravel())
    # Each person's first and last pixel in x and y. Right and bottom edges are exclusive here, hence the + 1.
    first, last = (
        [
            torch.zeros(len(numbers), dtype=torch.int64).scatter_reduce(0, index, axis, how, include_self=False)
            for axis in (x, y)
        ]
        for how in ("amin", "amax")
    )
    boxes = torch.stack([*first, last[0] + 1, last[1] + 1], dim=1)[numbers > 0].double()  # (N, 4)
    areas = index.bincount()[numbers > 0].double()
    people = [Item("pedestrian", box, area=area) for box, area in zip(boxes.tolist(), areas.tolist(), strict=True)]
    return Annotated(photograph.name, people, photograph, (width, height))


def download_penn_fudan(root: Path) -> None:
    """Fetch the archive, check it and unpack it as the folder PennFudanPed in `root`."""
    root.mkdir(parents=True, exist_ok=True)
    # Unpacked elsewhere first, so that a folder PennFudanPed is always complete.
    with TemporaryDirectory(dir=root) as unpacked:
        try:
            download_and_extract_archive(URL, download_root=str(root), extract_root=unpacked, md5=MD5)
        except (OSError, RuntimeError) as error:
            advice = f"download it by other means and unpack it in {root}"
            raise RuntimeError(f"could not download Penn-Fudan from {URL}: {error}; {advice}") from error
        os.replace(Path(unpacked) / "PennFudanPed", root / "PennFudanPed")
