"""The figures of lesson 15: savings, one bin of RoIAlign, Winograd's convolution."""

from collections.abc import Callable

import torch
from matplotlib.figure import Figure

from frcnn_edu.lessons.story import story
from frcnn_edu.ops import box_iou

from .. import work
from .cells import plot_bin
from .counts import plot_savings
from .winograd import plot_winograd


def what_is_saved() -> Figure:
    """What the fast classes save in the full model."""
    layers = work.convolutions_of_full_model()
    return plot_savings(layers, work.savings_of_full_model(layers))


def roi_align_bin() -> Figure:
    """One bin of our cross, as it is pooled from P2, beside one of a large box."""
    _, targets = story().model.transform([story().image], [story().target])
    fit = box_iou(targets[0]["boxes"][[story().object]], story().trace.proposals)[0]
    proposal = story().trace.proposals[fit.argmax()] / 4  # cells of P2
    large = torch.tensor([3.2, 2.3, 31.2, 31.0])
    return plot_bin([("our cross on P2", proposal, 2, 3), ("a box 28 cells wide", large, 3, 3)])


def winograd() -> Figure:
    """Sixteen outputs of a 3×3 convolution with 36 multiplications."""
    patch = torch.randint(0, 5, (6, 6), generator=torch.Generator().manual_seed(5))  # its values fit into the cells
    return plot_winograd(patch, torch.tensor([[1, 2, 1], [3, -1, 2], [1, 1, -2]]))


FIGURES: dict[str, Callable[[], Figure]] = {
    "what_is_saved": what_is_saved,
    "roi_align_bin": roi_align_bin,
    "winograd": winograd,
}
