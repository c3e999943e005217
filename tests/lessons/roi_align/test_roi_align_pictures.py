"""The figures of notebook 11 show what the code gives."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
import torchvision
from matplotlib.figure import Figure

from frcnn_edu.lessons.roi_align.pictures import curves, points, rounding, windows
from frcnn_edu.lessons.roi_align.pictures import main as pictures
from frcnn_edu.lessons.roi_align.pictures import read as reading
from frcnn_edu.lessons.stages import strength
from frcnn_edu.lessons.story import followed, story
from frcnn_edu.ops import roi_align


def words(figure: Figure) -> list[str]:
    return [text.get_text() for ax in figure.axes for text in ax.texts]


def our_proposal() -> torch.Tensor:
    return story().trace.proposals[followed().proposal]


def test_the_opening_is_the_first_figure() -> None:
    assert next(iter(pictures.FIGURES)) == "roi_align"


def test_windows_are_the_pooled_features() -> None:
    figure = pictures.roi_align()
    chosen = pictures.three_proposals()
    seen = story().trace
    images = [ax.images[0].get_array() for ax in figure.axes[2:]]  # map, window, map, window, map, window
    for proposal, shown in zip(chosen, images[1::2], strict=True):
        features = seen.pyramid[str(int(seen.levels[proposal]))]
        expected = strength(seen.pooled[[proposal]], among=features)
        assert np.allclose(shown, expected, atol=1e-4)
    assert [image.shape for image in images[1::2]] == [(7, 7)] * 3


def test_sampling_points_are_those_of_roi_align() -> None:
    """On maps that hold x and y, the mean of a bin's points is the bin's value."""
    box = torch.tensor([3.2, 4.1, 12.7, 9.9])
    x, y = windows.sampling_points(box)
    ys, xs = torch.meshgrid(torch.arange(20.0), torch.arange(20.0), indexing="ij")
    bins = roi_align(torch.stack((xs, ys))[None], F.pad(box[None], (1, 0)), (7, 7), 1.0, 2)[0]
    assert torch.allclose(x.view(7, 2).mean(dim=1), bins[0, 0], atol=1e-4)
    assert torch.allclose(y.view(7, 2).mean(dim=1), bins[1, :, 0], atol=1e-4)


def test_roi_pool_bins_are_torchvisions() -> None:
    generator = torch.Generator().manual_seed(0)
    features = torch.rand(1, 1, 12, 12, generator=generator)
    for _ in range(20):
        corner, size = 9 * torch.rand(2, generator=generator), 6 * torch.rand(2, generator=generator)
        box = torch.cat((corner, corner + size))
        expected = torchvision.ops.roi_pool(features, F.pad(box[None], (1, 0)), (7, 7), 1.0)[0, 0]
        x1, y1, x2, y2 = box.tolist()
        rows, columns = (rounding.roi_pool_bins(a, b, 7, 12) for a, b in ((y1, y2), (x1, x2)))
        for i, (top, bottom) in enumerate(rows):
            for j, (left, right) in enumerate(columns):
                cells = features[0, 0, top:bottom, left:right]
                assert expected[i, j] == (cells.max() if cells.numel() else 0)


@pytest.mark.parametrize(("value", "whole"), [(2.5, 3), (3.5, 4), (-0.5, -1), (-0.4, 0), (21.45, 21)])
def test_halves_go_away_from_zero(value: float, whole: int) -> None:
    assert rounding.rounded(value) == whole


def test_rounding_is_told_in_pixels() -> None:
    told = " ".join(words(pictures.roi_pool_and_align()))
    assert "−1.8, +0.6, 0.0, −1.0 pixels" in told
    assert "up to 3.4 pixels" in told


def test_point_is_the_sum_of_its_cells() -> None:
    told = words(points.plot_point(torch.tensor([[1.0, 2], [3, 8]]), x=0.75, y=0.5))
    assert "0.125 · 1" in told
    assert "0.375 · 2" in told
    assert "0.125 · 3" in told
    assert "0.375 · 8" in told
    assert f"= {0.125 * 1 + 0.375 * 2 + 0.125 * 3 + 0.375 * 8:.3f}" in told


def test_moved_box_changes_in_jumps_and_smoothly() -> None:
    features, box = story().trace.pyramid["0"], our_proposal()
    shifts = torch.tensor([0.0, 0.1, 0.2, 0.3])
    pooled, aligned = reading.moved_features(features, box, 1 / 4, shifts)
    assert torch.allclose(aligned[0], story().trace.pooled[followed().proposal], atol=1e-4)
    assert (reading.changes(pooled) > 0).tolist() == [False, True, False]
    assert (reading.changes(aligned) > 0).all()
    figure = pictures.box_moved_by_a_pixel()
    assert "RoIPool: 4 jumps, otherwise 0" in words(figure)
    stairs, line = figure.axes[1].lines
    assert len(np.unique(stairs.get_ydata())) <= 5
    assert len(np.unique(line.get_ydata())) > 60


def test_weights_add_up_to_one_a_bin() -> None:
    boxes = torch.tensor([[4.0, 8, 60, 40], [20, 20, 30, 90]])
    weights = reading.cell_weights(boxes, (32, 32), 1 / 4)
    assert weights.sum().item() == pytest.approx(2 * 49, abs=1e-3)
    assert weights[:, 16:].sum() == 0
    told = words(reading.plot_cells_read(boxes[0], boxes, (32, 32), 1 / 4, "0"))
    assert "our cross's proposal: 49 in all" in told
    assert "all 2 proposals on P2" in told


def test_large_boxes_leave_cells_out() -> None:
    told = words(reading.plot_left_out(42, (1, 2, -1)))
    assert told == ["97 % of cells never read", "56 % of cells never read", "every cell is read"]


def test_verdicts_of_the_right_and_of_wrong_levels() -> None:
    told = words(pictures.read_from_the_wrong_level())
    assert [text for text in told if "." in text and "cells" not in text] == [
        "cross 1.00",
        "cross 0.94",
        "background 1.00",
        "background 1.00",
    ]
    pooled, proposal = story().trace.pooled[followed().proposal], our_proposal()
    probabilities, iou = reading.verdict(story().model, pooled, proposal, story().box)
    assert torch.allclose(probabilities, story().trace.class_logits[followed().proposal].softmax(0), atol=1e-4)
    assert iou == pytest.approx(0.94, abs=0.01)


def test_every_channel_has_its_place() -> None:
    pooled = torch.arange(64 * 49).float().view(64, 7, 7)
    figure = reading.plot_channels(pooled, [9, 3])
    sheet = figure.axes[1].images[0].get_array()
    assert np.array_equal(sheet[8:15, 8:15], pooled[9])  # row 1, column 1
    assert np.array_equal(figure.axes[2].images[0].get_array(), pooled[9])
    assert "channel 3" in words(figure)


def test_border_is_repeated_and_then_zero() -> None:
    row = torch.tensor([[[[5.0, 7]]]])
    values = curves.value_at(row, torch.tensor([-1.01, -0.99, 0.5, 1.99, 2.01]))
    assert values.tolist() == [0, 5, 6, 7, 0]
    inside = curves.plot_border([5, 7]).axes[1].lines
    assert any(line.get_ydata()[0] == 5 and line.get_xdata()[0] > -1.01 for line in inside)


def test_aligned_reads_the_middle_of_the_bin() -> None:
    box = torch.tensor([40.0, 40, 96, 96])
    middles = 40 + (torch.arange(7) + 0.5) * 8
    assert torch.allclose(curves.read_ramp(box, 8, True), middles)
    assert torch.allclose(curves.read_ramp(box, 8, False), middles + 4)
    told = words(curves.plot_aligned(torch.tensor([20.0, 20, 48, 48])))
    assert [text for text in told if text.endswith("px")] == ["2 px", "4 px", "8 px", "16 px"]


def test_mean_of_the_wave_is_its_integral() -> None:
    box = torch.tensor([5.3, 6.1, 19.3, 20.1])
    along = [torch.linspace(float(a), float(b), 70001, dtype=torch.float64) for a, b in ((5.3, 19.3), (6.1, 20.1))]
    x, y = (torch.cos(2 * torch.pi / curves.PERIOD * line[:-1]).view(7, 10000).mean(dim=1) for line in along)
    assert torch.allclose(curves.mean_of_wave(box), y[:, None] * x, atol=1e-3)
    assert curves.sampling_error(42, 1) > 0.5 > 0.1 > curves.sampling_error(42, 2)
