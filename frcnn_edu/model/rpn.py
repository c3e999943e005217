"""Feature maps → proposals: where objects are, regardless of class."""

from typing import Any

import torch
from torch import Tensor, nn
from torchvision.ops import Conv2dNormActivation

from ..checks.arguments import check_arguments
from ..checks.finite import check_proposals
from ..checks.parts import check_rpn_predictions, fitting
from ..checks.rules import part
from ..ops import BalancedPositiveNegativeSampler, BoxCoder, Matcher, losses
from ..ops.boxes import batched_nms, box_iou, clip_boxes_to_image, remove_small_boxes
from .fpn import rename_old_keys
from .transform import ImageList, Size, Target


class RPNHead(nn.Module):
    """For each anchor, a logit for how likely it is to contain an object, and four deltas that move it onto that object.

    The same weights are used on every level of the pyramid.

    Args:
        in_channels: channels of the feature maps.
        num_anchors: number of anchors at each location, A.
        conv_depth: number of 3×3 convolutions before the two 1×1 ones.

    Raises:
        TypeError, ValueError: an argument is not legal; the message names it.

    Source: Faster R-CNN, section 3.1; `torchvision/models/detection/rpn.py`.
    """

    _version = 2  # version 1 named its weights conv.weight, version 2 conv.0.0.weight

    def __init__(self, in_channels: int, num_anchors: int, conv_depth: int = 1) -> None:
        super().__init__()
        check_arguments(locals())  # whole numbers of at least 1; 0 convolutions are legal
        # A 3×3 convolution first, because the surroundings of a cell matter; then one logit and
        # four deltas for each anchor of the cell.
        self.conv = nn.Sequential(
            *(Conv2dNormActivation(in_channels, in_channels, kernel_size=3, norm_layer=None) for _ in range(conv_depth))
        )
        self.cls_logits = nn.Conv2d(in_channels, num_anchors, kernel_size=1)
        self.bbox_pred = nn.Conv2d(in_channels, num_anchors * 4, kernel_size=1)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.normal_(module.weight, std=0.01)  # initially all outputs are near 0
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def forward(self, x: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        """Maps (N, C, H, W), one per level → logits (N, A, H, W) and deltas (N, 4·A, H, W), one per level."""
        hidden = [self.conv(feature) for feature in x]  # (N, C, H, W) each
        return [self.cls_logits(h) for h in hidden], [self.bbox_pred(h) for h in hidden]

    def _load_from_state_dict(
        self, state_dict: dict[str, Any], prefix: str, local_metadata: dict[str, Any], *args: Any
    ) -> None:
        if local_metadata.get("version", 1) < 2:
            rename_old_keys(state_dict, f"{prefix}conv", f"{prefix}conv.0.0")
        super()._load_from_state_dict(state_dict, prefix, local_metadata, *args)


def concat_box_prediction_layers(objectness: list[Tensor], deltas: list[Tensor]) -> tuple[Tensor, Tensor]:
    """The head's maps of all levels → logits (N·ΣH·W·A, 1) and deltas (N·ΣH·W·A, 4), in the anchors' order.

    That order is image → level → y → x → anchor, so the channels are moved to the end: (N, A·K, H, W) → (N, H·W, A·K)
    on each level.
    """
    anchors_per_location = [level.shape[1] for level in objectness]  # A channels: one per anchor
    if len(set(anchors_per_location)) > 1:
        raise ValueError(f"all levels must have the same number of anchors per location, got {anchors_per_location}")
    # (N, ΣH·W, A) and (N, ΣH·W, A·4).
    logits = torch.cat([level.flatten(2).transpose(1, 2) for level in objectness], dim=1)
    moves = torch.cat([level.flatten(2).transpose(1, 2) for level in deltas], dim=1)
    return logits.reshape(-1, 1), moves.reshape(-1, 4)


def as_exact_as(images: Tensor, anchors: list[Tensor]) -> list[Tensor]:
    """Converts anchors to floating point, at least as precise as the images: a custom generator may return integers."""
    return [boxes.to(torch.promote_types(boxes.dtype, images.dtype)) for boxes in anchors]


class RegionProposalNetwork(nn.Module):
    """Finds the boxes that are worth a second look.

    Args:
        anchor_generator, head: the two parts above.
        fg_iou_thresh, bg_iou_thresh: an anchor with an IoU of at least the first (0.7) is positive, one below the second
            (0.3) is negative (background).
        batch_size_per_image, positive_fraction: number of anchors per image used for training, and the largest fraction of
            positives among them.
        pre_nms_top_n, post_nms_top_n: dicts with keys "training" and "testing", or one number for both: how many of the
            best boxes of each level enter NMS, and how many of the best of all levels are kept after it.
        nms_thresh: a proposal whose IoU with a higher-scoring one exceeds this is dropped.
        score_thresh: lowest probability with which a proposal is kept.

    Raises:
        TypeError, ValueError: an argument is not legal; the message names it.

    Source: Faster R-CNN, section 3.1; `torchvision/models/detection/rpn.py`.
    """

    def __init__(
        self,
        anchor_generator: nn.Module,
        head: nn.Module,
        fg_iou_thresh: float,
        bg_iou_thresh: float,
        batch_size_per_image: int,
        positive_fraction: float,
        pre_nms_top_n: dict[str, int] | int,
        post_nms_top_n: dict[str, int] | int,
        nms_thresh: float,
        score_thresh: float = 0.0,
    ) -> None:
        super().__init__()
        # Thresholds must be in 0…1, the first not below the second; counts must be whole.
        check_arguments(locals(), anchor_generator=part, head=part)
        self.anchor_generator = anchor_generator
        self.head: Any = head
        self.box_coder = BoxCoder(weights=(1.0, 1.0, 1.0, 1.0))
        self.box_similarity = box_iou
        # Low-quality matches are allowed: few anchors reach an IoU of 0.7, so that without them
        # many objects would have no positive anchor.
        self.proposal_matcher = Matcher(fg_iou_thresh, bg_iou_thresh, allow_low_quality_matches=True)
        self.fg_bg_sampler = BalancedPositiveNegativeSampler(batch_size_per_image, positive_fraction)
        self._pre_nms_top_n = _of_each_mode(pre_nms_top_n)  # per level: 2000 in training, else 1000
        self._post_nms_top_n = _of_each_mode(post_nms_top_n)  # of all levels together: likewise
        self.nms_thresh = nms_thresh  # 0.7: boxes that overlap less may be different objects
        self.score_thresh = score_thresh  # 0: no proposal is dropped for its probability
        self.min_size = 1e-3  # pixels; drops boxes that clipping has emptied

    def pre_nms_top_n(self) -> int:
        return self._pre_nms_top_n["training" if self.training else "testing"]

    def post_nms_top_n(self) -> int:
        return self._post_nms_top_n["training" if self.training else "testing"]

    def forward(
        self, images: ImageList, features: dict[str, Tensor], targets: list[Target] | None = None
    ) -> tuple[list[Tensor], dict[str, Tensor]]:
        """Proposals of each image (at most `post_nms_top_n`, 4), and in training the two RPN losses.

        Raises:
            ValueError: there are no targets in training; the head does not fit the maps or the anchors; or, in
                evaluation, NaN has left no proposals.
        """
        maps = list(features.values())
        # For each image (ΣH·W·A, 4); then for each level (N, A, H, W) and (N, 4·A, H, W).
        anchors = as_exact_as(images.tensors, self.anchor_generator(images, maps))
        objectness_maps, delta_maps = self._maps_of_head(maps)
        anchors_per_level = [level[0].numel() for level in objectness_maps]
        self._check(anchors_per_level, len(anchors[0]), targets)
        # In the anchors' order and precision. Autocast may compute in bfloat16, which has no number
        # between 256 and 258: too coarse for boxes.
        objectness, deltas = (x.to(anchors[0].dtype) for x in concat_box_prediction_layers(objectness_maps, delta_maps))

        # For the second stage, a proposal is a constant: detach() stops the gradient.
        proposals = self.box_coder.decode(deltas.detach(), anchors).view(len(anchors), -1, 4)
        boxes, _ = self.filter_proposals(proposals, objectness, images.image_sizes, anchors_per_level)
        if not self.training:
            check_proposals(boxes, images.tensors, maps, objectness, deltas)  # raises on NaN
            return boxes, {}

        # The losses are computed from anchors, not proposals: NMS has no influence on them.
        labels, matched_gt_boxes = self.assign_targets_to_anchors(anchors, targets)
        # The regression targets: the deltas that move each anchor onto its object.
        regression_targets = self.box_coder.encode(matched_gt_boxes, anchors)
        objectness_loss, box_loss = self.compute_loss(objectness, deltas, labels, regression_targets)
        return boxes, {"loss_objectness": objectness_loss, "loss_rpn_box_reg": box_loss}

    def _maps_of_head(self, maps: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        with fitting("rpn.head", maps[0]):  # names the head if it does not fit the maps
            return check_rpn_predictions(self.head(maps), len(maps))

    def filter_proposals(
        self,
        proposals: Tensor,
        objectness: Tensor,
        image_shapes: list[Size],
        num_anchors_per_level: list[int],
    ) -> tuple[list[Tensor], list[Tensor]]:
        """All anchors decoded, (N, ΣH·W·A, 4), and their logits → the best boxes and probabilities of each image."""
        # Selecting boxes is a discrete decision and has no gradient.
        objectness = objectness.detach().reshape(len(proposals), -1)  # (N, ΣH·W·A)
        # The level of each anchor: NMS is done per level, so equal boxes from P2 and P3 both stay.
        levels = [objectness.new_full((n,), i, dtype=torch.int64) for i, n in enumerate(num_anchors_per_level)]
        level_of_anchor = torch.cat(levels)  # (ΣH·W·A,)

        # 1. The best of each level, by logit: probabilities near 1 would be rounded to ties.
        top_n = self._get_top_n_idx(objectness, num_anchors_per_level)  # (N, ΣK)
        # 2. From logits to probabilities.
        probabilities = objectness.gather(1, top_n).sigmoid()  # (N, ΣK)

        final_boxes, final_scores = [], []
        for boxes, scores, best, image_shape in zip(proposals, probabilities, top_n, image_shapes):
            boxes, level = boxes[best], level_of_anchor[best]
            # 3. Clip to the image, whose true size excludes the padding of the batch.
            boxes = clip_boxes_to_image(boxes, image_shape)
            # 4. Drop empty boxes: a box outside the image has been clipped to a line.
            keep = remove_small_boxes(boxes, self.min_size)
            boxes, scores, level = boxes[keep], scores[keep], level[keep]
            # 5. Drop boxes of low probability.
            keep = torch.where(scores >= self.score_thresh)[0]
            boxes, scores, level = boxes[keep], scores[keep], level[keep]
            # 6. Non-maximum suppression, level by level; the best boxes come first.
            keep = batched_nms(boxes, scores, level, self.nms_thresh)
            # 7. Keep the best of all levels together.
            keep = keep[: self.post_nms_top_n()]
            final_boxes.append(boxes[keep])
            final_scores.append(scores[keep])
        return final_boxes, final_scores

    def _get_top_n_idx(self, objectness: Tensor, num_anchors_per_level: list[int]) -> Tensor:
        """Indices of the `pre_nms_top_n` highest logits of each level, best first: (N, ΣH·W·A) → (N, ΣK)."""
        indices, offset = [], 0
        for level in objectness.split(num_anchors_per_level, dim=1):
            # The finest level has three quarters of the anchors and would dominate a single list.
            top_n = level.topk(min(self.pre_nms_top_n(), level.shape[1]), dim=1).indices
            indices.append(top_n + offset)
            offset += level.shape[1]
        return torch.cat(indices, dim=1)

    def assign_targets_to_anchors(
        self, anchors: list[Tensor], targets: list[Target] | None
    ) -> tuple[list[Tensor], list[Tensor]]:
        """For each anchor of each image, its label (1 object, 0 background, −1 ignored) and its ground-truth box.

        The box of an anchor without an object is a placeholder, which no loss uses.
        """
        labels, matched_gt_boxes = [], []
        for anchors_in_image, target in zip(anchors, targets or ()):
            gt_boxes = target["boxes"]
            if len(gt_boxes) == 0:  # an image without objects is legal: all its anchors are background
                labels.append(anchors_in_image.new_zeros(len(anchors_in_image)))
                matched_gt_boxes.append(torch.zeros_like(anchors_in_image))
                continue
            # (N,): for each anchor the index of its object, −1 (background) or −2 (ignored).
            matched = self.proposal_matcher(self.box_similarity(gt_boxes, anchors_in_image))
            label = (matched >= 0).to(anchors_in_image.dtype)  # floats, for binary cross-entropy
            # Between the thresholds: ignored, that is, not used for training.
            label[matched == self.proposal_matcher.BETWEEN_THRESHOLDS] = -1
            labels.append(label)
            # −1 and −2 are not indices: object 0 is put in as a placeholder, which no loss uses.
            matched_gt_boxes.append(gt_boxes[matched.clamp(min=0)])
        return labels, matched_gt_boxes

    def compute_loss(
        self, objectness: Tensor, pred_bbox_deltas: Tensor, labels: list[Tensor], regression_targets: list[Tensor]
    ) -> tuple[Tensor, Tensor]:
        """Objectness loss and box loss of the sampled anchors.

        Args:
            objectness: logits of all anchors of the batch, (N·ΣH·W·A, 1); pred_bbox_deltas: their deltas, (N·ΣH·W·A, 4).
            labels: for each image (ΣH·W·A,), 1 object, 0 background, −1 ignored.
            regression_targets: for each image (ΣH·W·A, 4), the deltas that move each anchor onto its object.
        """
        # Nearly all anchors are background. Trained on all of them, the head would always answer
        # "background".
        positives, negatives = self.sample(labels)
        sampled = torch.cat((positives, negatives))
        return losses.rpn_loss(
            objectness.flatten()[sampled],
            torch.cat(labels)[sampled],
            pred_bbox_deltas[positives],  # background has no box to learn
            torch.cat(regression_targets)[positives],
        )

    def sample(self, labels: list[Tensor]) -> tuple[Tensor, Tensor]:
        """Samples anchors to train on: positives (P,) and negatives (Q,), as indices into all anchors of the batch."""
        positive_masks, negative_masks = self.fg_bg_sampler(labels)  # for each image (ΣH·W·A,)
        return torch.where(torch.cat(positive_masks))[0], torch.where(torch.cat(negative_masks))[0]

    def _check(self, anchors_per_level: list[int], num_anchors: int, targets: list[Target] | None) -> None:
        if sum(anchors_per_level) != num_anchors:
            raise ValueError(
                f"the RPN head predicts {sum(anchors_per_level)} boxes per image, but the anchor generator makes "
                f"{num_anchors} anchors: the head's num_anchors must be the generator's num_anchors_per_location()"
            )
        if self.training and targets is None:
            raise ValueError("the region proposal network needs targets in training, got None")


def _of_each_mode(number: dict[str, int] | int) -> dict[str, int]:
    return {"training": number, "testing": number} if isinstance(number, int) else number
