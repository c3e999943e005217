"""What the region proposal network makes of single numbers."""

import pytest
import torch

from frcnn_edu import fasterrcnn_small_fpn
from frcnn_edu.model.rpn import concat_box_prediction_layers


def test_levels_with_different_numbers_of_anchors_are_refused() -> None:
    logits, deltas = ([torch.zeros(1, a * k, 2, 2) for a in (3, 6)] for k in (1, 4))
    with pytest.raises(ValueError, match=r"same number of anchors per location, got \[3, 6\]"):
        concat_box_prediction_layers(logits, deltas)


def test_a_box_of_just_the_smallest_size_stays() -> None:
    rpn = fasterrcnn_small_fpn(num_classes=2).eval().rpn
    rpn.min_size = 8.0
    boxes = torch.tensor([[[0.0, 0, 8, 8], [20, 20, 28, 27.99], [40, 40, 47.99, 48], [60, 60, 70, 70]]])
    found, _ = rpn.filter_proposals(boxes, torch.tensor([[3.0, 2, 1, 0]]), [(100, 100)], [4])
    assert torch.equal(found[0], boxes[0, [0, 3]])
