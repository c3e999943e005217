"""Best IoUs without the table of all anchors, and anchors fitted to objects."""

import pytest
import torch
from torch import Tensor

from frcnn_edu import AnchorGenerator, box_iou
from frcnn_edu.training.anchor_fit import best_ious, fit_anchors

# Rows, columns and strides of five maps of a padded image of 256 × 320; the last stride is no power of two.
GRIDS = torch.tensor(
    [[64.0, 80, 4, 4], [32, 40, 8, 8], [16, 20, 16, 16], [8, 10, 32, 32], [4, 5, 61, 64]]
)  # fmt: skip


def make_boxes(count: int, seed: int, largest: float = 200.0, shape: float = 1.0) -> Tensor:
    """Boxes in an image of 256 × 320, `shape` times as high as wide on average."""
    generator = torch.Generator().manual_seed(seed)
    random = torch.rand(count, 4, generator=generator)
    sides = torch.exp(random[:, 2:] * torch.tensor(largest / 3).log()) * 3 * torch.tensor([1.0, shape])
    corners = random[:, :2] * torch.tensor([320.0, 256]) - 10
    boxes = torch.cat((corners, corners + sides), dim=1)
    return boxes.clamp(min=0).minimum(torch.tensor([320.0, 256, 320, 256]))


@pytest.mark.parametrize("sizes", [((12,), (24,), (48,), (80,), (112,)), ((16, 31),) * 5], ids=["one", "two"])
def test_best_ious_are_those_of_all_anchors(sizes: tuple) -> None:
    anchors = AnchorGenerator(sizes, ((0.5, 1.0, 2.0),) * 5)
    boxes = make_boxes(300, seed=0)
    boxes = boxes[((boxes[:, 2:] - boxes[:, :2]) > 0.1).all(dim=1)]
    grid = GRIDS.int().tolist()
    everywhere = anchors.grid_anchors([each[:2] for each in grid], [each[2:] for each in grid])
    expected = torch.stack([box_iou(boxes, level).amax(dim=1) for level in everywhere], dim=1)
    found = best_ious(boxes, GRIDS.expand(len(boxes), -1, -1), anchors)
    assert found.shape == (len(boxes), 5)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-6)


def test_best_ious_in_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    anchors = AnchorGenerator(((12,), (24,), (48,), (80,), (112,)), ((0.5, 1.0, 2.0),) * 5)
    boxes, grids = make_boxes(100, seed=1), GRIDS.expand(100, -1, -1)
    expected = best_ious(boxes, grids, anchors)
    monkeypatch.setattr("frcnn_edu.training.anchor_fit.CHUNK", 7)
    assert torch.equal(best_ious(boxes, grids, anchors), expected)
    assert best_ious(boxes[:0], grids[:0], anchors).shape == (0, 5)


def test_fitted_anchors_reach_tall_objects_that_the_usual_ones_miss() -> None:
    default = AnchorGenerator(((12,), (24,), (48,), (80,), (112,)), ((0.5, 1.0, 2.0),) * 5)
    boxes = make_boxes(100, seed=2, largest=40.0, shape=5.0)
    grids = GRIDS.expand(len(boxes), -1, -1)
    fitted = fit_anchors(boxes, grids, default)
    before, after = ((best_ious(boxes, grids, each).amax(dim=1) >= 0.5).float().mean() for each in (default, fitted))
    assert before < 0.6
    assert after > before + 0.2
    assert fitted.aspect_ratios[0][-1] > 3
    assert len(set(fitted.aspect_ratios)) == 1
    assert fitted.num_anchors_per_location() == default.num_anchors_per_location()
    assert list(fitted.sizes) == sorted(fitted.sizes)
    assert all(isinstance(size, int) for level in fitted.sizes for size in level)
    again = fit_anchors(boxes, grids, default)
    assert (again.sizes, again.aspect_ratios) == (fitted.sizes, fitted.aspect_ratios)


def test_levels_with_the_same_sizes_keep_them() -> None:
    default = AnchorGenerator(((32, 64),) * 5, ((0.5, 2.0),) * 5)
    boxes = make_boxes(50, seed=3)
    fitted = fit_anchors(boxes, GRIDS.expand(50, -1, -1), default)
    assert len(set(fitted.sizes)) == 1
    assert fitted.num_anchors_per_location() == [4] * 5


def test_one_object_is_enough() -> None:
    box = torch.tensor([[10.0, 10, 13, 90]])
    default = AnchorGenerator(((12,), (24,), (48,), (80,), (112,)), ((0.5, 1.0, 2.0),) * 5)
    fitted = fit_anchors(box, GRIDS[None], default)
    assert best_ious(box, GRIDS[None], fitted).max() > 0.5 > best_ious(box, GRIDS[None], default).max()
