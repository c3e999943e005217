"""Values that are kept until what they were made from changes (more of this in test_convolution.py)."""

import copy
import gc
import pickle

import torch
from torch import nn

from frcnn_edu.model.fast import cache
from frcnn_edu.model.fast.cache import Cache, cache_of


def test_computed_anew_only_when_something_changed() -> None:
    calls = []
    kept, tensor = Cache(), torch.ones(3)

    def double() -> torch.Tensor:
        calls.append(1)
        return tensor * 2

    first = kept(double, tensor, also="a")
    assert kept(double, tensor, also="a") is first
    assert kept(double, tensor, also="b") is not first
    tensor += 1
    assert kept(double, tensor, also="b").tolist() == [4, 4, 4]
    assert len(calls) == 3


def test_copies_and_files_have_nothing_of_it_and_it_goes_with_its_module() -> None:
    layer, tensor = nn.Linear(2, 2), torch.ones(2)
    cache_of(layer)(lambda: torch.ones(1000), tensor)
    assert cache_of(layer).kept[1] is not None
    for other in (copy.copy(layer), copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        assert cache_of(other).kept[1] is None
    assert layer in cache._CACHES
    number = len(cache._CACHES)
    del layer, other
    gc.collect()
    assert len(cache._CACHES) < number


def test_of_many_keys_the_last_ones_are_kept() -> None:
    layer, tensor = nn.Linear(2, 2), torch.ones(2)
    for key in range(5):
        cache_of(layer, key, most=3)(lambda: torch.ones(1), tensor)
    assert list(cache._CACHES[layer]) == [2, 3, 4]


def test_what_becomes_of_a_view_or_of_the_value_itself_is_noticed() -> None:
    kept, numbers = Cache(), torch.arange(6.0)
    for part in (numbers[:3], numbers[3:], numbers[::2], numbers.view(2, 3)):
        assert torch.equal(kept(lambda part=part: part * 2, part), part * 2)
    pair = kept(lambda: (numbers + 1, numbers - 1), numbers)
    assert kept(lambda: (numbers + 1, numbers - 1), numbers) is pair
    pair[1].zero_()
    assert kept(lambda: (numbers + 1, numbers - 1), numbers)[1].tolist() == [-1, 0, 1, 2, 3, 4]


def test_of_a_tensor_without_a_version_nothing_is_kept() -> None:
    kept = Cache()
    with torch.inference_mode():
        tensor = torch.ones(2)
        assert kept(lambda: tensor * 2, tensor).tolist() == [2, 2]
        tensor += 1
        assert kept(lambda: tensor * 2, tensor).tolist() == [4, 4]


def test_too_many_kept_by_a_race_are_given_up() -> None:
    layer = nn.Linear(2, 2)
    for key in range(7):
        cache_of(layer, key)
    cache_of(layer, 7, most=3)
    assert list(cache._CACHES[layer]) == [5, 6, 7]
