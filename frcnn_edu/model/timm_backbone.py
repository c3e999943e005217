"""Batch → C2…C5 by a backbone from the library timm, which has several hundred."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ..checks.arguments import check_arguments
from ..checks.rules import flag
from .backbone import BackboneWithFPN, check_range
from .weights import load_weights, read_state_dict

STRIDES = (4, 8, 16, 32)  # strides of C2…C5, the inputs of the pyramid


class TimmBackbone(nn.Module):
    """A timm model without its classifier, through timm's interface `features_only`.

    Args:
        name: name of the model in `timm.list_models()`: "resnet18", or "resnet18.a1_in1k" for specific weights.
        weights: "DEFAULT" to let timm download them, a file with all weights of the model under timm's names, or None.

    Raises:
        ValueError: timm is not installed or has no such model; the backbone has no maps of strides 4, 8, 16 and 32, or accepts
            images of only one size; or the file has weights of a different model.
    """

    def __init__(self, name: str, weights: str | Path | None = None) -> None:
        super().__init__()
        timm = _import_timm()
        if not timm.is_model(name):
            raise ValueError(f"timm has no model {name!r}; timm.list_models() lists all models")
        settings: dict[str, Any] = dict(features_only=True, pretrained=weights is not None)
        if weights not in (None, "DEFAULT"):
            _check_file(timm, name, Path(weights))
            settings["pretrained_cfg_overlay"] = dict(state_dict=read_state_dict(Path(weights)))
        try:
            self.net: nn.Module = timm.create_model(name, **settings)
        except (RuntimeError, AttributeError, TypeError) as error:  # timm's errors for models without stages
            raise ValueError(f"timm cannot extract features from {name!r}: {error}") from error
        self.index_of = _maps_of_strides(name, self.net.feature_info.reduction())
        self.channels: list[int] = [self.net.feature_info.channels()[i] for i in self.index_of]
        self.mean: Sequence[float] = self.net.default_cfg["mean"]
        self.std: Sequence[float] = self.net.default_cfg["std"]
        self._check_maps(name)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """(N, 3, H, W) → maps "0" … "3" with strides 4 … 32."""
        maps = self.net(x)
        return {str(level): maps[i] for level, i in enumerate(self.index_of)}

    def freeze(self, trainable_layers: int) -> None:
        """Freezes all but the last `trainable_layers` of the four stages; a layer belongs to the first stage whose map it affects.

        With 4, the whole backbone is trained.
        """
        check_range("trainable_backbone_layers", trainable_layers, len(STRIDES))
        frozen = self._example_maps()[: len(STRIDES) - trainable_layers]
        if frozen:
            parameters, total = list(self.parameters()), torch.stack([features.sum() for features in frozen]).sum()
            gradients = torch.autograd.grad(total, parameters, allow_unused=True)
            for parameter, gradient in zip(parameters, gradients):
                parameter.requires_grad_(gradient is None)

    def _example_maps(self) -> list[Tensor]:
        """The maps of a uniform image of 64×96 pixels."""
        was_training, parameter = self.training, next(self.parameters())
        try:
            return list(self.eval()(parameter.new_zeros(1, 3, 64, 96)).values())
        finally:
            self.train(was_training)

    @torch.no_grad()
    def _check_maps(self, name: str) -> None:
        try:
            found = [tuple(features.shape[1:]) for features in self._example_maps()]
        except (AssertionError, RuntimeError) as error:
            raise ValueError(f"the backbone {name!r} accepts images of only one size: {error}") from error
        expected = [(channels, 64 // stride, 96 // stride) for channels, stride in zip(self.channels, STRIDES)]
        if found != expected:
            raise ValueError(
                f"for an image of 64×96 pixels the backbone {name!r} returns maps of {found}; expected {expected}"
            )


def timm_fpn_backbone(
    name: str,
    *,
    weights: str | Path | None,
    frozen_norm: bool,
    trainable_layers: int,
    out_channels: int = 256,
) -> BackboneWithFPN:
    """A `TimmBackbone` with an FPN; `frozen_norm` freezes its BatchNorm."""
    check_arguments(locals(), frozen_norm=flag)
    backbone = TimmBackbone(name, weights)
    if frozen_norm:
        backbone.net = _import_timm().layers.freeze_batch_norm_2d(backbone.net)
    backbone.freeze(trainable_layers)
    return BackboneWithFPN(backbone, None, backbone.channels, out_channels)


def _import_timm() -> Any:
    try:
        import timm
    except ImportError as error:
        raise ValueError("a timm backbone requires the library: pip install timm") from error
    return timm


def _maps_of_strides(name: str, strides: list[int]) -> list[int]:
    """The index of the last map with each stride in STRIDES."""
    if not set(STRIDES) <= set(strides):
        raise ValueError(f"the backbone {name!r} has maps of strides {strides}; the pyramid requires {list(STRIDES)}")
    return [len(strides) - 1 - strides[::-1].index(stride) for stride in STRIDES]


def _check_file(timm: Any, name: str, file: Path) -> None:
    """Checks that the file has all of the model's weights: timm itself silently ignores missing ones."""
    if not file.is_file():
        raise ValueError(f"weights {str(file)!r} are neither a file nor 'DEFAULT'")
    whole = timm.create_model(name)
    classifier = whole.default_cfg["classifier"] or ()
    names = (classifier,) if isinstance(classifier, str) else tuple(classifier)
    load_weights(whole, file, name=f"timm's {name}", but=tuple(f"{layer}." for layer in names))
