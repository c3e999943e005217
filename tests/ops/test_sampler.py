import torch
from box_strategies import seeds
from hypothesis import given
from hypothesis import strategies as st

from frcnn_edu.ops import BalancedPositiveNegativeSampler
from frcnn_edu.ops.sampler import draw


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
def test_drawn_once_from_the_right_image_and_all_where_there_are_few(
    labels: list[list[int]], number: int, seed: int
) -> None:
    torch.manual_seed(seed)
    tensors = [torch.tensor(image) for image in labels]
    flat, start = [label for image in labels for label in image], 0
    for image, positives, negatives in zip(labels, *BalancedPositiveNegativeSampler(number, 0.5).draw(tensors)):
        drawn = positives.tolist() + negatives.tolist()
        assert len(set(drawn)) == len(drawn) <= number
        assert all(start <= i < start + len(image) for i in drawn)
        assert {flat[i] >= 1 for i in positives.tolist()} <= {True}
        assert {flat[i] for i in negatives.tolist()} <= {0}
        eligible = [i for i, label in enumerate(image, start) if label >= 1]
        if len(eligible) <= number // 2:
            assert sorted(positives.tolist()) == eligible  # all of them
        start += len(image)


@given(st.integers(1, 30), seeds())
def test_a_sampler_of_another_make_returns_masks(number: int, seed: int) -> None:
    torch.manual_seed(seed)
    labels = [torch.randint(-1, 2, (20,)), torch.randint(-1, 2, (9,))]
    ours = BalancedPositiveNegativeSampler(number, 0.25)
    torch.manual_seed(seed)
    expected = draw(ours, labels)
    torch.manual_seed(seed)
    found = draw(lambda labels: ours(labels), labels)
    for one, other in zip((image for kind in expected for image in kind), (image for kind in found for image in kind)):
        assert torch.equal(one.sort().values, other)
