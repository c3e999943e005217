"""Batches in an order that depends only on the seed."""

import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from types import FrameType
from typing import Any

import numpy
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from ..data.unreadable import ImageFileError
from .config import TrainConfig
from .processes import ALONE, Processes
from .workers import check_workers_can_see

Item = tuple[Tensor, dict[str, Any]]
MOST_TRIES = 20  # images that are tried in place of one; if none can be read, the disk is probably gone


def steps_per_epoch(data: Dataset, config: TrainConfig) -> int:
    """Whole batches in one pass; a last batch that is not full is left out, unless it is the only one."""
    return max(len(data) // config.batch_size, 1)  # type: ignore[arg-type]


def load_batches(
    data: Dataset,
    config: TrainConfig,
    step: int,
    device: torch.device,
    processes: Processes = ALONE,
    tell: Callable[[str], None] = lambda problem: None,
) -> "Batches":
    """The rest of the pass over `data` that contains `step`: this process's share of each batch, on the CPU.

    Order and augmentation are derived from (seed, pass, image), not from what was sampled before. So a run can
    start again anywhere, and the numbers of workers and of processes change nothing.

    If an image cannot be read (an `ImageFileError` of the data set), another one is drawn in its place, by the same rule;
    `tell` is called with the reason.

    Raises:
        ValueError: see `check_workers_can_see`.
    """
    check_workers_can_see(data, config.workers)
    epoch, done = divmod(step, steps_per_epoch(data, config))
    generator = torch.Generator().manual_seed(seed_from(config.seed, epoch))
    order = torch.randperm(len(data), generator=generator)  # type: ignore[arg-type]
    batches = [batch.tolist() for batch in order.split(config.batch_size)][done : steps_per_epoch(data, config)]
    loader = DataLoader(
        SeededItems(data, config.seed, epoch),
        batch_sampler=[batch[processes.rank :: processes.count] for batch in batches],
        collate_fn=list,
        num_workers=config.workers,
        worker_init_fn=_leave_signals_to_the_trainer,
        pin_memory=device.type == "cuda",
        generator=generator,
    )
    return Batches(loader, tell)


@dataclass(frozen=True)
class Batches:
    """Lists of images and of their targets, as a model takes them; `tell` is called for each image that was replaced.

    Raises:
        ImageFileError: during the iteration, if neither an image nor any of those drawn in its place can be read. `tell` is
            called first for the images of the same batch that were replaced.
    """

    loader: DataLoader
    tell: Callable[[str], None]

    def __len__(self) -> int:
        return len(self.loader)

    def __iter__(self) -> Iterator[tuple[list[Tensor], list[dict[str, Any]]]]:
        for batch in self.loader:
            items = [item for item, _ in batch if item is not None]
            for problem in chain.from_iterable(problems for item, problems in batch if item is not None):
                self.tell(problem)
            if len(items) < len(batch):  # `tell` is not called for each failure: these images may be readable tomorrow
                reason, *others = next(problems for item, problems in batch if item is None)
                raise ImageFileError(f"{reason} (and none of {len(others)} others, tried in its place, can be read)")
            yield [image for image, _ in items], [target for _, target in items]


class SeededItems(Dataset[tuple[Item | None, list[str]]]):
    """Items whose random augmentation is the same each time for the same (seed, epoch, index).

    Each comes with the reasons why the images that it replaces could not be read. Loading processes have no other way to
    report them, because an error in one of them ends the training.
    """

    def __init__(self, data: Dataset[Item], seed: int, epoch: int) -> None:
        self.data, self.seed, self.epoch = data, seed, epoch

    def __len__(self) -> int:
        return len(self.data)  # type: ignore[arg-type]

    def __getitem__(self, index: int) -> tuple[Item | None, list[str]]:
        problems: list[str] = []
        with torch.random.fork_rng(devices=[]):  # the model's own random numbers stay as they are
            torch.manual_seed(seed_from(self.seed, self.epoch, index))
            for candidate in self._candidates(index):
                try:
                    return self.data[candidate], problems
                except ImageFileError as error:
                    problems.append(str(error))
        return None, problems

    def _candidates(self, index: int) -> Iterator[int]:
        """The requested image, followed by random others in case it cannot be read."""
        yield index
        others = torch.randperm(len(self))[: MOST_TRIES + 1].tolist()
        yield from [other for other in others if other != index][:MOST_TRIES]


class Readable(Dataset[tuple[int, Item | None, str]]):
    """The items of a dataset, with their indices; or None, with the reason, for an image that cannot be read."""

    def __init__(self, data: Dataset[Item]) -> None:
        self.data = data

    def __len__(self) -> int:
        return len(self.data)  # type: ignore[arg-type]

    def __getitem__(self, index: int) -> tuple[int, Item | None, str]:
        try:
            return index, self.data[index], ""
        except ImageFileError as error:
            return index, None, str(error)


def to_device(images: list[Tensor], targets: list[dict[str, Any]], device: torch.device) -> tuple[list, list]:
    """Copy a batch to `device`; values that are not tensors (image_id) stay as they are."""
    moved = [
        {name: value.to(device, non_blocking=True) if isinstance(value, Tensor) else value for name, value in t.items()}
        for t in targets
    ]
    return [image.to(device, non_blocking=True) for image in images], moved


def seed_from(*parts: int) -> int:
    """One well-mixed seed from several small numbers."""
    return int(numpy.random.SeedSequence(parts).generate_state(1, numpy.uint64)[0] >> 1)


def _leave_signals_to_the_trainer(worker: int) -> None:
    """Ctrl-C, a closed terminal and a scheduler reach every process; only the training process handles them.

    It ends its loading processes itself, with SIGTERM if they do not react: the second SIGTERM ends them.
    """
    for name in ("SIGINT", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _end_next_time)


def _end_next_time(number: int, frame: FrameType | None) -> None:
    signal.signal(number, signal.SIG_DFL)
