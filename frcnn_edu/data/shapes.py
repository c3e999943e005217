"""`ShapesDetection`: a generated detection data set that needs no download."""

from collections.abc import Callable
from typing import Any

import torch
from numpy.random import PCG64, Generator, SeedSequence
from torch import Tensor
from torch.utils.data import Dataset

from .shapes_drawing import OUTLINES, draw_scene

SPLIT_LENGTHS = {"train": 8000, "val": 200, "test": 200}


class ShapesDetection(Dataset[tuple[Tensor, dict[str, Any]]]):
    """Coloured shapes on quiet backgrounds, drawn from (seed, split, index) and the same on every machine.

    The shapes are circles, squares, triangles, stars and crosses, stretched, and tilted by up to 30° (an ellipse is a
    circle here, a rectangle a square). Colour says nothing about the class. Later shapes cover earlier ones, but at
    least 60 % of every shape stays visible, and its box is tight around the visible pixels. Sizes are spread evenly on
    a logarithmic scale, so that every level of a feature pyramid gets its share; a few images are empty.

    Args:
        split: "train", "val" or "test": three streams of random numbers with no image in common.
        length: number of images, by default 8000 for training and 200 for the others. A longer data set starts with
            the images of a shorter one.
        seed: 0 or larger; a different seed gives different images.
        size: (height, width) in pixels, each at least 64.
        transforms: a function that maps (image, target) to both, changed.

    An item is (image, target): the image float32 (3, H, W) in 0–1, the target a dict of `boxes` float32 (N, 4) xyxy in
    pixels, right and bottom edges exclusive, N from 0 to 7; `labels` int64 (N,), indices into `classes`; `image_id`
    int; `area` float32 (N,), the boxes' areas; `iscrowd` int64 (N,), all 0.

    Raises:
        ValueError: an unknown split; length, seed or size out of range.
        IndexError: an index outside the data set.
    """

    classes: tuple[str, ...] = ("background", *OUTLINES)

    def __init__(
        self,
        split: str = "train",
        length: int | None = None,
        seed: int = 0,
        size: tuple[int, int] = (128, 160),
        transforms: Callable[[Tensor, dict[str, Any]], tuple[Tensor, dict[str, Any]]] | None = None,
    ) -> None:
        if split not in SPLIT_LENGTHS:
            raise ValueError(f"split must be one of {', '.join(SPLIT_LENGTHS)}; got {split!r}")
        if length is not None and length < 0:
            raise ValueError(f"length must be 0 or larger; got {length}")
        if seed < 0:
            raise ValueError(f"seed must be 0 or larger; got {seed}")
        if len(size) != 2 or min(size) < 64:
            raise ValueError(f"size must be (height, width), each at least 64 pixels; got {size}")
        self.split, self.seed, self.size, self.transforms = split, seed, size, transforms
        self.length = SPLIT_LENGTHS[split] if length is None else length

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> tuple[Tensor, dict[str, Any]]:
        if not 0 <= index < self.length:
            raise IndexError(f"index {index} is outside this data set of {self.length} images")
        stream = list(SPLIT_LENGTHS).index(self.split)
        rng = Generator(PCG64(SeedSequence(self.seed, spawn_key=(stream, index))))
        pixels, corners, labels = draw_scene(rng, *self.size)
        image = torch.from_numpy(pixels).permute(2, 0, 1).contiguous() / 255  # (3, H, W)
        boxes = torch.from_numpy(corners).float()  # (N, 4)
        width, height = (boxes[:, 2:] - boxes[:, :2]).unbind(dim=1)
        target: dict[str, Any] = {
            "boxes": boxes,
            "labels": torch.from_numpy(labels),
            "image_id": index,
            "area": width * height,
            "iscrowd": torch.zeros(len(labels), dtype=torch.int64),
        }
        return (image, target) if self.transforms is None else self.transforms(image, target)
