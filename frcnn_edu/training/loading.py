"""Batches in an order that depends on the seed alone."""

import signal
from types import FrameType
from typing import Any

import numpy
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from ..data import collate
from .config import TrainConfig
from .processes import ALONE, Processes
from .workers import check_workers_can_see

Item = tuple[Tensor, dict[str, Any]]


def steps_per_epoch(data: Dataset, config: TrainConfig) -> int:
    """Whole batches in one pass; a last batch that is not full is left out, unless it is the only one."""
    return max(len(data) // config.batch_size, 1)  # type: ignore[arg-type]


def load_batches(
    data: Dataset, config: TrainConfig, step: int, device: torch.device, processes: Processes = ALONE
) -> DataLoader:
    """What is left of the pass over `data` that `step` lies in: this process's share of each batch, on the CPU.

    Order and augmentation follow from (seed, pass, image), not from what was sampled before. So a run can
    start again anywhere, and the numbers of workers and of processes change nothing.

    Raises:
        ValueError: see `check_workers_can_see`.
    """
    check_workers_can_see(data, config.workers)
    epoch, done = divmod(step, steps_per_epoch(data, config))
    generator = torch.Generator().manual_seed(seed_from(config.seed, epoch))
    order = torch.randperm(len(data), generator=generator)  # type: ignore[arg-type]
    batches = [batch.tolist() for batch in order.split(config.batch_size)][done : steps_per_epoch(data, config)]
    return DataLoader(
        SeededItems(data, config.seed, epoch),
        batch_sampler=[batch[processes.rank :: processes.count] for batch in batches],
        collate_fn=collate,
        num_workers=config.workers,
        worker_init_fn=_leave_signals_to_the_trainer,
        pin_memory=device.type == "cuda",
        generator=generator,
    )


class SeededItems(Dataset[Item]):
    """A dataset whose random augmentation is the same each time for the same (seed, epoch, index)."""

    def __init__(self, data: Dataset[Item], seed: int, epoch: int) -> None:
        self.data, self.seed, self.epoch = data, seed, epoch

    def __len__(self) -> int:
        return len(self.data)  # type: ignore[arg-type]

    def __getitem__(self, index: int) -> Item:
        with torch.random.fork_rng(devices=[]):  # the model's own random numbers stay as they are
            torch.manual_seed(seed_from(self.seed, self.epoch, index))
            return self.data[index]


def to_device(images: list[Tensor], targets: list[dict[str, Any]], device: torch.device) -> tuple[list, list]:
    """Copy a batch to `device`; what is no tensor (image_id) stays."""
    moved = [
        {name: value.to(device, non_blocking=True) if isinstance(value, Tensor) else value for name, value in t.items()}
        for t in targets
    ]
    return [image.to(device, non_blocking=True) for image in images], moved


def seed_from(*parts: int) -> int:
    """One well-mixed seed from several small numbers."""
    return int(numpy.random.SeedSequence(parts).generate_state(1, numpy.uint64)[0] >> 1)


def _leave_signals_to_the_trainer(worker: int) -> None:
    """Ctrl-C, a closed terminal and a scheduler reach every process; only the training process answers them.

    It ends its loading processes itself; SIGTERM, with which it does so when they do not listen, ends them the second time.
    """
    for name in ("SIGINT", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _end_next_time)


def _end_next_time(number: int, frame: FrameType | None) -> None:
    signal.signal(number, signal.SIG_DFL)
