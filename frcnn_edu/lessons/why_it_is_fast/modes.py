"""A part of a model in each of the three modes: copies, differences and races."""

import copy
import time
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor

from frcnn_edu.benchmark import interleave
from frcnn_edu.model import ImageList
from frcnn_edu.model.fast import run_as

#: The largest differences allowed between the fast classes and the textbook's, as in the tests in `tests/model/fast`: in float64,
#: in float32, and in float32 for a whole backbone.
FLOAT64, FLOAT32, BACKBONE = 1e-10, 2e-5, 5e-5

GRIDS = ((200, 272), (100, 136), (50, 68), (25, 34), (13, 17))  # P2 … P5 and pool for an image of 800×1088 pixels


def in_modes(part: Any, *modes: str) -> list[Any]:
    """Copies of a part of a model, one in each mode."""
    return [run_as(copy.deepcopy(part), mode) for mode in modes]


def difference(fast: Iterable[Tensor], textbook: Iterable[Tensor]) -> float:
    """The largest difference of several tensors, as a share of each tensor's largest number (or of 1, if all are smaller)."""
    return max((a - b).abs().max().item() / max(b.abs().max().item(), 1) for a, b in zip(fast, textbook, strict=True))


def race(name: str, fast: Callable[[], Any], textbook: Callable[[], Any]) -> None:
    """Runs both in turn, five rounds, and prints the ratio of their median processor times."""
    print(f"{interleave(fast, textbook, 5, clock=time.process_time).ratio:.2f} of the time: {name}")


def full_size_image() -> ImageList:
    """A batch of one empty image of 800×1088 pixels."""
    return ImageList(torch.zeros(1, 3, 800, 1088), [(800, 1088)])
