"""Is something frozen that nobody has trained? It stays at random, and a model on top of it cannot learn."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from torch import nn

from .warn import warn

_weights_follow = ContextVar("weights follow", default=False)


@contextmanager
def weights_follow(they_do: bool = True) -> Iterator[None]:
    """Inside, nothing is said of what is untrained: the caller loads the weights of a whole detector next."""
    token = _weights_follow.set(they_do)
    try:
        yield
    finally:
        _weights_follow.reset(token)


def warn_of_untrained(builder: str, backbone: nn.Module, trainable_layers: int, all_layers: int) -> None:
    """Say which parts of a backbone that was made without weights are frozen, and what to do about it.

    Where BatchNorm does not follow them, activations grow from block to block: of a ResNet-101 losses begin at 10⁴, and are NaN
    in the second step. On the "meta" device there are no weights at all, and nothing is said.
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
            f"{builder}(weights=None) freezes {' and '.join(frozen)}, which nobody has trained{consequence}. Give "
            f"weights='DEFAULT', or to train from scratch {' and '.join(advice)}. (If you load the weights of a whole "
            "detector next, all is well.)"
        )
