"""Figures of notebook 06 show the tensors that they are given."""

from typing import Any

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from frcnn_edu.lessons.rpn_head.pictures import cells as rpn_head_cells
from frcnn_edu.lessons.rpn_head.pictures import main as rpn_head
from frcnn_edu.lessons.rpn_head.pictures import order as rpn_head_order
from frcnn_edu.lessons.story import followed, story
from frcnn_edu.viz import style as st


def texts(figure: Figure) -> list[str]:
    return [text.get_text() for ax in figure.axes for text in ax.texts] + [ax.get_title("left") for ax in figure.axes]


def maps_in(figure: Figure) -> list[np.ndarray]:
    return [np.asarray(image.get_array()) for ax in figure.axes for image in ax.images]


def heights(ax: Any) -> list[float]:
    return [bar.get_height() for bar in ax.patches]


def shows(figure: Figure, values: torch.Tensor) -> bool:
    """Whether one of the maps in the figure is this one."""
    wanted = values.detach().numpy()
    return any(m.shape == wanted.shape and np.allclose(m, wanted, atol=1e-6) for m in maps_in(figure))


@pytest.fixture(scope="module")
def head() -> rpn_head.RPNHead:
    return rpn_head._head()


def test_head_shows_every_map_and_the_numbers_of_the_cell(head: rpn_head.RPNHead) -> None:
    features = story().trace.pyramid["2"]
    figure = rpn_head.plot_rpn_head(features, head, "2", (3, 5))
    with torch.no_grad():
        (logits,), (deltas,) = head([features])
    assert len(maps_in(figure)) == 5 + 5 + 3 + 12
    for anchor in range(3):
        assert shows(figure, logits[0, anchor].sigmoid())
        assert f"{float(logits[0, anchor, 3, 5]):.1f}" in texts(figure)
    for channel in range(12):
        assert shows(figure, deltas[0, channel])
        assert f"{float(deltas[0, channel, 3, 5]):.2f}".replace("-", "−") in texts(figure)
    assert {"1×64×8×10", "1×3×8×10: is something there?", "36,928 parameters"} <= set(texts(figure))


def test_head_over_levels(head: rpn_head.RPNHead) -> None:
    pyramid = story().trace.pyramid
    figure = rpn_head.plot_over_levels(pyramid, head, (128, 160), anchor=2)
    objectness, deltas = head(list(pyramid.values()))
    assert len(maps_in(figure)) == 5 * 6
    for logits, moves in zip(objectness, deltas, strict=True):
        assert shows(figure, logits[0].sigmoid().amax(dim=0))
        assert all(shows(figure, moves[0, 8 + k]) for k in range(4))
    assert {*st.LEVELS, "32×40", "2×3", "dw"} <= set(texts(figure)) | {ax.get_title() for ax in figure.axes}
    assert any("37,903" in text for text in texts(figure))


def test_one_cell_adds_up(head: rpn_head.RPNHead) -> None:
    features = story().trace.pyramid["2"]
    at = followed()
    figure = rpn_head.plot_one_cell(features, head, "2", (at.row, at.column), at.shape)
    _, hidden, steps = figure.axes
    logit = float(head([features])[0][0][0, at.shape, at.row, at.column].detach())
    assert sum(heights(steps)) == pytest.approx(logit, abs=1e-3)
    values = head.conv(features)[0, :, at.row, at.column]
    assert np.allclose(heights(hidden), values.detach().numpy(), atol=1e-3)
    assert len(steps.patches) == 1 + int((values > 0).sum())


def test_objectness_by_shape_marks_cells() -> None:
    objectness, marked = story().trace.objectness, [followed(), followed().winner]
    figure = rpn_head_cells.plot_objectness_by_shape((128, 160), objectness, story().boxes, marked)
    assert len(maps_in(figure)) == 15
    for i, ax in enumerate(figure.axes):
        shape, level = divmod(i, 5)
        assert np.allclose(np.asarray(ax.images[0].get_array()), objectness[level][0, shape].sigmoid().numpy())
        assert len(ax.collections) == (
            3 if i in (6, 7) else 1
        )  # the ground truth, and in two panels a cell with its halo
    corners = np.asarray(figure.axes[7].collections[-1].get_paths()[0].vertices)
    assert corners[:, 0].min() == 7 * 16
    assert corners[:, 1].max() == 5 * 16


def numbers(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.axes[0].texts if text.get_text().isdigit()]


def test_order_has_the_loop_s_list_and_counts_the_misplaced() -> None:
    tiny = torch.arange(12).view(1, 2, 2, 3)
    figure = rpn_head_order.plot_order(tiny)
    slow = [str(int(tiny[0, a, y, x])) for y in range(2) for x in range(3) for a in range(2)]
    shown = numbers(figure)
    assert shown[:12] == [str(n) for n in range(12)]  # the channels
    assert shown[12:24] == shown[24:36] == slow  # the table, row by row, and the list
    assert shown[36:] == [str(n) for n in range(12)]
    assert "reshape alone: 10 of 12 misplaced" in texts(figure)
    assert sum(line.get_color() == st.DETECTION for line in figure.axes[0].lines) == 10


@pytest.mark.parametrize(("index", "answers"), [(4942, ["level P4", "row 4", "column 7", "anchor 1"]),
                                                (0, ["level P2", "row 0", "column 0", "anchor 0"]),
                                                (5117, ["level pool", "row 1", "column 2", "anchor 2"])])  # fmt: skip
def test_place_names_level_row_column_anchor(index: int, answers: list[str]) -> None:
    grids = [(32, 40), (16, 20), (8, 10), (4, 5), (2, 3)]
    figure = rpn_head_order.plot_place(index, grids, 3)
    assert [t for t in texts(figure) if t in answers] == answers
    frames = [p for p in figure.axes[0].patches if isinstance(p, Rectangle) and not p.get_fill()]
    assert len(frames) == 4
    rows = grids[["P2", "P3", "P4", "P5", "pool"].index(answers[0].split()[1])][0]
    assert frames[1].get_width() == pytest.approx(rpn_head_order.WIDE / rows)
