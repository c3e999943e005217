import numpy as np
import pytest
import torch
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection

from frcnn_edu import AnchorGenerator, box_iou
from frcnn_edu.lessons.base_anchors.pictures import main as pictures
from frcnn_edu.lessons.base_anchors.pictures import shapes
from frcnn_edu.model.faster_rcnn import fpn_anchors
from frcnn_edu.viz import style as st
from frcnn_edu.viz.output import figure_to_png

RATIOS = (0.5, 1.0, 2.0)
COURSE = (12, 24, 48, 80, 112)


def drawn(ax: Axes) -> list[list[float]]:
    """The boxes outlined on `ax`, xyxy."""
    paths = [path for found in ax.collections if isinstance(found, PolyCollection) for path in found.get_paths()]
    return [[*path.vertices[:4].min(axis=0).tolist(), *path.vertices[:4].max(axis=0).tolist()] for path in paths]


def words(ax: Axes) -> list[str]:
    return [text.get_text() for text in ax.texts]


def test_all_fifteen_are_drawn_where_they_are() -> None:
    figure = pictures.plot_base_anchors([("one", fpn_anchors(COURSE), (120, 160))])
    (ax,) = figure.axes
    assert sorted(drawn(ax)) == sorted(torch.cat(fpn_anchors(COURSE).cell_anchors).tolist())
    assert [text for text in words(ax) if text.isdigit()] == [str(size) for size in reversed(COURSE)]
    assert "an image of\n120×160" in words(ax)
    # the key is in the levels' colours, right of the image
    key = [line for line in ax.lines if len(line.get_xydata()) == 2]
    assert [line.get_color() for line in key] == [st.LEVELS[name] for name in ("pool", "P5", "P4", "P3", "P2")]
    assert min(line.get_xdata()[0] for line in key) > 80


def test_the_opening_shows_both_models() -> None:
    titles = [ax.get_title(loc="left") for ax in pictures.base_anchors().axes]
    assert titles == ["the full model: 32, 64, 128, 256, 512", "the small model: 12, 24, 48, 80, 112"]


def test_boxes_of_one_size_have_their_corners_on_one_curve() -> None:
    figure = pictures.same_area()
    corners = [line.get_xydata()[0] for line in figure.axes[0].lines if line.get_marker() == "o"]
    assert [w * h for w, h in corners] == pytest.approx([1024] * 3)
    assert [h / w for w, h in corners] == pytest.approx(RATIOS)
    rounded = [drawn(ax)[0] for ax in figure.axes[1:]]
    assert rounded == AnchorGenerator(((32,),), (RATIOS,)).cell_anchors[0].tolist()
    texts = [text.get_text() for text in figure.texts]
    assert "[−23, −11, 23, 11]" in texts
    assert "22×46 = 1012 pixels" in texts


def test_area_errors() -> None:
    errors = pictures.area_errors((32, 12), RATIOS)
    wanted = [[1012 / 1024 - 1, 128 / 144 - 1], [0, 0], [1012 / 1024 - 1, 128 / 144 - 1]]
    assert torch.allclose(errors, 100 * torch.tensor(wanted))


def test_rounding_shows_errors_and_squares() -> None:
    figure = pictures.plot_rounding([("one", (32,)), ("other", COURSE)])
    sheet, staircase = figure.axes
    assert words(sheet).count("−11") == 2
    assert words(sheet).count("−1.2") == 2
    tints = {text.get_text(): cell.get_facecolor()[3] for text, cell in zip(sheet.texts[:3], sheet.patches[:3])}
    assert tints["−1.2"] < 0.06  # of the 0.5 that −11 has: both tables share one colour scale
    dots = [tuple(line.get_xydata()[0]) for line in staircase.lines if line.get_marker() == "o"]
    assert (25, 24) in dots
    assert (27, 28) in dots
    assert (26, 26) in dots
    assert all(side == (size if size % 2 == 0 else 4 * round(size / 4)) for size, side in dots)


def test_order_is_that_of_the_generator() -> None:
    figure = pictures.plot_order((32, 64), RATIOS)
    boxes = AnchorGenerator(((32, 64),), (RATIOS,)).cell_anchors[0]
    assert [drawn(ax)[0] for ax in figure.axes] == boxes.tolist()
    assert [words(ax) for ax in figure.axes] == [["size 32"], ["size 64"]] * 3
    assert [text.get_text() for text in figure.texts] == ["ratio 0.5", "ratio 1", "ratio 2"]


def test_best_counts_are_in_their_cells() -> None:
    counts = torch.arange(15).view(3, 5)
    figure = pictures.plot_best_counts(counts, COURSE)
    assert [int(words(ax)[0]) for ax in figure.axes] == list(range(15))
    assert [text.get_text() for text in figure.texts] == ["how many of the 105 objects each shape fits best"]
    wide, square, tall = (figure.axes[row * 5].patches[1] for row in range(3))
    assert wide.get_width() > wide.get_height()
    assert square.get_width() == square.get_height()
    assert tall.get_width() < tall.get_height()


def test_shape_iou_is_that_of_centred_boxes() -> None:
    anchors = torch.cat(fpn_anchors(COURSE).cell_anchors)
    best = shapes.best_shape_iou(torch.tensor([[44.0, 33.0], [48.0, 48.0]]), anchors)
    assert torch.allclose(best, torch.tensor([1452 / 2304, 1.0]))


def test_the_map_is_symmetric_for_a_symmetric_set_and_not_for_another() -> None:
    anchors = torch.cat(fpn_anchors(COURSE).cell_anchors)
    assert torch.allclose(shapes.shape_map(anchors, 20), shapes.shape_map(anchors, 20).T, atol=1e-5)
    wide = shapes.shape_map(torch.tensor([[-34.0, -17, 34, 17]]), 20)
    row, column = divmod(int(wide.argmax()), 20)
    assert column > row  # rows are heights


def test_best_shape_shows_map_anchors_objects_and_the_followed_one() -> None:
    anchors = torch.cat(fpn_anchors(COURSE).cell_anchors)
    objects = torch.tensor([[10.0, 20.0], [30.0, 40.0]])
    figure = shapes.plot_best_shape(anchors, objects, torch.tensor([44.0, 33.0]))
    ax = figure.axes[0]
    mesh = ax.collections[0]
    assert np.allclose(mesh.get_array().reshape(160, 160), shapes.shape_map(anchors))
    points = [np.asarray(found.get_offsets()).tolist() for found in ax.collections if len(found.get_offsets()) > 1]
    assert points == [(anchors[:, 2:] - anchors[:, :2]).tolist(), objects.tolist()]
    assert ax.lines[-1].get_xydata().tolist() == [[44, 33]]
    assert "our cross, 33×44:\nbest IoU 0.63" in words(figure.axes[-1])
    assert "an object of the\ntraining set (2)" in words(figure.axes[-1])


def test_equal_sets_of_shapes_make_equal_figures() -> None:
    one = torch.cat(fpn_anchors(COURSE).cell_anchors)
    figure = shapes.plot_shape_choices([("a", one, ""), ("b", one.flip(0), ""), ("c", one[:3], "")])
    first, second, third = (ax.collections[0].get_array() for ax in figure.axes)
    assert np.array_equal(first, second)
    assert not np.array_equal(first, third)


@pytest.mark.slow
def test_training_shapes_are_those_of_the_boxes() -> None:
    found = pictures.training_shapes()
    assert len(found) == len(pictures.training_boxes()) == 1174
    assert box_iou(shapes.around_zero(found[:1]), shapes.around_zero(found[:1])).item() == 1
    assert torch.equal(found, pictures.sides(pictures.training_boxes()))


@pytest.mark.parametrize("name", pictures.FIGURES)
def test_every_figure_can_be_written(name: str) -> None:
    figure = pictures.FIGURES[name]()
    assert figure.get_figwidth() == 8
    assert len(figure_to_png(figure, dpi=40)) > 4000
