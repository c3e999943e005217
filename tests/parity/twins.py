"""torchvision's model and ours with the same weights, and weights under which they have something to disagree about.

How the weights are made is told in ``frcnn_edu.benchmark.realistic``.
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
from frcnn_edu.benchmark.realistic import Target, make_images, make_realistic, make_targets

__all__ = ["make_images", "make_targets"]  # as well, for the tests

# The same names from both libraries, so that one recipe builds both models.
OURS = frcnn_edu
THEIRS = SimpleNamespace(
    AnchorGenerator=rpn.AnchorGenerator,
    BackboneWithFPN=backbone_utils.BackboneWithFPN,
    FastRCNNPredictor=faster_rcnn.FastRCNNPredictor,
    FasterRCNN=faster_rcnn.FasterRCNN,
    FrozenBatchNorm2d=torchvision.ops.FrozenBatchNorm2d,
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
    """Frozen BatchNorm, and a frozen stem and first stage, as pretrained backbones have them."""
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
    """A slim backbone with all five levels, fast enough to try every setting on."""
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


# --- weights -------------------------------------------------------------------------------------------------------


def twins(
    recipe: Callable[..., nn.Module], images: Sequence[Tensor], mode: str = "textbook", **settings: Any
) -> tuple[nn.Module, nn.Module]:
    """Our model and theirs from one recipe, with one set of realistic weights; ours runs in a mode of `run_as`."""
    torch.manual_seed(0)
    theirs = recipe(THEIRS, **settings)
    make_realistic(theirs, images)
    ours = frcnn_edu.run_as(recipe(OURS, **settings), mode)
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
