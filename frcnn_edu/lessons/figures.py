"""Every figure of the project by name, and how to draw all of them into files."""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from matplotlib.figure import Figure

from ..viz.output import save_figure
from . import LESSONS
from .explore import EXPLORERS
from .the_whole_network.pictures.photograph import photograph

COLORS = 256  # per file: a third of the bytes, with hardly a visible difference


def first_view(name: str) -> Callable[[], Figure]:
    """A function that draws the first view of an explorer."""
    return lambda: EXPLORERS[name]().picture()


#: The function that draws each figure, lesson by lesson; then the first view of each explorer.
FIGURES: dict[str, Callable[[], Figure]] = {}
for lesson in LESSONS:
    FIGURES |= import_module(f".{lesson}.pictures.main", __package__).FIGURES
FIGURES |= {"photograph": photograph}
FIGURES |= {f"explore_{name}": first_view(name) for name in EXPLORERS}

#: The figures of the text that the course grew from, by what they show there.
SOURCE_FIGURES = {
    "code structure": "class_structure",
    "three ways to a pyramid": "ways_to_a_pyramid",
    "FPN top-down": "fpn_top_down",
    "bottom-up, top-down, lateral": "fpn_connections",
    "nearest upsampling": "nearest_upsampling",
    "lateral connection": "lateral_connection",
    "RPN over five levels": "rpn_over_levels",
    "the 15 base anchors": "base_anchors",
    "stride grid": "stride_grid",
    "anchors on the grid": "anchors_on_grid",
    "RPN head": "rpn_head",
    "which level a box goes to": "level_mapper",
    "scale rounding": "scale_rounding",
    "the level mapper's equation": "level_equation",
    "clamp": "level_clamp",
    "boxes to levels": "boxes_to_levels",
    "class scores and box deltas": "box_head",
    "the whole network": "whole_network",
}


def draw_all(folder: str | Path) -> list[Path]:
    """Draw every figure into `folder` as NAME.png, replacing those that are there, and return the paths."""
    return [save_figure(draw(), Path(folder) / f"{name}.png", colors=COLORS) for name, draw in FIGURES.items()]
