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
    assert cache_of(layer).value is not None
    for other in (copy.copy(layer), copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        assert cache_of(other).value is None
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
