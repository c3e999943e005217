"""One look for every figure: one colour per meaning, one set of matplotlib settings.

The hues are Okabe and Ito's (Color Universal Design, 2008), which people with any of the common colour-vision
deficiencies can tell apart. The pyramid levels are an ordered ramp (viridis), because they are ordered. No meaning is carried
by colour alone: lines also differ in dashes, levels and stages also carry their names.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib
from matplotlib.colors import to_rgb

from .language import fonts

INK = "#1f2328"  # text, axes
MUTED = "#6b7280"  # captions, arrows
FAINT = "#d5d9e0"  # grids, frames
PAPER = "#ffffff"  # every figure has its own background: it looks the same on a light and on a dark page

#: What a box (or a curve about boxes) means.
ANCHOR = "#56B4E9"
PROPOSAL = "#E69F00"
GROUND_TRUTH = "#009E73"
DASHES = (3.0, 3.0)  # …and is dashed: length of dash and gap, in line widths
DETECTION = "#D55E00"
FOREGROUND = "#0072B2"
IGNORED = "#9aa0a6"
BACKGROUND = "#CC79A7"
FOCUS = "#F0E442"  # the one object being followed

#: One colour per pyramid level, fine to coarse; "0" … "pool" are the model's keys, "P2" … the paper's names.
LEVELS = {"P2": "#472f7d", "P3": "#2e6f8e", "P4": "#21918c", "P5": "#4cc26c", "pool": "#bddf26"}
LEVEL_NAMES = {"0": "P2", "1": "P3", "2": "P4", "3": "P5", "pool": "pool"}

#: One colour per stage: that of what the stage makes.
STAGES = {
    "transform": MUTED,
    "backbone": "#5b4b8a",
    "fpn": LEVELS["P4"],
    "anchors": ANCHOR,
    "rpn": PROPOSAL,
    "roi_align": "#a0522d",
    "roi_heads": DETECTION,
}

#: Feature maps and other fields of values.
FEATURE_CMAP = "magma"

#: Classes in a figure of detections: Paul Tol's "bright" and "muted" hues (2021), none of them a meaning from above.
_CLASSES = ("#4477aa", "#ee6677", "#ccbb44", "#aa3377", "#66ccee", "#882255", "#999933", "#332288")

#: Every colour that stands for something: a figure with a palette keeps these exactly.
MEANINGS = tuple(
    dict.fromkeys(
        [
            *(INK, MUTED, FAINT, PAPER),
            *(ANCHOR, PROPOSAL, GROUND_TRUTH, DETECTION, FOREGROUND, IGNORED, BACKGROUND, FOCUS),
            *(*LEVELS.values(), *STAGES.values(), *_CLASSES),
        ]
    )
)

_RC: dict[Any, Any] = {
    "figure.facecolor": PAPER,
    "figure.dpi": 100,
    "savefig.facecolor": PAPER,
    "font.family": "DejaVu Sans",  # comes with matplotlib, so it is the same on every machine
    "font.size": 9,
    "text.color": INK,
    "text.hinting": "no_hinting",
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelcolor": INK,
    "axes.edgecolor": MUTED,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": FAINT,
    "grid.linewidth": 0.6,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "legend.frameon": False,
    "image.interpolation": "nearest",  # a feature cell is a square: never blur it
    "svg.hashsalt": "frcnn_edu",  # stable ids, so that a figure drawn twice is the same file
}
_RC_LOCK = threading.RLock()


@contextmanager
def style() -> Iterator[None]:
    """Matplotlib's settings for everything in this package, restored on leaving.

    Settings are global to the process, so only one thread at a time is inside. Characters that the usual font lacks are taken from
    those of the reader's language.
    """
    family = [_RC["font.family"], *fonts()]
    with _RC_LOCK, matplotlib.rc_context({**_RC, "font.family": family}):
        yield


def class_color(label: int) -> str:
    """Colour of class `label` (1 is the first real class, 0 the background); repeats after eight classes."""
    return MUTED if label == 0 else _CLASSES[(label - 1) % len(_CLASSES)]


def level_color(key: str | int) -> str:
    """Colour of a pyramid level, by the model's key ("0" … "3", "pool"), its index or the paper's name ("P2" …)."""
    name = str(key)
    name = LEVEL_NAMES.get("pool" if name == "4" else name, name)
    if name not in LEVELS:
        raise ValueError(f"unknown pyramid level {key!r}; expected one of {[*LEVEL_NAMES, *LEVELS]}")
    return LEVELS[name]


def text_color(background: str) -> str:
    """Black or white, whichever reads better on `background` (WCAG relative luminance)."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(background)]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return "#000000" if luminance > 0.179 else "#ffffff"
