"""Pictures of everything: one file for the look, one for boxes and curves, one for each kind of picture."""

from .curves import plot_losses, plot_metrics, plot_runs
from .draw import detection_sheet, draw_boxes, draw_detections
from .output import figure_to_png, save_figure, show

__all__ = [
    "detection_sheet",
    "draw_boxes",
    "draw_detections",
    "figure_to_png",
    "plot_losses",
    "plot_metrics",
    "plot_runs",
    "save_figure",
    "show",
]
