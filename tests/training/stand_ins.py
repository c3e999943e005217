"""Small stand-ins that make the training loop quick to test."""

from collections.abc import Collection
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from frcnn_edu.data.unreadable import unreadable
from frcnn_edu.model import FrozenBatchNorm2d, fasterrcnn_small_fpn
from frcnn_edu.training import LOSSES

CLASSES = ("background", "red", "green")


class Squares(Dataset):
    """Coloured squares, none, one or two an image of 64×80 pixels."""

    classes = CLASSES

    def __init__(self, length: int = 10, seed: int = 0, transforms: Any = None) -> None:
        self.length, self.seed, self.transforms = length, seed, transforms

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> tuple[Tensor, dict[str, Any]]:
        generator = torch.Generator().manual_seed(1000 * self.seed + index)
        image = 0.2 * torch.rand(3, 64, 80, generator=generator)
        count = index % 3
        left_top = torch.randint(0, 30, (count, 2), generator=generator).float()
        boxes = torch.cat((left_top, left_top + 24), dim=1)  # (N, 4)
        labels = torch.randint(1, 3, (count,), generator=generator)
        for box, label in zip(boxes.int().tolist(), labels.tolist()):
            image[label - 1, box[1] : box[3], box[0] : box[2]] += 0.7
        target = {
            "boxes": boxes,
            "labels": labels,
            "image_id": 100 + index,
            "area": torch.full((count,), 24.0 * 24.0),
            "iscrowd": torch.zeros(count, dtype=torch.int64),
        }
        image = image.clamp(0, 1)
        return (image, target) if self.transforms is None else self.transforms(image, target)


class Damaged(Squares):
    """… some of which cannot be read."""

    def __init__(self, length: int = 10, seed: int = 0, bad: Collection[int] = (), **options: Any) -> None:
        super().__init__(length, seed, **options)
        self.bad = bad

    def __getitem__(self, index: int) -> tuple[Tensor, dict[str, Any]]:
        if index in self.bad:
            raise unreadable(f"{index}.jpg", "the file is damaged")
        return super().__getitem__(index)


class OneWeight(nn.Module):
    """A stand-in for a detector: four losses from one weight, the images and chance; it detects nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(3))
        self.calls = 0
        self.bad_call: tuple[int, str, float] | None = None  # in this call this loss has this value

    def forward(self, images: list[Tensor], targets: list[dict[str, Any]] | None = None) -> Any:
        if not self.training:
            nothing = {
                "boxes": torch.zeros(0, 4),
                "labels": torch.zeros(0, dtype=torch.int64),
                "scores": torch.zeros(0),
            }
            return [nothing for _ in images]
        self.calls += 1
        means = torch.stack([image.mean(dim=(1, 2)) for image in images])  # (N, 3)
        error = (means * self.weight - torch.rand(len(images), 3)).square().mean()
        losses = {name: (place + 1) * error for place, name in enumerate(LOSSES)}
        if self.bad_call and self.bad_call[0] == self.calls:
            losses[self.bad_call[1]] = losses[self.bad_call[1]] * self.bad_call[2]
        return losses


class OneObjectEach(Squares):
    """Images with one square each, so that every process has as many objects as the other."""

    def __getitem__(self, index: int) -> tuple[Tensor, dict[str, Any]]:
        return super().__getitem__(3 * index + 1)


def exact_model() -> nn.Module:
    """The small model in float64, without what makes a batch in parts differ from the same batch in one.

    Chance: all anchors and proposals are taken, instead of a sample. Their number: the same in each image, as none
    is ignored and no proposal is suppressed. BatchNorm: frozen.
    """
    torch.manual_seed(3)
    model = fasterrcnn_small_fpn(num_classes=3, min_size=64, max_size=80, rpn_bg_iou_thresh=0.7, rpn_nms_thresh=1.0)
    for sampler in (model.rpn.fg_bg_sampler, model.roi_heads.fg_bg_sampler):
        sampler.batch_size_per_image, sampler.positive_fraction = 10**6, 0.5
    for module in list(model.modules()):
        for name, child in module.named_children():
            if isinstance(child, nn.BatchNorm2d):
                setattr(module, name, FrozenBatchNorm2d(child.num_features))
    return model.double()
