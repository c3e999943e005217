"""7×7 features → detections: what it is, and where exactly."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..ops import BalancedPositiveNegativeSampler, BoxCoder, Matcher, losses
from ..ops.boxes import batched_nms, clip_boxes_to_image, remove_small_boxes
from ..ops.matcher import match_boxes
from ..ops.sampler import draw
from .transform import Size, Target


class TwoMLPHead(nn.Module):
    """Two fully connected layers that turn the pooled features of a proposal into one vector.

    Args:
        in_channels: C·7·7, length of the flattened input.
        representation_size: length of the output, 1024.
    """

    def __init__(self, in_channels: int, representation_size: int) -> None:
        super().__init__()
        self.fc6 = nn.Linear(in_channels, representation_size)
        self.fc7 = nn.Linear(representation_size, representation_size)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, 7, 7) → (N, representation_size)."""
        return F.relu(self.fc7(F.relu(self.fc6(x.flatten(start_dim=1)))))


class FastRCNNPredictor(nn.Module):
    """Class logits, and for every class its own four deltas.

    Args:
        in_channels: length of the input vector.
        num_classes: with the background, which is class 0.
    """

    def __init__(self, in_channels: int, num_classes: int) -> None:
        super().__init__()
        self.cls_score = nn.Linear(in_channels, num_classes)
        self.bbox_pred = nn.Linear(in_channels, num_classes * 4)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(N, in_channels), or (N, in_channels, 1, 1) → logits (N, num_classes) and deltas (N, 4·num_classes)."""
        if x.dim() == 4 and x.shape[2:] != (1, 1):
            raise ValueError(f"the predictor takes (N, C) or (N, C, 1, 1), got {tuple(x.shape)}")
        x = x.flatten(start_dim=1)
        return self.cls_score(x), self.bbox_pred(x)


class RoIHeads(nn.Module):
    """The second stage: pools features for each proposal, names it and corrects its box.

    Args:
        box_roi_pool, box_head, box_predictor: the three networks, in the order of the data.
        fg_iou_thresh, bg_iou_thresh: a proposal is an object from this IoU on, background below that one; both 0.5,
            so that none is ignored.
        batch_size_per_image, positive_fraction: how many proposals of an image are trained on, how many of them objects.
        bbox_reg_weights: of the `BoxCoder`; None for (10, 10, 5, 5).
        score_thresh, nms_thresh, detections_per_img: what leaves `postprocess_detections`.

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
    ) -> None:
        super().__init__()
        self.proposal_matcher = Matcher(fg_iou_thresh, bg_iou_thresh, allow_low_quality_matches=False)
        self.fg_bg_sampler = BalancedPositiveNegativeSampler(batch_size_per_image, positive_fraction)
        self.box_coder = BoxCoder(bbox_reg_weights or (10.0, 10.0, 5.0, 5.0))
        self.box_roi_pool = box_roi_pool
        self.box_head = box_head
        self.box_predictor = box_predictor
        self.score_thresh = score_thresh
        self.nms_thresh = nms_thresh
        self.detections_per_img = detections_per_img

    def forward(
        self,
        features: dict[str, Tensor],
        proposals: list[Tensor],
        image_shapes: list[Size],
        targets: list[Target] | None = None,
    ) -> tuple[list[dict[str, Tensor]], dict[str, Tensor]]:
        """In evaluation the detections of each image and no losses; in training no detections and the two losses."""
        if self.training:
            proposals, _, labels, regression_targets = self.select_training_samples(proposals, targets)
        pooled = self.box_roi_pool(features, proposals, image_shapes)  # (ΣNᵢ, C, 7, 7)
        class_logits, box_regression = (
            values.to(proposals[0].dtype)  # boxes and losses in full precision, under autocast too
            for values in self.box_predictor(self.box_head(pooled))
        )
        if self.training:
            classifier, box_reg = losses.fastrcnn_loss(class_logits, box_regression, labels, regression_targets)
            return [], {"loss_classifier": classifier, "loss_box_reg": box_reg}

        detections = self.postprocess_detections(class_logits, box_regression, proposals, image_shapes)
        return [dict(boxes=boxes, labels=labels, scores=scores) for boxes, scores, labels in zip(*detections)], {}

    def select_training_samples(
        self, proposals: list[Tensor], targets: list[Target] | None
    ) -> tuple[list[Tensor], list[Tensor], list[Tensor], list[Tensor]]:
        """For each image the sampled proposals, the index of their ground truth, their labels and their target deltas."""
        if targets is None:
            raise ValueError("the box head needs targets in training, got None")
        gt_boxes = [target["boxes"].to(boxes.dtype) for target, boxes in zip(targets, proposals)]
        gt_labels = [target["labels"] for target in targets]

        # Ground truth is a proposal too, the last of them: from the first step on there are good ones to learn from.
        all_proposals = torch.cat([boxes for image in zip(proposals, gt_boxes) for boxes in image])
        proposals = list(all_proposals.split([len(boxes) + len(truth) for boxes, truth in zip(proposals, gt_boxes)]))
        matched_idxs, labels = self.assign_targets_to_proposals(proposals, gt_boxes, gt_labels)
        sampled, sizes = self.subsample(labels)
        boxes = all_proposals[sampled]
        classes, matched = torch.cat(labels)[sampled], torch.cat(matched_idxs)[sampled]

        # An image without objects has background only; its proposals get a placeholder that no loss looks at.
        matched_idxs = list(matched.split(sizes))
        matched_gt_boxes = [
            truth[matched] if len(truth) else truth.new_zeros(len(matched), 4)
            for truth, matched in zip(gt_boxes, matched_idxs)
        ]
        deltas = self.box_coder.encode_single(torch.cat(matched_gt_boxes), boxes)
        return list(boxes.split(sizes)), matched_idxs, list(classes.split(sizes)), list(deltas.split(sizes))

    def assign_targets_to_proposals(
        self, proposals: list[Tensor], gt_boxes: list[Tensor], gt_labels: list[Tensor]
    ) -> tuple[list[Tensor], list[Tensor]]:
        """For each proposal of each image, the index of its ground truth and its class (0 background, −1 ignored)."""
        matched_idxs, labels = [], []
        for boxes, truth, truth_labels in zip(proposals, gt_boxes, gt_labels):
            if len(truth) == 0:
                nothing = torch.zeros(len(boxes), dtype=torch.int64, device=boxes.device)
                matched_idxs.append(nothing)
                labels.append(nothing)
                continue
            matched = match_boxes(self.proposal_matcher, truth, boxes)  # (N,) index, −1 or −2
            # Below 0 an index counts from the end: −1, no object, finds label 0 there, and −2 finds −1.
            ignored_and_background = torch.tensor([-1, 0]).to(truth_labels.device, non_blocking=True)
            labels.append(torch.cat((truth_labels, ignored_and_background))[matched])
            matched_idxs.append(matched.clamp(min=0))
        return matched_idxs, labels

    def subsample(self, labels: list[Tensor]) -> tuple[Tensor, list[int]]:
        """Draws the proposals to train on: ascending indices into the batch's one list, and how many are of each image."""
        positives, negatives = draw(self.fg_bg_sampler, labels)
        sizes = [len(p) + len(n) for p, n in zip(positives, negatives)]
        return torch.cat(positives + negatives).sort().values, sizes

    def postprocess_detections(
        self, class_logits: Tensor, box_regression: Tensor, proposals: list[Tensor], image_shapes: list[Size]
    ) -> tuple[list[Tensor], list[Tensor], list[Tensor]]:
        """Logits (ΣNᵢ, C) and deltas (ΣNᵢ, 4·C) → for each image boxes (K, 4), scores (K,) and labels (K,), best first."""
        boxes_per_image = [boxes.shape[0] for boxes in proposals]
        all_deltas = box_regression.unflatten(1, (-1, 4)).split(boxes_per_image)  # (Nᵢ, C, 4)
        all_scores = class_logits.softmax(dim=-1).split(boxes_per_image)  # (Nᵢ, C)

        detections = []
        for reference, deltas, scores, image_shape in zip(proposals, all_deltas, all_scores, image_shapes):
            # Each proposal becomes C − 1 candidates, one for every class but the background, each with its own box.
            # Nearly all are hopeless; only the box of one that is not gets computed.
            proposal, labels = torch.where(scores[:, 1:] > self.score_thresh)
            labels = labels + 1
            scores = scores[proposal, labels]  # (candidates,)
            boxes = self.box_coder.decode(deltas[proposal, labels], [reference[proposal]]).reshape(-1, 4)
            boxes = clip_boxes_to_image(boxes, image_shape)

            keep = remove_small_boxes(boxes, min_size=1e-2)
            boxes, scores, labels = boxes[keep], scores[keep], labels[keep]
            keep = batched_nms(boxes, scores, labels, self.nms_thresh)[: self.detections_per_img]
            detections.append((boxes[keep], scores[keep], labels[keep]))
        boxes_, scores_, labels_ = (list(column) for column in zip(*detections))
        return boxes_, scores_, labels_
