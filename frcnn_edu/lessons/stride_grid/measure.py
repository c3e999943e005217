"""How well anchors and proposals fit the objects of the built-in data set."""

from functools import cache

import torch
from torch import Tensor

from frcnn_edu.data import ShapesDetection
from frcnn_edu.lessons.base_anchors.pictures.main import training_boxes
from frcnn_edu.model import FasterRCNN
from frcnn_edu.ops import box_iou

objects = cache(training_boxes)  # every object in 300 training images, (1174, 4)


def best_iou_of_objects(anchors: Tensor) -> Tensor:
    """For each of the 1174 objects, the IoU with the one of these boxes (N, 4) that fits it best: (1174,)."""
    return torch.cat([box_iou(part, anchors).amax(dim=1) for part in objects().split(64)])


@torch.no_grad()
def proposals_fit(model: FasterRCNN, images: int = 20) -> float:
    """The mean, over the objects of the first validation images, of the IoU with the proposal that fits each best."""
    validation, best = ShapesDetection("val", length=images), []
    for image, target in (validation[index] for index in range(len(validation))):
        batch, _ = model.transform([image])  # these images are not resized
        proposals, _ = model.rpn(batch, model.backbone(batch.tensors))
        best.append(box_iou(target["boxes"], proposals[0]).amax(dim=1))
    return float(torch.cat(best).mean())
