"""Everything the network computes from one image on the way to its detections, recorded while the model runs."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor, nn

from ..model import FasterRCNN, ImageList
from ..ops import clip_boxes_to_image


@dataclass(frozen=True, eq=False)  # compared by identity, so that a trace can be a key
class Trace:
    """One image's way through a Faster R-CNN with FPN. Boxes are in pixels of the resized image, unless said otherwise.

    Attributes:
        image: (3, H, W) in 0–1, as given.
        batch: the normalised, resized and padded image.
        bottom_up: C2…C5, maps (1, Cᵢ, Hᵢ, Wᵢ) by the model's names "0" … "3".
        pyramid: P2…P5 and "pool", maps (1, C, Hᵢ, Wᵢ).
        anchors: (A, 4) for each level.
        objectness: logits (1, A, Hᵢ, Wᵢ) for each level.
        deltas: (1, 4·A, Hᵢ, Wᵢ) for each level.
        proposals: (N, 4), the best first.
        levels: (N,) index of the map that each proposal is pooled from, 0 for P2.
        pooled: (N, C, 7, 7).
        class_logits: (N, K) for K classes with the background.
        box_deltas: (N, 4·K).
        resized_detections: "boxes", "labels", "scores" before they are mapped back.
        detections: the model's output, boxes in pixels of `image`.
    """

    image: Tensor
    batch: ImageList
    bottom_up: dict[str, Tensor]
    pyramid: dict[str, Tensor]
    anchors: list[Tensor]
    objectness: list[Tensor]
    deltas: list[Tensor]
    proposals: Tensor
    levels: Tensor
    pooled: Tensor
    class_logits: Tensor
    box_deltas: Tensor
    resized_detections: dict[str, Tensor]
    detections: dict[str, Tensor]


def trace(model: FasterRCNN, image: Tensor) -> Trace:
    """Run `model` in evaluation mode on one image (3, H, W) and keep what every stage returned."""
    parts: dict[str, Any] = {
        "batch": model.transform,
        "bottom_up": model.backbone.body,
        "pyramid": model.backbone,
        "anchors": model.rpn.anchor_generator,
        "rpn_head": model.rpn.head,
        "proposals": model.rpn,
        "pooled": model.roi_heads.box_roi_pool,
        "predictor": model.roi_heads.box_predictor,
        "detections": model.roi_heads,
    }
    seen: dict[str, Any] = {}

    def remember(name: str) -> Any:
        def hook(module: nn.Module, args: Any, output: Any) -> None:
            seen[name] = output

        return hook

    hooks = [part.register_forward_hook(remember(name)) for name, part in parts.items()]
    was_training = model.training
    try:
        with torch.no_grad():
            detections = model.eval()([image])[0]
    finally:
        model.train(was_training)
        for hook in hooks:
            hook.remove()

    objectness, deltas = seen["rpn_head"]
    roi_pool: Any = model.roi_heads.box_roi_pool
    proposals = seen["proposals"][0][0]
    class_logits, box_deltas = seen["predictor"]
    return Trace(
        image=image,
        batch=seen["batch"][0],
        bottom_up=seen["bottom_up"],
        pyramid=seen["pyramid"],
        anchors=list(seen["anchors"][0].split([logits[0].numel() for logits in objectness])),
        objectness=objectness,
        deltas=deltas,
        proposals=proposals,
        levels=roi_pool.map_levels([proposals]),
        pooled=seen["pooled"],
        class_logits=class_logits,
        box_deltas=box_deltas,
        resized_detections=seen["detections"][0][0],
        detections=detections,
    )


@lru_cache(maxsize=8)
def moved_anchors(seen: Trace, model: FasterRCNN) -> Tensor:
    """All anchors moved by their deltas and clipped, (A, 4): the boxes from which the proposals are chosen."""
    rpn: Any = model.rpn
    deltas = [d.unflatten(1, (-1, 4)).permute(0, 3, 4, 1, 2).reshape(-1, 4) for d in seen.deltas]  # (H·W·A, 4) each
    moved = rpn.box_coder.decode(torch.cat(deltas), [torch.cat(seen.anchors)]).view(-1, 4)
    return clip_boxes_to_image(moved, seen.batch.image_sizes[0])


@lru_cache(maxsize=8)
def moved_proposals(seen: Trace, model: FasterRCNN) -> Tensor:
    """All proposals moved by their deltas and clipped, one box for each class, (N, K, 4): from these the detections are chosen."""
    heads: Any = model.roi_heads
    return clip_boxes_to_image(heads.box_coder.decode(seen.box_deltas, [seen.proposals]), seen.batch.image_sizes[0])
