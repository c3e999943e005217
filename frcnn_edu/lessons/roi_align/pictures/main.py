"""The figures of notebook 11 that become files, drawn from the course's image."""

from collections.abc import Callable

from matplotlib.figure import Figure

from frcnn_edu.lessons.story import followed, story
from frcnn_edu.ops import box_area, box_iou

from .points import plot_point
from .read import plot_moved_box, plot_wrong_level
from .rounding import plot_roi_pool_and_align, roi_pool_bins
from .windows import MIDDLE, plot_same_window

__all__ = [
    "FIGURES",
    "MIDDLE",
    "box_moved_by_a_pixel",
    "plot_point",
    "pool_scales",
    "read_from_the_wrong_level",
    "roi_align",
    "roi_pool_and_align",
    "roi_pool_bins",
    "three_proposals",
]


def roi_align() -> Figure:
    """A small proposal of the story, our cross's, and the largest: three sizes, one window."""
    boxes, levels = story().trace.proposals, story().trace.levels
    chosen = three_proposals()
    names = ["small circle", "our cross", "largest"]
    scales = pool_scales()
    return plot_same_window(
        story().resized, boxes[chosen], names, levels[chosen].tolist(), story().trace.pyramid, scales
    )


def three_proposals() -> list[int]:
    """Indices of the proposal that fits the small circle best, of our cross's, and of the largest."""
    boxes = story().trace.proposals
    return [int(box_iou(story().boxes[[3]], boxes).argmax()), followed().proposal, int(box_area(boxes).argmax())]


def pool_scales() -> list[float]:
    """Cells per pixel of the maps that the story's model pools from: 1/4 … 1/32."""
    scales: list[float] = story().model.roi_heads.box_roi_pool.scales  # type: ignore[assignment, union-attr]
    return scales


def roi_pool_and_align() -> Figure:
    """Our cross's proposal on P2, rounded and not."""
    return plot_roi_pool_and_align(story().trace.proposals[followed().proposal], story().trace.pyramid["0"], 1 / 4, "0")


def box_moved_by_a_pixel() -> Figure:
    """Our cross's proposal, moved to the right by up to eight pixels."""
    return plot_moved_box(story().trace.pyramid["0"], story().trace.proposals[followed().proposal], 1 / 4)


def read_from_the_wrong_level() -> Figure:
    """Our cross's proposal, read from each of the four maps, and what the box head says."""
    proposal = story().trace.proposals[followed().proposal]
    return plot_wrong_level(story().model, story().trace.pyramid, proposal, story().box, story().classes)


FIGURES: dict[str, Callable[[], Figure]] = {
    "roi_align": roi_align,
    "roi_pool_and_align": roi_pool_and_align,
    "box_moved_by_a_pixel": box_moved_by_a_pixel,
    "read_from_the_wrong_level": read_from_the_wrong_level,
}
