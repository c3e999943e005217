"""torchvision's model and ours with the same weights, and weights under which they have something to disagree about.

Freshly initialised, a detector proposes nothing but its anchors and finds nothing: a comparison would pass on nearly
empty tensors. ``enliven`` scales the layers so that features, logits and deltas spread as those of a trained model do.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import torch
import torchvision
from torch import Tensor, nn
from torchvision.models import vgg
from torchvision.models.detection import backbone_utils, faster_rcnn, roi_heads, rpn, transform

import frcnn_edu

Target = dict[str, Tensor]

# The same names from both libraries, so that one recipe builds both models.
OURS = frcnn_edu
THEIRS = SimpleNamespace(
    AnchorGenerator=rpn.AnchorGenerator,
    BackboneWithFPN=backbone_utils.BackboneWithFPN,
    FastRCNNPredictor=faster_rcnn.FastRCNNPredictor,
    FasterRCNN=faster_rcnn.FasterRCNN,
    GeneralizedRCNNTransform=transform.GeneralizedRCNNTransform,
    MultiScaleRoIAlign=torchvision.ops.MultiScaleRoIAlign,
    RegionProposalNetwork=rpn.RegionProposalNetwork,
    RPNHead=rpn.RPNHead,
    RoIHeads=roi_heads.RoIHeads,
    TwoMLPHead=faster_rcnn.TwoMLPHead,
    fasterrcnn_mobilenet_v3_large_fpn=faster_rcnn.fasterrcnn_mobilenet_v3_large_fpn,
    fasterrcnn_resnet50_fpn=faster_rcnn.fasterrcnn_resnet50_fpn,
    mobilenet_backbone=backbone_utils.mobilenet_backbone,
    resnet_fpn_backbone=backbone_utils.resnet_fpn_backbone,
)


# --- recipes: lib is OURS or THEIRS --------------------------------------------------------------------------------


def resnet50_fpn(lib: Any, **settings: Any) -> nn.Module:
    return lib.fasterrcnn_resnet50_fpn(weights=None, weights_backbone=None, **settings)


def mobilenet_v3_large_fpn(lib: Any, **settings: Any) -> nn.Module:
    return lib.fasterrcnn_mobilenet_v3_large_fpn(weights=None, weights_backbone=None, **settings)


def resnet18_fpn(lib: Any, **settings: Any) -> nn.Module:
    """Frozen BatchNorm, and a frozen stem and first stage, as pretrained bodies have them."""
    backbone = lib.resnet_fpn_backbone(backbone_name="resnet18", weights=None, trainable_layers=3)
    return lib.FasterRCNN(backbone, **settings)


def mobilenet_v3_large_single_map(lib: Any, **settings: Any) -> nn.Module:
    """A backbone that returns one tensor; RoIAlign pools from it."""
    backbone = lib.mobilenet_backbone(
        backbone_name="mobilenet_v3_large", weights=None, fpn=False, norm_layer=nn.BatchNorm2d, trainable_layers=6
    )
    anchors = lib.AnchorGenerator(((24, 48, 96),), ((0.5, 1.0, 2.0),))
    return lib.FasterRCNN(backbone, rpn_anchor_generator=anchors, **settings)


def vgg16_single_map(lib: Any, **settings: Any) -> nn.Module:
    """The paper's first network: VGG-16 up to its last convolution, stride 16."""
    backbone = vgg.make_layers(vgg.cfgs["D"])[:-1]  # of vgg16().features, without making its large classifier
    backbone.out_channels = 512
    anchors = lib.AnchorGenerator(((24, 48, 96),), ((0.5, 1.0, 2.0),))
    pool = lib.MultiScaleRoIAlign(["0"], 7, 2)
    return lib.FasterRCNN(backbone, rpn_anchor_generator=anchors, box_roi_pool=pool, **settings)


def small_fpn(
    lib: Any,
    num_classes: int = 7,
    sizes: tuple = ((12,), (24,), (48,), (80,), (112,)),
    ratios: tuple = ((0.5, 1.0, 2.0),) * 5,
    **settings: Any,
) -> nn.Module:
    """A slim body with all five levels, fast enough to try every setting on."""
    widths = (32, 64, 96, 128)
    names = {f"layer{i + 1}": str(i) for i in range(4)}
    return lib.FasterRCNN(
        lib.BackboneWithFPN(frcnn_edu.SlimResNet(widths=widths), names, list(widths), 32),
        rpn_anchor_generator=lib.AnchorGenerator(sizes, ratios),
        box_roi_pool=lib.MultiScaleRoIAlign(["0", "1", "2", "3"], 7, 2, canonical_scale=45),
        box_head=lib.TwoMLPHead(32 * 7 * 7, 64),
        box_predictor=lib.FastRCNNPredictor(64, num_classes),
        **settings,
    )


# --- data ----------------------------------------------------------------------------------------------------------


def make_images(*sizes: tuple[int, int], seed: int = 0) -> list[Tensor]:
    """Images in 0–1 with structure at several scales: (height, width) each."""
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
    """``counts[i]`` boxes of many sizes and shapes in image i, 0 for an image without objects."""
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


# --- weights -------------------------------------------------------------------------------------------------------


@torch.no_grad()
def enliven(model: nn.Module, images: Sequence[Tensor], pairs_per_image: int = 150) -> None:
    """Scales a freshly made model, in place, so that it has many and varied proposals and detections.

    BatchNorm statistics are those of ``images``; feature maps get unit standard deviation; RPN logits mean −3 and
    deviation 2; deltas deviation 0.2; class logits deviation 2; and the background's bias is such that about
    ``pairs_per_image`` pairs of proposal and class pass the score threshold.
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


def _calibrate_batch_norm(model: nn.Module, images: Sequence[Tensor]) -> None:
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


def twins(recipe: Callable[..., nn.Module], images: Sequence[Tensor], **settings: Any) -> tuple[nn.Module, nn.Module]:
    """Our model and theirs from one recipe, with one set of lively weights."""
    torch.manual_seed(0)
    theirs = recipe(THEIRS, **settings)
    enliven(theirs, images)
    ours = recipe(OURS, **settings)
    ours.load_state_dict(theirs.state_dict())
    return ours, theirs


def in_old_spelling(state_dict: dict[str, Tensor]) -> dict[str, Tensor]:
    """As the published detectors are stored: without a version, and without the Sequential around each convolution."""
    old = {}
    for key, value in state_dict.items():
        key = key.replace("rpn.head.conv.0.0.", "rpn.head.conv.")
        for block in ("inner_blocks", "layer_blocks"):
            parts = key.split(f"fpn.{block}.")
            if len(parts) == 2:
                level, _, name = parts[1].split(".")
                key = f"{parts[0]}fpn.{block}.{level}.{name}"
        old[key] = value
    return old


# --- runs ----------------------------------------------------------------------------------------------------------


@contextmanager
def recorded_proposals(model: nn.Module) -> Iterator[list[list[Tensor]]]:
    """Collects what the model's RPN proposes: a list with one list of (N, 4) tensors a forward pass."""
    seen: list[list[Tensor]] = []
    handle = model.rpn.register_forward_hook(lambda module, inputs, output: seen.append(output[0]))
    yield seen
    handle.remove()


def detect(model: nn.Module, images: Sequence[Tensor], seed: int = 1) -> tuple[list[Target], list[Tensor], Tensor]:
    """Detections, proposals and the RNG's state afterwards."""
    model.eval()
    torch.manual_seed(seed)
    with torch.no_grad(), recorded_proposals(model) as proposals:
        detections = model(list(images))
    return detections, proposals[0], torch.get_rng_state()


def train_step(
    model: nn.Module, images: Sequence[Tensor], targets: Sequence[Target], seed: int = 1
) -> tuple[dict[str, Tensor], dict[str, Tensor], list[Tensor], Tensor]:
    """Losses, gradients by parameter name, proposals and the RNG's state afterwards."""
    model.train()
    model.zero_grad(set_to_none=True)
    torch.manual_seed(seed)
    with recorded_proposals(model) as proposals:
        losses = model(list(images), [dict(target) for target in targets])
    sum(losses.values()).backward()
    gradients = {name: p.grad for name, p in model.named_parameters() if p.grad is not None}
    return {name: loss.detach() for name, loss in losses.items()}, gradients, proposals[0], torch.get_rng_state()


def relative_difference(ours: Tensor, theirs: Tensor) -> float:
    """Largest difference, relative to the largest value of theirs."""
    scale = theirs.abs().max().item()
    return (ours - theirs).abs().max().item() / scale if scale else ours.abs().max().item()
