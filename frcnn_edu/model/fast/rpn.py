"""Proposals of the whole batch at once, and losses that are computed for the sampled anchors only."""

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.ops import Conv2dNormActivation

from ...checks.finite import check_proposals
from ...ops import losses
from ...ops.boxes import box_iou
from ..rpn import RegionProposalNetwork, RPNHead, as_exact_as, concat_box_prediction_layers
from ..transform import ImageList, Size, Target
from .box_coding import ExactBoxCoder
from .boxes import batched_nms, clip_boxes_to_images, take
from .indices import indices_of_known_number
from .matching import ExactMatcher
from .patches import cut_patches
from .plain import is_overridden, is_plain, is_plain_throughout
from .resnet import FastConv2dNormActivation
from .sampling import ExactBalancedPositiveNegativeSampler


class ExactRegionProposalNetwork(RegionProposalNetwork):
    """The textbook's proposals and losses.

    Only the best boxes of each level are decoded. All images are filtered together, with one synchronisation for the
    number of remaining boxes. Target deltas are computed for the sampled anchors only.
    """

    proposal_matcher: ExactMatcher
    fg_bg_sampler: ExactBalancedPositiveNegativeSampler

    def forward(
        self, images: ImageList, features: dict[str, Tensor], targets: list[Target] | None = None
    ) -> tuple[list[Tensor], dict[str, Tensor]]:
        if not self._is_as_made():
            return super().forward(images, features, targets)
        maps = list(features.values())
        anchors = as_exact_as(images.tensors, self.anchor_generator(images, maps))
        objectness_maps, delta_maps = self._predict(maps)
        anchors_per_level = [level[0].numel() for level in objectness_maps]
        self._check(anchors_per_level, len(anchors[0]), targets)
        objectness, deltas = (
            values.to(anchors[0].dtype) for values in concat_box_prediction_layers(objectness_maps, delta_maps)
        )
        proposals = self._propose(anchors, objectness.detach(), deltas.detach(), images.image_sizes, anchors_per_level)
        if not self.training:
            check_proposals(proposals, images.tensors, maps, objectness, deltas)
            return proposals, {}

        labels, matched_gt_boxes = self.assign_targets_to_anchors(anchors, targets)
        positives, negatives = self.sample(labels)
        sampled = torch.cat((positives, negatives))
        logits, sampled_deltas = self._predicted_at(sampled, maps, objectness, deltas)
        wanted = self.box_coder.encode_single(torch.cat(matched_gt_boxes)[positives], torch.cat(anchors)[positives])
        one_and_zero = np.array([1, 0], dtype=str(logits.dtype).removeprefix("torch."))
        is_object = _repeated(one_and_zero, [len(positives), len(negatives)], logits.device)
        objectness_loss, box_loss = losses.rpn_loss(logits, is_object, sampled_deltas[: len(positives)], wanted)
        return proposals, {"loss_objectness": objectness_loss, "loss_rpn_box_reg": box_loss}

    def _is_as_made(self) -> bool:
        """Whether the object is as the textbook's class makes it: no replaced method, no custom part."""
        helpers = (self.box_coder, self.proposal_matcher, self.fg_bg_sampler)
        return (
            tuple(map(type, helpers)) == (ExactBoxCoder, ExactMatcher, ExactBalancedPositiveNegativeSampler)
            and not any(map(is_overridden, (self, *helpers)))
            and self.box_similarity is box_iou
        )

    def _predict(self, maps: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        return self._maps_of_head(maps)

    def _predicted_at(
        self, sampled: Tensor, maps: list[Tensor], objectness: Tensor, deltas: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Logits (S,) and deltas (S, 4) of the sampled anchors, with gradients."""
        return objectness.flatten()[sampled], deltas[sampled]

    def _propose(
        self,
        anchors: list[Tensor],
        objectness: Tensor,
        deltas: Tensor,
        image_shapes: list[Size],
        anchors_per_level: list[int],
    ) -> list[Tensor]:
        """The seven steps of `filter_proposals`, each for all images of the batch."""
        # 1 and 2. The best of each level and their probabilities; only these boxes are decoded.
        logits = objectness.reshape(len(image_shapes), -1)  # (N, ΣH·W·A)
        top_n = self._best_of_each_level(logits, anchors_per_level)  # (N, ΣK)
        probabilities = logits.gather(1, top_n).sigmoid()
        moves = take(deltas.view(len(anchors), -1, 4), top_n)  # (N, ΣK, 4)
        # The anchor generator returns the same tensor for all images.
        same_for_all = all(of_image is anchors[0] for of_image in anchors)
        references = anchors[0][top_n] if same_for_all else take(torch.stack(anchors), top_n)
        boxes = self.box_coder.decode_single(moves.flatten(0, 1), references.flatten(0, 1)).view_as(moves)

        # 3 to 5. Clip to the image; drop empty boxes and those of low probability. One
        # synchronisation for the counts of all images and levels.
        boxes = clip_boxes_to_images(boxes, image_shapes)
        good = (boxes[..., 2:] - boxes[..., :2] >= self.min_size).all(dim=2)
        good &= probabilities >= self.score_thresh
        best_per_level = [min(self.pre_nms_top_n(), number) for number in anchors_per_level]
        each_level = np.arange(len(best_per_level), dtype=np.float32)
        levels = _repeated(each_level, best_per_level, top_n.device)  # (ΣK,)
        is_of_level = _repeated(np.eye(len(best_per_level), dtype=bool), best_per_level, top_n.device)  # (levels, ΣK)
        numbers = (good[:, None] & is_of_level).sum(dim=2).tolist()  # (N, levels)

        proposals = []
        for i, number_per_level in enumerate(numbers):
            keep = indices_of_known_number(good[i], sum(number_per_level))
            in_image, scores, level = boxes[i][keep], probabilities[i][keep], levels[keep]
            # 6 and 7. NMS, level by level; then the best of all levels together.
            keep = batched_nms(in_image, scores, level, self.nms_thresh, number_per_level)[: self.post_nms_top_n()]
            proposals.append(in_image[keep])
        return proposals

    def _best_of_each_level(self, objectness: Tensor, num_anchors_per_level: list[int]) -> Tensor:
        """The result of `_get_top_n_idx`, with fewer operations."""
        of_level = objectness.split(num_anchors_per_level, dim=1)
        best = [level.topk(min(self.pre_nms_top_n(), level.shape[1]), dim=1).indices for level in of_level]
        starts = np.cumsum([0, *num_anchors_per_level[:-1]])  # of each level
        return torch.cat(best, dim=1) + _repeated(starts, [level.shape[1] for level in best], objectness.device)

    def assign_targets_to_anchors(
        self, anchors: list[Tensor], targets: list[Target] | None
    ) -> tuple[list[Tensor], list[Tensor]]:
        if not self._is_as_made():
            return super().assign_targets_to_anchors(anchors, targets)
        labels, matched_gt_boxes = [], []
        for anchors_in_image, target in zip(anchors, targets or ()):
            gt_boxes = target["boxes"]
            if len(gt_boxes) == 0:
                labels.append(anchors_in_image.new_zeros(len(anchors_in_image)))
                matched_gt_boxes.append(torch.zeros_like(anchors_in_image))
                continue
            # (N,): the index of an object, −1 or −2.
            matched = self.proposal_matcher.match_boxes(gt_boxes, anchors_in_image)
            labels.append((matched + 1.0).clamp_(max=1).to(anchors_in_image.dtype))
            matched_gt_boxes.append(gt_boxes[matched.clamp(min=0)])
        return labels, matched_gt_boxes

    def sample(self, labels: list[Tensor]) -> tuple[Tensor, Tensor]:
        if not self._is_as_made():
            return super().sample(labels)
        positives, negatives = (torch.cat(each).sort().values for each in self.fg_bg_sampler.sample(labels))
        return positives, negatives


class FastRegionProposalNetwork(ExactRegionProposalNetwork):
    """The textbook's proposals, and its losses up to rounding.

    The gradients of the head's maps are as large as the features, and zero nearly everywhere: the losses use 256 of
    200,000 anchors. Therefore the head's maps, which the proposals need, are computed without gradients, and the outputs for
    the sampled anchors are computed again, with gradients, from the few cells around each.
    """

    def _predict(self, maps: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        only_sampled = _is_head_as_made(self.head)
        with torch.set_grad_enabled(torch.is_grad_enabled() and not only_sampled):
            return self._maps_of_head(maps)

    def _predicted_at(
        self, sampled: Tensor, maps: list[Tensor], objectness: Tensor, deltas: Tensor
    ) -> tuple[Tensor, Tensor]:
        if not _is_head_as_made(self.head):
            return super()._predicted_at(sampled, maps, objectness, deltas)
        logits, sampled_deltas = predict_at(self.head, maps, sampled)
        return logits.to(objectness.dtype), sampled_deltas.to(deltas.dtype)


def _repeated(values: np.ndarray, times: list[int], device: torch.device) -> Tensor:
    """Repeats each value, or column, a number of times; computed on the CPU and copied to the device asynchronously."""
    return torch.from_numpy(np.repeat(values, times, axis=-1)).to(device, non_blocking=True)


def predict_at(head: RPNHead, maps: list[Tensor], anchors: Tensor) -> tuple[Tensor, Tensor]:
    """An RPN head's outputs for some anchors, from the few cells around each: logits (S,) and deltas (S, 4).

    Args:
        head: an unmodified `RPNHead`.
        maps: (N, C, H, W), one for each level.
        anchors: (S,) indices into all N·ΣH·W·A anchors of the batch.

    Outputs and gradients equal those of the head's maps up to rounding.
    """
    num_anchors = len(head.cls_logits.weight)
    # (S, C, 2r + 1, 2r + 1) and (S, 1, 2r + 1, 2r + 1).
    hidden, inside = cut_patches(maps, anchors // num_anchors, radius=len(head.conv))
    block: Any
    for i, block in enumerate(head.conv):  # each 3×3 convolution shrinks the patch by its border
        if i > 0:  # zero padding, as on the map
            inside = inside[:, :, 1:-1, 1:-1]
            hidden = hidden * inside
        hidden = F.relu(F.conv2d(hidden, block[0].weight, block[0].bias))
    # (S, A) and (S, 4·A).
    logits, deltas = head.cls_logits(hidden).flatten(1), head.bbox_pred(hidden).flatten(1)
    anchor = (anchors % num_anchors)[:, None]  # its index within the cell
    return (
        logits.gather(1, anchor)[:, 0],
        deltas.unflatten(1, (-1, 4)).gather(1, anchor[..., None].expand(-1, 1, 4))[:, 0],
    )


def _is_head_as_made(head: Any) -> bool:
    """Whether this is an unmodified `RPNHead`: 3×3 convolutions with ReLU, then two 1×1, and no hooks."""
    kinds = (RPNHead, nn.Sequential, Conv2dNormActivation, FastConv2dNormActivation, nn.Conv2d, nn.ReLU)
    if type(head) is not RPNHead or is_overridden(head) or not is_plain_throughout(head, *kinds):
        return False
    blocks: list[Any] = list(head.conv)
    return (
        all([type(layer) for layer in block] == [nn.Conv2d, nn.ReLU] for block in blocks)
        and all(_keeps_size(block[0], 3) for block in blocks)
        and all(is_plain(conv, nn.Conv2d) and _keeps_size(conv, 1) for conv in (head.cls_logits, head.bbox_pred))
    )


def _keeps_size(conv: Any, kernel: int) -> bool:
    """Whether this is a plain k×k convolution that keeps the size of its map."""
    settings = (conv.kernel_size, conv.stride, conv.padding, conv.dilation, conv.groups, conv.padding_mode)
    return settings == ((kernel, kernel), (1, 1), (kernel // 2, kernel // 2), (1, 1), 1, "zeros")
