"""Drawing: one look for all figures, boxes and labels, and figures as files."""

import warnings
from pkgutil import resolve_name
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


_NOW_IN = {
    "explore": "lessons",
    "dashboard": "watch",
    "plot_losses": "watch",
    "plot_metrics": "watch",
    "plot_runs": "watch",
}


def __getattr__(name: str) -> Any:
    if name not in _NOW_IN:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    new = f"frcnn_edu.{_NOW_IN[name]}.{name}"
    message = f"frcnn_edu.viz.{name} is now {new}; the old name will be removed in version 0.2"
    warnings.warn(message, DeprecationWarning, stacklevel=2)
    # Cached, because `from … import` looks it up twice and would warn twice.
    globals()[name] = found = resolve_name(new)
    return found
