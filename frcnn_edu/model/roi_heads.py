"""7×7 features → detections: what each object is, and where exactly."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..checks.arguments import check_arguments
from ..checks.finite import check_detections
from ..checks.parts import check_predictions, fitting
from ..checks.rules import classes, part
from ..ops import BalancedPositiveNegativeSampler, BoxCoder, Matcher
from ..ops import losses as loss_formulas
from ..ops.boxes import batched_nms, box_iou, clip_boxes_to_image, remove_small_boxes
from .compat.other_heads import OtherHeads, add_masks_and_keypoints, other_losses
from .transform import Size, Target


class TwoMLPHead(nn.Module):
    """Two fully connected layers that turn the pooled features of a proposal into one vector.

    Args:
        in_channels: C·7·7, length of the flattened input.
        representation_size: length of the output, 1024.

    Raises:
        TypeError, ValueError: an argument is not legal; the message names it.
    """

    def __init__(self, in_channels: int, representation_size: int) -> None:
        super().__init__()
        check_arguments(locals())  # at least 1
        self.fc6 = nn.Linear(in_channels, representation_size)  # VGG's name, as in the paper
        self.fc7 = nn.Linear(representation_size, representation_size)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, 7, 7) → (N, representation_size)."""
        # After flattening, every bin has its own weights, so the position inside the box matters.
        return F.relu(self.fc7(F.relu(self.fc6(x.flatten(start_dim=1)))))


class FastRCNNPredictor(nn.Module):
    """Class logits, and four deltas for every class.

    Args:
        in_channels: length of the input vector.
        num_classes: number of classes, including the background (class 0).

    Raises:
        TypeError, ValueError: an argument is not legal; the message names it.
    """

    def __init__(self, in_channels: int, num_classes: int) -> None:
        super().__init__()
        check_arguments(locals(), num_classes=classes)  # at least 2
        self.cls_score = nn.Linear(in_channels, num_classes)
        # Four for each class, because a cross may end where a circle does not.
        self.bbox_pred = nn.Linear(in_channels, num_classes * 4)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(N, in_channels), or (N, in_channels, 1, 1) → logits (N, num_classes) and deltas (N, 4·num_classes)."""
        if x.dim() == 4 and x.shape[2:] != (1, 1):
            raise ValueError(f"the predictor takes (N, C) or (N, C, 1, 1), got {tuple(x.shape)}")
        x = x.flatten(start_dim=1)  # a convolutional head returns (N, C, 1, 1)
        return self.cls_score(x), self.bbox_pred(x)


class RoIHeads(OtherHeads, nn.Module):
    """The second stage: pools features for each proposal, classifies it and refines its box.

    Args:
        box_roi_pool, box_head, box_predictor: the three modules, in the order in which data passes through them.
        fg_iou_thresh, bg_iou_thresh: a proposal with an IoU of at least the first is foreground, one below the second is
            background; both are 0.5, so none is ignored.
        batch_size_per_image, positive_fraction: number of proposals per image used for training, and the largest fraction
            of positives among them.
        bbox_reg_weights: weights of the `BoxCoder`; None for (10, 10, 5, 5).
        score_thresh, nms_thresh, detections_per_img: lowest score of a detection, largest IoU of two detections of a class,
            and largest number of detections per image.
        **other_heads: heads for masks and keypoints, as in torchvision's Mask R-CNN: see `OtherHeads`.

    Raises:
        TypeError, ValueError: an argument is not legal; the message names it.

    Source: Fast R-CNN, section 2; `torchvision/models/detection/roi_heads.py`.
    """

    def __init__(
        self,
        box_roi_pool: nn.Module,
        box_head: nn.Module,
        box_predictor: nn.Module,
        fg_iou_thresh: float,
        bg_iou_thresh: float,
        batch_size_per_image: int,
        positive_fraction: float,
        bbox_reg_weights: tuple[float, float, float, float] | None,
        score_thresh: float,
        nms_thresh: float,
        detections_per_img: int,
        **other_heads: nn.Module | None,
    ) -> None:
        super().__init__()
        check_arguments(locals(), box_roi_pool=part, box_head=part, box_predictor=part)
        # Unlike anchors, proposals overlap objects well, so low-quality matches are not needed.
        self.proposal_matcher = Matcher(fg_iou_thresh, bg_iou_thresh, allow_low_quality_matches=False)
        self.fg_bg_sampler = BalancedPositiveNegativeSampler(batch_size_per_image, positive_fraction)
        # The deltas of proposals are small: the weights scale them to about unit variance.
        self.box_coder = BoxCoder((10.0, 10.0, 5.0, 5.0) if bbox_reg_weights is None else bbox_reg_weights)
        self.box_roi_pool = box_roi_pool  # boxes → (N, C, 7, 7)
        self.box_head = box_head  # → (N, 1024)
        self.box_predictor = box_predictor  # → logits (N, classes) and deltas (N, 4·classes)
        self.score_thresh = score_thresh  # 0.05: low, because AP also counts unlikely detections
        self.nms_thresh = nms_thresh  # 0.5, stricter than the RPN's: duplicates must go now
        self.detections_per_img = detections_per_img  # 100
        self.set_other_heads(other_heads)  # none, in Faster R-CNN

    def forward(
        self,
        features: dict[str, Tensor],
        proposals: list[Tensor],
        image_shapes: list[Size],
        targets: list[Target] | None = None,
    ) -> tuple[list[dict[str, Tensor]], dict[str, Tensor]]:
        """In evaluation, the detections of each image and no losses; in training, no detections and the two losses.

        Raises:
            ValueError: there are no targets in training; the head or the predictor does not fit its input; or, in
                evaluation, NaN has left no detections.
        """
        if self.training:  # a sample of the proposals, with their targets
            proposals, matched_idxs, labels, regression_targets = self.select_training_samples(proposals, targets)
        pooled = self.box_roi_pool(features, proposals, image_shapes)  # (ΣNᵢ, C, 7, 7)
        class_logits, box_regression = self._predict(pooled, targets)
        # Boxes and losses are computed in full precision, even under autocast.
        class_logits, box_regression = (x.to(proposals[0].dtype) for x in (class_logits, box_regression))
        if self.training:
            loss_classifier, loss_box_reg = fastrcnn_loss(class_logits, box_regression, labels, regression_targets)
            losses = {"loss_classifier": loss_classifier, "loss_box_reg": loss_box_reg}
            losses |= other_losses(self, features, image_shapes, proposals, labels, matched_idxs, targets)
            return [], losses  # no detections: training does not need them

        boxes, scores, labels = self.postprocess_detections(class_logits, box_regression, proposals, image_shapes)
        check_detections(self, boxes, features, pooled, class_logits, box_regression)
        detections = [dict(boxes=b, labels=label, scores=s) for b, label, s in zip(boxes, labels, scores)]
        return add_masks_and_keypoints(self, features, image_shapes, detections), {}

    def _predict(self, pooled: Tensor, targets: list[Target] | None) -> tuple[Tensor, Tensor]:
        """Pooled features (ΣNᵢ, C, 7, 7) → logits (ΣNᵢ, classes) and deltas (ΣNᵢ, 4·classes)."""
        with fitting("roi_heads.box_head", pooled):  # names the head if it does not fit
            hidden = self.box_head(pooled)  # (ΣNᵢ, 1024)
        with fitting("roi_heads.box_predictor", hidden):
            predictions = self.box_predictor(hidden)
        if self.training:  # a custom loss or selection may accept custom predictions
            return check_predictions(predictions, self.box_predictor, targets, used_by=fastrcnn_loss)
        return check_predictions(predictions, self.box_predictor, None, used_by=self.postprocess_detections)

    # ----------------------------------------------------------------------------------- training

    def select_training_samples(
        self, proposals: list[Tensor], targets: list[Target] | None
    ) -> tuple[list[Tensor], list[Tensor], list[Tensor], list[Tensor]]:
        """For each image the sampled proposals, the index of their ground truth, their labels and their target deltas."""
        if targets is None:
            raise ValueError("the box head needs targets in training, got None")
        gt_boxes = [target["boxes"].to(proposals[0].dtype) for target in targets]
        gt_labels = [target["labels"] for target in targets]

        proposals = self.add_gt_proposals(proposals, gt_boxes)  # (Nᵢ, 4) for each image
        matched_idxs, labels = self.assign_targets_to_proposals(proposals, gt_boxes, gt_labels)
        matched_gt_boxes = []
        for image, sampled in enumerate(self.subsample(labels)):  # (S,) indices
            proposals[image] = proposals[image][sampled]
            labels[image] = labels[image][sampled]
            matched_idxs[image] = matched_idxs[image][sampled]
            gt_boxes_in_image = gt_boxes[image]
            if len(gt_boxes_in_image) == 0:  # all background: a placeholder, which no loss uses
                gt_boxes_in_image = gt_boxes_in_image.new_zeros(1, 4)
            matched_gt_boxes.append(gt_boxes_in_image[matched_idxs[image]])
        # The deltas that move each proposal onto its object, relative to the proposal itself.
        regression_targets = self.box_coder.encode(matched_gt_boxes, proposals)
        return proposals, matched_idxs, labels, regression_targets

    def add_gt_proposals(self, proposals: list[Tensor], gt_boxes: list[Tensor]) -> list[Tensor]:
        """Appends each image's ground-truth boxes to its proposals."""
        # Initially no proposal is good. This way the head has good ones from the first step.
        return [torch.cat(pair) for pair in zip(proposals, gt_boxes)]

    def assign_targets_to_proposals(
        self, proposals: list[Tensor], gt_boxes: list[Tensor], gt_labels: list[Tensor]
    ) -> tuple[list[Tensor], list[Tensor]]:
        """For each proposal of each image, the index of its ground truth and its class (0 background, −1 ignored)."""
        matched_idxs, labels = [], []
        for proposals_in_image, gt_boxes_in_image, gt_labels_in_image in zip(proposals, gt_boxes, gt_labels):
            if len(gt_boxes_in_image) == 0:  # legal: every proposal is background
                nothing = torch.zeros(len(proposals_in_image), dtype=torch.int64, device=proposals_in_image.device)
                matched_idxs.append(nothing)
                labels.append(nothing.clone())
                continue
            # (N,): for each proposal the index of its object, −1 (background) or −2 (ignored).
            matched = self.proposal_matcher(box_iou(gt_boxes_in_image, proposals_in_image))
            # Unlike the RPN's, these labels are classes.
            label = gt_labels_in_image[matched.clamp(min=0)]
            label[matched == self.proposal_matcher.BELOW_LOW_THRESHOLD] = 0  # background
            # Ignored; none are if both thresholds are equal.
            label[matched == self.proposal_matcher.BETWEEN_THRESHOLDS] = -1
            matched_idxs.append(matched.clamp(min=0))
            labels.append(label)
        return matched_idxs, labels

    def subsample(self, labels: list[Tensor]) -> list[Tensor]:
        """Samples the proposals to train on: for each image, ascending indices (S,)."""
        masks = zip(*self.fg_bg_sampler(labels))  # (positives, negatives) of each image
        return [torch.where(positives | negatives)[0] for positives, negatives in masks]

    # --------------------------------------------------------------------------------- evaluation

    def postprocess_detections(
        self, class_logits: Tensor, box_regression: Tensor, proposals: list[Tensor], image_shapes: list[Size]
    ) -> tuple[list[Tensor], list[Tensor], list[Tensor]]:
        """Logits (ΣNᵢ, C) and deltas (ΣNᵢ, 4·C) → for each image boxes (K, 4), scores (K,) and labels (K,), best first."""
        num_classes = class_logits.shape[1]  # including the background
        boxes_per_image = [boxes.shape[0] for boxes in proposals]
        # Every class has its own deltas, and so its own box.
        all_boxes = self.box_coder.decode(box_regression, proposals)  # (ΣNᵢ, C, 4)
        all_scores = class_logits.softmax(dim=-1)  # (ΣNᵢ, C)

        final_boxes, final_scores, final_labels = [], [], []
        # One image at a time. Unlike in the RPN, the score threshold comes before the size filter.
        for boxes, scores, image_shape in zip(
            all_boxes.split(boxes_per_image), all_scores.split(boxes_per_image), image_shapes
        ):
            boxes = clip_boxes_to_image(boxes, image_shape)
            # Each proposal becomes C − 1 candidates, one for every class except background.
            labels = torch.arange(num_classes, device=scores.device).expand_as(scores)
            boxes, scores, labels = boxes[:, 1:].reshape(-1, 4), scores[:, 1:].flatten(), labels[:, 1:].flatten()
            # Nearly all candidates have a low score.
            keep = torch.where(scores > self.score_thresh)[0]
            boxes, scores, labels = boxes[keep], scores[keep], labels[keep]
            # Drop boxes that clipping has emptied.
            keep = remove_small_boxes(boxes, min_size=1e-2)
            boxes, scores, labels = boxes[keep], scores[keep], labels[keep]
            # NMS within each class; then the best of all classes together. The best come first.
            keep = batched_nms(boxes, scores, labels, self.nms_thresh)
            keep = keep[: self.detections_per_img]  # (K,)
            final_boxes.append(boxes[keep])
            final_scores.append(scores[keep])
            final_labels.append(labels[keep])
        return final_boxes, final_scores, final_labels


def fastrcnn_loss(
    class_logits: Tensor, box_regression: Tensor, labels: list[Tensor], regression_targets: list[Tensor]
) -> tuple[Tensor, Tensor]:
    """`ops.losses.fastrcnn_loss`. To use a custom loss, replace this function, as in torchvision, or that one."""
    return loss_formulas.fastrcnn_loss(class_logits, box_regression, labels, regression_targets)
