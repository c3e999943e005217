"""What the course's model finds when its input is prepared in a different way."""

from collections.abc import Sequence

import torch
from torch import Tensor

from frcnn_edu.lessons.story import story
from frcnn_edu.model import GeneralizedRCNNTransform, ImageList
from frcnn_edu.ops import box_iou

Size = tuple[int, int]  # (height, width)


def detect(batch: ImageList, sizes: Sequence[Size], least: float = 0.5) -> list[dict[str, Tensor]]:
    """The model's detections in a batch that is already prepared. As in torchvision, its values are not checked.

    Args:
        sizes: (height, width) of each original image; the boxes are in its pixels.
        least: the lowest score that counts.
    """
    model = story().model
    with torch.no_grad():
        features = model.backbone(batch.tensors)
        proposals, _ = model.rpn(batch, features)
        found, _ = model.roi_heads(features, proposals, batch.image_sizes)
        found = model.transform.postprocess(found, batch.image_sizes, list(sizes))
    return [{name: value[each["scores"] >= least] for name, value in each.items()} for each in found]


def count_found(
    images: Sequence[Tensor], targets: Sequence[dict[str, Tensor]], transform: GeneralizedRCNNTransform
) -> tuple[int, int]:
    """How many objects are found in the images after `transform`, and how many boxes are wrong.

    An object is found if a detection of its class has an IoU of at least 0.5 with it; a detection of which this is true
    for no object is wrong.
    """
    right = wrong = 0
    for image, target in zip(images, targets, strict=True):
        (found,) = detect(transform([image])[0], [(image.shape[-2], image.shape[-1])])
        fits = box_iou(target["boxes"], found["boxes"]) >= 0.5  # (objects, detections)
        fits &= target["labels"][:, None] == found["labels"]
        right, wrong = right + int(fits.any(dim=1).sum()), wrong + int((~fits.any(dim=0)).sum())
    return right, wrong
