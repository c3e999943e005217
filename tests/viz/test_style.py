import threading
from itertools import pairwise

import matplotlib
import pytest
from matplotlib.colors import to_rgb

from frcnn_edu.viz import style as st


def _contrast(first: str, second: str) -> float:
    def luminance(color: str) -> float:
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(color)]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    dark, light = sorted((luminance(first), luminance(second)))
    return (light + 0.05) / (dark + 0.05)


def test_meanings_have_different_colors() -> None:
    meanings = [
        st.ANCHOR,
        st.PROPOSAL,
        st.GROUND_TRUTH,
        st.DETECTION,
        st.FOREGROUND,
        st.IGNORED,
        st.BACKGROUND,
        st.FOCUS,
    ]
    assert len(set(meanings)) == len(meanings)
    assert len(set(st.LEVELS.values())) == len(st.LEVELS)
    assert len(set(st.STAGES.values())) == len(st.STAGES)
    assert st.GROUND_TRUTH not in {st.class_color(label) for label in range(1, 9)}


def test_levels_get_lighter_from_fine_to_coarse() -> None:
    lightness = [_contrast(color, "#000000") for color in st.LEVELS.values()]
    assert lightness == sorted(lightness)
    assert all(after / before > 1.25 for before, after in pairwise(lightness))


@pytest.mark.parametrize(
    ("key", "name"), [("0", "P2"), (0, "P2"), ("3", "P5"), ("pool", "pool"), (4, "pool"), ("P4", "P4")]
)
def test_level_color_takes_the_models_and_the_papers_names(key: str | int, name: str) -> None:
    assert st.level_color(key) == st.LEVELS[name]


def test_level_color_refuses_an_unknown_level() -> None:
    with pytest.raises(ValueError, match="'P7'"):
        st.level_color("P7")


def test_every_label_is_readable_on_its_color() -> None:
    used = [*st.LEVELS.values(), *st.STAGES.values(), *(st.class_color(label) for label in range(10))]
    assert min(_contrast(color, st.text_color(color)) for color in used) >= 4.5


def test_style_is_left_behind_in_no_thread() -> None:
    before = dict(matplotlib.rcParams)

    def enter() -> None:
        for _ in range(20):
            with st.style():
                assert matplotlib.rcParams["axes.edgecolor"] == st.MUTED

    threads = [threading.Thread(target=enter) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert dict(matplotlib.rcParams) == before
