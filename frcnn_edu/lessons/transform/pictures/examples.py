"""The images that notebook 01 works with."""

from functools import cache

import torch
from torch import Tensor

from frcnn_edu.data import ShapesDetection
from frcnn_edu.lessons.story import story
from frcnn_edu.model import GeneralizedRCNNTransform
from frcnn_edu.model.transform import Target


def tiny_images() -> tuple[list[Tensor], list[Target]]:
    """Two images of a few pixels, 4×8 and 7×5, each with a box around its orange rectangle."""
    wide, tall = torch.empty(3, 4, 8), torch.empty(3, 7, 5)
    for image, color in ((wide, (0.78, 0.86, 0.92)), (tall, (0.80, 0.90, 0.82))):
        image[:] = torch.tensor(color)[:, None, None]
    orange = torch.tensor([0.90, 0.45, 0.15])[:, None, None]
    wide[:, 1:3, 2:6] = orange
    tall[:, 2:6, 1:4] = orange
    boxes = torch.tensor([[2.0, 1, 6, 3]]), torch.tensor([[1.0, 2, 4, 6]])
    return [wide, tall], [{"boxes": box, "labels": torch.tensor([1])} for box in boxes]


def tiny_transform() -> GeneralizedRCNNTransform:
    """The transform for `tiny_images`: shorter side 6, longer at most 10, padded to a multiple of 4."""
    return GeneralizedRCNNTransform(6, 10, [0.5, 0.5, 0.5], [0.25, 0.25, 0.25], size_divisible=4)


@cache
def mixed_pictures() -> tuple[list[Tensor], list[Target]]:
    """The course's image, a tall one and a wide one."""
    items = [(story().image, story().target)]
    items += [ShapesDetection("test", size=size)[index] for size, index in (((300, 180), 5), ((160, 400), 17))]
    return [image for image, _ in items], [target for _, target in items]


def rings(size: int = 128) -> Tensor:
    """Concentric rings that become narrower outwards, down to 4 pixels at the sides: (3, size, size) in 0–1."""
    x = torch.arange(size) - (size - 1) / 2
    square = x[:, None] ** 2 + x[None] ** 2
    return (0.5 + 0.5 * torch.cos(torch.pi * square / (2 * size))).expand(3, -1, -1)
