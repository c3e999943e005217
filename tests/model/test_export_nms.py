"""The NMS that is written down when a model is exported."""

import pytest
import torch
from torch import Tensor

from frcnn_edu import batched_nms
from frcnn_edu.model.export import _nms_of_any_number


def crowd(count: int) -> tuple[Tensor, Tensor, Tensor]:
    """Boxes that overlap a lot, scores of which no two are equal, and three groups."""
    generator = torch.Generator().manual_seed(0)
    corners = torch.randint(0, 90, (count, 2), generator=generator)
    a = torch.cat([corners, corners + torch.randint(5, 40, (count, 2), generator=generator)], dim=1).float()
    return a, torch.randperm(count, generator=generator) / count, torch.randint(0, 3, (count,), generator=generator)


@pytest.mark.parametrize("count", [0, 300, 900])
def test_what_is_written_down_for_an_export_is_the_same(count: int) -> None:
    a, scores, group = crowd(count)
    expected = [batched_nms(a, scores, group, threshold) for threshold in (0.0, 0.5)]
    for threshold, kept in zip((0.0, 0.5), expected):
        assert torch.equal(_nms_of_any_number(a, scores, group, threshold), kept)
    corner_to_corner = torch.tensor([[0.0, 0, 9, 9], [0, 0, 9, 9]])
    assert _nms_of_any_number(corner_to_corner, torch.tensor([0.5, 0.9]), torch.tensor([0, 1]), 0.0).tolist() == [1, 0]
