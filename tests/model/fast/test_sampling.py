import torch
from box_strategies import seeds
from hypothesis import given
from hypothesis import strategies as st

from frcnn_edu.model.fast.sampling import ExactBalancedPositiveNegativeSampler
from frcnn_edu.ops import BalancedPositiveNegativeSampler


@given(
    st.lists(st.lists(st.integers(-1, 2), min_size=1, max_size=40), min_size=1, max_size=3), st.integers(1, 50), seeds()
)
def test_sampled_once_from_the_right_image_and_all_if_there_are_few(
    labels: list[list[int]], number: int, seed: int
) -> None:
    torch.manual_seed(seed)
    tensors = [torch.tensor(image) for image in labels]
    flat, start = [label for image in labels for label in image], 0
    for image, positives, negatives in zip(labels, *ExactBalancedPositiveNegativeSampler(number, 0.5).sample(tensors)):
        sampled = positives.tolist() + negatives.tolist()
        assert len(set(sampled)) == len(sampled) <= number
        assert all(start <= i < start + len(image) for i in sampled)
        assert {flat[i] >= 1 for i in positives.tolist()} <= {True}
        assert {flat[i] for i in negatives.tolist()} <= {0}
        eligible = [i for i, label in enumerate(image, start) if label >= 1]
        if len(eligible) <= number // 2:
            assert sorted(positives.tolist()) == eligible  # all of them
        start += len(image)


@given(
    st.lists(st.lists(st.integers(-1, 4), max_size=60), min_size=1, max_size=3),
    st.integers(1, 40),
    st.floats(0, 1),
    seeds(),
)
def test_masks_are_the_textbooks(labels: list[list[int]], number: int, fraction: float, seed: int) -> None:
    tensors = [torch.tensor(image, dtype=torch.int64) for image in labels]
    masks = []
    for sampler in (BalancedPositiveNegativeSampler, ExactBalancedPositiveNegativeSampler):
        torch.manual_seed(seed)
        positives, negatives = sampler(number, fraction)(tensors)
        masks.append([*positives, *negatives, torch.get_rng_state()])
    assert all(map(torch.equal, *masks))
