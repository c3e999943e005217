"""A run that is killed again and again ends with the weights of one that nobody touched."""

import random
import signal
import time
from pathlib import Path

import pytest
import torch
from killed import CONFIG, DATA, run, run_real, run_until
from safetensors.torch import load_file

from frcnn_edu.notebook_checks.kernels import fork_server
from frcnn_edu.training import LOSSES, load_checkpoint
from frcnn_edu.training.loading import steps_per_epoch
from frcnn_edu.training.model_file import read_metrics

KILLS = 25
processes = fork_server()  # each run starts at once


def assert_same_run(out: Path, untouched: Path) -> None:
    """The same weights, optimizer and history, to the bit."""
    one, other = (load_checkpoint(folder / "checkpoint.pt") for folder in (out, untouched))
    steps = one["config"]["epochs"] * steps_per_epoch(DATA, CONFIG)
    assert one["progress"]["step"] == steps
    history = one["progress"]["history"]
    assert history["step"] == list(range(1, steps + 1))
    for name in (*LOSSES, "lr"):
        assert history[name] == other["progress"]["history"][name], name
    assert one["model"].keys() == other["model"].keys()
    assert all(torch.equal(value, other["model"][name]) for name, value in one["model"].items())
    for index, values in one["optimizer"]["state"].items():
        assert all(torch.equal(value, other["optimizer"]["state"][index][name]) for name, value in values.items())
    evaluated = [[{**epoch, "seconds": 0} for epoch in each["progress"]["epochs"]] for each in (one, other)]
    assert evaluated[0] == evaluated[1]
    best, other_best = (load_file(folder / "best.safetensors") for folder in (out, untouched))
    assert all(torch.equal(value, other_best[name]) for name, value in best.items())
    assert {**(read_metrics(out / "best.safetensors") or {}), "seconds": 0} in evaluated[0]


def kill_once(out: Path, moment: float, while_writing: bool) -> bool:
    """Start the run, kill it some seconds after its first step, or during the next writing; whether it was killed."""
    hears, told = processes.Pipe(duplex=False)
    process = processes.Process(target=run_real, args=(out, told))
    process.start()
    told.close()
    try:
        hears.recv()
    except EOFError:
        pytest.fail("the run ended before its first step")
    time.sleep(moment)
    while while_writing and process.is_alive() and not (out / ".checkpoint.partial.pt").exists():
        time.sleep(0.0005)
    process.kill()
    process.join()
    return process.exitcode == -signal.SIGKILL


@pytest.mark.slow
def test_killed_at_25_moments(tmp_path: Path) -> None:
    untouched = processes.Process(target=run, args=(tmp_path / "untouched",), kwargs={"real": True})
    untouched.start()
    moments, kills, torn = random.Random(0), 0, 0
    out = tmp_path / "killed"
    while kills < KILLS:
        kills += kill_once(out, moments.uniform(0, 0.25), while_writing=kills % 3 == 0)
        torn += (out / ".checkpoint.partial.pt").exists()
        assert not (out / "model.safetensors").exists(), f"the run was over after {kills} kills: make it longer"
    last = processes.Process(target=run, args=(out,), kwargs={"real": True})
    last.start()
    for process in (last, untouched):
        process.join()
        assert process.exitcode == 0
    print(f"killed {kills} times, {torn} times with a half-written checkpoint")
    assert_same_run(out, tmp_path / "untouched")
    assert not list(out.glob(".*")), "what killed processes left behind is overwritten by the next"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("function", "call", "where"),
    [
        ("torch.save", 1, "before"), ("torch.save", 1, "in"), ("torch.save", 1, "after"), ("torch.save", 8, "in"),
        ("os.fsync", 1, "before"), ("os.fsync", 5, "after"),
        ("os.replace", 1, "before"), ("os.replace", 1, "after"),  # the first checkpoint has appeared, metrics.json has not
        ("os.replace", 3, "before"), ("os.replace", 3, "after"),  # the best model
        ("os.replace", 4, "after"),  # the second checkpoint: the first was put aside, and no checkpoint.pt is there
        ("os.replace", 5, "after"), ("os.replace", 6, "after"),
        ("frcnn_edu.training.engine.evaluate", 2, "before"), ("frcnn_edu.training.engine.evaluate", 2, "after"),
        ("frcnn_edu.training.engine.train_step", 1, "before"), ("frcnn_edu.training.engine.train_step", 9, "after"),
        ("frcnn_edu.training.model_file.save", 4, "after"),  # the trained model, at the very end
    ],
)  # fmt: skip
def test_killed_at_a_moment_of_its_own_choice(
    tmp_path: Path, untouched: Path, function: str, call: int, where: str
) -> None:
    out = tmp_path / "killed"
    process = processes.Process(target=run_until, args=(out, function, call, where))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    run(out, real=False)
    assert_same_run(out, untouched)
    assert (out / "model.safetensors").exists()


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("untouched")
    run(out, real=False)
    return out
