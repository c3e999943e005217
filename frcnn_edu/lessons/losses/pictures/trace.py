"""A training forward pass of the course's image, kept stage by stage; and the gradient of each loss in each part of the network."""

import copy
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn

from frcnn_edu.lessons.story import story
from frcnn_edu.model import FasterRCNN, fasterrcnn_small_fpn
from frcnn_edu.model.fast import run_as
from frcnn_edu.model.rpn import concat_box_prediction_layers
from frcnn_edu.ops import box_iou
from frcnn_edu.training import LOSSES

SEED = 0


@dataclass(frozen=True)
class TrainingTrace:
    """What the four losses of one image are computed from. Boxes are in pixels of the resized image, (N, 4).

    Attributes:
        ground_truth, ground_truth_labels: the annotated boxes and their classes (N,).
        anchors: all anchors, level after level.
        anchor_labels: float 1 positive, 0 negative, −1 ignored, for each anchor.
        positives, negatives: indices of the sampled anchors, (P,) and (Q,).
        logits: objectness of all anchors, (A,).
        deltas: predicted, of all anchors, (A, 4).
        anchor_targets: the target deltas of the positive anchors, (P, 4).
        proposals: the proposals, followed by the annotated boxes.
        proposal_labels: class of each of them, 0 for background.
        sampled: those of them that are sampled, in ascending order of their index, (S, 4).
        labels: their classes, (S,).
        sampled_targets: their target deltas, (S, 4).
        class_logits: (S, K) for K classes with the background.
        box_deltas: predicted, (S, K, 4).
        losses: the four losses by torchvision's names.
    """

    ground_truth: Tensor
    ground_truth_labels: Tensor
    anchors: Tensor
    anchor_labels: Tensor
    positives: Tensor
    negatives: Tensor
    logits: Tensor
    deltas: Tensor
    anchor_targets: Tensor
    proposals: Tensor
    proposal_labels: Tensor
    sampled: Tensor
    labels: Tensor
    sampled_targets: Tensor
    class_logits: Tensor
    box_deltas: Tensor
    losses: dict[str, float]

    @property
    def rpn_errors(self) -> Tensor:
        """Predicted minus target deltas of the positive anchors, (P, 4)."""
        return self.deltas[self.positives] - self.anchor_targets

    @property
    def box_errors(self) -> Tensor:
        """Predicted minus target deltas of the sampled positives, as their true class, (number of positives, 4)."""
        objects = torch.where(self.labels > 0)[0]
        return self.box_deltas[objects, self.labels[objects]] - self.sampled_targets[objects]


def trace_training(model: FasterRCNN, image: Tensor, target: dict[str, Any], seed: int = SEED) -> TrainingTrace:
    """Run a copy of `model` in training mode on one image, as `model.train()(images, targets)` after `manual_seed(seed)`.

    The model itself stays as it is: in training, BatchNorm moves its running statistics.
    """
    model = copy.deepcopy(model).train()
    seen: dict[str, Any] = {}
    rpn: Any = model.rpn
    heads: Any = model.roi_heads

    def remember(owner: Any, name: str) -> None:
        method = getattr(owner, name)

        def called(*args: Any) -> Any:
            seen[name] = method(*args)
            return seen[name]

        setattr(owner, name, called)

    for owner, name in (
        (rpn, "assign_targets_to_anchors"),
        (rpn, "sample"),
        (heads, "select_training_samples"),
    ):
        remember(owner, name)
    for part, name in ((model.transform, "batch"), (rpn.anchor_generator, "anchors"), (rpn.head, "head"), (rpn, "rpn")):
        part.register_forward_hook(lambda module, args, output, name=name: seen.update({name: output}))
    heads.box_predictor.register_forward_hook(lambda module, args, output: seen.update(predictor=output))

    with torch.no_grad():
        torch.manual_seed(seed)
        losses: Any = model([image], [target])
        resized = seen["batch"][1][0]
        ground_truth, ground_truth_labels = resized["boxes"], resized["labels"]
        logits, deltas = concat_box_prediction_layers(*seen["head"])
        (anchor_labels,), (matched,) = seen["assign_targets_to_anchors"]
        positives, negatives = seen["sample"]
        anchors = seen["anchors"][0]
        proposals = torch.cat((seen["rpn"][0][0], ground_truth))
        _, (proposal_labels,) = heads.assign_targets_to_proposals([proposals], [ground_truth], [ground_truth_labels])
        (sampled,), _, (labels,), (sampled_targets,) = seen["select_training_samples"]
        class_logits, box_deltas = seen["predictor"]
        return TrainingTrace(
            ground_truth=ground_truth,
            ground_truth_labels=ground_truth_labels,
            anchors=anchors,
            anchor_labels=anchor_labels,
            positives=positives,
            negatives=negatives,
            logits=logits.flatten(),
            deltas=deltas,
            anchor_targets=rpn.box_coder.encode_single(matched[positives], anchors[positives]),
            proposals=proposals,
            proposal_labels=proposal_labels,
            sampled=sampled,
            labels=labels,
            sampled_targets=sampled_targets,
            class_logits=class_logits,
            box_deltas=box_deltas.unflatten(1, (-1, 4)),
            losses={name: float(losses[name]) for name in LOSSES},
        )


@cache
def training_trace() -> TrainingTrace:
    """The course's image in a training forward pass of the shipped model, computed once per process."""
    return trace_training(story().model, story().image, story().target)


def best_ious(trace: TrainingTrace) -> tuple[Tensor, Tensor]:
    """For each anchor, and for each proposal, its largest IoU with an annotated box."""
    anchors, proposals = (box_iou(trace.ground_truth, boxes).amax(dim=0) for boxes in (trace.anchors, trace.proposals))
    return anchors, proposals


def parts(model: FasterRCNN) -> dict[str, nn.Module]:
    """The parts of the network that have weights, in the order of the data."""
    fpn: Any = model.backbone.fpn
    head: Any = model.rpn.head
    heads: Any = model.roi_heads
    return {
        "backbone": model.backbone.body,
        "lateral": fpn.inner_blocks,
        "smoothing": fpn.layer_blocks,
        "3×3": head.conv,
        "objectness": head.cls_logits,
        "deltas": head.bbox_pred,
        "fc6": heads.box_head.fc6,
        "fc7": heads.box_head.fc7,
        "classes": heads.box_predictor.cls_score,
        "boxes": heads.box_predictor.bbox_pred,
    }


def gradient_norms(
    model: FasterRCNN, image: Tensor, target: dict[str, Any], seed: int = SEED
) -> dict[str, dict[str, float | None]]:
    """For each loss alone, the norm of its gradient in each part; None if there is no gradient at all."""
    norms: dict[str, dict[str, float | None]] = {}
    for loss in LOSSES:
        twin = copy.deepcopy(model).train()
        torch.manual_seed(seed)
        with torch.enable_grad():
            losses: Any = twin([image], [target])
            losses[loss].backward()
        norms[loss] = {}
        for name, part in parts(twin).items():
            gradients = [p.grad for p in part.parameters() if p.grad is not None]
            norms[loss][name] = float(torch.cat([g.flatten() for g in gradients]).norm()) if gradients else None
    return norms


def untrained(seed: int = SEED) -> FasterRCNN:
    """The small model with random weights, the same for the same seed; like the course's model, it runs the textbook code."""
    torch.manual_seed(seed)
    model: Any = run_as(fasterrcnn_small_fpn(num_classes=len(story().classes)), "textbook")
    return model


@cache
def story_gradients(trained: bool) -> dict[str, dict[str, float | None]]:
    """`gradient_norms` for the course's image, of the shipped model or of an untrained one."""
    return gradient_norms(story().model if trained else untrained(), story().image, story().target)
