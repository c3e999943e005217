import torch
from box_strategies import seeds
from hypothesis import given
from hypothesis import strategies as st

from frcnn_edu.ops import BalancedPositiveNegativeSampler


@given(
    st.lists(st.lists(st.integers(-1, 4), max_size=60), min_size=1, max_size=3),
    st.integers(1, 40),
    st.floats(0, 1),
    seeds(),
)
def test_counts(labels: list[list[int]], number: int, fraction: float, seed: int) -> None:
    torch.manual_seed(seed)
    tensors = [torch.tensor(image, dtype=torch.int64) for image in labels]
    positives, negatives = BalancedPositiveNegativeSampler(number, fraction)(tensors)
    assert len(positives) == len(negatives) == len(labels)
    for label, positive, negative in zip(tensors, positives, negatives):
        wanted = min(int(number * fraction), int((label >= 1).sum()))
        assert positive.sum() == wanted
        assert negative.sum() == min(number - wanted, int((label == 0).sum()))
        assert (label[positive.bool()] >= 1).all()
        assert (label[negative.bool()] == 0).all()
        assert positive.dtype == negative.dtype == torch.uint8
        assert positive.shape == negative.shape == label.shape


def test_every_candidate_has_its_turn() -> None:
    torch.manual_seed(0)
    labels = [torch.tensor([1] * 6 + [0] * 12)]
    sampler = BalancedPositiveNegativeSampler(8, 0.5)
    drawn = sum(positive[0] + negative[0] for positive, negative in (sampler(labels) for _ in range(60)))
    assert (drawn > 0).all()
    assert (drawn < 60).all()


@given(
    st.lists(st.lists(st.integers(-1, 2), min_size=1, max_size=40), min_size=1, max_size=3), st.integers(1, 50), seeds()
)
def test_all_are_taken_if_there_are_few(labels: list[list[int]], number: int, seed: int) -> None:
    torch.manual_seed(seed)
    tensors = [torch.tensor(image) for image in labels]
    for image, positives, negatives in zip(tensors, *BalancedPositiveNegativeSampler(number, 0.5)(tensors)):
        assert positives.sum() + negatives.sum() <= number
        eligible = image >= 1
        if eligible.sum() <= number // 2:
            assert torch.equal(positives.bool(), eligible)
