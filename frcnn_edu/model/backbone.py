"""Batch → C2…C5: the bottom-up pathway, an image classifier without its classifier."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import torchvision
from torch import Tensor, nn
from torchvision.models import get_model, list_models
from torchvision.models._api import WeightsEnum
from torchvision.models.detection import backbone_utils
from torchvision.ops.feature_pyramid_network import ExtraFPNBlock

from ..checks.arguments import check_arguments
from ..checks.parts import check_maps
from ..checks.rules import instance_of, layer_names, optional, part, stages_between, up_to
from ..checks.untrained import warn_of_untrained
from .compat.old_arguments import with_old_arguments
from .compat.tracing import refuse_to_script
from .fpn import FeaturePyramidNetwork, LastLevelMaxPool
from .frozen_batch_norm import FrozenBatchNorm2d
from .resnet import RESNETS, resnet
from .weights import CLASSIFIER, load_weights, resolve_backbone_weights

Weights: TypeAlias = WeightsEnum | str | Path | None
NormLayer: TypeAlias = Callable[..., nn.Module]


class IntermediateLayerGetter(nn.ModuleDict):
    """Runs a model's children in order and returns the outputs of some of them.

    Args:
        model: its children must be called one after another, as ResNet's and the `features` of VGG and MobileNet are.
        return_layers: name of a child → name of its output. Children after the last one returned are dropped.

    Raises:
        TypeError, ValueError: an argument is not legal; the message names it.
    """

    def __init__(self, model: nn.Module, return_layers: dict[str, str]) -> None:
        check_arguments(locals(), model=instance_of(nn.Module), return_layers=layer_names)
        return_layers = {str(name): str(output) for name, output in return_layers.items()}
        children = dict(model.named_children())
        missing = set(return_layers) - set(children)
        if missing:
            raise ValueError(f"the model has no layers {sorted(missing)}; it has {list(children)}")
        # Layers after the last returned map, such as the classifier, are not needed.
        last = max(list(children).index(name) for name in return_layers)
        super().__init__(dict(list(children.items())[: last + 1]))
        self.return_layers = return_layers

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """(N, 3, H, W) → maps by name, finest first."""
        outputs = {}
        for name, layer in self.items():  # in the order of the model's children
            x = layer(x)
            if name in self.return_layers:
                outputs[self.return_layers[name]] = x
        return outputs


class BackboneWithFPN(nn.Module):
    """A bottom-up backbone, `body`, and a pyramid on top of it, `fpn`.

    Args:
        backbone, return_layers: for `IntermediateLayerGetter`. If return_layers is None, the backbone itself returns
            maps by name.
        in_channels_list: channels of the returned maps.
        out_channels: channels of the pyramid; kept as an attribute for the heads.
        extra_blocks: further levels, `LastLevelMaxPool` if None.
        norm_layer: normalisation within the pyramid.

    Raises:
        TypeError, ValueError: an argument is not legal; the message names it.
    """

    def __init__(
        self,
        backbone: nn.Module,
        return_layers: dict[str, str] | None,
        in_channels_list: list[int],
        out_channels: int,
        extra_blocks: ExtraFPNBlock | None = None,
        norm_layer: NormLayer | None = None,
    ) -> None:
        super().__init__()
        check_arguments(locals(), backbone=part, extra_blocks=optional(instance_of(ExtraFPNBlock)))
        self.body = IntermediateLayerGetter(backbone, return_layers) if return_layers else backbone
        self.fpn = FeaturePyramidNetwork(in_channels_list, out_channels, extra_blocks or LastLevelMaxPool(), norm_layer)
        self.out_channels = out_channels

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """(N, 3, H, W) → maps (N, out_channels, Hᵢ, Wᵢ) "0", "1", "2", "3", "pool"."""
        maps = self.body(x)  # bottom-up: C2 … C5
        check_maps(maps, self.fpn)
        return self.fpn(maps)  # top-down: P2 … P5 and "pool"

    __prepare_scriptable__ = refuse_to_script  # torch.jit.script calls this first


@with_old_arguments(backbone_utils.resnet_fpn_backbone, weights="IMAGENET1K_V1")
def resnet_fpn_backbone(
    *,
    backbone_name: str,
    weights: Weights,
    norm_layer: NormLayer | None = FrozenBatchNorm2d,
    trainable_layers: int = 3,
    returned_layers: list[int] | None = None,
    extra_blocks: ExtraFPNBlock | None = None,
    progress: bool = True,
) -> BackboneWithFPN:
    """ResNet-18, 34, 50 or 101 with an FPN of 256 channels.

    Args:
        backbone_name: a key of `RESNETS`: "resnet18", "resnet34", "resnet50", "resnet101" …
        weights: a member of torchvision's enum or its name, a file, or None.
        norm_layer: `FrozenBatchNorm2d` for pretrained weights, `nn.BatchNorm2d` (or None) to train from scratch.
        trainable_layers: number of layers to train, 0…5, of the stem and the four stages, counted from the output.
        returned_layers: stages that feed the pyramid, a subset of 1…4 in ascending order; all by default.

    Warns if it freezes untrained layers, as both defaults do with `weights=None`.
    """
    if backbone_name not in RESNETS:
        raise ValueError(
            f"backbone_name must be one of torchvision's ResNets, got {backbone_name!r}; available: {', '.join(RESNETS)}"
        )
    check_arguments(locals(), returned_layers=optional(stages_between(1, 4)), trainable_layers=up_to(5))
    backbone = resnet(backbone_name, norm_layer or nn.BatchNorm2d)
    load_weights(
        backbone,
        resolve_backbone_weights(backbone_name, weights),
        name=backbone_name,
        but=CLASSIFIER,
        progress=progress,
    )
    freeze_resnet(backbone, trainable_layers)
    if weights is None:
        warn_of_untrained("resnet_fpn_backbone", backbone, trainable_layers, all_layers=5)
    returned_layers = [1, 2, 3, 4] if returned_layers is None else returned_layers
    channels_of_layer1 = backbone.inplanes // 8  # doubled by each of the three stages after it
    return BackboneWithFPN(
        backbone,
        return_layers={f"layer{k}": str(i) for i, k in enumerate(returned_layers)},
        in_channels_list=[channels_of_layer1 * 2 ** (k - 1) for k in returned_layers],
        out_channels=256,
        extra_blocks=extra_blocks,
    )


def freeze_resnet(backbone: nn.Module, trainable_layers: int) -> None:
    """Freezes a ResNet except for the last `trainable_layers` of [stem, 1, 2, 3, 4].

    The stem's BatchNorm is trained only if everything is.
    """
    check_range("trainable_layers", trainable_layers, 5)
    trained = ["layer4", "layer3", "layer2", "layer1", "conv1"][:trainable_layers]
    if trainable_layers == 5:
        trained.append("bn1")
    # The first layers detect edges and colours, which are alike in all photographs: a small data
    # set would not improve them.
    for name, parameter in backbone.named_parameters():
        if not name.startswith(tuple(trained)):
            parameter.requires_grad_(False)


@with_old_arguments(backbone_utils.mobilenet_backbone, weights="IMAGENET1K_V1")
def mobilenet_backbone(
    *,
    backbone_name: str,
    weights: Weights,
    fpn: bool,
    norm_layer: NormLayer | None = FrozenBatchNorm2d,
    trainable_layers: int = 2,
    returned_layers: list[int] | None = None,
    extra_blocks: ExtraFPNBlock | None = None,
    progress: bool = True,
) -> nn.Module:
    """MobileNetV2 or V3 with an FPN on its last two stages, or (`fpn=False`) as a single map of 256 channels."""
    check_arguments(locals())
    features = _features(backbone_name, weights, norm_layer, progress)
    strided = [i for i, block in enumerate(features) if getattr(block, "_is_cn", False)]
    stages = [0, *strided, len(features) - 1]  # where each stage begins
    _freeze_before(features, stages, trainable_layers)
    channels: list[int] = [features[i].out_channels for i in stages]  # type: ignore[misc]
    if weights is None:
        warn_of_untrained("mobilenet_backbone", features, trainable_layers, len(stages))
    returned_layers = [-2, -1] if returned_layers is None else returned_layers
    return _with_or_without_fpn(features, stages, channels, fpn, returned_layers, extra_blocks)


def vgg_backbone(
    *,
    backbone_name: str = "vgg16",
    weights: Weights,
    fpn: bool,
    trainable_layers: int = 3,
    returned_layers: list[int] | None = None,
    extra_blocks: ExtraFPNBlock | None = None,
    progress: bool = True,
) -> nn.Module:
    """VGG with an FPN on the maps of stride 4, 8, 16 and 32, or (`fpn=False`) as the paper's single map of stride 16.

    With `fpn=False` it has 512 channels and ends before the fifth pooling (Faster R-CNN, section 3).
    """
    check_arguments(locals())
    features = _features(backbone_name, weights, None, progress)
    pools = [i for i, layer in enumerate(features) if isinstance(layer, nn.MaxPool2d)]  # five: strides 2 … 32
    _freeze_before(features, [0, *(i + 1 for i in pools[:-1])], trainable_layers)
    if weights is None:
        warn_of_untrained("vgg_backbone", features, trainable_layers, len(pools))
    if not fpn:
        single = features[: pools[-1]]
        single.out_channels = 512  # type: ignore[assignment]
        return single
    returned_layers = [1, 2, 3, 4] if returned_layers is None else returned_layers
    return _with_or_without_fpn(features, pools, [64, 128, 256, 512, 512], True, returned_layers, extra_blocks)


def _with_or_without_fpn(
    features: nn.Module,
    stages: list[int],
    channels: list[int],
    fpn: bool,
    returned_layers: list[int],
    extra_blocks: ExtraFPNBlock | None,
) -> nn.Module:
    if not fpn:
        single = nn.Sequential(features, nn.Conv2d(channels[-1], 256, kernel_size=1))
        single.out_channels = 256  # type: ignore[assignment]
        return single
    stages_between(0, len(stages) - 1)("returned_layers", returned_layers)
    return BackboneWithFPN(
        features,
        return_layers={str(stages[k]): str(i) for i, k in enumerate(returned_layers)},
        in_channels_list=[channels[k] for k in returned_layers],
        out_channels=256,
        extra_blocks=extra_blocks,
    )


def _freeze_before(features: nn.Module, stages: list[int], trainable_layers: int) -> None:
    """Freezes the layers before the last `trainable_layers` stages."""
    check_range("trainable_layers", trainable_layers, len(stages))
    layers = list(features.children())
    first_trained = stages[len(stages) - trainable_layers] if trainable_layers else len(layers)
    for layer in layers[:first_trained]:
        layer.requires_grad_(False)


def check_range(name: str, value: int, largest: int) -> None:
    """Raises a ValueError unless the value is one of 0 … largest."""
    up_to(largest)(name, value)


def _classifier(name: str, weights: Weights, norm_layer: NormLayer | None, progress: bool) -> nn.Module:
    """torchvision's classifier of this name, with its weights."""
    if name not in list_models(module=torchvision.models):
        raise ValueError(f"backbone_name must be one of torchvision's classifiers, such as vgg16, got {name!r}")
    model = get_model(name, weights=None, **({"norm_layer": norm_layer} if norm_layer else {}))
    resolved = resolve_backbone_weights(name, weights)
    load_weights(model, resolved, name=name, but=CLASSIFIER, progress=progress)
    return model


def _features(name: str, weights: Weights, norm_layer: NormLayer | None, progress: bool) -> nn.Sequential:
    """The convolutional part of a VGG or a MobileNet."""
    features = getattr(_classifier(name, weights, norm_layer, progress), "features", None)
    if not isinstance(features, nn.Sequential):
        raise ValueError(f"{name!r} has no sequence of layers in .features, as VGG and MobileNet have")
    return features
