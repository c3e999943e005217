"""The figures of notebook 07 show the boxes and numbers that they are given."""

import math

import numpy as np
import pytest
import torch
from matplotlib.axes import Axes
from matplotlib.colors import same_color
from matplotlib.figure import Figure
from torch import Tensor

from frcnn_edu.lessons.box_coding.pictures import main as pictures
from frcnn_edu.ops import BoxCoder
from frcnn_edu.viz import style as st

IMAGE = torch.rand(3, 120, 160, generator=torch.Generator().manual_seed(0))


def texts(figure: Figure) -> list[str]:
    return [text.get_text() for ax in figure.axes for text in ax.texts]


def outlines(ax: Axes, color: str) -> Tensor:
    """The boxes (N, 4) that are outlined in this colour."""
    found = []
    for collection in ax.collections:
        for path, edge in zip(collection.get_paths(), np.atleast_2d(collection.get_edgecolor()), strict=False):
            corners = np.asarray(path.vertices)
            if same_color(edge, color) and len(corners) >= 4:
                found.append([*corners.min(axis=0), *corners.max(axis=0)])
    return torch.tensor(found)


@pytest.mark.parametrize("name", pictures.FIGURES)
def test_figures_are_a_page_wide(name: str) -> None:
    assert pictures.FIGURES[name]().get_figwidth() == pytest.approx(8)


def test_box_coding_draws_both_boxes_and_puts_in_their_numbers() -> None:
    anchor, target = torch.tensor([10.0, 20, 50, 40]), torch.tensor([24.0, 10, 74, 48])
    figure = pictures.plot_box_coding(IMAGE, anchor, target)
    ax = figure.axes[1]
    assert torch.equal(outlines(ax, st.ANCHOR), anchor[None])
    assert torch.equal(outlines(ax, st.GROUND_TRUTH), target[None])
    deltas = [19 / 40, -1 / 20, math.log(50 / 40), math.log(38 / 20)]
    shown = texts(figure)
    assert [pictures.signed(d) for d in deltas] == [t for t in shown if t in {pictures.signed(d) for d in deltas}]
    assert {"49", "29", "30", "40", "20", "50", "38", "19.0", "−1.0"} <= set(shown)
    centres = np.asarray(ax.collections[-1].get_offsets())
    assert centres.tolist() == [[30, 30], [49, 29]]


def test_same_deltas_draws_what_the_coder_decodes() -> None:
    anchors = torch.tensor([[0.0, 0, 10, 10], [30, 0, 50, 40]])
    deltas = torch.tensor([0.5, 0.25, math.log(2), 0.0])
    figure = pictures.plot_same_deltas(anchors, deltas)
    ax = figure.axes[0]
    decoded = BoxCoder((1.0, 1.0, 1.0, 1.0)).decode_single(deltas.expand(2, 4), anchors)
    assert torch.allclose(outlines(ax, st.PROPOSAL).float(), decoded, atol=1e-4)
    assert torch.equal(outlines(ax, st.ANCHOR).float(), anchors)
    assert "10×10 to 10×20:\n5 right, 2.5 down" in texts(figure)
    assert "40×20 to 40×40:\n10 right, 10 down" in texts(figure)


@pytest.mark.parametrize("weights", [(1.0, 1.0, 1.0, 1.0), (10.0, 10.0, 5.0, 5.0)])
def test_clamp_is_level_above_the_limit_and_exp_below(weights: tuple[float, float, float, float]) -> None:
    figure = pictures.plot_delta_clamp(BoxCoder(weights))
    left, right = figure.axes
    exp, clamped = left.lines
    dw, factor = (np.asarray(values, dtype=float) for values in clamped.get_data())
    above = dw > math.log(62.5)
    assert np.allclose(factor[above], 62.5, rtol=1e-4)
    assert np.allclose(factor[~above], np.exp(dw[~above]), rtol=1e-3)
    assert np.allclose(np.asarray(exp.get_ydata()), np.exp(dw), rtol=1e-3)
    widths = [patch.get_width() for patch in right.patches]  # type: ignore[attr-defined]
    assert np.allclose(widths, [16 * min(math.exp(step), 62.5) for step in range(-1, 7)], rtol=1e-3)
    assert "1000, not 2375" in texts(figure)
    assert "874" in texts(figure)


def test_spread_names_each_deviation() -> None:
    targets = torch.randn(500, 4, generator=torch.Generator().manual_seed(0)) * torch.tensor([0.1, 0.5, 1.0, 1.5])
    figure = pictures.plot_target_spread([("first", targets, st.ANCHOR), ("second", 2 * targets, st.PROPOSAL)])
    assert len(figure.axes) == 8
    for i, ax in enumerate(figure.axes):
        row, k = divmod(i, 4)
        spread = float((1 + row) * targets[:, k].std(correction=0))
        assert ax.texts[0].get_text() == f"{pictures.DELTAS[k]}\n±{spread:.2f}"
    assert [figure.axes[i].get_title("left") for i in (0, 4)] == ["first", "second"]


def test_conventions_say_iou_or_that_it_is_no_box() -> None:
    target = torch.tensor([80.0, 40, 120, 80])
    readings = [
        ("right", target),
        ("half", torch.tensor([80.0, 40, 100, 80])),
        ("inside out", torch.tensor([80.0, 40, 40, 40])),
        ("tiny", target / 160),
    ]
    figure = pictures.plot_conventions(IMAGE, target, readings)
    captions = [ax.texts[-1].get_text() for ax in figure.axes]
    assert captions[0].endswith("IoU 1.00")
    assert captions[1].endswith("IoU 0.50")
    assert captions[2] == "(80, 40, 40, 40)  0×−40: no box"
    assert captions[3].endswith("IoU 0.00")
    assert [len(ax.texts) for ax in figure.axes] == [1, 1, 1, 2]  # the tiny one is pointed at
    assert torch.equal(outlines(figure.axes[2], st.DETECTION), torch.tensor([[40.0, 40, 80, 40]]))
    assert all(torch.equal(outlines(ax, st.GROUND_TRUTH), target[None]) for ax in figure.axes)
