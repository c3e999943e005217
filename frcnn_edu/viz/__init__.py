"""What draws: one look for all figures, boxes and labels, figures as files."""

import importlib
import warnings
from typing import Any

from .draw import detection_sheet, draw_boxes, draw_detections
from .output import figure_to_png, save_figure, show

__all__ = [
    "detection_sheet",
    "draw_boxes",
    "draw_detections",
    "figure_to_png",
    "save_figure",
    "show",
]


def __getattr__(name: str) -> Any:
    if name == "explore":
        message = "frcnn_edu.viz.explore is now frcnn_edu.lessons.explore; the old name goes with version 0.2"
        warnings.warn(message, DeprecationWarning, stacklevel=2)
        return importlib.import_module("frcnn_edu.lessons.explore")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
