import multiprocessing
import os
import signal
import sys
import types
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from stand_ins import Squares
from torch import Tensor

from frcnn_edu.data import open_dataset, train_transforms
from frcnn_edu.data.records import RecordDataset
from frcnn_edu.training import TrainConfig
from frcnn_edu.training.loading import load_batches, steps_per_epoch
from frcnn_edu.training.workers import check_workers_can_see

CPU = torch.device("cpu")


def noisy(image: Tensor, target: dict[str, Any]) -> tuple[Tensor, dict[str, Any]]:
    return image + torch.rand(1), target


def batches(config: TrainConfig, step: int = 0, length: int = 10) -> list[tuple[list[int], list[float]]]:
    loader = load_batches(Squares(length, transforms=noisy), config, step, CPU)
    return [([t["image_id"] for t in targets], [i.sum().item() for i in images]) for images, targets in loader]


def test_one_pass_takes_every_image_at_most_once(config: TrainConfig) -> None:
    seen = [image_id for ids, _ in batches(config) for image_id in ids]
    assert len(seen) == len(set(seen)) == 9  # the tenth would make a batch of one
    assert seen != sorted(seen)


def test_passes_and_seeds_differ_in_order_and_augmentation(config: TrainConfig) -> None:
    first, second, other = batches(config), batches(config, step=3), batches(replace(config, seed=1))
    assert first == batches(config)
    assert len({str(first), str(second), str(other)}) == 3
    once, again = ({i: total for ids, sums in each for i, total in zip(ids, sums)} for each in (first, second))
    assert all(once[image_id] != again[image_id] for image_id in set(once) & set(again))


def test_goes_on_in_the_middle_of_a_pass(config: TrainConfig) -> None:
    assert batches(config, step=5) == batches(config, step=3)[2:]


def test_workers_change_nothing(config: TrainConfig) -> None:
    assert batches(replace(config, workers=2)) == batches(config)


@pytest.mark.parametrize("workers", [0, 1])
def test_random_numbers_of_the_model_stay(config: TrainConfig, workers: int) -> None:
    before = torch.get_rng_state()
    batches(replace(config, workers=workers))
    assert torch.equal(torch.get_rng_state(), before)


def test_fewer_images_than_a_batch(config: TrainConfig) -> None:
    assert steps_per_epoch(Squares(2), config) == 1
    assert [len(ids) for ids, _ in batches(config, length=2)] == [2]


class Written(Squares):
    """Stands for a data set written in a notebook's cell."""

    __module__ = "__main__"


class Unsendable(Squares):
    def __reduce__(self) -> Any:
        raise TypeError("cannot pickle 'a lock'")


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_data_that_loading_processes_cannot_see(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(multiprocessing, "get_context", lambda: SimpleNamespace(get_start_method=lambda: method))
    check_workers_can_see(Squares(), 2)
    with pytest.raises(
        ValueError, match=r"sent to the processes that load images \(cannot pickle 'a lock'\).* workers=0"
    ):
        check_workers_can_see(Unsendable(), 2)
    cell = types.ModuleType("__main__")
    cell.Written = Written  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "__main__", cell)
    with pytest.raises(
        ValueError, match=r"cannot import Written, which is defined in a notebook cell .* put it in a file .* workers=0"
    ):
        check_workers_can_see(Written(), 2)
    cell.__file__ = "script.py"  # which a process that is started anew runs again
    check_workers_can_see(Written(), 2)


def test_data_are_seen_without_processes_and_by_forks(monkeypatch: pytest.MonkeyPatch) -> None:
    check_workers_can_see(Unsendable(), 0)
    monkeypatch.setattr(multiprocessing, "get_context", lambda: SimpleNamespace(get_start_method=lambda: "fork"))
    check_workers_can_see(Unsendable(), 2)


class Interrupted(Squares):
    """What a terminal and a scheduler send to every process reaches the one that loads."""

    def __getitem__(self, index: int) -> tuple[Tensor, dict[str, Any]]:
        if index == 0:
            for name in ("SIGINT", "SIGHUP", "SIGTERM"):
                os.kill(os.getpid(), getattr(signal, name))
        return super().__getitem__(index)


@pytest.mark.skipif(os.name != "posix", reason="signals as POSIX has them")
def test_loading_processes_leave_signals_to_the_training_process(config: TrainConfig) -> None:
    loader = load_batches(Interrupted(6), replace(config, workers=1, batch_size=2), 0, CPU)
    assert sum(len(images) for images, _ in loader) == 6


@pytest.mark.slow
def test_processes_that_are_started_anew_load_the_same(config: TrainConfig, voc: Path) -> None:
    """As on Windows and macOS, what the command line trains on is pickled. An image is gone by then."""
    data = open_dataset(voc, "train", transforms=train_transforms())
    gone = voc / "JPEGImages" / "gone.jpg"
    assert isinstance(data, RecordDataset)
    data.records[3].path = gone
    told: list[str] = []
    here = [images for images, _ in load_batches(data, config, 0, CPU, tell=told.append)]
    before = multiprocessing.get_start_method()
    multiprocessing.set_start_method("spawn", force=True)
    try:
        check_workers_can_see(data, 1)
        there = [images for images, _ in load_batches(data, replace(config, workers=1), 0, CPU, tell=told.append)]
    finally:
        multiprocessing.set_start_method(before, force=True)
    assert len(there) == len(here) == 2
    assert told == [f"cannot read {gone} as an image: there is no such file"] * 2
    assert all(torch.equal(*pair) for batches in zip(here, there) for pair in zip(*batches))
