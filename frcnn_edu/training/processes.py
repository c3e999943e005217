"""The processes that train one model together: this one alone, or those that `torchrun` has started."""

import logging
import os
import warnings
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn

from .device import pick_device
from .torchrun import restarted, world_size


class Processes:
    """What a training loop needs of the processes that share its work; here for a single one."""

    rank, count = 0, 1

    def share(self, model: nn.Module) -> nn.Module:
        """The model to call in training: its backward pass leaves the mean of all processes' gradients."""
        return model

    def exchange(self, model: nn.Module, now: bool) -> AbstractContextManager:
        """Context of a forward and backward pass: gradients are averaged at its end if `now`, else added up for a later one."""
        return nullcontext()

    def gather(self, values: Tensor) -> list[list[float]]:
        """Numbers (n,) of each process, in all processes."""
        return [values.tolist()]

    def gather_objects(self, mine: Any) -> list[Any]:
        """Any objects of each process in the first process; elsewhere an empty list."""
        return [mine]

    def from_first(self, value: Any) -> Any:
        """The first process's value, in all."""
        return value


ALONE = Processes()


class Started(Processes):
    """One of several processes that `torchrun` has started, on one machine or on several that share a disk.

    The engine is Lightning Fabric: it reads the rank of each process from torchrun's variables, gives each its GPU, and wraps
    the model in PyTorch's DistributedDataParallel. It leaves the loop as it is, and has no global state.
    """

    def __init__(self, device_type: str) -> None:
        from lightning_fabric import Fabric

        logging.getLogger("lightning_fabric").setLevel(logging.WARNING)  # no announcements
        # A gradient in a different memory layout is copied into its bucket. That costs little, and is not a mistake.
        warnings.filterwarnings("ignore", "Grad strides do not match bucket view strides")
        local_count = int(os.environ["LOCAL_WORLD_SIZE"])
        if device_type == "cuda" and local_count > torch.cuda.device_count():
            raise ValueError(f"{local_count} processes need a GPU each; this machine has {torch.cuda.device_count()}")
        nodes = int(os.environ["WORLD_SIZE"]) // local_count
        if restarted():
            _meet_apart_from_the_dead("nccl" if device_type == "cuda" else "gloo")
        self.fabric = Fabric(accelerator=device_type, devices=local_count, num_nodes=nodes, strategy="ddp")
        self.fabric.launch()
        self.rank, self.count = self.fabric.global_rank, self.fabric.world_size

    def share(self, model: nn.Module) -> nn.Module:
        return self.fabric.setup_module(model, move_to_device=False)

    def exchange(self, model: nn.Module, now: bool) -> AbstractContextManager:
        return self.fabric.no_backward_sync(model, enabled=not now)  # type: ignore[arg-type]

    def gather(self, values: Tensor) -> list[list[float]]:
        everywhere = [torch.empty_like(values) for _ in range(self.count)]
        torch.distributed.all_gather(everywhere, values)
        return torch.stack(everywhere).tolist()

    def gather_objects(self, mine: Any) -> list[Any]:
        gathered: list[Any] = [None] * self.count if self.rank == 0 else []
        torch.distributed.gather_object(mine, gathered or None)
        return gathered

    def from_first(self, value: Any) -> Any:
        return self.fabric.broadcast(value)


def join(device: str | None = None) -> tuple[Processes, torch.device]:
    """The processes and this one's device: `pick_device(device)`, or under `torchrun` a GPU for each process.

    Raises `ValueError` if the device is not available, or not for that many processes.
    """
    if world_size() == 1:
        return ALONE, pick_device(device)
    if device is not None and ":" in device:
        raise ValueError(
            f"several processes cannot share {device!r}; use {device.split(':')[0]!r}, and each process gets a device of its own"
        )
    kind = pick_device(device).type
    if kind == "mps":
        raise ValueError("several processes need CUDA GPUs, or --device cpu")
    started = Started(kind)
    return started, started.fabric.device


def _meet_apart_from_the_dead(backend: str) -> None:
    """Create the process group that Fabric will use.

    Processes find each other in a table that torchrun keeps, and those that were started again would find the addresses of
    those that died (pytorch/pytorch#135712), so each attempt gets its own part of the table.
    """
    rank, count = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    address, port = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
    table = torch.distributed.TCPStore(address, port, is_master=False)
    own = torch.distributed.PrefixStore(f"attempt {os.environ['TORCHELASTIC_RESTART_COUNT']}", table)
    torch.distributed.init_process_group(backend, store=own, rank=rank, world_size=count)


def is_loss_of_a_process(error: Exception) -> bool:
    """Whether an operation failed because another process of this run is gone."""
    return world_size() > 1 and "by peer" in str(error)
