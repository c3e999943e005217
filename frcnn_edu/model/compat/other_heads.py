"""Heads other than the box head: masks and keypoints, as in torchvision's Mask R-CNN and Keypoint R-CNN.

This course is about boxes. If you add such heads to its model, torchvision's functions compute their losses and results
from the same proposals and detections.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torchvision.models.detection.roi_heads import (
    keypointrcnn_inference,
    keypointrcnn_loss,
    maskrcnn_inference,
    maskrcnn_loss,
)

Size = tuple[int, int]  # (height, width)
OTHER_HEADS = tuple(f"{kind}_{part}" for kind in ("mask", "keypoint") for part in ("roi_pool", "head", "predictor"))


class OtherHeads:
    """The attributes and methods of `RoIHeads` for heads that Faster R-CNN does not have.

    `mask_roi_pool`, `mask_head` and `mask_predictor` belong together, and so do the three whose names begin with `keypoint`.
    Each is None until it is set; masks or keypoints with a missing part are not computed.
    """

    def set_other_heads(self, heads: dict[str, nn.Module | None]) -> None:
        """Sets the heads by name; those that are not given become None.

        Raises:
            TypeError: there is no head of this name.
        """
        unknown = sorted(set(heads) - set(OTHER_HEADS))
        if unknown:
            raise TypeError(f"RoIHeads has no argument {unknown[0]!r}; other heads are {', '.join(OTHER_HEADS)}")
        for name in OTHER_HEADS:
            setattr(self, name, heads.get(name))

    def has_mask(self) -> bool:
        """Whether all three parts for masks are set."""
        return _has(self, "mask")

    def has_keypoint(self) -> bool:
        """Whether all three parts for keypoints are set."""
        return _has(self, "keypoint")

    def check_targets(self, targets: list[dict[str, Tensor]] | None) -> None:
        """Checks that targets have the required keys.

        Raises:
            ValueError: there are no targets, or one lacks a key.
        """
        if targets is None:
            raise ValueError("the box head needs targets in training, got None")
        others = [kind for kind in ("mask", "keypoint") if _has(self, kind)]
        for i, target in enumerate(targets):
            for key in ("boxes", "labels", *(f"{kind}s" for kind in others)):
                if key not in target:
                    raise ValueError(f"targets[{i}] has no '{key}': its keys are {sorted(map(str, target))}")


def other_losses(
    heads: Any,
    features: dict[str, Tensor],
    image_shapes: list[Size],
    proposals: list[Tensor],
    labels: list[Tensor],
    matched_idxs: list[Tensor],
    targets: list[dict[str, Tensor]] | None,
) -> dict[str, Tensor]:
    """`loss_mask` and `loss_keypoint` of the positive proposals in the sample, if there are heads for them."""
    losses: dict[str, Tensor] = {}
    if targets is None or not (heads.has_mask() or heads.has_keypoint()):
        return losses
    heads.check_targets(targets)
    objects = [torch.where(label > 0)[0] for label in labels]  # background has neither
    boxes = [some[index] for some, index in zip(proposals, objects)]
    matched = [some[index] for some, index in zip(matched_idxs, objects)]
    if heads.has_mask():
        logits = _predict(heads, "mask", features, boxes, image_shapes)
        masks, classes = [target["masks"] for target in targets], [target["labels"] for target in targets]
        losses["loss_mask"] = maskrcnn_loss(logits, boxes, masks, classes, matched)
    if heads.has_keypoint():
        logits = _predict(heads, "keypoint", features, boxes, image_shapes)
        keypoints = [target["keypoints"] for target in targets]
        losses["loss_keypoint"] = keypointrcnn_loss(logits, boxes, keypoints, matched)
    return losses


def add_masks_and_keypoints(
    heads: Any, features: dict[str, Tensor], image_shapes: list[Size], detections: list[dict[str, Tensor]]
) -> list[dict[str, Tensor]]:
    """Detections with `masks` (K, 1, 28, 28), and `keypoints` (K, P, 3) with `keypoints_scores`, if there are heads for them."""
    boxes = [found["boxes"] for found in detections]
    if heads.has_mask():
        logits = _predict(heads, "mask", features, boxes, image_shapes)
        masks = maskrcnn_inference(logits, [found["labels"] for found in detections])
        detections = [{**found, "masks": mask} for found, mask in zip(detections, masks)]
    if heads.has_keypoint():
        logits = _predict(heads, "keypoint", features, boxes, image_shapes)
        places = zip(detections, *keypointrcnn_inference(logits, boxes))
        detections = [{**found, "keypoints": xy, "keypoints_scores": scores} for found, xy, scores in places]
    return detections


def _has(heads: Any, kind: str) -> bool:
    return all(getattr(heads, f"{kind}_{part}", None) is not None for part in ("roi_pool", "head", "predictor"))


def _predict(
    heads: Any, kind: str, features: dict[str, Tensor], boxes: list[Tensor], image_shapes: list[Size]
) -> Tensor:
    pool, head, predictor = (getattr(heads, f"{kind}_{part}") for part in ("roi_pool", "head", "predictor"))
    return predictor(head(pool(features, boxes, image_shapes)))
