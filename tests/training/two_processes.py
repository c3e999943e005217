"""What test_processes.py runs in each of two processes; the first one saves what came out."""

import argparse
import contextlib
import io
import json
import os
import sys
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path
from unittest import mock

import torch
from stand_ins import Damaged, OneObjectEach, OneWeight, Squares, exact_model

from frcnn_edu import cli
from frcnn_edu.data import ShapesDetection
from frcnn_edu.training import TrainConfig, evaluate, join, load_model, make_optimizer, train, train_step
from frcnn_edu.training.processes import Processes

STEP = TrainConfig(epochs=1, optimizer="sgd", lr=0.01, batch_size=4)
CPU = torch.device("cpu")


class SevenShapes(ShapesDetection):
    """An odd number, so that one process has more than the other."""

    def __len__(self) -> int:
        return 7


class OneShape(ShapesDetection):
    """An image for one process, and none for the other."""

    def __len__(self) -> int:
        return 1


def after_a_step(processes: Processes, config: TrainConfig) -> tuple[dict[str, float], dict[str, torch.Tensor]]:
    """The losses of a step on four images, and the weights after it."""
    model, data = exact_model(), OneObjectEach()
    items = [data[index] for index in range(processes.rank, config.batch_size, processes.count)]
    optimizer = make_optimizer(model, config)
    images, targets = [image.double() for image, _ in items], [{**t, "boxes": t["boxes"].double()} for _, t in items]
    losses = train_step(processes.share(model), optimizer, images, targets, config.lr, 0, config, processes)
    return losses, model.state_dict()


def words_of_a_run(config: TrainConfig, processes: Processes, data: Squares, out: Path) -> str:
    """What is said of a run that cannot be."""
    try:
        train(OneWeight(), data, Squares(5), config, device=CPU, out=out, processes=processes)
    except ValueError as error:
        return str(error)
    return ""


def add_up(rank: int, meeting_place: Path, told: Connection) -> None:
    """Process 1 of two dies; process 0 tells what `frcnn_edu` says when it waits for it then, and ends with."""
    os.environ["WORLD_SIZE"] = "2"
    torch.distributed.init_process_group("gloo", init_method=f"file://{meeting_place}", rank=rank, world_size=2)
    torch.distributed.barrier()
    if rank == 1:
        os._exit(9)

    def wait_for_the_other(options: argparse.Namespace) -> None:
        torch.distributed.all_reduce(torch.ones(1))

    said = io.StringIO()
    with mock.patch("frcnn_edu.commands.train.run_train", wait_for_the_other), contextlib.redirect_stderr(said):
        told.send((cli.main(["train", "--out", "run"]), said.getvalue()))


def take_part(told: dict[str, str], rank: int, out: Path) -> None:
    """One of two processes, with the variables that `torchrun` sets; what it says is kept beside its results."""
    os.environ |= told | {"RANK": str(rank), "LOCAL_RANK": str(rank)}
    os.dup2(os.open(out / f"said-{rank}", os.O_WRONLY | os.O_CREAT), sys.__stderr__.fileno())
    processes, device = join("cpu")
    results = {"device": str(device), "plain": after_a_step(processes, STEP)}
    results["in parts"] = after_a_step(processes, replace(STEP, accumulate=2))
    found = evaluate(load_model()[0], SevenShapes("val"), device=CPU, batch_size=2, processes=processes)
    results["metrics"], results["detections"] = found.metrics, found.detections
    results["of one"] = evaluate(load_model()[0], OneShape("val"), device=CPU, processes=processes).metrics

    calls: list[str] = []
    config = TrainConfig(epochs=2, batch_size=4, lr=0.01, save_minutes=0)
    state = train(
        OneWeight(), Squares(10), Squares(5, seed=1), config, device=CPU, out=out / "run", processes=processes,
        on_step=lambda state: calls.append("step"), on_epoch=lambda state, found: calls.append("epoch"),
    )  # fmt: skip
    results["history"] = state.history
    results["measured"] = []
    state = train(
        OneWeight(), Damaged(10, bad={2, 7}), Damaged(5, seed=1, bad={1, 4}), config, device=CPU, out=out / "damaged",
        processes=processes, on_epoch=lambda state, found: results["measured"].append(found.indices),
    )  # fmt: skip
    results["with damaged images"] = state.history
    results["other data"] = words_of_a_run(config, processes, Squares(10 + rank), out / "other")
    results["other options"] = words_of_a_run(replace(config, lr=0.1 + rank), processes, Squares(10), out / "other")
    torch.save(results, out / f"results-{processes.rank}.pt")
    (out / f"calls-{processes.rank}.json").write_text(json.dumps(calls))
