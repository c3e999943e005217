"""The stages of a model, one by one, each on what those before it have made; and a place in each to make a mistake."""

from collections.abc import Callable, Sequence
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor

import frcnn_edu
from frcnn_edu.benchmark.realistic import Target, make_images, make_targets
from frcnn_edu.model.fast import boxes as fast_boxes
from frcnn_edu.model.fast.rpn import predict_at
from frcnn_edu.model.rpn import concat_box_prediction_layers
from frcnn_edu.ops import losses
from frcnn_edu.ops.boxes import _nms_group_by_group

IMAGES = make_images((60, 90), (80, 64))
TARGETS = make_targets(IMAGES, [3, 0], num_classes=6)  # and one without objects
SETTINGS = {"min_size": 64, "max_size": 96}

Stages = dict[str, Callable[[], Any]]


def small_model(**settings: Any) -> frcnn_edu.FasterRCNN:
    """The shipped one, which finds objects."""
    return frcnn_edu.fasterrcnn_small_fpn(weights="DEFAULT", **SETTINGS, **settings)


def batch_on(device: torch.device) -> tuple[list[Tensor], list[Target]]:
    return [image.to(device) for image in IMAGES], [{k: v.to(device) for k, v in t.items()} for t in TARGETS]


def nms_of_known_groups(boxes: Tensor, scores: Tensor) -> Tensor:
    """Of three groups, one after the other, as for many boxes."""
    sizes = [10, 20, len(boxes) - 30]
    groups = torch.repeat_interleave(torch.arange(3), torch.tensor(sizes)).to(boxes.device)
    with patch.object(frcnn_edu.ops.boxes, "most_at_one_go", lambda device: 0):
        return fast_boxes.batched_nms(boxes, scores, groups, 0.5, sizes)


def stages(model: Any, images: Sequence[Tensor], targets: Sequence[Target]) -> Stages:
    """Name → a function that runs the stage and returns what it makes, in the order of the data."""
    transform, rpn, heads = model.transform, model.rpn.train(), model.roi_heads.train()
    sizes = [tuple(image.shape[-2:]) for image in images]
    batch, resized = transform(images, targets)
    bottom_up = model.backbone.body(batch.tensors)
    features = model.backbone.fpn(bottom_up)
    maps = list(features.values())
    anchors = rpn.anchor_generator(batch, maps)
    logits, deltas = rpn.head(maps)
    numbers = [level[0].numel() for level in logits]
    flat_logits, flat_deltas = (values.detach() for values in concat_box_prediction_layers(logits, deltas))
    moved = rpn.box_coder.decode(flat_deltas, anchors).view(len(images), -1, 4)
    groups = torch.arange(moved.shape[1], device=images[0].device) % 3
    proposals, _ = rpn.filter_proposals(moved, flat_logits, batch.image_sizes, numbers)
    chosen, _, labels, regression_targets = heads.select_training_samples(proposals, resized)
    pooled = heads.box_roi_pool(features, chosen, batch.image_sizes)
    vectors = heads.box_head(pooled)
    class_logits, box_regression = heads.box_predictor(vectors)
    found = heads.postprocess_detections(class_logits, box_regression, chosen, batch.image_sizes)
    detections = [{"boxes": boxes, "scores": scores, "labels": labels} for boxes, scores, labels in zip(*found)]

    return {
        "transform": lambda: transform(images, targets),
        "bottom-up": lambda: model.backbone.body(batch.tensors),
        "pyramid": lambda: model.backbone.fpn(bottom_up),
        "anchors": lambda: rpn.anchor_generator(batch, maps),
        "RPN head": lambda: rpn.head(maps),
        "RPN head, some anchors": lambda: predict_at(rpn.head, maps, torch.arange(0, 90, 7, device=images[0].device)),
        "decoding": lambda: rpn.box_coder.decode(flat_deltas, anchors),
        "proposals": lambda: rpn.filter_proposals(moved, flat_logits, batch.image_sizes, numbers),
        "NMS, group by group": lambda: _nms_group_by_group(moved[0], flat_logits[: len(moved[0]), 0], groups, 0.5),
        "NMS of groups whose sizes are known": lambda: nms_of_known_groups(moved[0], flat_logits[: len(moved[0]), 0]),
        "RPN targets": lambda: rpn.assign_targets_to_anchors(anchors, resized),
        "RPN sampling": lambda: rpn.sample(rpn.assign_targets_to_anchors(anchors, resized)[0]),
        "RPN losses": lambda: rpn(batch, features, resized)[1],
        "RoI sampling": lambda: heads.select_training_samples(proposals, resized),
        "level mapper": lambda: heads.box_roi_pool.map_levels(chosen),
        "RoIAlign": lambda: heads.box_roi_pool(features, chosen, batch.image_sizes),
        "box head": lambda: heads.box_head(pooled),
        "predictor": lambda: heads.box_predictor(vectors),
        "box losses": lambda: losses.fastrcnn_loss(class_logits, box_regression, labels, regression_targets),
        "detections": lambda: heads.postprocess_detections(class_logits, box_regression, chosen, batch.image_sizes),
        "back to the image": lambda: transform.eval().postprocess(detections, batch.image_sizes, sizes),
    }


# Of each stage a function that works inside it: (where it is found, from the model; its name).
INSIDE: dict[str, tuple[Callable[[Any], Any], str]] = {
    "transform": (lambda model: model.transform, "normalize"),
    "bottom-up": (lambda model: model.backbone.body["layer2"][0].conv1, "forward"),
    "pyramid": (lambda model: model.backbone.fpn.inner_blocks[0][0], "forward"),
    "anchors": (lambda model: model.rpn.anchor_generator, "grid_anchors"),
    "RPN head": (lambda model: model.rpn.head.conv, "forward"),
    "RPN head, some anchors": (lambda model: model.rpn.head.cls_logits, "forward"),
    "decoding": (lambda model: model.rpn.box_coder, "_weights"),
    "proposals": (lambda model: model.rpn, "_get_top_n_idx"),
    "NMS, group by group": (lambda model: frcnn_edu.ops.boxes, "nms"),
    "NMS of groups whose sizes are known": (lambda model: fast_boxes, "nms"),
    "RPN targets": (lambda model: model.rpn.proposal_matcher, "match_boxes"),
    "RPN sampling": (lambda model: model.rpn.fg_bg_sampler, "_sample"),
    "RPN losses": (lambda model: model.rpn.box_coder, "encode_single"),
    "RoI sampling": (lambda model: model.roi_heads.fg_bg_sampler, "_sample"),
    "level mapper": (lambda model: frcnn_edu.model.roi_align, "box_area"),
    "RoIAlign": (lambda model: model.roi_heads.box_roi_pool, "map_levels"),
    "box head": (lambda model: model.roi_heads.box_head.fc6, "forward"),
    "predictor": (lambda model: model.roi_heads.box_predictor.cls_score, "forward"),
    "box losses": (lambda model: losses.F, "cross_entropy"),
    "detections": (lambda model: model.roi_heads.box_coder, "decode"),
    "back to the image": (lambda model: frcnn_edu.model.transform, "resize_boxes"),
}
