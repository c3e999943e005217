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
from frcnn_edu.training.loading import load_batches
from frcnn_edu.training.run import CHECKPOINT, METRICS

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
    assert sorted(capsys.readouterr().err.splitlines()) == [f"left out: {message(index)}" for index in (2, 3, 5)]
    assert json.loads((tmp_path / METRICS).read_text())["unreadable"] == state.unreadable


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
    assert (state.history, state.unreadable) == (expected.history, expected.unreadable)


def test_when_no_image_is_left_the_run_is_saved_first(config: TrainConfig, tmp_path: Path) -> None:
    data = Damaged(9)

    def unplug(state: RunState) -> None:
        data.bad = range(9) if state.step == 4 else data.bad

    with pytest.raises(ImageFileError, match=r"^cannot read \d\.jpg as an image: the file is damaged \(and none "):
        run(config, tmp_path, data, on_step=unplug)
    saved = load_checkpoint(tmp_path / CHECKPOINT)["progress"]
    assert (saved["step"], saved["unreadable"]) == (4, [message(2)])  # of evaluation: the disk may come back


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
