"""Images, targets and weights that give a detector realistic work, without a download.

A freshly initialised detector proposes little more than its anchors and finds nothing, so comparisons and timings would use
nearly empty tensors. `make_realistic` scales the layers so that features, logits and deltas are distributed as in a trained
model.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

Target = dict[str, Tensor]


def make_images(*sizes: tuple[int, int], seed: int = 0) -> list[Tensor]:
    """Images (3, height, width) in 0–1 with structure at several scales, one for each (height, width)."""
    generator = torch.Generator().manual_seed(seed)
    images = []
    for height, width in sizes:
        image = torch.zeros(3, height, width)
        for cell in (4, 12, 40):
            coarse = torch.rand(1, 3, height // cell + 2, width // cell + 2, generator=generator)
            image += nn.functional.interpolate(coarse, size=(height, width), mode="bicubic")[0]
        images.append(image.div(3).clamp(0, 1))
    return images


def make_targets(images: Sequence[Tensor], counts: Sequence[int], num_classes: int, seed: int = 0) -> list[Target]:
    """Targets with `counts[i]` boxes of many sizes and shapes for image i.

    Returns for each image `boxes` (N, 4) and `labels` (N,) in 1 … num_classes − 1.
    """
    generator = torch.Generator().manual_seed(seed)
    targets = []
    for image, count in zip(images, counts, strict=True):
        height, width = image.shape[-2:]
        limits = torch.tensor([width, height], dtype=torch.float32)
        centres = torch.rand(count, 2, generator=generator) * limits
        sides = (torch.rand(count, 2, generator=generator) ** 2 * 0.8 + 0.03) * limits
        corners = torch.cat([centres - sides / 2, centres + sides / 2], dim=1)
        boxes = torch.stack([corners[:, 0::2].clamp(0, width), corners[:, 1::2].clamp(0, height)], dim=2).flatten(1)
        labels = torch.randint(1, num_classes, (count,), generator=generator)
        targets.append({"boxes": boxes.reshape(-1, 4), "labels": labels})
    return targets


@torch.no_grad()
def make_realistic(model: Any, images: Sequence[Tensor], pairs_per_image: int = 150) -> None:
    """Scales a new detector, ours or torchvision's, in place, so that it proposes and detects many boxes.

    BatchNorm statistics are those of `images`; feature maps get a standard deviation of 1; RPN logits a mean of −3 and a
    standard deviation of 2; deltas one of 0.2; class logits one of 2; and the background's bias is chosen so that about
    `pairs_per_image` pairs of a proposal and a class pass the score threshold.
    """
    _calibrate_batch_norm(model, images)
    model.eval()
    batch, _ = model.transform(list(images))
    features = model.backbone(batch.tensors)
    if isinstance(features, Tensor):
        _scale([module for module in model.backbone.modules() if isinstance(module, nn.Conv2d)][-1], features)
        features = {"0": model.backbone(batch.tensors)}
    else:
        for block, feature in zip(model.backbone.fpn.layer_blocks, features.values()):
            _scale(block[0], feature)
        features = model.backbone(batch.tensors)

    head = model.rpn.head
    nn.init.kaiming_normal_(head.conv[0][0].weight)
    logits, deltas = (torch.cat([level.flatten() for level in maps]) for maps in head(list(features.values())))
    head.cls_logits.weight.mul_(2 / logits.std())
    head.cls_logits.bias.fill_(-3 - 2 * logits.mean() / logits.std())
    head.bbox_pred.weight.mul_(0.2 / deltas.std())

    roi = model.roi_heads
    proposals, _ = model.rpn(batch, features)
    vectors = roi.box_head(roi.box_roi_pool(features, proposals, batch.image_sizes))
    roi.box_roi_pool.scales = roi.box_roi_pool.map_levels = None  # not from this batch
    predictor = roi.box_predictor
    logits, deltas = predictor(vectors)
    predictor.cls_score.weight.mul_(2 / logits.std())
    logits, _ = predictor(vectors)
    predictor.cls_score.bias.sub_(logits.mean(dim=0))
    predictor.bbox_pred.weight.mul_(1 / deltas.std())
    logits, _ = predictor(vectors)
    _bisect_background(predictor.cls_score, logits, roi.score_thresh, pairs_per_image * len(images))


def _calibrate_batch_norm(model: Any, images: Sequence[Tensor]) -> None:
    norms = [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.momentum = 1.0
    batch, _ = model.eval().transform(list(images))
    model.backbone.train()
    model.backbone(batch.tensors)
    for norm, momentum in zip(norms, momenta):
        norm.momentum = momentum


def _scale(layer: nn.Conv2d, output: Tensor) -> None:
    layer.weight.div_(output.std())
    if layer.bias is not None:
        layer.bias.div_(output.std())


def _bisect_background(layer: nn.Linear, logits: Tensor, threshold: float, wanted: int) -> None:
    low, high = -20.0, 20.0
    for _ in range(30):
        middle = (low + high) / 2
        shifted = logits.clone()
        shifted[:, 0] += middle
        passing = (shifted.softmax(dim=1)[:, 1:] > threshold).sum()
        low, high = (middle, high) if passing > wanted else (low, middle)
    layer.bias[0] += high
