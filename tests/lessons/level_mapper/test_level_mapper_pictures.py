"""The figures of notebook 10 show what the code gives."""

import numpy as np
import pytest
import torch
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure

from frcnn_edu import LevelMapper
from frcnn_edu.lessons.level_mapper.pictures import boxes as boxes_
from frcnn_edu.lessons.level_mapper.pictures import equation, scales, ways
from frcnn_edu.lessons.level_mapper.pictures import main as pictures
from frcnn_edu.lessons.logbook import winning_anchor
from frcnn_edu.lessons.story import followed, story
from frcnn_edu.model.roi_align import infer_scale
from frcnn_edu.viz.trace import moved_anchors


def words(figure: Figure) -> list[str]:
    return [text.get_text() for ax in figure.axes for text in ax.texts]


def test_every_figure_is_a_page_wide() -> None:
    assert next(iter(pictures.FIGURES)) == "level_mapper"
    for draw in pictures.FIGURES.values():
        assert draw().get_figwidth() == 8


def test_each_proposal_is_one_of_the_moved_anchors() -> None:
    seen, model = story().trace, story().model
    moved = moved_anchors(seen, model)
    nearest = torch.cdist(seen.proposals, moved, p=float("inf")).amin(dim=1)
    assert nearest.max() < 1e-3
    levels = ways.anchor_levels(seen, model)
    ends = [0, *torch.tensor([len(anchors) for anchors in seen.anchors]).cumsum(0).tolist()]
    for proposal, level in zip(seen.proposals[::29], levels[::29].tolist(), strict=True):
        own = moved[ends[level] : ends[level + 1]]
        assert torch.cdist(proposal[None], own, p=float("inf")).min() < 1e-3


def test_flow_counts_pairs() -> None:
    table = ways.flow(torch.tensor([0, 4, 4, 2]), torch.tensor([0, 3, 3, 1]))
    assert table.shape == (5, 4)
    assert (table[0, 0], table[4, 3], table[2, 1], table.sum()) == (1, 2, 1, 4)


def test_opening_shows_the_anchor_and_its_proposal() -> None:
    figure = pictures.level_mapper()
    seen, where = story().trace, followed()
    anchor, box = winning_anchor(), seen.proposals[where.proposal]
    drawn = [[c for c in ax.collections if isinstance(c, PolyCollection)] for ax in figure.axes[1:]]
    for (outline,), expected in zip([d[-1:] for d in drawn], (anchor, box), strict=True):
        assert np.allclose(outline.get_paths()[0].vertices[[0, 2]].flatten(), expected)
    told = words(figure)
    assert {"the winner, an anchor on P3", "its proposal is read from P2", "all 300 proposals"} <= set(told)
    for index, number in enumerate(seen.levels.bincount(minlength=4).tolist()):
        assert f"P{index + 2}: {number}" in told


def test_equation_has_the_numbers_of_the_box() -> None:
    figure = equation.plot_level_equation(torch.tensor([10.0, 10, 60, 82]), 112)  # side 60
    formula = next(text for text in words(figure) if "lfloor" in text)
    assert r"50.0 \cdot 72.0" in formula
    assert "3.10" in formula
    assert formula.endswith("= 3$")
    stairs = [line for line in figure.axes[1].lines if len(set(line.get_ydata())) == 1 and len(line.get_xdata()) == 2]
    assert [line.get_ydata()[0] for line in stairs] == list(range(-1, 7))
    for line in stairs[1:-1]:
        start, end = line.get_xdata()
        middle = (start * end) ** 0.5
        square = torch.tensor([[0, 0, middle, middle]])
        assert equation.wanted_levels(square, 112).item() == line.get_ydata()[0]
        assert end == pytest.approx(2 * start)


def test_clamp_counts_the_proposals() -> None:
    figure = equation.plot_clamp(torch.tensor([-1, 0, 2, 3, 3, 6, 6, 6]))
    assert "for 5 of 8 proposals, the formula gives a level without a map" in words(figure)
    discs = {tuple(c.get_offsets()[0]): c.get_sizes()[0] for c in figure.axes[1].collections}
    assert set(discs) == {(level, min(max(level, 2), 5)) for level in range(-1, 8)}
    assert discs[(6, 5)] > discs[(3, 3)] > discs[(2, 2)] > discs[(4, 4)]


def test_each_box_is_drawn_on_the_cells_of_its_level() -> None:
    boxes = pictures.boxes_at_800()
    levels = LevelMapper(2, 5)([boxes]) + 2
    figure = pictures.boxes_to_levels()
    panels = figure.axes[2:]
    assert len(panels) == len(boxes) == 8
    for ax, i in zip(panels, boxes_.sides(boxes).argsort(stable=True).tolist(), strict=True):
        outline = [c for c in ax.collections if isinstance(c, PolyCollection)][-1]
        corners = outline.get_paths()[0].vertices[[0, 2]].flatten()
        assert np.allclose(corners, boxes[i] / 2.0 ** levels[i], atol=1e-4)
        assert np.ptp(ax.get_xlim()) == pytest.approx(np.ptp(panels[0].get_xlim()))
    assert any("sides of 91 to 923 pixels" in text for text in words(figure))


def test_bars_are_the_boxes() -> None:
    sides = torch.tensor([20.0, 30, 60, 100])
    figure = boxes_.plot_cells_spanned(sides, (112, 28))
    for ax, cells in zip(figure.axes, ([5, 7.5, 7.5, 12.5], [2.5, 1.875, 1.875, 3.125]), strict=True):
        heights = {patch.get_x(): 0.0 for patch in ax.patches}
        for patch in ax.patches:
            heights[patch.get_x()] += patch.get_height()
        expected = np.histogram(cells, np.arange(0, 20.5, 0.5))[0]
        assert list(heights.values()) == expected.tolist()
    assert figure.axes[0].get_title(loc="left") == "canonical_scale 112"


def test_scales_are_those_that_are_inferred() -> None:
    figure = scales.plot_scale_rounding([("a", 120, (32, 16, 8, 4)), ("b", 1201, (304, 152, 76, 38))])
    points = [tuple(line.get_xydata()[0]) for line in figure.axes[1].lines if len(line.get_xdata()) == 1]
    assert points[:4] == [(rows / 120, infer_scale(rows, 120)) for rows in (32, 16, 8, 4)]
    assert [y for _, y in points[4:]] == [1 / 4, 1 / 8, 1 / 16, 1 / 32]
    assert any("-1.91" in text and "1/4" in text for text in words(figure))


def test_wrong_heights_are_marked() -> None:
    assert scales.padded(33) == 64
    assert scales.padded(64) == 64
    figure = scales.plot_scale_of_height(70)
    assert [text for text in words(figure) if text.startswith("wrong")] == [
        "wrong:\n1…22",
        "wrong:\n33…45",
        "wrong:\n65…67",
    ]
    dots = figure.axes[1].lines[0]
    assert dots.get_ydata()[10] == scales.scale_of_height(11) == 1.0


def test_box_is_drawn_in_cells_of_either_way() -> None:
    box = torch.tensor([20.0, 12, 36, 24])
    figure = scales.plot_where_it_is_read(box, [("one", 0, 1 / 4), ("two", 2, 1 / 2)], story().trace.pyramid)
    for ax, scale, key in zip(figure.axes[1:], (1 / 4, 1 / 2), "02", strict=True):
        assert np.allclose(ax.collections[-1].get_paths()[0].vertices[[0, 2]].flatten(), box * scale)
        assert ax.images[0].get_array().shape == story().trace.pyramid[key].shape[-2:]
        assert ax.get_xlim() == (-0.5, 40.5)
    assert "P4 has 8×10 cells; the box: rows 6.0–12.0, columns 10.0–18.0" in words(figure)
