"""torchvision's numbers to the last bit."""

from torch import nn


def set_exact(model: nn.Module, exact: bool = True) -> nn.Module:
    """Lets a model, or a part of one, add up in torchvision's order, or (`exact=False`) in faster ones; returns it.

    The faster ones are the default. They differ by rounding alone, and in these places: frozen BatchNorm is folded into
    the convolution before it; the RPN's losses see the sampled anchors only; and on a CPU large 3×3 convolutions go Winograd's
    way, maps have the channels of a cell side by side, and RoIAlign is a weighted sum.
    """
    for module in model.modules():
        if hasattr(module, "exact"):
            module.exact = exact  # type: ignore[assignment]
    return model
