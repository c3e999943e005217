"""Two processes on the CPU do what one does: the same step, the same evaluation, one folder."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from stand_ins import OneWeight, Squares, exact_model
from two_processes import CPU, STEP, OneShape, SevenShapes, add_up, after_a_step, take_part

from frcnn_edu.notebook_checks.kernels import fork_server
from frcnn_edu.training import (
    ALONE,
    LOSSES,
    NonFiniteLoss,
    Processes,
    evaluate,
    join,
    load_checkpoint,
    load_model,
    train,
)
from frcnn_edu.training import train_step as one_step
from frcnn_edu.training.processes import is_loss_of_a_process


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What two processes have left behind, which were told what `torchrun` tells. (It starts them in test_torchrun.py.)"""
    out = tmp_path_factory.mktemp("two")
    table = torch.distributed.TCPStore("localhost", 0, is_master=True, wait_for_workers=False)
    told = {"MASTER_ADDR": "localhost", "MASTER_PORT": str(table.port), "TORCHELASTIC_USE_AGENT_STORE": "True"}
    told |= {"TORCHELASTIC_RUN_ID": "one", "WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2"}
    both = [fork_server().Process(target=take_part, args=(told, rank, out)) for rank in (0, 1)]
    for process in both:
        process.start()
    for process in both:
        process.join(timeout=300)
        process.kill()  # if it waits in vain for the other
    said = [(out / f"said-{rank}").read_text() for rank in (0, 1)]
    assert [process.exitcode for process in both] == [0, 0], said
    assert not any("Warning" in words for words in said)
    return out


@pytest.fixture(scope="module")
def results(folder: Path) -> list[dict[str, Any]]:
    return [torch.load(folder / f"results-{rank}.pt", weights_only=True) for rank in (0, 1)]


def assert_same_step(one: tuple[dict, dict], other: tuple[dict, dict]) -> None:
    assert one[0] == pytest.approx(other[0], rel=1e-6)  # the losses are read in float32
    start = exact_model().state_dict()
    moved = [name for name in start if not torch.equal(start[name], one[1][name])]
    assert len(moved) > 30
    for name, value in one[1].items():
        torch.testing.assert_close(value, other[1][name], rtol=1e-12, atol=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("how", ["plain", "in parts"])
def test_a_step_of_two_processes_is_that_of_one_with_the_whole_batch(results: list[dict[str, Any]], how: str) -> None:
    whole = after_a_step(ALONE, STEP)
    for result in results:
        assert_same_step(result[how], whole)


@pytest.mark.slow
def test_a_step_in_parts_is_that_of_the_whole_batch() -> None:
    whole = after_a_step(ALONE, STEP)
    for parts in (2, 4):
        assert_same_step(after_a_step(ALONE, replace(STEP, accumulate=parts)), whole)


@pytest.mark.slow
def test_every_image_is_evaluated_once(results: list[dict[str, Any]]) -> None:
    alone = evaluate(load_model()[0], SevenShapes("val"), device=CPU, batch_size=2)
    assert len(results[0]["detections"]) == 7
    assert results[1]["detections"] == []
    for found, expected in zip(results[0]["detections"], alone.detections):
        assert len(found["boxes"]) == len(expected["boxes"]) > 0
        for name, value in expected.items():  # beside another image in the batch, sums may be rounded otherwise
            torch.testing.assert_close(found[name], value, rtol=1e-4, atol=1e-4)
    assert alone.metrics["AP50"] > 0.8
    of_one = evaluate(load_model()[0], OneShape("val"), device=CPU).metrics
    assert [result["of one"] for result in results] == [of_one, of_one]
    for result in results:
        per_class = result["metrics"].pop("per_class")
        assert per_class == pytest.approx(alone.metrics["per_class"], abs=1e-3)
        expected = {name: value for name, value in alone.metrics.items() if name != "per_class"}
        assert result["metrics"] == pytest.approx(expected, abs=1e-3)


@pytest.mark.slow
def test_processes_that_see_different_things_end_with_a_sentence(results: list[dict[str, Any]]) -> None:
    for what, words in (
        ("other data", "images for training: process 1 has 11, process 0 has 10"),
        ("other options", "lr: process 1 has 1.1, process 0 has 0.1"),
    ):
        for result in results:
            assert result[what].startswith(f"{words}; all processes of a run need the same data"), what


@pytest.mark.slow
def test_the_first_process_writes_and_reports(folder: Path, results: list[dict[str, Any]]) -> None:
    calls = [json.loads((folder / f"calls-{rank}.json").read_text()) for rank in (0, 1)]
    assert calls == [["step", "step", "epoch"] * 2, []]
    assert results[0]["history"] == results[1]["history"]
    saved = load_checkpoint(folder / "run" / "checkpoint.pt")
    assert saved["progress"]["history"] == results[0]["history"]
    files = ["best.safetensors", "checkpoint-previous.pt", "checkpoint.pt", "metrics.json", "model.safetensors"]
    assert sorted(path.name for path in (folder / "run").iterdir()) == files


@pytest.mark.slow
def test_images_that_cannot_be_read_cost_only_themselves(folder: Path, results: list[dict[str, Any]]) -> None:
    assert results[0]["with damaged images"] == results[1]["with damaged images"]
    assert [result["measured"] for result in results] == [[[0, 2, 3]] * 2, []]
    unreadable = load_checkpoint(folder / "damaged" / "checkpoint.pt")["progress"]["unreadable"]
    messages = [f"cannot read {index}.jpg as an image: the file is damaged" for index in (1, 2, 4, 7)]
    assert sorted(unreadable) == messages  # whichever of the two has met them
    said = "".join((folder / f"said-{rank}").read_text() for rank in (0, 1))
    assert [said.count(message) for message in messages] == [1, 1, 1, 1]


@pytest.mark.slow
def test_the_one_that_is_left_says_why_it_stops(tmp_path: Path) -> None:
    hears, told = fork_server().Pipe(duplex=False)
    both = [fork_server().Process(target=add_up, args=(rank, tmp_path / "meeting", told)) for rank in (0, 1)]
    for process in both:
        process.start()
    assert hears.poll(120)
    assert hears.recv() == (2, "error: another process of this run has ended; torchrun says below which one, and why\n")
    for process in both:
        process.join()
    assert both[1].exitcode == 9


def test_other_errors_are_not_taken_for_a_lost_process(monkeypatch: pytest.MonkeyPatch) -> None:
    lost, other = RuntimeError("Connection closed by peer"), RuntimeError("shapes do not match")
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert is_loss_of_a_process(lost)
    assert not is_loss_of_a_process(other)
    monkeypatch.setenv("WORLD_SIZE", "1")
    assert not is_loss_of_a_process(lost)


def test_join_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    processes, device = join("cpu")
    assert (processes.rank, processes.count, device) == (0, 1, CPU)
    model = OneWeight()
    assert processes.share(model) is model
    assert processes.gather(torch.tensor([1.0, 2.0])) == [[1, 2]]
    assert (processes.gather_objects("mine"), processes.from_first(3)) == (["mine"], 3)


@pytest.mark.parametrize(
    ("device", "message"),
    [("cuda:1", "each process gets a device"), ("cuda", "not available")],
    ids=["one GPU for all", "none"],
)
def test_devices_that_several_processes_cannot_have(device: str, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(ValueError, match=message):
        join(device)


class Four(Processes):
    count = 4


def test_shares_must_be_equal(tmp_path: Path) -> None:
    config = replace(STEP, batch_size=12, accumulate=2)
    with pytest.raises(
        ValueError, match=r"batch_size 12 cannot be divided by 4 processes × accumulate=2.*multiple of 8"
    ):
        train(OneWeight(), Squares(20), Squares(2), config, device=CPU, out=tmp_path, processes=Four())
    config = replace(config, batch_size=16)
    with pytest.raises(ValueError, match="train_data has 7 images, too few"):
        train(OneWeight(), Squares(7), Squares(2), config, device=CPU, out=tmp_path, processes=Four())
    assert list(tmp_path.iterdir()) == []


class WithABadNeighbour(Processes):
    count = 2

    def gather(self, values: torch.Tensor) -> list[list[float]]:
        return [values.tolist(), [float("nan")] * len(values)]


def test_a_loss_of_another_process_that_is_not_finite_stops_this_one_too() -> None:
    model = OneWeight()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    image, target = Squares()[1]
    with pytest.raises(NonFiniteLoss, match=f"{LOSSES[0]} is nan in step 8, in process 1"):
        one_step(model, optimizer, [image], [target], 0.1, 7, STEP, WithABadNeighbour())
    assert model.weight.tolist() == [1, 1, 1]
