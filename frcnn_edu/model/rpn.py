"""Feature maps → proposals: where something is, whatever it is."""

from collections.abc import Callable
from itertools import accumulate
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.ops import Conv2dNormActivation

from ..ops import BalancedPositiveNegativeSampler, BoxCoder, Matcher, losses
from ..ops.boxes import batched_nms, clip_boxes_to_images
from ..ops.indices import indices_of_known_number
from ..ops.matcher import match_boxes
from ..ops.patches import cut_patches
from ..ops.sampler import draw
from .fast_conv import use_fast_convolutions
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
        use_fast_convolutions(self.conv)

    def forward(self, x: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        """Maps (N, C, H, W), one a level → logits (N, A, H, W) and deltas (N, 4·A, H, W), one a level."""
        hidden = [self.conv(feature) for feature in x]
        return [self.cls_logits(h) for h in hidden], [self.bbox_pred(h) for h in hidden]

    def at(self, x: list[Tensor], anchors: Tensor) -> tuple[Tensor, Tensor]:
        """The same numbers for some anchors only, from the few cells around each: logits (S,) and deltas (S, 4).

        Args:
            x: the maps, as in `forward`.
            anchors: (S,) indices into the batch's one list of N·ΣH·W·A anchors.

        Equal to `forward` up to rounding, and so are the gradients. Those of `forward` are maps as large as the features,
        and zero nearly everywhere when the loss looks at 256 of 200,000 anchors.
        """
        num_anchors = self.cls_logits.out_channels
        hidden, inside = cut_patches(x, anchors // num_anchors, radius=len(self.conv))  # (S, C, 2r + 1, 2r + 1)
        block: Any
        for i, block in enumerate(self.conv):  # each 3×3 convolution uses up the patch's border
            if i > 0:  # and is padded with 0, as on the map
                inside = inside[:, :, 1:-1, 1:-1]
                hidden = hidden * inside
            hidden = F.relu(F.conv2d(hidden, block[0].weight, block[0].bias))
        logits, deltas = self.cls_logits(hidden).flatten(1), self.bbox_pred(hidden).flatten(1)  # (S, A), (S, 4·A)
        anchor = (anchors % num_anchors)[:, None]  # which of its cell's
        return (
            logits.gather(1, anchor)[:, 0],
            deltas.unflatten(1, (-1, 4)).gather(1, anchor[..., None].expand(-1, 1, 4))[:, 0],
        )

    def _load_from_state_dict(
        self, state_dict: dict[str, Any], prefix: str, local_metadata: dict[str, Any], *args: Any
    ) -> None:
        if local_metadata.get("version", 1) < 2:
            rename_old_keys(state_dict, f"{prefix}conv", f"{prefix}conv.0.0")
        super()._load_from_state_dict(state_dict, prefix, local_metadata, *args)


def concat_box_prediction_layers(objectness: list[Tensor], deltas: list[Tensor]) -> tuple[Tensor, Tensor]:
    """The head's maps of all levels → logits (N·ΣH·W·A, 1) and deltas (N·ΣH·W·A, 4), in the anchors' order.

    That is image → level → y → x → anchor, so channels go last: (N, A·K, H, W) → (N, H·W, A·K) on each level.
    """
    anchors_per_location = [level.shape[1] for level in objectness]
    if len(set(anchors_per_location)) > 1:
        raise ValueError(f"levels must have equally many anchors at a location, got {anchors_per_location}")
    logits = torch.cat([level.flatten(2).transpose(1, 2) for level in objectness], dim=1)  # (N, ΣH·W, A)
    moves = torch.cat([level.flatten(2).transpose(1, 2) for level in deltas], dim=1)  # (N, ΣH·W, A·4)
    return logits.reshape(-1, 1), moves.reshape(-1, 4)


def take(values: Tensor, index: Tensor) -> Tensor:
    """For each image some of its boxes or deltas: (N, M, 4) and indices (N, K) → (N, K, 4)."""
    return values.gather(1, index[:, :, None].expand(-1, -1, 4))


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

    An `RPNHead` is trained through its method `at`, which computes the sampled anchors' numbers once more: the head's maps,
    made for the proposals, then need no gradient. With `exact`, or with a head of another make, they have one.

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
        self.head: Any = head
        self.box_coder = BoxCoder(weights=(1.0, 1.0, 1.0, 1.0))
        self.proposal_matcher = Matcher(fg_iou_thresh, bg_iou_thresh, allow_low_quality_matches=True)
        self.fg_bg_sampler = BalancedPositiveNegativeSampler(batch_size_per_image, positive_fraction)
        self._pre_nms_top_n = pre_nms_top_n
        self._post_nms_top_n = post_nms_top_n
        self.nms_thresh = nms_thresh
        self.score_thresh = score_thresh
        self.min_size = 1e-3  # pixels: a box clipped away to nothing
        self.exact = False

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
        only_sampled = type(self.head) is RPNHead and not self.exact
        with torch.set_grad_enabled(torch.is_grad_enabled() and not only_sampled):
            objectness_maps, delta_maps = self.head(maps)
        num_anchors_per_level = [level[0].numel() for level in objectness_maps]
        if sum(num_anchors_per_level) != len(anchors[0]):
            raise ValueError(
                f"the RPN head predicts {sum(num_anchors_per_level)} boxes an image, the anchor generator makes "
                f"{len(anchors[0])} anchors: the head's num_anchors must be the generator's num_anchors_per_location()"
            )
        objectness, deltas = (
            values.to(anchors[0].dtype)  # boxes and losses in full precision, under autocast too
            for values in concat_box_prediction_layers(objectness_maps, delta_maps)
        )

        def decode(index: Tensor) -> Tensor:
            # Proposals are data for the next stage: no gradient flows back through their coordinates.
            moves = take(deltas.detach().view(len(anchors), -1, 4), index)  # (N, K, 4)
            chosen = take(torch.stack(anchors), index)
            return self.box_coder.decode_single(moves.flatten(0, 1), chosen.flatten(0, 1)).view_as(moves)

        boxes, _ = self.filter_proposals(decode, objectness, images.image_sizes, num_anchors_per_level)
        if not self.training:
            return boxes, {}
        if targets is None:
            raise ValueError("the region proposal network needs targets in training, got None")

        labels, matched_gt_boxes = self.assign_targets_to_anchors(anchors, targets)
        positives, negatives = self.sample(labels)
        sampled = torch.cat((positives, negatives))
        if only_sampled:
            logits, deltas = (values.to(anchors[0].dtype) for values in self.head.at(maps, sampled))
        else:
            logits, deltas = objectness.flatten()[sampled], deltas[sampled]
        regression_targets = self.box_coder.encode_single(
            torch.cat(matched_gt_boxes)[positives], torch.cat(anchors)[positives]
        )
        is_object = torch.zeros_like(logits)
        is_object[: len(positives)] = 1
        objectness_loss, box_loss = losses.rpn_loss(logits, is_object, deltas[: len(positives)], regression_targets)
        return boxes, {"loss_objectness": objectness_loss, "loss_rpn_box_reg": box_loss}

    def filter_proposals(
        self,
        proposals: Tensor | Callable[[Tensor], Tensor],
        objectness: Tensor,
        image_shapes: list[Size],
        num_anchors_per_level: list[int],
    ) -> tuple[list[Tensor], list[Tensor]]:
        """All anchors decoded, (N, ΣH·W·A, 4), and their logits → the best boxes and probabilities of each image.

        `proposals` may be a function that decodes the anchors whose indices (N, K) it is given: only they are looked at.
        """
        logits = objectness.detach().reshape(len(image_shapes), -1)  # (N, ΣH·W·A)

        # 1. the best of each level, by their logits: sigmoid would round the best of them to equal ones
        best = self._get_top_n_idx(logits, num_anchors_per_level)  # (N, K) for each level
        top_n = torch.cat(best, dim=1)  # (N, ΣK)
        probabilities = logits.gather(1, top_n).sigmoid()
        level_ends = torch.tensor(list(accumulate(num_anchors_per_level))).to(logits.device, non_blocking=True)
        levels = torch.bucketize(top_n, level_ends, right=True)  # (N, ΣK)

        best_boxes = proposals(top_n) if callable(proposals) else take(proposals, top_n)  # (N, ΣK, 4)

        # 2. inside the image, 3. neither empty nor hopeless. How many that leaves is asked once, for all images and levels.
        clipped = clip_boxes_to_images(best_boxes, image_shapes)
        good = (clipped[..., 2:] - clipped[..., :2] >= self.min_size).all(dim=2)
        good &= probabilities >= self.score_thresh
        each_level = torch.arange(len(best), device=levels.device)[:, None]
        numbers = (good[:, None] & (levels[:, None] == each_level)).sum(dim=2).tolist()  # (N, levels)

        final_boxes, final_scores = [], []
        for i, number_per_level in enumerate(numbers):
            keep = indices_of_known_number(good[i], sum(number_per_level))
            boxes, scores, level = clipped[i][keep], probabilities[i][keep], levels[i][keep]
            # 4. one of several that say the same, level by level; 5. the best of all levels
            keep = batched_nms(boxes, scores, level, self.nms_thresh, number_per_level)[: self.post_nms_top_n()]
            final_boxes.append(boxes[keep])
            final_scores.append(scores[keep])
        return final_boxes, final_scores

    def _get_top_n_idx(self, logits: Tensor, num_anchors_per_level: list[int]) -> list[Tensor]:
        """Indices of the `pre_nms_top_n` highest logits of each level: (N, K) for each, best first."""
        indices, offset = [], 0
        for level in logits.split(num_anchors_per_level, dim=1):
            top_n = level.topk(min(self.pre_nms_top_n(), level.shape[1]), dim=1).indices
            indices.append(top_n + offset)
            offset += level.shape[1]
        return indices

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
            matched = match_boxes(self.proposal_matcher, gt_boxes, anchors_in_image)  # (N,) index, −1 or −2
            labels.append((matched + 1.0).clamp_(max=1))
            matched_gt_boxes.append(gt_boxes[matched.clamp(min=0)])
        return labels, matched_gt_boxes

    def sample(self, labels: list[Tensor]) -> tuple[Tensor, Tensor]:
        """Draws the anchors to train on: objects (P,) and background (Q,), as indices into the batch's one list of anchors."""
        positives, negatives = (torch.cat(drawn).sort().values for drawn in draw(self.fg_bg_sampler, labels))
        return positives, negatives
