"""Boxes for hypothesis to choose."""

import torch
from hypothesis import strategies as st
from torch import Tensor


def boxes(min_count: int = 0, max_count: int = 12, *, whole: bool = False) -> st.SearchStrategy[Tensor]:
    """(N, 4) with positive sides, on and around an image of 100 pixels; corners on whole pixels if asked."""
    if whole:
        corner, side = st.integers(-20, 110), st.integers(1, 60)
    else:
        corner = st.floats(-20, 110, width=32)
        side = st.floats(0.125, 60, width=32)
    box = st.tuples(corner, corner, side, side).map(lambda b: (b[0], b[1], b[0] + b[2], b[1] + b[3]))
    return st.lists(box, min_size=min_count, max_size=max_count).map(
        lambda rows: torch.tensor(rows, dtype=torch.float32).reshape(-1, 4)
    )


def seeds() -> st.SearchStrategy[int]:
    return st.integers(0, 2**31)
