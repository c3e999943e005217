"""The model of the best evaluation is kept beside the last one."""

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from stand_ins import OneWeight, Squares

from frcnn_edu.training import Evaluation, TrainConfig, train
from frcnn_edu.training.model_file import read_metrics
from frcnn_edu.training.run_folder import holds_run

CPU = torch.device("cpu")


class Scripted:
    """Gives the evaluations of a run the AP that it is told, and remembers the weights that each was of."""

    def __init__(self, *scores: float | None) -> None:
        self.scores, self.weights = iter(scores), []

    def __call__(self, model: OneWeight, *args: Any, **kwargs: Any) -> Evaluation:
        self.weights.append(model.weight.detach().clone())
        return Evaluation({"AP": next(self.scores)}, [], [])


def run(out: Path, config: TrainConfig, script: Scripted, *, images: int = 4, **arguments: Any) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("frcnn_edu.training.engine.evaluate", script)
        train(
            OneWeight(), Squares(6), Squares(images, seed=1), config, device=CPU, out=out, progress_bar=False, **arguments
        )  # fmt: skip


def best_of(out: Path) -> tuple[float, float]:
    """The epoch and the AP in the file."""
    metrics = read_metrics(out / "best.safetensors")
    assert metrics is not None
    return metrics["epoch"], metrics["AP"]


@pytest.mark.parametrize(
    ("scores", "epoch"),
    [
        ((0.2, 0.8, 0.5), 2),
        ((0.8, 0.5, 0.2), 1),
        ((0.2, 0.5, 0.8), 3),
        ((0.5, 0.5, 0.2), 2),  # of equals the later, which has learnt for longer
        ((0.0, 0.0, 0.0), 3),
        ((None, 0.5, None), 2),
    ],
    ids=str,
)
def test_the_best_evaluation_is_kept(
    config: TrainConfig, scores: tuple[float | None, ...], epoch: int, tmp_path: Path
) -> None:
    script = Scripted(*scores)
    run(tmp_path, config, script)
    assert best_of(tmp_path) == (epoch, scores[epoch - 1])
    assert torch.equal(load_file(tmp_path / "best.safetensors")["weight"], script.weights[epoch - 1])
    assert torch.equal(load_file(tmp_path / "model.safetensors")["weight"], script.weights[-1])


def test_without_a_number_there_is_no_best(config: TrainConfig, tmp_path: Path) -> None:
    run(tmp_path, config, Scripted(None, None, None))
    assert not (tmp_path / "best.safetensors").exists()
    assert (tmp_path / "model.safetensors").exists()


def test_resuming_keeps_what_was_best(config: TrainConfig, tmp_path: Path) -> None:
    run(tmp_path, replace(config, epochs=2), Scripted(0.8, 0.3))
    run(tmp_path, replace(config, epochs=4), Scripted(0.5, 0.4), resume=True)
    assert best_of(tmp_path) == (1, 0.8)
    run(tmp_path, replace(config, epochs=5), Scripted(0.9), resume=True)
    assert best_of(tmp_path) == (5, 0.9)


@pytest.mark.parametrize("what", ["missing", "damaged"])
def test_what_was_lost_is_written_again_if_the_checkpoint_has_it(
    config: TrainConfig, what: str, tmp_path: Path
) -> None:
    """As after a kill between the two files."""
    script = Scripted(0.3, 0.8)
    run(tmp_path, replace(config, epochs=2), script)
    (tmp_path / "best.safetensors").unlink() if what == "missing" else os.truncate(tmp_path / "best.safetensors", 90)
    run(tmp_path, config, Scripted(0.5), resume=True)
    assert best_of(tmp_path) == (2, 0.8)
    assert torch.equal(load_file(tmp_path / "best.safetensors")["weight"], script.weights[1])


def test_on_other_images_the_best_begins_anew(config: TrainConfig, tmp_path: Path) -> None:
    run(tmp_path, replace(config, epochs=1), Scripted(0.8))
    run(tmp_path, replace(config, epochs=2), Scripted(0.3), images=5, resume=True)
    assert best_of(tmp_path) == (2, 0.3)
    before = read_metrics(tmp_path / "best-before.safetensors")
    assert before is not None
    assert before["AP"] == 0.8


def test_a_run_that_ended_says_so_in_its_checkpoint(config: TrainConfig, tmp_path: Path) -> None:
    ended = []
    for epochs in (2, 3):
        run(tmp_path, replace(config, epochs=epochs), Scripted(0.1, 0.1), resume=epochs > 2)
        ended.append(json.loads((tmp_path / "metrics.json").read_text())["ended"])
    assert ended == [2, 3]
    with pytest.raises(KeyboardInterrupt):
        run(
            tmp_path,
            replace(config, epochs=5),
            Scripted(0.1, 0.1),
            resume=True,
            on_step=lambda state: os.kill(os.getpid(), 2),
        )
    assert json.loads((tmp_path / "metrics.json").read_text())["ended"] is None


def test_a_folder_with_nothing_but_the_best_holds_a_run(tmp_path: Path) -> None:
    assert not holds_run(tmp_path)
    (tmp_path / "best.safetensors").touch()
    assert holds_run(tmp_path)
