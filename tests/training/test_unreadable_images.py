"""Images that turn out to be damaged, or gone, while a run is under way: each costs only itself."""

import json
import os
import signal
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from stand_ins import Damaged, OneWeight, Squares
from torch.utils.data import Subset

from frcnn_edu.data import ImageFileError
from frcnn_edu.training import RunState, TrainConfig, evaluate, load_checkpoint, train
from frcnn_edu.training.loading import Batches, load_batches
from frcnn_edu.training.run import CHECKPOINT, METRICS, Run
from frcnn_edu.training.step import make_optimizer

CPU = torch.device("cpu")


def message(index: int) -> str:
    return f"cannot read {index}.jpg as an image: the file is damaged"


def loaded(config: TrainConfig, bad: Collection[int], length: int = 10) -> tuple[list[int], list[str]]:
    """The numbers of the images of a pass, and what is told."""
    told: list[str] = []
    batches = load_batches(Damaged(length, bad=bad), config, 0, CPU, tell=told.append)
    return [target["image_id"] - 100 for _, targets in batches for target in targets], told


@pytest.mark.parametrize("workers", [0, 2])
def test_another_image_takes_the_place_of_one_that_cannot_be_read(config: TrainConfig, workers: int) -> None:
    sound, nothing = loaded(config, ())
    bad = sound[4], sound[7]
    instead, told = loaded(replace(config, workers=workers), bad)
    assert nothing == []
    assert {*map(message, bad)} <= {*told}
    assert [place for place in range(9) if instead[place] != sound[place]] == [4, 7]
    assert not {*instead} & {*bad}
    assert (instead, told) == loaded(config, bad)  # always the same


def test_whoever_takes_the_place_may_be_any_other(config: TrainConfig) -> None:
    first = loaded(config, ())[0][0]
    taken = {loaded(replace(config, seed=seed), range(9), 10)[0][0] for seed in range(3)}
    assert taken == {9}  # the only one that is left
    seeds = [replace(config, seed=seed) for seed in range(12)]
    instead = {tuple(loaded(each, {first})[0]) for each in seeds}
    assert len(instead) == 12


def run(config: TrainConfig, out: Path, data: Squares, val_data: Squares | None = None, **options: Any) -> RunState:
    val_data = Damaged(4, seed=1, bad={2}) if val_data is None else val_data
    return train(OneWeight(), data, val_data, config, device=CPU, out=out, progress_bar=False, **options)


def test_each_is_named_once_and_counted(config: TrainConfig, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    measured: list[int] = []
    data = Damaged(9, bad={3, 5})
    state = run(config, tmp_path, data, on_epoch=lambda state, found: measured.append(len(found.targets)))
    assert (state.step, measured) == (9, [3, 3, 3])
    assert sorted(state.unreadable) == [message(index) for index in (2, 3, 5)]
    assert load_checkpoint(tmp_path / CHECKPOINT)["progress"]["unreadable"] == [*state.unreadable]
    assert sorted(capsys.readouterr().err.splitlines()) == [f"left out: {message(index)}" for index in (2, 3, 5)]
    assert json.loads((tmp_path / METRICS).read_text())["unreadable"] == [*state.unreadable]


def test_of_very_many_not_all_are_named(config: TrainConfig, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    state = run(config, tmp_path, Damaged(60, bad=range(0, 60, 2)), Squares(2))
    assert len(state.unreadable) == 30
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 20
    assert said[-1].endswith("(metrics.json will name the others)")


@pytest.mark.parametrize("stop", [1, 5])
def test_a_resumed_run_takes_the_same_images(config: TrainConfig, tmp_path: Path, stop: int) -> None:
    def press_ctrl_c(state: RunState) -> None:
        if state.step == stop:
            os.kill(os.getpid(), signal.SIGINT)

    data = Damaged(9, bad={0, 3, 4, 8})
    expected = run(config, tmp_path / "straight", data)
    with pytest.raises(KeyboardInterrupt):
        run(config, tmp_path / "stopped", data, on_step=press_ctrl_c)
    state = run(config, tmp_path / "stopped", data, resume=True)
    assert (state.history, [*state.unreadable]) == (expected.history, [*expected.unreadable])


def test_when_no_image_is_left_the_run_is_saved_first(config: TrainConfig, tmp_path: Path) -> None:
    data = Damaged(9)

    def unplug(state: RunState) -> None:
        data.bad = range(9) if state.step == 4 else data.bad

    with pytest.raises(ImageFileError, match=r"^cannot read \d\.jpg as an image: the file is damaged \(and none "):
        run(config, tmp_path, data, on_step=unplug)
    saved = load_checkpoint(tmp_path / CHECKPOINT)["progress"]
    assert (saved["step"], saved["unreadable"]) == (4, [message(2)])  # of evaluation: the disk may come back


@pytest.mark.parametrize("epochs", [1, 2])
def test_a_last_evaluation_of_nothing_loses_no_step_and_is_made_up_for(
    config: TrainConfig, tmp_path: Path, epochs: int
) -> None:
    config = replace(config, epochs=epochs)
    expected = run(config, tmp_path / "straight", Damaged(9))
    val_data = Damaged(4, seed=1, bad={2})

    def unplug(state: RunState) -> None:
        val_data.bad = range(4) if state.step == 3 * epochs else val_data.bad

    out = tmp_path / "unplugged"
    with pytest.raises(ImageFileError, match=r"^none of the 4 images can be read; "):
        run(config, out, Damaged(9), val_data, on_step=unplug)
    saved = load_checkpoint(out / CHECKPOINT)["progress"]
    assert (saved["step"], len(saved["epochs"]), saved["ended"]) == (3 * epochs, epochs - 1, None)

    with pytest.raises(ImageFileError):  # it is still gone
        run(config, out, Damaged(9), val_data, resume=True)
    val_data.bad = {2}
    reported: list[int] = []
    state = run(
        config, out, Damaged(9), val_data, resume=True, on_epoch=lambda state, found: reported.append(state.step)
    )
    assert (state.history, state.ended, reported) == (expected.history, epochs, [3 * epochs])
    without_time = [[{**epoch, "seconds": 0} for epoch in each.epochs] for each in (state, expected)]
    assert without_time[0] == without_time[1]
    assert {"best.safetensors", "model.safetensors"} < {path.name for path in out.iterdir()}


def test_minutes_that_are_not_over_are_not_called_ended(
    config: TrainConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first evaluation is expected to be slow, and is quick: training goes on, and then the disk is gone."""
    now, data = 0.0, Damaged(60)
    monkeypatch.setattr("frcnn_edu.training.schedule.time.monotonic", lambda: now)

    def step_takes_10_seconds(state: RunState) -> None:
        nonlocal now
        now += 10
        data.bad = range(60) if state.epochs else ()

    config = replace(config, epochs=None, minutes=1.0)
    with pytest.raises(ImageFileError):
        run(config, tmp_path, data, Damaged(40, seed=1), on_step=step_takes_10_seconds)
    saved = load_checkpoint(tmp_path / CHECKPOINT)["progress"]
    assert (saved["step"] > saved["epochs"][-1]["step"], saved["ended"]) == (True, None)


def test_what_was_replaced_is_told_before_a_batch_fails() -> None:
    """Of a batch one image is damaged and another found; for the next none is, for then the disk is gone."""
    gone = [message(index) for index in (4, 1, 2)]
    told: list[str] = []
    item = Squares()[0]
    with pytest.raises(ImageFileError, match=r"^cannot read 4\.jpg .* \(and none of 2 others, tried in its place, can"):
        next(iter(Batches([[(item, [message(7)]), (None, gone), (item, [message(8)])]], told.append)))  # type: ignore[arg-type]
    assert told == [message(7), message(8)]


class CountsComparisons(str):
    """A message that counts how often one is compared with another."""

    __slots__ = ()
    count = 0
    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        CountsComparisons.count += 1
        return str.__eq__(self, str(other))


def test_each_message_is_found_at_once(config: TrainConfig, tmp_path: Path) -> None:
    model = OneWeight()
    noted = Run(model, make_optimizer(model, config), config, Squares.classes, tmp_path)
    for index in [*range(500), *range(500)]:
        noted.cannot_read(CountsComparisons(message(index)), say=False)
    assert [*noted.state.unreadable] == [message(index) for index in range(500)]
    assert CountsComparisons.count < 3000  # one after the other they would be some 250,000


def test_a_run_that_cannot_begin_leaves_nothing(config: TrainConfig, tmp_path: Path) -> None:
    with pytest.raises(ImageFileError):
        run(config, tmp_path, Damaged(9, bad=range(9)))
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize("workers", [0, 2])
def test_an_evaluation_leaves_out_the_image_and_its_objects(workers: int) -> None:
    data = Damaged(7, bad={1, 3, 4, 5})  # a whole batch among them
    readable = Subset(Squares(7), [0, 2, 6])
    readable.classes = data.classes  # type: ignore[attr-defined]
    options: dict[str, Any] = {"device": CPU, "batch_size": 2}
    found, expected = (
        evaluate(OneWeight(), data, workers=workers, **options),
        evaluate(OneWeight(), readable, **options),
    )
    assert found.not_measured == {index: message(index) for index in (1, 3, 4, 5)}
    assert [target["image_id"] for target in found.targets] == [100, 102, 106]
    assert len(found.detections) == 3
    assert found.metrics == expected.metrics
    assert found.indices == [0, 2, 6]


def test_images_that_were_measured_and_have_gone_since() -> None:
    data = Damaged(7, bad={1})
    found = evaluate(OneWeight(), data, device=CPU)
    data.bad = {1, 3}
    images = found.images(data, [0, 1, 2])
    assert list(images) == [0, 1]
    assert torch.equal(images[1], data[2][0])


def test_an_evaluation_of_nothing() -> None:
    with pytest.raises(ImageFileError, match=r"^none of the 3 images can be read; cannot read 0\.jpg as an image: "):
        evaluate(OneWeight(), Damaged(3, bad=range(3)), device=CPU)


class Wrong(Squares):
    def __getitem__(self, index: int) -> Any:
        raise ValueError("a mistake in the data set")


def test_other_errors_are_not_hidden(config: TrainConfig, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="a mistake in the data set"):
        run(config, tmp_path, Wrong())
    with pytest.raises(ValueError, match="a mistake in the data set"):
        evaluate(OneWeight(), Wrong(), device=CPU)
