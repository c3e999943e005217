import errno
import json
import math
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from stand_ins import OneWeight, Squares

from frcnn_edu.training import LOSSES, NonFiniteLoss, RunState, TrainConfig, build_model, load_checkpoint, train
from frcnn_edu.training import duration as in_words
from frcnn_edu.training.run import CHECKPOINT

CPU = torch.device("cpu")
Model = Callable[[], torch.nn.Module]


def run(model: torch.nn.Module, config: TrainConfig, out: Path, **arguments: Any) -> RunState:
    arguments = {"device": CPU, "progress_bar": False} | arguments
    return train(model, Squares(10), Squares(4, seed=1), config, out=out, **arguments)


def small(config: TrainConfig) -> torch.nn.Module:
    torch.manual_seed(3)
    return build_model(config, 3)


def same_weights(a: torch.nn.Module, b: torch.nn.Module) -> bool:
    others = b.state_dict()
    return all(torch.equal(value, others[name]) for name, value in a.state_dict().items())


def press_ctrl_c_at(step: int) -> Callable[[RunState], None]:
    return lambda state: os.kill(os.getpid(), signal.SIGINT) if state.step == step else None


def test_leaves_a_complete_run_folder(config: TrainConfig, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    state = run(
        OneWeight(), config, tmp_path, on_epoch=lambda state, found: seen.append((state.step, len(found.detections)))
    )
    files = ["best.safetensors", "checkpoint-previous.pt", "checkpoint.pt", "metrics.json", "model.safetensors"]
    assert sorted(path.name for path in tmp_path.iterdir()) == files
    assert seen == [(3, 4), (6, 4), (9, 4)]
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    assert metrics["history"] == state.history
    assert metrics["history"]["step"] == list(range(1, 10))
    assert [epoch["epoch"] for epoch in metrics["epochs"]] == [1, 2, 3]
    assert metrics["epochs"][-1]["AP"] == 0
    assert TrainConfig.from_dict(metrics["config"]) == config
    assert state.history["lr"][:2] == pytest.approx([1e-5, 0.01 * 0.5005 * (1 + math.cos(math.pi / 9)) / 2])


@pytest.mark.slow
def test_training_lowers_the_loss(config: TrainConfig, tmp_path: Path) -> None:
    config = replace(config, epochs=5, lr=2e-3)
    state = run(small(config), config, tmp_path)
    totals = [sum(losses) for losses in zip(*(state.history[name] for name in LOSSES))]
    assert sum(totals[-3:]) < 0.7 * sum(totals[:3])


@pytest.mark.slow
def test_same_seed_same_weights(config: TrainConfig, tmp_path: Path) -> None:
    config = replace(config, epochs=1)
    models = [small(config) for _ in range(3)]
    for number, (model, seed) in enumerate(zip(models, (0, 0, 1))):
        run(model, replace(config, seed=seed), tmp_path / str(number))
    assert same_weights(models[0], models[1])
    assert not same_weights(models[0], models[2])


@pytest.mark.parametrize("stop", [1, 4, 6])  # in the first pass, in the second, at the end of the second
def test_resume_equals_an_uninterrupted_run(config: TrainConfig, tmp_path: Path, stop: int) -> None:
    straight, stopped, resumed = OneWeight(), OneWeight(), OneWeight()
    expected = run(straight, config, tmp_path / "straight")
    with pytest.raises(KeyboardInterrupt):
        run(stopped, config, tmp_path / "stopped", on_step=press_ctrl_c_at(stop))
    assert load_checkpoint(tmp_path / "stopped" / CHECKPOINT)["progress"]["step"] == stop
    state = run(resumed, config, tmp_path / "stopped", resume=True)
    assert same_weights(straight, resumed)
    assert state.history == expected.history


@pytest.mark.slow
def test_resume_of_the_real_model(config: TrainConfig, tmp_path: Path) -> None:
    config = replace(config, epochs=2)
    straight, stopped, resumed = small(config), small(config), build_model(config, 3)
    run(straight, config, tmp_path / "straight")
    with pytest.raises(KeyboardInterrupt):
        run(stopped, config, tmp_path / "stopped", on_step=press_ctrl_c_at(4))
    run(resumed, config, tmp_path / "stopped", resume=True)
    assert same_weights(straight, resumed)


@pytest.mark.skipif(os.name != "posix", reason="signals as POSIX has them")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP], ids=str)
@pytest.mark.parametrize("terminal", ["open", "closed"])
def test_a_scheduler_and_a_closed_terminal_end_a_run_as_ctrl_c_does(
    config: TrainConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, terminal: str
) -> None:
    def refuse(text: str) -> int:
        raise OSError(errno.EIO, "Input/output error")

    if terminal == "closed":
        monkeypatch.setattr(sys.stderr, "write", refuse)
    outside = signal.signal(number, signal.SIG_DFL)  # nohup, under which tests may run, ignores SIGHUP
    try:
        with pytest.raises(KeyboardInterrupt):
            run(OneWeight(), config, tmp_path, on_step=lambda state: os.kill(os.getpid(), number), progress_bar=True)
        assert signal.getsignal(number) == signal.SIG_DFL
    finally:
        signal.signal(number, outside)
    assert load_checkpoint(tmp_path / CHECKPOINT)["progress"]["step"] == 1


@pytest.mark.skipif(os.name != "posix", reason="signals as POSIX has them")
def test_what_nohup_has_ignored_stays_ignored(config: TrainConfig, tmp_path: Path) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        state = run(OneWeight(), config, tmp_path, on_step=lambda state: os.kill(os.getpid(), signal.SIGHUP))
    finally:
        signal.signal(signal.SIGHUP, before)
    assert state.step == 9


def test_ctrl_c_works_again_afterwards(config: TrainConfig, tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        run(OneWeight(), config, tmp_path, on_step=press_ctrl_c_at(2))
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_non_finite_loss_stops_and_keeps_the_checkpoint(
    config: TrainConfig, tmp_path: Path, name: str, value: float
) -> None:
    model = OneWeight()
    model.bad_call = (5, name, value)
    weights: list[torch.Tensor] = []
    with pytest.raises(NonFiniteLoss, match=rf"^{name} is {value} in step 5, .* id \[1\d\d, 1\d\d, 1\d\d\]"):
        run(model, config, tmp_path, on_step=lambda state: weights.append(model.weight.detach().clone()))
    assert torch.equal(model.weight, weights[3])  # the bad step did not touch the weights
    saved = load_checkpoint(tmp_path / CHECKPOINT)
    assert saved["progress"]["step"] == 3
    assert torch.equal(saved["model"]["weight"], weights[2])


class SteepModel(OneWeight):
    """From the third call on its losses are 0 and their slope is infinite."""

    def forward(self, images: Any, targets: Any = None) -> Any:
        losses = super().forward(images, targets)
        if self.training and self.calls >= 3:
            losses |= {LOSSES[1]: (losses[LOSSES[1]] * 0).sqrt()}
        return losses


def test_a_gradient_that_is_not_finite_stops_before_the_weights_are_touched(
    config: TrainConfig, tmp_path: Path
) -> None:
    model = SteepModel()
    weights: list[torch.Tensor] = []
    with pytest.raises(NonFiniteLoss, match=r"^the norm of the gradient is (nan|inf) in step 3, .* id \[1\d\d"):
        run(model, config, tmp_path, on_step=lambda state: weights.append(model.weight.detach().clone()))
    assert torch.equal(model.weight, weights[1])


def test_saves_in_the_middle_of_a_pass(config: TrainConfig, tmp_path: Path) -> None:
    model, saved = OneWeight(), []

    def look(state: RunState) -> None:
        path = tmp_path / CHECKPOINT
        saved.append(load_checkpoint(path)["progress"]["step"] if path.exists() else None)

    run(model, replace(config, save_minutes=0, epochs=2), tmp_path, on_step=look)
    assert saved == [None, 1, 2, 3, 4, 5]  # seen in each step: what the step before has left


def test_minutes_end_the_run_on_the_clock(config: TrainConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr("frcnn_edu.training.schedule.time.monotonic", lambda: now)

    def step_takes_5_seconds(state: RunState) -> None:
        nonlocal now
        now += 5

    config = replace(config, epochs=None, minutes=1.0, warmup_steps=0)
    state = run(OneWeight(), config, tmp_path, on_step=step_takes_5_seconds)
    assert state.step == 12
    assert [epoch["step"] for epoch in state.epochs] == [3, 6, 9, 12]
    assert state.history["lr"][6] == pytest.approx(0.005)  # half of the time: half of the cosine
    assert json.loads((tmp_path / "metrics.json").read_text())["ended"] == 1.0


def test_minutes_may_end_in_an_evaluation(config: TrainConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr("frcnn_edu.training.schedule.time.monotonic", lambda: now)

    def pass_seconds(seconds: float) -> None:
        nonlocal now
        now += seconds

    config = replace(config, epochs=None, minutes=1.0)
    state = run(
        OneWeight(), config, tmp_path,
        on_step=lambda state: pass_seconds(5), on_epoch=lambda state, found: pass_seconds(50),
    )  # fmt: skip
    assert (state.step, state.ended) == (3, 1.0)
    assert load_checkpoint(tmp_path / CHECKPOINT)["progress"]["ended"] == 1.0


@pytest.mark.slow
def test_options_reach_the_step(config: TrainConfig, tmp_path: Path) -> None:
    config = replace(
        config, epochs=1, amp=True, channels_last=True, grad_clip=0.1, optimizer="sgd", schedule="multistep"
    )
    model = small(config)
    state = run(model, config, tmp_path)
    assert state.step == 3
    assert model.backbone.fpn.layer_blocks[0][0].weight.is_contiguous(memory_format=torch.channels_last)


def test_clipping_shortens_the_step(config: TrainConfig, tmp_path: Path) -> None:
    config = replace(config, epochs=1, optimizer="sgd", lr=1.0, weight_decay=0.0, momentum=0.0, warmup_steps=0)
    moved = []
    for number, clip in enumerate((None, 1e-3)):
        model = OneWeight()
        run(model, replace(config, grad_clip=clip), tmp_path / str(number))
        moved.append((model.weight.detach() - 1).norm().item())
    assert moved[1] <= 3e-3 < moved[0]


def test_refuses_to_overwrite_a_run(config: TrainConfig, tmp_path: Path) -> None:
    (tmp_path / "metrics.json").write_text("{}")
    with pytest.raises(FileExistsError, match="already contains a run"):
        run(OneWeight(), config, tmp_path)


def test_refuses_to_resume_nothing(config: TrainConfig, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="there is no checkpoint"):
        run(OneWeight(), config, tmp_path, resume=True)


def test_refuses_data_that_cannot_work(config: TrainConfig, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="val_data has no images"):
        train(OneWeight(), Squares(3), Squares(0), config, device=CPU, out=tmp_path)
    other = Squares(3)
    other.classes = ("background", "blue")
    with pytest.raises(ValueError, match=r"differ in their classes.*blue"):
        train(OneWeight(), Squares(3), other, config, device=CPU, out=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_duration_in_words() -> None:
    seconds = (0.123, 9.4, 59, 60, 390, 3600, 12_000, 400_000)
    words = ["0.12 s", "9.4 s", "59 s", "1 min 0 s", "6 min 30 s", "1 h 0 min", "3 h 20 min", "4.6 days"]
    assert [in_words(each) for each in seconds] == words
