"""Which class inherits from which, and what the four parts of the model are made of."""

import copy
import inspect
import textwrap
from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch, Rectangle
from torch import nn

from frcnn_edu.model import FasterRCNN
from frcnn_edu.model.fast import run_as
from frcnn_edu.viz import style as st
from frcnn_edu.viz.draw import WIDTH
from frcnn_edu.viz.sheet import Page

OURS = __name__.partition(".")[0]  # this package


def draw_class_structure(model: FasterRCNN) -> Figure:
    """Which class inherits from which, and what each of the four parts is made of, read from a real model that runs as the textbook."""
    model = run_as(copy.deepcopy(model), "textbook")  # type: ignore[assignment]
    with st.style():
        page = Page(5.6)
        # torchvision's classes of the same names are in between, only for `isinstance`: none of their code runs.
        ours = [cls for cls in type(model).__mro__ if cls.__module__.startswith(OURS)]
        family = [*ours, nn.Module]
        wide, gap = 2.2, 0.6
        left = (WIDTH - len(family) * wide - (len(family) - 1) * gap) / 2
        for index, cls in enumerate(family):
            x = left + index * (wide + gap)
            _card(page, x, 0.25, wide, 0.78, st.INK, "nn.Module" if cls is nn.Module else cls.__name__, _adds(cls))
            if index:
                page.text(x - gap / 2, 0.45, "is a", ha="center", color=st.MUTED, fontsize=8)
                page.arrow((x - gap + 0.05, 0.68), (x - 0.06, 0.68))

        parts = list(model.named_children())
        wide, gap = 1.9, 0.08
        for index, (name, part) in enumerate(parts):
            x = gap + index * (wide + gap)
            color = st.STAGES[name]
            center = x + wide / 2
            page.arrow((left + wide / 2, 1.05), (left + wide / 2, 1.3), (center, 1.3), (center, 1.5))
            inside = _inside(part)
            _card(page, x, 1.53, wide, 1.52 + 0.405 * len(inside), color, name, "")
            page.text(x + 0.1, 1.83, type(part).__name__, fontsize=7.6, fontweight="bold")
            page.text(x + 0.1, 2.02, _where(type(part)), fontsize=7.2, color=st.MUTED)
            page.text(x + 0.1, 2.24, textwrap.fill(_purpose(type(part)), 29), fontsize=7.4, linespacing=1.25)
            for row, (attribute, value) in enumerate(inside):
                _small_card(page, x + 0.05, 2.98 + row * 0.405, wide - 0.1, attribute, value, color)
        page.text(
            gap + 0.04, 5.2, "thick frame: with weights\nthin frame: without weights", fontsize=7.4, color=st.MUTED
        )
    return page.figure


def _card(page: Page, x: float, y: float, wide: float, high: float, color: str, title: str, text: str) -> None:
    page.sheet.add_patch(
        FancyBboxPatch(
            (x, y),
            wide,
            high,
            boxstyle="round,pad=0,rounding_size=0.06",
            facecolor="#f6f8fa",
            edgecolor=color,
            linewidth=1.4,
        )
    )
    page.sheet.add_patch(Rectangle((x, y), wide, 0.25, facecolor=color, edgecolor="none"))
    page.text(
        x + 0.1, y + 0.13, title, fontweight="bold", fontsize=9.5, va="center_baseline", color=st.text_color(color)
    )
    page.text(x + 0.1, y + 0.33, text, fontsize=7.6, linespacing=1.3)


def _small_card(page: Page, x: float, y: float, wide: float, attribute: str, value: object, color: str) -> None:
    has_weights = isinstance(value, nn.Module) and any(True for _ in value.parameters())
    page.sheet.add_patch(
        Rectangle((x, y), wide, 0.36, facecolor=st.PAPER, edgecolor=color, linewidth=1.6 if has_weights else 0.6)
    )
    page.text(x + 0.05, y + 0.045, attribute, fontsize=7.2, fontweight="bold")
    page.text(x + 0.05, y + 0.2, type(value).__name__, fontsize=7.2, color=st.INK)


def _inside(part: nn.Module) -> list[tuple[str, object]]:
    """The attributes of a part that are modules or objects of this package, modules first."""
    package = __name__.split(".")[0]
    helpers = [(n, v) for n, v in vars(part).items() if type(v).__module__.split(".")[0] == package]
    return [*part.named_children(), *helpers]


def _where(cls: type) -> str:
    return f"{Path(inspect.getfile(cls)).parent.name}/{Path(inspect.getfile(cls)).name}"


def _purpose(cls: type) -> str:
    """The first sentence of the docstring of the file that defines a class."""
    text = (inspect.getmodule(cls).__doc__ or "").replace("\n", " ")
    return text.split(". ")[0].rstrip(". ")


def _adds(cls: type) -> str:
    """What a class defines itself, in one or two lines."""
    if cls is nn.Module:
        return "PyTorch's: parameters,\nstate_dict, train and eval"
    methods = [
        n for n, value in vars(cls).items() if inspect.isfunction(value) and (n == "__init__" or not n.startswith("_"))
    ]
    return f"{_where(cls)}\ndefines {', '.join(methods)}"
