"""Feature maps → proposals: where something is, whatever it is."""

from collections.abc import Callable
from itertools import accumulate
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.ops import Conv2dNormActivation

from ..ops import BalancedPositiveNegativeSampler, BoxCoder, Matcher, losses
from ..ops.boxes import batched_nms, clip_boxes_to_image
from ..ops.indices import indices_of_known_number, order_by_group
from ..ops.matcher import match_boxes
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
        for block in self.conv:  # each 3×3 convolution uses up the patch's border, and is padded with 0 as on the map
            hidden = F.relu(F.conv2d(hidden, block[0].weight, block[0].bias))
            inside = inside[:, :, 1:-1, 1:-1]
            hidden = hidden * inside
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


def take(values: Tensor, index: Tensor) -> Tensor:
    """For each image some of its boxes or deltas: (N, M, 4) and indices (N, K) → (N, K, 4)."""
    return values.gather(1, index[:, :, None].expand(-1, -1, 4))


def cut_patches(maps: list[Tensor], cells: Tensor, radius: int) -> tuple[Tensor, Tensor]:
    """The surroundings of some cells: features (S, C, 2·radius + 1, 2·radius + 1), 0 outside of the map.

    Args:
        maps: (N, C, Hᵢ, Wᵢ), one a level.
        cells: (S,) indices into the list of all cells in the order of the anchors: image → level → y → x.

    Also returns which of a patch's cells are on the map, (S, 1, 2·radius + 1, 2·radius + 1).
    """
    shapes = [(level.shape[-2], level.shape[-1]) for level in maps]
    ends = list(accumulate(height * width for height, width in shapes))
    table = [(end - height * width, height, width) for end, (height, width) in zip(ends, shapes)]
    start_and_shape = torch.tensor(table).to(cells.device, non_blocking=True)  # (levels, 3)
    image, cell = cells // ends[-1], cells % ends[-1]
    level = (cell[:, None] >= start_and_shape[1:, 0]).sum(dim=1)  # (S,)
    start, height, width = start_and_shape[level, :, None].unbind(dim=1)  # (S, 1) each

    offset = torch.arange(-radius, radius + 1, device=cells.device)
    place = cell[:, None] - start
    y, x = place // width + offset, place % width + offset  # (S, 2r + 1)
    y_on_map, x_on_map = (y >= 0) & (y < height), (x >= 0) & (x < width)
    y, x = (y * y_on_map)[:, :, None], (x * x_on_map)[:, None, :]  # cell 0 in place of those outside
    order, sizes = order_by_group(level, len(maps))
    patches = [
        features.permute(0, 2, 3, 1)[tuple(index)]  # (some of S, 2r + 1, 2r + 1, C)
        for features, *index in zip(maps, *(place[order].split(sizes) for place in (image[:, None, None], y, x)))
    ]
    back = order.argsort()  # from level by level to the caller's order
    inside = (y_on_map[:, :, None] & x_on_map[:, None, :])[:, None]
    return torch.cat(patches).index_select(0, back).permute(0, 3, 1, 2) * inside, inside


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
        objectness, deltas = concat_box_prediction_layers(objectness_maps, delta_maps)

        def decode(index: Tensor) -> Tensor:
            # Proposals are data for the next stage: no gradient flows back through their coordinates.
            moves = take(deltas.detach().view(len(anchors), -1, 4), index)  # (N, K, 4)
            chosen = [in_image[i] for in_image, i in zip(anchors, index)]
            return self.box_coder.decode(moves.flatten(0, 1), chosen).view_as(moves)

        boxes, _ = self.filter_proposals(decode, objectness, images.image_sizes, num_anchors_per_level)
        if not self.training:
            return boxes, {}
        if targets is None:
            raise ValueError("the region proposal network needs targets in training, got None")

        labels, matched_gt_boxes = self.assign_targets_to_anchors(anchors, targets)
        positives, sampled = self.sample(labels)
        if only_sampled:
            logits, deltas = self.head.at(maps, sampled)
        else:
            logits, deltas = objectness.flatten()[sampled], deltas[sampled]
        regression_targets = torch.cat(
            self.box_coder.encode(
                [matched[index] for matched, index in zip(matched_gt_boxes, positives)],
                [in_image[index] for in_image, index in zip(anchors, positives)],
            )
        )
        is_object = torch.zeros_like(logits)
        is_object[: len(regression_targets)] = 1
        objectness_loss, box_loss = losses.rpn_loss(
            logits, is_object, deltas[: len(regression_targets)], regression_targets
        )
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
        level_sizes = [level.shape[1] for level in best]
        top_n = torch.cat(best, dim=1)  # (N, ΣK)
        probabilities = logits.gather(1, top_n).sigmoid()
        levels = torch.cat([torch.full_like(level[0], i) for i, level in enumerate(best)])  # (ΣK,)

        best_boxes = proposals(top_n) if callable(proposals) else take(proposals, top_n)  # (N, ΣK, 4)

        # 2. inside the image, 3. neither empty nor hopeless. How many that leaves is asked once, for all images and levels.
        clipped = torch.stack([clip_boxes_to_image(boxes, size) for boxes, size in zip(best_boxes, image_shapes)])
        good = (clipped[..., 2:] - clipped[..., :2] >= self.min_size).all(dim=2)
        good &= probabilities >= self.score_thresh
        numbers = torch.stack([level.sum(dim=1) for level in good.split(level_sizes, dim=1)], dim=1).tolist()

        final_boxes, final_scores = [], []
        for i, number_per_level in enumerate(numbers):
            keep = indices_of_known_number(good[i], sum(number_per_level))
            boxes, scores, level = clipped[i][keep], probabilities[i][keep], levels[keep]
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
            label = (matched >= 0).to(anchors_in_image.dtype)
            labels.append(label.masked_fill_(matched == Matcher.BETWEEN_THRESHOLDS, -1))
            matched_gt_boxes.append(gt_boxes[matched.clamp(min=0)])
        return labels, matched_gt_boxes

    def sample(self, labels: list[Tensor]) -> tuple[list[Tensor], Tensor]:
        """Draws the anchors to train on: the positive ones of each image, and all as (S,) indices into the batch's list.

        In the latter the positive ones of all images come first.
        """
        positives, negatives = draw(self.fg_bg_sampler, labels)
        starts = list(accumulate((len(label) for label in labels[:-1]), initial=0))
        return positives, torch.cat([index + start for index, start in zip(positives + negatives, starts * 2)])
