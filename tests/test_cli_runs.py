"""Runs as their users treat them: moved, gone on with on other data, finished, begun from other tools' weights."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import torchvision

from frcnn_edu import cli
from frcnn_edu.commands import train as train_command
from frcnn_edu.data.unreadable import unreadable
from frcnn_edu.training import load_checkpoint

pytestmark = pytest.mark.slow  # real training

TINY = ["--min-size", "64", "--max-size", "80", "--workers", "0", "--batch-size", "4", "--device", "cpu"]


@pytest.fixture(autouse=True)
def project(voc: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with photographs, in which the commands are run; without figures, which take longer than the training."""
    (tmp_path / "project").mkdir()
    shutil.copytree(voc, tmp_path / "project" / "photos")
    monkeypatch.chdir(tmp_path / "project")
    monkeypatch.setattr(train_command, "draw_run", lambda *run: None)
    return tmp_path / "project"


def said_by(capsys: pytest.CaptureFixture[str], *command: str, status: int = 0) -> str:
    capsys.readouterr()
    assert cli.main(command) == status
    said = capsys.readouterr()
    return said.out if status == 0 else said.err


def test_a_run_that_is_moved_with_its_data_and_finished(
    project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    said = said_by(capsys, "train", "--data", "photos", "--out", "run", "--epochs", "1", *TINY)
    assert "best     epoch 1.00, AP 0." in said
    assert "run/best.safetensors (the last, as in model.safetensors)" in said
    shutil.move(project, tmp_path / "moved")
    monkeypatch.chdir(tmp_path)
    said = said_by(capsys, "evaluate", "--checkpoint", "moved/run/best.safetensors", "--device", "cpu")
    assert "images of moved/photos, split 'val'" in said
    said = said_by(capsys, "train", "--resume", "--out", "moved/run", "--epochs", "2", "--device", "cpu")
    assert "weights  moved/run/checkpoint.pt: the run continues after step 2\ndata     moved/photos: 8 training" in said
    assert "2 epochs about" in said
    assert " from step 2\n" in said
    assert "changed" not in said
    said = said_by(capsys, "train", "--resume", "--out", "moved/run", "--device", "cpu")
    assert said.startswith("the run in moved/run is finished: 2 epochs, 4 steps, AP 0.")
    assert "a step takes" not in said
    (tmp_path / "moved/run/model.safetensors").unlink()  # as after a kill at the very end
    assert "is finished" in said_by(capsys, "train", "--resume", "--out", "moved/run", "--device", "cpu")
    assert (tmp_path / "moved/run/model.safetensors").is_file()


def test_a_run_that_goes_on_with_other_data(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Elsewhere, with an image less; then without the data, and with a class more."""
    assert cli.main(["train", "--data", "photos", "--out", "run", "--epochs", "1", *TINY]) == 0
    shutil.move("photos", "elsewhere")
    resume = ["train", "--resume", "--out", "run", "--epochs", "2", "--device", "cpu"]
    message = said_by(capsys, *resume, status=2)
    assert (
        message
        == "error: the run was trained on photos, which no longer exists; give the place of its data as --data\n"
    )
    val = Path("elsewhere/ImageSets/Main/val.txt")
    val.write_text("\n".join(val.read_text().split()[:-1]) + "\n")
    said = said_by(capsys, *resume, "--data", "elsewhere")
    assert "changed  for evaluation: 2 images, previously 3" in said
    assert "changed  best.safetensors was measured on the old images; it is kept as best-before.safetensors" in said
    assert (Path("run/best-before.safetensors")).is_file()
    assert load_checkpoint("run/checkpoint.pt")["config"]["data"] == "elsewhere"
    for file in Path("elsewhere/Annotations").iterdir():
        file.write_text(file.read_text().replace("triangle", "cone"))
    message = said_by(capsys, "train", "--resume", "--out", "run", "--epochs", "3", "--device", "cpu", status=2)
    assert "elsewhere has others: cone. A new run can begin with its weights: python -m frcnn_edu train" in message
    assert len(message.splitlines()) == 1
    assert json.loads(Path("run/metrics.json").read_text())["step"] == 4


def test_images_that_are_damaged_in_their_middle(
    damage: Callable[[Path], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    """One of training and one of evaluation: the run does without them, and says so."""
    for name in ("000003.jpg", "000008.jpg"):
        damage(Path("photos/JPEGImages") / name)
    command = ["train", "--data", "photos", "--out", "run", "--epochs", "2", "--evaluate-on", "test", *TINY]
    assert cli.main(command) == 0
    said = capsys.readouterr()
    assert "! train: 1 of the 8 images checked is damaged, such as 000003.jpg" in said.out
    assert (
        "note     images that could not be read: 2 (metrics.json names them); in training others took their" in said.out
    )
    reason = "cannot read photos/JPEGImages/{} as an image: the file is damaged"
    left_out = [line for line in said.err.splitlines() if line.startswith("left out: ")]
    assert len(left_out) == 2
    assert all(
        line.startswith(f"left out: {reason.format(name)}")
        for line, name in zip(left_out, ("000003.jpg", "000008.jpg"))
    )
    said = said_by(capsys, "evaluate", "--checkpoint", "run/model.safetensors", "--json", "m.json", "--device", "cpu")
    *_, not_measured, last = said.splitlines()
    assert not_measured.startswith(f"1 image was not measured: {reason.format('000008.jpg')}")
    assert last == "2 of 3 images of photos, split 'val'"
    assert json.loads(Path("m.json").read_text())["not_measured"] == [not_measured.partition(": ")[2]]


def test_a_disk_that_is_gone_names_the_way_to_go_on(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*run: object, out: Path, **arguments: object) -> None:
        out.mkdir(exist_ok=True)
        (out / "checkpoint.pt").touch()
        raise unreadable("a.jpg", "there is no such file")

    monkeypatch.setattr(train_command, "train", fail)
    message = said_by(capsys, "train", "--data", "photos", "--out", "run", "--epochs", "1", *TINY, status=2)
    assert message == (
        "error: images cannot be read any more: cannot read a.jpg as an image: there is no such file; when they can, "
        "continue with --resume --out run\n"
    )


def test_the_model_is_that_of_the_weights(tmp_path: Path) -> None:
    theirs = torchvision.models.detection.fasterrcnn_mobilenet_v3_large_fpn(
        weights=None, weights_backbone=None, num_classes=4
    )
    torch.save(theirs.state_dict(), "theirs.pth")
    for command, model in (
        ("--weights theirs.pth", "mobilenet_v3_large_fpn"),
        ("--weights COCO_V1", "resnet50_fpn"),
        ("--weights DEFAULT", "small"),
        ("--weights theirs.pth --model resnet50_fpn", "resnet50_fpn"),
    ):
        options = cli.make_parser().parse_args(["train", *command.split()])
        assert train_command.new_config(options, torch.device("cpu")).model == model, command


@pytest.mark.parametrize(
    "error", [torch.OutOfMemoryError("CUDA out of memory."), RuntimeError("DefaultCPUAllocator: can't allocate memory")]
)
def test_a_full_memory_names_the_way_out(
    error: Exception, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*run: object, out: Path, **arguments: object) -> None:
        out.mkdir(exist_ok=True)
        (out / "checkpoint.pt").touch()
        raise error

    monkeypatch.setattr(train_command, "train", fail)
    message = said_by(capsys, "train", "--data", "photos", "--out", "run", "--epochs", "1", *TINY, status=2)
    assert message == (
        "error: the memory is full; --accumulate N takes the images of a step in N parts; to continue: "
        "--resume --out run --accumulate 2\n"
    )
