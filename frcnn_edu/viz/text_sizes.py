"""How large the words of a figure are on the page."""

from typing import Any

from matplotlib.backend_bases import RendererBase
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties

PAGE = 100  # pixels per inch: a figure 8 inches wide is shown 800 pixels wide


class _Listener(RendererBase):
    """Draws nothing, and records the size of each text that would be drawn."""

    def __init__(self, figure: Figure) -> None:
        super().__init__()
        self.size = figure.get_size_inches() * 72
        self.points: list[float] = []

    def draw_text(self, gc: Any, x: float, y: float, s: str, prop: FontProperties, *rest: Any, **options: Any) -> None:
        if s.strip() and gc.get_alpha() != 0:
            self.points.append(prop.get_size_in_points())

    def draw_path(self, *what: Any, **options: Any) -> None:
        """Lines and areas have no words."""

    def draw_image(self, *what: Any, **options: Any) -> None:
        """Nor have images."""

    def get_canvas_width_height(self) -> tuple[float, float]:
        return float(self.size[0]), float(self.size[1])

    def points_to_pixels(self, points: Any) -> Any:
        return points


def smallest_word(figure: Figure) -> float | None:
    """The height of the smallest text in pixels of the page, rounded to a tenth; None if the figure has no text."""
    listener = _Listener(figure)
    figure.draw(listener)
    return round(min(listener.points) * PAGE / 72, 1) if listener.points else None
