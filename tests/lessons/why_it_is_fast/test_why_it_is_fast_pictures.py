import numpy as np
import pytest
import torch
from matplotlib.figure import Figure

from frcnn_edu.lessons.why_it_is_fast import work
from frcnn_edu.lessons.why_it_is_fast.pictures import anchors, cells, counts
from frcnn_edu.viz.output import figure_to_png

GRIDS = [(200, 272), (100, 136), (50, 68), (25, 34), (13, 17)]


@pytest.fixture(scope="module")
def layers() -> list[work.Layer]:
    return work.convolutions_of_full_model()


def words(figure: Figure) -> list[str]:
    return [text.get_text() for ax in figure.axes for text in ax.texts] + [
        ax.get_title(loc=side) for ax in figure.axes for side in ("left", "center")
    ]


def test_the_weights_of_a_bin_are_written_in_its_cells() -> None:
    box = torch.tensor([3.2, 2.3, 31.2, 31.0])
    figure = cells.plot_bin([("large", box, 3, 3)])
    numbers = [float(text.get_text()) for text in figure.axes[0].texts]
    assert len(numbers) == 16
    assert sum(numbers) == pytest.approx(1, abs=0.008)
    assert figure.axes[0].get_title(loc="left") == "large: a bin of 16 cells"
    places = np.array([text.get_position() for text in figure.axes[0].texts]).astype(int)
    assert len({tuple(place) for place in places}) == 16  # each in a cell of its own


def test_memory_positions_are_where_the_numbers_are() -> None:
    x = torch.randn(2, 3, 4, 5).contiguous(memory_format=torch.channels_last)
    memory = torch.as_strided(x, (x.numel(),), (1,))
    assert torch.equal(memory[work.memory_positions(x)], x)
    figure = cells.plot_memory_order(torch.zeros(1, 3, 3, 4), cell=(1, 2))
    marked = [t.get_text() for ax in figure.axes for t in ax.texts if t.get_fontweight() == "bold"]
    assert marked == ["6", "18", "30", "6", "18", "30", "18", "19", "20", "18", "19", "20"]


def test_touched_cells_are_counted_in_the_titles() -> None:
    touched = [torch.zeros(grid) for grid in GRIDS]
    touched[0][3, 4:9] = 1
    figure = anchors.plot_touched(touched, torch.tensor([[10.0, 10, 90, 50]]))
    assert "P2: 5 of 54,400 cells" in words(figure)
    assert "pool: 0 of 221 cells" in words(figure)


def test_the_table_shows_which_rows_are_held(layers: list[work.Layer]) -> None:
    iou = torch.rand(10, 400)
    for piece, rows in ((0, 4), (2, 2)):  # the last has two left
        figure = anchors.plot_table_of_ious(iou, 4, piece, [300, 60, 20, 15, 5], columns=100)
        assert f"in memory:\n{rows} rows" in words(figure)
        shown = figure.axes[1].images[0].get_array()
        upto = iou[: 4 * piece + rows].view(-1, 100, 4).amax(dim=(0, 2))
        assert np.allclose(shown[0], upto)


@pytest.mark.slow
def test_the_other_pictures_say_their_numbers(layers: list[work.Layer]) -> None:
    survivors = counts.plot_survivors([("many", 12_345, "#000000", "textbook"), ("few", 67, "#000000", "exact")])
    assert {"12,345", "67", "decoded by the exact class", "decoded by the textbook class"} <= set(words(survivors))
    dots = counts.plot_synchronisations({"detecting": (10, 7)})
    assert [len(row.get_offsets()) for row in dots.axes[0].collections] == [10, 7]
    savings = counts.plot_savings(layers, [work.Saving("bytes held", 4e8, 5e7, "bytes", "model/fast/matching.py")])
    assert "400 MB → 50 MB" in words(savings)
    folding = counts.plot_folding(layers)
    assert len(folding.axes[0].patches) == 2 * 53
    assert all(len(figure_to_png(figure, dpi=50)) > 1000 for figure in (survivors, dots, savings, folding))


def test_held_bytes_are_named() -> None:
    figure = counts.plot_held({"layer2": (200_000_000, 120_000_000), "FPN": (90_000_000, 60_000_000)})
    assert {"layer2", "FPN", "200 MB → 120 MB", "90 MB → 60 MB"} <= set(words(figure))
