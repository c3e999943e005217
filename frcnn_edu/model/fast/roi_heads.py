"""Samples the whole batch at once, and decodes only candidates that pass the score threshold."""

import torch
from torch import Tensor

from ...ops.boxes import remove_small_boxes
from ..roi_heads import RoIHeads
from ..transform import Size, Target
from .box_coding import ExactBoxCoder
from .boxes import batched_nms, clip_boxes_to_images
from .matching import ExactMatcher
from .plain import is_overridden
from .sampling import ExactBalancedPositiveNegativeSampler


class ExactRoIHeads(RoIHeads):
    """The textbook's samples and detections."""

    proposal_matcher: ExactMatcher
    fg_bg_sampler: ExactBalancedPositiveNegativeSampler

    def select_training_samples(
        self, proposals: list[Tensor], targets: list[Target] | None
    ) -> tuple[list[Tensor], list[Tensor], list[Tensor], list[Tensor]]:
        if targets is None or not self._is_as_made():
            return super().select_training_samples(proposals, targets)
        gt_boxes = [target["boxes"].to(boxes.dtype) for target, boxes in zip(targets, proposals)]
        gt_labels = [target["labels"] for target in targets]
        all_proposals = torch.cat([boxes for image in zip(proposals, gt_boxes) for boxes in image])
        proposals = list(all_proposals.split([len(boxes) + len(gt) for boxes, gt in zip(proposals, gt_boxes)]))
        matched_idxs, labels = self.assign_targets_to_proposals(proposals, gt_boxes, gt_labels)
        positives, negatives = self.fg_bg_sampler.sample(labels)
        sizes = [len(p) + len(n) for p, n in zip(positives, negatives)]
        sampled = torch.cat(positives + negatives).sort().values
        boxes = all_proposals[sampled]
        classes, matched = torch.cat(labels)[sampled], torch.cat(matched_idxs)[sampled]
        matched_idxs = list(matched.split(sizes))
        matched_gt_boxes = [
            gt[matched] if len(gt) else gt.new_zeros(len(matched), 4) for gt, matched in zip(gt_boxes, matched_idxs)
        ]
        deltas = self.box_coder.encode_single(torch.cat(matched_gt_boxes), boxes)
        return list(boxes.split(sizes)), matched_idxs, list(classes.split(sizes)), list(deltas.split(sizes))

    def assign_targets_to_proposals(
        self, proposals: list[Tensor], gt_boxes: list[Tensor], gt_labels: list[Tensor]
    ) -> tuple[list[Tensor], list[Tensor]]:
        if not self._is_as_made():
            return super().assign_targets_to_proposals(proposals, gt_boxes, gt_labels)
        matched_idxs, labels = [], []
        for boxes, gt, of_gt in zip(proposals, gt_boxes, gt_labels):
            if len(gt) == 0:
                nothing = torch.zeros(len(boxes), dtype=torch.int64, device=boxes.device)
                matched_idxs.append(nothing)
                labels.append(nothing.clone())
                continue
            matched = self.proposal_matcher.match_boxes(gt, boxes)  # (N,) index, −1 or −2
            # Negative indices count from the end: −1 (background) → 0, −2 (ignored) → −1.
            ignored_and_background = torch.tensor([-1, 0]).to(of_gt.device, non_blocking=True)
            labels.append(torch.cat((of_gt, ignored_and_background))[matched])
            matched_idxs.append(matched.clamp(min=0))
        return matched_idxs, labels

    def postprocess_detections(
        self, class_logits: Tensor, box_regression: Tensor, proposals: list[Tensor], image_shapes: list[Size]
    ) -> tuple[list[Tensor], list[Tensor], list[Tensor]]:
        if not self._is_as_made():
            return super().postprocess_detections(class_logits, box_regression, proposals, image_shapes)
        boxes_per_image = [len(boxes) for boxes in proposals]
        all_deltas = box_regression.unflatten(1, (-1, 4)).split(boxes_per_image)  # (Nᵢ, C, 4)
        all_scores = class_logits.softmax(dim=-1).split(boxes_per_image)  # (Nᵢ, C)

        detections = []
        for reference, deltas, scores, image_shape in zip(proposals, all_deltas, all_scores, image_shapes):
            # Decode only the boxes of candidates that pass the score threshold.
            proposal, labels = torch.where(scores[:, 1:] > self.score_thresh)
            labels = labels + 1
            scores = scores[proposal, labels]  # (candidates,)
            boxes = self.box_coder.decode_single(deltas[proposal, labels], reference[proposal])
            boxes = clip_boxes_to_images(boxes[None], [image_shape])[0]

            keep = remove_small_boxes(boxes, min_size=1e-2)
            boxes, scores, labels = boxes[keep], scores[keep], labels[keep]
            keep = batched_nms(boxes, scores, labels, self.nms_thresh)[: self.detections_per_img]
            detections.append((boxes[keep], scores[keep], labels[keep]))
        boxes_, scores_, labels_ = (list(column) for column in zip(*detections))
        return boxes_, scores_, labels_

    def _is_as_made(self) -> bool:
        """Whether the object is as the textbook's class makes it: no replaced method, no custom part."""
        helpers = (self.box_coder, self.proposal_matcher, self.fg_bg_sampler)
        return tuple(map(type, helpers)) == (
            ExactBoxCoder,
            ExactMatcher,
            ExactBalancedPositiveNegativeSampler,
        ) and not any(map(is_overridden, (self, *helpers)))
