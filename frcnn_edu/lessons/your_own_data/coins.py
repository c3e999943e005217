"""Real photographs: one of 24 Greek coins with their boxes, the pieces that are cut out of it, and others without coins.

All of them come with the package scikit-image, so nothing is downloaded and nothing is copied into this project. The coins are
`skimage.data.coins()`: Greek coins from Pompeii, from the Brooklyn Museum's collection; "no known copyright restrictions". The boxes are our own
annotation: they were found by a watershed, then corrected by eye on an enlargement. Shadows are outside the boxes.
"""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import Dataset

from frcnn_edu.data import write_voc
from frcnn_edu.extras import explained

CLASSES = ("background", "coin")

#: The four rows of six coins, each from left to right: xmin, ymin, xmax, ymax in pixels; the right and bottom edges are exclusive.
ROWS = (
    ((22, 35, 67, 74), (81, 39, 120, 74), (132, 28, 179, 74), (192, 30, 240, 73), (255, 34, 297, 72), (305, 16, 364, 72)),
    ((25, 104, 67, 145), (84, 108, 122, 145), (134, 110, 173, 145), (186, 105, 226, 144), (245, 95, 296, 144), (317, 105, 356, 145)),
    ((25, 177, 62, 217), (80, 175, 124, 217), (135, 179, 174, 217), (189, 170, 237, 217), (251, 172, 297, 217), (315, 156, 379, 218)),
    ((18, 233, 75, 288), (93, 244, 135, 288), (144, 236, 201, 288), (220, 240, 269, 288), (276, 239, 326, 289), (336, 248, 381, 289)),
)  # fmt: skip

TRAINING_ROWS = 3  # the lowest row is held out: none of its pixels is in a training image
ROW_EDGES = (0, 84, 150, 226, 303)  # cuts above the first row, between two rows and below the last one, through no coin
COLUMN_EDGES = {"train": (0, 73, 128, 182, 242, 301, 384), "val": (0, 84, 140, 210, 272, 331, 384)}

#: Photographs of skimage.data without a coin. For training: textures, a rocket, galaxies, an astronaut; for validation: a cup, a cat, a man with a camera.
OTHERS = {
    "train": ("brick", "grass", "gravel", "rocket", "hubble_deep_field", "astronaut"),
    "val": ("coffee", "chelsea", "camera"),
}
LONGER_SIDE = (
    400  # of the other photographs, in pixels; they are shrunk to about the size of the photograph of the coins
)

Window = tuple[int, int, int, int]  # xmin, ymin, xmax, ymax


def coin_boxes() -> Tensor:
    """The 24 boxes (24, 4) xyxy, row by row. The last six are the coins that are held out."""
    return torch.tensor(ROWS, dtype=torch.float32).flatten(0, 1)


def photograph() -> Tensor:
    """The whole photograph of the coins, float (3, 303, 384) in 0–1. It is grey, so its three channels are equal.

    Raises:
        ModuleNotFoundError: scikit-image is not installed.
    """
    return _grey_photograph("coins").clone()


def windows(split: str) -> list[Window]:
    """Where the photograph of the coins is cut into the pieces of a split, "train" or "val".

    A window spans one or several neighbouring rows and columns of coins. We take all windows that contain at least two coins and whose width
    is between two thirds of their height and three times their height. They overlap, but no coin is cut, and no coin is in both splits.
    """
    rows = range(TRAINING_ROWS) if split == "train" else range(TRAINING_ROWS, len(ROWS))
    columns, found = COLUMN_EDGES[split], []
    for top in rows:
        for bottom in range(top + 1, rows.stop + 1):
            for left in range(6):
                for right in range(left + 1, 7):
                    x0, y0, x1, y1 = columns[left], ROW_EDGES[top], columns[right], ROW_EDGES[bottom]
                    if (bottom - top) * (right - left) >= 2 and 2 / 3 <= (x1 - x0) / (y1 - y0) <= 3:
                        found.append((x0, y0, x1, y1))
    return found


class CoinPhotographs(Dataset[tuple[Tensor, dict[str, Any]]]):
    """Pieces of the photographs, in four parts: with coins and without coins, each for training and for validation.

    An item is (image, target) as in `ShapesDetection`; the only class is "coin". `parts` contains the indices of each part by its name: "train",
    "val", "val without coins", "train without coins". The others are grey, as the coins are, because colour would tell them apart; each of
    them gives five pieces: the whole, and its four quarters.

    Raises:
        ModuleNotFoundError: scikit-image is not installed.
    """

    classes = CLASSES

    def __init__(self) -> None:
        self.pieces: list[tuple[str, Window]] = []  # a photograph's name and the window
        self.parts: dict[str, range] = {}
        for split in ("train", "val"):
            self._add(split, [("coins", window) for window in windows(split)])
        for split in ("val", "train"):
            self._add(
                f"{split} without coins",
                [(name, window) for name in OTHERS[split] for window in _whole_and_quarters(_grey_photograph(name))],
            )

    def _add(self, part: str, pieces: list[tuple[str, Window]]) -> None:
        self.parts[part] = range(len(self.pieces), len(self.pieces) + len(pieces))
        self.pieces += pieces

    def __len__(self) -> int:
        return len(self.pieces)

    def __getitem__(self, index: int) -> tuple[Tensor, dict[str, Any]]:
        if not 0 <= index < len(self):
            raise IndexError(f"index {index} is outside these {len(self)} photographs")
        name, (x0, y0, x1, y1) = self.pieces[index]
        boxes = coin_boxes() if name == "coins" else torch.zeros(0, 4)
        inside = (boxes[:, 0] >= x0) & (boxes[:, 1] >= y0) & (boxes[:, 2] <= x1) & (boxes[:, 3] <= y1)
        boxes = boxes[inside] - torch.tensor([x0, y0, x0, y0])
        return _grey_photograph(name)[:, y0:y1, x0:x1].clone(), {
            "boxes": boxes,
            "labels": torch.ones(len(boxes), dtype=torch.int64),
            "image_id": index,
            "area": (boxes[:, 2:] - boxes[:, :2]).prod(dim=1),
            "iscrowd": torch.zeros(len(boxes), dtype=torch.int64),
        }


def write_photographs(folder: str | Path) -> dict[str, int]:
    """Write the training pieces with coins and all validation pieces to a folder, in the format Pascal VOC, as annotation tools do.

    Returns:
        The number of images in each split.

    Raises:
        FileExistsError: one of the files already exists.
        ModuleNotFoundError: scikit-image is not installed.
    """
    data = CoinPhotographs()
    splits = {"train": [*data.parts["train"]], "val": [*data.parts["val"], *data.parts["val without coins"]]}
    return {split: len(write_voc(data, folder, split, indices)) for split, indices in splits.items()}


def add_photographs_without_coins(folder: str | Path) -> int:
    """Add the training pieces without coins to a folder that `write_photographs` wrote.

    Returns:
        Their number.

    Raises:
        FileExistsError: one of the files already exists.
        ModuleNotFoundError: scikit-image is not installed.
    """
    data, lists = CoinPhotographs(), Path(folder) / "ImageSets" / "Main"
    names = write_voc(data, folder, "added", data.parts["train without coins"])
    with open(lists / "train.txt", "a", encoding="utf-8") as file:
        file.write((lists / "added.txt").read_text(encoding="utf-8"))
    (lists / "added.txt").unlink()
    return len(names)


@cache
def _grey_photograph(name: str) -> Tensor:
    """A photograph of skimage.data in grey, float (3, H, W) in 0–1."""
    try:
        from skimage import data
    except ModuleNotFoundError as error:
        raise explained(error) from error
    read: Callable[[], np.ndarray] = getattr(data, name)
    image = Image.fromarray(read()).convert("L")
    image.thumbnail((LONGER_SIDE, LONGER_SIDE))  # the coins are smaller, and stay as they are
    return torch.from_numpy(np.array(image)).float().div(255).expand(3, -1, -1).contiguous()


def _whole_and_quarters(image: Tensor) -> list[Window]:
    height, width = image.shape[1:]
    y, x = height // 2, width // 2
    return [(0, 0, width, height), (0, 0, x, y), (x, 0, width, y), (0, y, x, height), (x, y, width, height)]
