"""`train --resume`: what may change, and the way out for what cannot."""

from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import save_file
from torch import zeros

from frcnn_edu import cli
from frcnn_edu.commands.train_resume import labels_of_run, resumed_config, when_finished
from frcnn_edu.training import TrainConfig

CLASSES = ["background", "cat", "dog"]
BY_EPOCHS = TrainConfig(
    data="all.json", epochs=2, batch_size=4, lr=0.0015, model_args={"min_size": 250, "max_size": 320}
)
BY_MINUTES = TrainConfig(data="all.json", minutes=10)


def contents_of(config: TrainConfig, **progress: Any) -> dict[str, Any]:
    return {"config": config.to_dict(), "classes": CLASSES, "data": {}, "progress": progress}


def resumed(command: str, config: TrainConfig = BY_EPOCHS) -> TrainConfig:
    options = cli.make_parser().parse_args(["train", "--resume", "--out", "run", *command.split()])
    return resumed_config(options, contents_of(config), Path("run"))


def test_what_may_change() -> None:
    config = resumed("--epochs 5 --data moved/all.json --accumulate 2 --workers 1 --save-minutes 3")
    changed = (config.epochs, config.data, config.accumulate, config.workers, config.save_minutes)
    assert changed == (5, "moved/all.json", 2, 1, 3)
    assert (config.batch_size, config.lr, config.model_args) == (4, 0.0015, {"min_size": 250, "max_size": 320})
    assert resumed("--minutes 20", BY_MINUTES).minutes == 20
    assert resumed("--lr 0.0015 --min-size 250 --batch-size 4") == BY_EPOCHS  # said again, and the same


@pytest.mark.parametrize(
    ("command", "has", "memory"),
    [
        ("--batch-size 2", "4", True),
        ("--min-size 120", "250", True),
        ("--max-size 120", "320", True),
        ("--lr 1e-4", "0.0015", False),
        ("--weights other.pth", "none", False),
        ("--seed 3", "0", False),
    ],
)
def test_what_cannot_change_names_the_way_out(
    command: str, has: str, memory: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("run").mkdir()
    for file in ("checkpoint.pt", "model.safetensors"):
        with pytest.raises(ValueError, match="cannot be changed on --resume") as raised:
            resumed(command)
        message = str(raised.value)
        assert message.startswith(f"{command.split()[0]} cannot be changed on --resume: the run in run has {has}.")
        assert ("--accumulate N" in message) == memory
        assert message.endswith(
            f"python -m frcnn_edu train --data all.json --weights run/{file} --out NEW --min-size 250"
        )
        Path("run/model.safetensors").touch()


def test_a_run_is_counted_in_one_unit() -> None:
    with pytest.raises(ValueError, match=r"given in epochs \(2 epochs\); use --epochs, not --minutes"):
        resumed("--minutes 3")
    with pytest.raises(ValueError, match=r"given in minutes \(10 minutes\); use --minutes, not --epochs"):
        resumed("--epochs 3", BY_MINUTES)


def test_names_with_spaces_can_be_pasted() -> None:
    with pytest.raises(ValueError, match="--data 'my photos' --weights") as raised:
        resumed("--lr 1", TrainConfig(data="my photos", epochs=1))
    assert "python -m frcnn_edu train" in str(raised.value)


@pytest.mark.parametrize("found", [CLASSES, ["background", "dog", "cat"], ["background", "dog"]], ids=" ".join)
def test_labels_stay_those_of_the_run(found: list[str]) -> None:
    assert labels_of_run(found, contents_of(BY_EPOCHS), BY_EPOCHS, Path("run")) == CLASSES


def test_a_class_more_needs_a_new_run() -> None:
    words = r"trained on the classes cat, dog; all\.json has others: bird\. A new run can begin with its weights: "
    with pytest.raises(ValueError, match=words):
        labels_of_run([*CLASSES, "bird"], contents_of(BY_EPOCHS), BY_EPOCHS, Path("run"))


@pytest.mark.parametrize("ended", [None, 1], ids=["on its way", "at an earlier end"])
def test_a_run_that_can_go_on(ended: int | None, tmp_path: Path) -> None:
    assert when_finished(contents_of(BY_EPOCHS, step=4, ended=ended), BY_EPOCHS, tmp_path) is None


@pytest.mark.parametrize(("config", "unit", "ended"), [(BY_EPOCHS, "epochs", 2), (BY_MINUTES, "minutes", 10)])
def test_a_run_that_is_over_says_so(config: TrainConfig, unit: str, ended: int, tmp_path: Path) -> None:
    contents = contents_of(config, step=4, ended=ended, epochs=[{"epoch": 2, "AP": 0.25}])
    said = when_finished(contents, config, tmp_path)
    assert said is not None
    assert said.splitlines()[0] == f"the run in {tmp_path} is finished: {ended} {unit}, 4 steps, AP 0.250"
    assert f"evaluate --checkpoint {tmp_path}/model.safetensors" in said
    assert said.endswith(f"train --resume --out {tmp_path} --{unit} {2 * ended}")
    save_file({"a": zeros(1)}, tmp_path / "best.safetensors", {"metrics": '{"AP": 0.5, "epoch": 1}'})
    said = when_finished(contents, config, tmp_path)
    assert said is not None
    assert f"{tmp_path}/best.safetensors, of epoch 1.00, AP 0.500" in said
    assert f"evaluate --checkpoint {tmp_path}/best.safetensors" in said
    contents["progress"]["epochs"][-1]["AP"] = None
    assert ", 4 steps\n" in (when_finished(contents, config, tmp_path) or "")
