import torch
from hypothesis import given
from hypothesis import strategies as st

from frcnn_edu.ops.indices import indices_of_known_number, indices_where


@given(
    st.lists(st.lists(st.booleans(), max_size=30), min_size=1, max_size=5), st.sampled_from([torch.bool, torch.uint8])
)
def test_indices(masks: list[list[bool]], dtype: torch.dtype) -> None:
    tensors = [torch.tensor(mask, dtype=dtype) for mask in masks]
    for index, mask in zip(indices_where(tensors), masks, strict=True):
        assert index.tolist() == [i for i, value in enumerate(mask) if value]


def test_of_known_number() -> None:
    assert indices_of_known_number(torch.tensor([False, True, True]), 2).tolist() == [1, 2]
    assert indices_of_known_number(torch.tensor([False]), 0).tolist() == []
