import pytest
import torch
from matplotlib.figure import Figure

from frcnn_edu.viz import sheet
from frcnn_edu.viz import style as st


def test_a_page_is_measured_in_inches_from_the_top() -> None:
    page = sheet.Page(4.0)
    box = page.panel(1, 0.5, 2, 1).get_position()
    assert [box.x0, box.width] == pytest.approx([1 / 8, 2 / 8])
    assert [box.y0, box.height] == pytest.approx([1 - 1.5 / 4, 1 / 4])
    assert page.sheet.get_ylim() == (4.0, 0.0)


def test_a_grid_has_a_line_on_every_border() -> None:
    ax = Figure().add_subplot()
    sheet.draw_grid(ax, rows=2, columns=3, stride=(10.0, 4.0))
    lines = [segment.tolist() for segment in ax.collections[0].get_segments()]
    assert len(lines) == 3 + 4
    assert [[12.0, 0.0], [12.0, 20.0]] in lines
    assert [[0.0, 20.0], [12.0, 20.0]] in lines


def test_a_table_writes_each_number_in_its_cell() -> None:
    ax = Figure().add_subplot()
    sheet.number_table(ax, torch.tensor([[1.0, -2.0], [0.25, 0.0]]), 1.0, 2.0, 0.5, "four", tint=st.ANCHOR)
    placed = {text.get_text(): text.get_position() for text in ax.texts}
    assert placed["−2"] == pytest.approx((1.75, 2.26))
    assert placed[".25"] == pytest.approx((1.25, 2.76))
    assert "four" in placed
    assert [patch.get_facecolor()[3] for patch in ax.patches[:4]] == pytest.approx([0.25, 0.5, 0.0625, 0.0])


def test_bare_leaves_nothing_but_the_content() -> None:
    ax = Figure().add_subplot()
    sheet.bare(ax)
    assert len(ax.get_xticks()) == 0
    assert not any(spine.get_visible() for spine in ax.spines.values())
