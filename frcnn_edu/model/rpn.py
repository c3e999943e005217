"""Feature maps → proposals: where something is, whatever it is."""

from typing import Any

import torch
from torch import Tensor, nn
from torchvision.ops import Conv2dNormActivation

from ..ops import BalancedPositiveNegativeSampler, BoxCoder, Matcher, losses
from ..ops.boxes import batched_nms, box_iou, clip_boxes_to_image, remove_small_boxes
from .fpn import rename_old_keys
from .transform import ImageList, Size, Target


class RPNHead(nn.Module):
    """For each anchor, how likely it holds an object, and how it would have to move to fit it.

    The same weights are used on every level of the pyramid.

    Args:
        in_channels: channels of the feature maps.
        num_anchors: anchors at each location, A.
        conv_depth: number of 3×3 convolutions before the two 1×1 ones.

    Source: Faster R-CNN, section 3.1; `torchvision/models/detection/rpn.py`.
    """

    _version = 2  # version 1 named its weights conv.weight, version 2 conv.0.0.weight

    def __init__(self, in_channels: int, num_anchors: int, conv_depth: int = 1) -> None:
        super().__init__()
        self.conv = nn.Sequential(
            *(Conv2dNormActivation(in_channels, in_channels, kernel_size=3, norm_layer=None) for _ in range(conv_depth))
        )
        self.cls_logits = nn.Conv2d(in_channels, num_anchors, kernel_size=1)
        self.bbox_pred = nn.Conv2d(in_channels, num_anchors * 4, kernel_size=1)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.normal_(module.weight, std=0.01)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def forward(self, x: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        """Maps (N, C, H, W), one a level → logits (N, A, H, W) and deltas (N, 4·A, H, W), one a level."""
        hidden = [self.conv(feature) for feature in x]
        return [self.cls_logits(h) for h in hidden], [self.bbox_pred(h) for h in hidden]

    def _load_from_state_dict(
        self, state_dict: dict[str, Any], prefix: str, local_metadata: dict[str, Any], *args: Any
    ) -> None:
        if local_metadata.get("version", 1) < 2:
            rename_old_keys(state_dict, f"{prefix}conv", f"{prefix}conv.0.0")
        super()._load_from_state_dict(state_dict, prefix, local_metadata, *args)


def permute_and_flatten(layer: Tensor, num_anchors: int) -> Tensor:
    """The head's map (N, A·K, H, W) → a list in the anchors' order, (N, H·W·A, K)."""
    n, _, h, w = layer.shape
    by_anchor = layer.view(n, num_anchors, -1, h, w)  # (N, A, K, H, W)
    return by_anchor.permute(0, 3, 4, 1, 2).reshape(n, h * w * num_anchors, -1)  # (N, H, W, A, K) → (N, H·W·A, K)


def concat_box_prediction_layers(objectness: list[Tensor], deltas: list[Tensor]) -> tuple[Tensor, Tensor]:
    """The head's maps of all levels → logits (N·ΣH·W·A, 1) and deltas (N·ΣH·W·A, 4), in the anchors' order."""
    anchors_per_location = [level.shape[1] // 4 for level in deltas]
    logits = [permute_and_flatten(level, a) for level, a in zip(objectness, anchors_per_location)]
    moves = [permute_and_flatten(level, a) for level, a in zip(deltas, anchors_per_location)]
    return torch.cat(logits, dim=1).flatten(0, 1), torch.cat(moves, dim=1).flatten(0, 1)


class RegionProposalNetwork(nn.Module):
    """Finds the boxes that are worth a second look.

    Args:
        anchor_generator, head: the two parts above.
        fg_iou_thresh, bg_iou_thresh: an anchor is an object from this IoU on (0.7), background below that one (0.3).
        batch_size_per_image, positive_fraction: how many anchors of an image are trained on, how many of them objects.
        pre_nms_top_n, post_nms_top_n: dicts with keys "training" and "testing": the best that enter NMS, on each
            level; and the best that leave, of all levels together.
        nms_thresh: a proposal that overlaps a better one by more than this IoU is dropped.
        score_thresh: proposals with a lower probability are dropped.

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
        pre_nms_top_n: dict[str, int],
        post_nms_top_n: dict[str, int],
        nms_thresh: float,
        score_thresh: float = 0.0,
    ) -> None:
        super().__init__()
        self.anchor_generator = anchor_generator
        self.head = head
        self.box_coder = BoxCoder(weights=(1.0, 1.0, 1.0, 1.0))
        self.proposal_matcher = Matcher(fg_iou_thresh, bg_iou_thresh, allow_low_quality_matches=True)
        self.fg_bg_sampler = BalancedPositiveNegativeSampler(batch_size_per_image, positive_fraction)
        self._pre_nms_top_n = pre_nms_top_n
        self._post_nms_top_n = post_nms_top_n
        self.nms_thresh = nms_thresh
        self.score_thresh = score_thresh
        self.min_size = 1e-3  # pixels: a box clipped away to nothing

    def pre_nms_top_n(self) -> int:
        return self._pre_nms_top_n["training" if self.training else "testing"]

    def post_nms_top_n(self) -> int:
        return self._post_nms_top_n["training" if self.training else "testing"]

    def forward(
        self, images: ImageList, features: dict[str, Tensor], targets: list[Target] | None = None
    ) -> tuple[list[Tensor], dict[str, Tensor]]:
        """Proposals of each image (at most `post_nms_top_n`, 4), and in training the two RPN losses."""
        maps = list(features.values())
        anchors = self.anchor_generator(images, maps)
        objectness_maps, delta_maps = self.head(maps)
        num_anchors_per_level = [level[0].numel() for level in objectness_maps]
        if sum(num_anchors_per_level) != len(anchors[0]):
            raise ValueError(
                f"the RPN head predicts {sum(num_anchors_per_level)} boxes an image, the anchor generator makes "
                f"{len(anchors[0])} anchors: the head's num_anchors must be the generator's num_anchors_per_location()"
            )
        objectness, deltas = concat_box_prediction_layers(objectness_maps, delta_maps)

        # Proposals are data for the next stage: no gradient flows back through their coordinates.
        proposals = self.box_coder.decode(deltas.detach(), anchors).view(len(anchors), -1, 4)
        boxes, _ = self.filter_proposals(proposals, objectness, images.image_sizes, num_anchors_per_level)
        if not self.training:
            return boxes, {}
        if targets is None:
            raise ValueError("the region proposal network needs targets in training, got None")

        labels, matched_gt_boxes = self.assign_targets_to_anchors(anchors, targets)
        regression_targets = self.box_coder.encode(matched_gt_boxes, anchors)
        objectness_loss, box_loss = self.compute_loss(objectness, deltas, labels, regression_targets)
        return boxes, {"loss_objectness": objectness_loss, "loss_rpn_box_reg": box_loss}

    def filter_proposals(
        self,
        proposals: Tensor,
        objectness: Tensor,
        image_shapes: list[Size],
        num_anchors_per_level: list[int],
    ) -> tuple[list[Tensor], list[Tensor]]:
        """All decoded anchors (N, ΣH·W·A, 4) and their logits → the best boxes and probabilities of each image."""
        num_images = len(proposals)
        logits = objectness.detach().reshape(num_images, -1)  # (N, ΣH·W·A)
        levels = torch.cat(
            [torch.full((n,), level, device=logits.device) for level, n in enumerate(num_anchors_per_level)]
        )

        # 1. the best of each level, by their logits: sigmoid would round the best of them to equal ones
        top_n = self._get_top_n_idx(logits, num_anchors_per_level)  # (N, K)
        probabilities = logits.gather(1, top_n).sigmoid()
        proposals = proposals.gather(1, top_n[:, :, None].expand(-1, -1, 4))  # (N, K, 4)
        levels = levels[top_n]

        final_boxes, final_scores = [], []
        for boxes, scores, level, image_shape in zip(proposals, probabilities, levels, image_shapes):
            # 2. inside the image, 3. not empty, 4. not hopeless
            boxes = clip_boxes_to_image(boxes, image_shape)
            keep = remove_small_boxes(boxes, self.min_size)
            boxes, scores, level = boxes[keep], scores[keep], level[keep]
            keep = torch.where(scores >= self.score_thresh)[0]
            boxes, scores, level = boxes[keep], scores[keep], level[keep]
            # 5. one of several that say the same, level by level; 6. the best of all levels
            keep = batched_nms(boxes, scores, level, self.nms_thresh)[: self.post_nms_top_n()]
            final_boxes.append(boxes[keep])
            final_scores.append(scores[keep])
        return final_boxes, final_scores

    def _get_top_n_idx(self, logits: Tensor, num_anchors_per_level: list[int]) -> Tensor:
        """Indices of the `pre_nms_top_n` highest logits of each level, (N, K), best first within a level."""
        indices, offset = [], 0
        for level in logits.split(num_anchors_per_level, dim=1):
            top_n = level.topk(min(self.pre_nms_top_n(), level.shape[1]), dim=1).indices
            indices.append(top_n + offset)
            offset += level.shape[1]
        return torch.cat(indices, dim=1)

    def assign_targets_to_anchors(
        self, anchors: list[Tensor], targets: list[Target]
    ) -> tuple[list[Tensor], list[Tensor]]:
        """For each anchor of each image, its label (1 object, 0 background, −1 ignored) and its ground-truth box.

        The box of an anchor without object is a placeholder that no loss looks at.
        """
        labels, matched_gt_boxes = [], []
        for anchors_in_image, target in zip(anchors, targets):
            gt_boxes = target["boxes"]
            if len(gt_boxes) == 0:
                labels.append(anchors_in_image.new_zeros(len(anchors_in_image)))
                matched_gt_boxes.append(torch.zeros_like(anchors_in_image))
                continue
            matched = self.proposal_matcher(box_iou(gt_boxes, anchors_in_image))  # (N,) index, −1 or −2
            label = (matched >= 0).to(anchors_in_image.dtype)
            label[matched == Matcher.BETWEEN_THRESHOLDS] = -1.0
            labels.append(label)
            matched_gt_boxes.append(gt_boxes[matched.clamp(min=0)])
        return labels, matched_gt_boxes

    def compute_loss(
        self,
        objectness: Tensor,
        pred_bbox_deltas: Tensor,
        labels: list[Tensor],
        regression_targets: list[Tensor],
    ) -> tuple[Tensor, Tensor]:
        """Samples anchors of each image and returns their objectness loss and box loss."""
        positive_masks, negative_masks = self.fg_bg_sampler(labels)
        positives = torch.where(torch.cat(positive_masks))[0]
        negatives = torch.where(torch.cat(negative_masks))[0]
        return losses.rpn_loss(
            objectness.flatten(),
            pred_bbox_deltas,
            torch.cat(labels),
            torch.cat(regression_targets),
            positives,
            negatives,
        )
