"""Figures of notebook 10: which map a box is read from."""

from collections.abc import Callable

import torch
from matplotlib.figure import Figure
from torch import Tensor

from frcnn_edu.lessons.logbook import winning_anchor
from frcnn_edu.lessons.story import followed, story
from frcnn_edu.model import LevelMapper
from frcnn_edu.viz.trace import moved_anchors

from .boxes import plot_boxes_to_levels
from .equation import plot_clamp, plot_level_equation, wanted_levels
from .scales import scale_rounding
from .ways import anchor_levels, flow, plot_level_change


def level_mapper() -> Figure:
    """The anchor that the course's cross is found with, its proposal, and the two levels of all proposals."""
    seen, where = story().trace, followed()
    table = flow(anchor_levels(seen, story().model), seen.levels)
    box, level = seen.proposals[where.proposal], int(seen.levels[where.proposal])
    return plot_level_change(story().resized, winning_anchor(), where.winner.level, box, level, table)


def moved_best_anchor() -> int:
    """Index of the proposal that was decoded from the best fit of the course's cross."""
    moved = moved_anchors(story().trace, story().model)[followed().anchor]
    return int(torch.cdist(story().trace.proposals, moved[None], p=float("inf")).argmin())


def level_equation() -> Figure:
    """The formula with the numbers of the cross's proposal."""
    return plot_level_equation(story().trace.proposals[followed().proposal], 112)


def level_clamp() -> Figure:
    """The levels that the formula gives to the story's proposals, and those that are used."""
    return plot_clamp(wanted_levels(story().trace.proposals, 112))


def boxes_to_levels() -> Figure:
    """The story's objects and the whole image in the size that the full model would see."""
    return plot_boxes_to_levels(story().resized, boxes_at_800(), LevelMapper(2, 5), (800, 1066))


def boxes_at_800() -> Tensor:
    """The story's objects and the whole image in pixels of an 800×1066 image, (8, 4)."""
    height, width = story().resized.shape[1:]
    scale = torch.tensor([1066 / width, 800 / height]).repeat(2)
    return torch.cat((story().boxes, torch.tensor([[0.0, 0, width, height]]))) * scale


FIGURES: dict[str, Callable[[], Figure]] = {
    "level_mapper": level_mapper,
    "scale_rounding": scale_rounding,
    "level_equation": level_equation,
    "level_clamp": level_clamp,
    "boxes_to_levels": boxes_to_levels,
}
