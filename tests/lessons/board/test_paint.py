"""The still picture shows what the scene holds, where it holds it."""

import io

import numpy as np
import pytest
import torch
from PIL import Image

from frcnn_edu.lessons.board import scene
from frcnn_edu.lessons.board.paint import paint
from frcnn_edu.lessons.board.scene import Axis, Boxes, Grid, Handle, Layer, Lines, Panel, Points, Scene, Words
from frcnn_edu.viz.output import figure_to_png

RED = "#ff0000"


def pixels(*layers: Layer, handles: tuple[Handle, ...] = (), **panel: object) -> np.ndarray:
    """(H, W, 3) of a page with one panel of 200×100 units at (100, 50); a unit is a pixel, and 10 units one of data."""
    one = Panel("one", (100, 50, 200, 100), (0, 0, 20, 10), layers, **panel)  # type: ignore[arg-type]
    png = figure_to_png(paint(Scene(200, [one], handles=handles)), dpi=100)
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)


def red(picture: np.ndarray) -> np.ndarray:
    """(H, W): where the picture is red."""
    return (picture[..., 0] > 200) & (picture[..., 1:] < 60).all(axis=2)


def test_a_unit_is_a_pixel() -> None:
    picture = pixels(Boxes(torch.tensor([[5.0, 2, 15, 8]]), RED, 0, fill=1))
    ys, xs = np.nonzero(red(picture))
    assert picture.shape[1] == 800
    assert (xs.min(), xs.max(), ys.min(), ys.max()) == pytest.approx((150, 249, 70, 129), abs=1)


@pytest.mark.parametrize(
    "layer",
    [
        Boxes(torch.tensor([[5.0, 2, 15, 8]]), RED, 3),
        Boxes(torch.tensor([[5.0, 2, 15, 8]]), RED, 3, dashed=True),
        Points(torch.tensor([[10.0, 5]]), RED, 5),
        Points(torch.tensor([[10.0, 5]]), RED, 6, "ring"),
        Points(torch.tensor([[10.0, 5]]), RED, 6, "cross"),
        Points(torch.tensor([[10.0, 5]]), RED, 6, "square"),
        Lines(torch.tensor([[[2.0, 5], [18, 5]]]), RED, 3, arrow=True),
        Lines(torch.tensor([[[2.0, 5], [18, 5]]]), RED, 3, dashed=True),
        Grid(5, 10, (0, 0, 20, 10), RED, 2, 1.0),
        Words(torch.tensor([[5.0, 5]]), ["WORDS"], RED, 24, bold=True),
        Words(torch.tensor([[5.0, 5]]), ["WORDS"], chip=RED, size=24),
        scene.Picture(torch.tensor([[[255, 0, 0]]], dtype=torch.uint8).expand(2, 2, 3), (5, 2, 15, 8)),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_every_layer_is_seen_and_stays_in_its_panel(layer: Layer) -> None:
    seen = red(pixels(layer))
    assert seen.sum() > 20
    seen[48:152, 98:302] = False
    assert not seen.any()
    assert not red(pixels()).any()


def test_later_layers_lie_above() -> None:
    below, above = (
        Boxes(torch.tensor([[0.0, 0, 20, 10]]), RED, 0, fill=1),
        Boxes(torch.tensor([[0.0, 0, 20, 10]]), "#000000", 0, fill=1),
    )
    assert not red(pixels(below, above)).any()
    assert red(pixels(above, below)).any()


def test_handles_titles_and_axes_are_drawn() -> None:
    handle = Handle("box", "one", torch.tensor([5.0, 4, 15, 8]), RED, "box")
    assert red(pixels(handles=(handle,))).sum() > 100
    plain = pixels()
    for extra in (
        {"title": "Title"},
        {"caption": "caption"},
        {"x_axis": Axis("x", (0, 10), ("0", "10"))},
        {"frame": RED},
    ):
        assert (pixels(**extra) != plain).any(), extra


def test_formula_and_words_stand_below() -> None:
    panel = Panel("one", (100, 50, 200, 100), (0, 0, 20, 10))
    short = figure_to_png(paint(Scene(200, [panel])), dpi=100)
    long = figure_to_png(paint(Scene(200, [panel], ["a = 1", "b = 2"], ["word " * 60])), dpi=100)
    low, high = (Image.open(io.BytesIO(png)).height for png in (short, long))
    assert high == low + 2 * 20 + 2 * 17 + 17  # two lines, and three of words
