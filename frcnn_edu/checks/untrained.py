"""Warns of frozen layers without trained weights: they stay random, and a model on top of them cannot learn."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from torch import nn

from .warn import warn

_weights_follow = ContextVar("weights follow", default=False)


@contextmanager
def weights_follow(they_do: bool = True) -> Iterator[None]:
    """Suppresses the warning inside: the caller loads the weights of a whole detector next."""
    token = _weights_follow.set(they_do)
    try:
        yield
    finally:
        _weights_follow.reset(token)


def warn_of_untrained(builder: str, backbone: nn.Module, trainable_layers: int, all_layers: int) -> None:
    """Warns of the frozen parts of a backbone that was built without weights, and says what to do.

    Without trainable BatchNorm, activations grow from block to block: the losses of a ResNet-101 begin at 10⁴ and are NaN in
    the second step. There is no warning on the "meta" device, which has no weights at all.
    """
    frozen = (
        ["BatchNorm (norm_layer)"] if any(type(m).__name__ == "FrozenBatchNorm2d" for m in backbone.modules()) else []
    )
    advice = ["norm_layer=torch.nn.BatchNorm2d"] if frozen else []
    consequence = ": losses grow until they are NaN" if frozen else ": they stay random"
    if trainable_layers < all_layers:
        frozen.append(f"the first layers (trainable_layers={trainable_layers})")
        advice.append(f"trainable_layers={all_layers}")
    if frozen and not _weights_follow.get() and not next(backbone.parameters()).is_meta:
        warn(
            f"{builder}(weights=None) freezes {' and '.join(frozen)}, which nobody has trained{consequence}. Pass "
            f"weights='DEFAULT', or, to train from scratch, {' and '.join(advice)}. (If you load the weights of a whole "
            "detector next, ignore this warning.)"
        )
