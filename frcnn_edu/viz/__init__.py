"""What draws: one look for all figures, boxes and labels, figures as files."""

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
