import multiprocessing
import os
import pickle
import signal
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from stand_ins import CLASSES, OneWeight, Squares
from torch import nn
from torchvision.models import mobilenet_v3_large

from frcnn_edu.training import (
    SHIPPED,
    Run,
    TrainConfig,
    build_model,
    export_safetensors,
    load_checkpoint,
    load_model,
    make_optimizer,
)
from frcnn_edu.training.checkpoint import previous
from frcnn_edu.training.run import CHECKPOINT


def make_run(config: TrainConfig, out: Path) -> Run:
    torch.manual_seed(5)
    model = build_model(config, len(CLASSES))
    run = Run(model, make_optimizer(model, config), config, CLASSES, out)
    run.state.epochs.append({"epoch": 1.0, "AP": 0.5})
    return run


@pytest.fixture
def saved(config: TrainConfig, tmp_path: Path) -> Run:
    run = make_run(config, tmp_path / "run")
    run.save()
    return run


def detect(model: nn.Module) -> Any:
    with torch.no_grad():
        return model.eval()([Squares()[2][0]])[0]


def test_round_trip(saved: Run, config: TrainConfig) -> None:
    other = make_run(config, saved.out)
    with torch.no_grad():
        for parameter in other.model.parameters():
            parameter.zero_()
    other.restore()
    assert other.state == saved.state
    weights = other.model.state_dict()
    assert all(torch.equal(value, weights[name]) for name, value in saved.model.state_dict().items())


@pytest.mark.parametrize("kind", ["checkpoint", "safetensors"])
def test_load_model_rebuilds_what_was_trained(saved: Run, kind: str) -> None:
    path = saved.out / CHECKPOINT
    if kind == "safetensors":
        saved.export()
        path = saved.out / "model.safetensors"
    model, classes, config = load_model(path)
    assert (classes, config, model.training) == (CLASSES, saved.config, False)
    assert model.transform.min_size == (64,)
    expected, detections = detect(saved.model), detect(model)
    assert all(torch.equal(detections[name], value) for name, value in expected.items())


def test_frozen_batch_norm_comes_back_as_the_same_numbers(config: TrainConfig, tmp_path: Path) -> None:
    torch.save(mobilenet_v3_large().state_dict(), tmp_path / "backbone.pth")
    config = replace(config, model="mobilenet_v3_large_fpn", weights_backbone=str(tmp_path / "backbone.pth"))
    run = make_run(config, tmp_path)
    run.save()
    (tmp_path / "backbone.pth").unlink()  # the trained weights are all it takes
    model, _, _ = load_model(tmp_path / CHECKPOINT)
    images = torch.rand(1, 3, 64, 96)
    with torch.no_grad():
        expected, features = run.model.eval().backbone(images), model.backbone(images)
    for name, value in expected.items():
        torch.testing.assert_close(features[name], value, rtol=1e-4, atol=1e-4)  # the same formula, rounded elsewhere


def save_on_a_full_disk(config: TrainConfig, out: Path, told: Connection) -> None:
    import resource  # which Windows does not have

    run = make_run(config, out)
    run.save()
    run.export()
    run.state.step = 7
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, ((out / CHECKPOINT).stat().st_size // 5,) * 2)  # no file may be larger
    for write in (run.save, run.export):
        try:
            write()
        except OSError as error:
            told.send(str(error))


@pytest.mark.skipif(os.name != "posix", reason="a full disk is played by a limit that only POSIX systems have")
@pytest.mark.slow
def test_a_full_disk_keeps_the_last_checkpoint(config: TrainConfig, tmp_path: Path) -> None:
    processes = multiprocessing.get_context("forkserver")
    hears, told = processes.Pipe(duplex=False)
    out = tmp_path / "run"
    process = processes.Process(target=save_on_a_full_disk, args=(config, out, told))
    process.start()
    told.close()
    messages = [hears.recv(), hears.recv()]
    process.join()
    for name, message in zip((CHECKPOINT, "model.safetensors"), messages):
        assert message.startswith(f"{out / name} cannot be written; is the disk full?")
    assert load_checkpoint(out / CHECKPOINT)["progress"]["step"] == 0
    assert load_model(out / "model.safetensors")[1] == CLASSES
    assert sorted(path.name for path in out.iterdir()) == [CHECKPOINT, "metrics.json", "model.safetensors"]


class Malicious:
    """What a hostile checkpoint is made of."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


def damage(path: Path, how: str) -> None:
    whole = path.read_bytes()
    if how == "empty":
        path.write_bytes(b"")
    elif how == "text":
        path.write_text("these are not the weights you are looking for")
    elif how == "truncated":
        path.write_bytes(whole[: len(whole) // 2])
    elif how == "almost whole":
        path.write_bytes(whole[:-10])
    elif how == "other program":
        torch.save({"model": {}, "epoch": 3}, path)
    elif how == "tensor":
        torch.save(torch.zeros(3), path)
    elif how == "pickle":
        path.write_bytes(pickle.dumps(Malicious(path.parent / "owned"), protocol=2))
    elif how == "pickle in a checkpoint":
        torch.save({"format": "frcnn_edu checkpoint 1", "model": Malicious(path.parent / "owned")}, path)


DAMAGES = ["empty", "text", "truncated", "almost whole", "other program", "tensor", "pickle", "pickle in a checkpoint"]


@pytest.mark.parametrize("how", DAMAGES)
def test_damaged_and_foreign_checkpoints_are_refused(saved: Run, how: str) -> None:
    path = saved.out / CHECKPOINT
    damage(path, how)
    for read in (load_checkpoint, load_model):
        with pytest.raises(ValueError, match=CHECKPOINT):
            read(path)
    assert not (saved.out / "owned").exists()


@pytest.mark.parametrize("how", ["empty", "text", "truncated", "almost whole"])
def test_damaged_safetensors_are_refused(saved: Run, how: str) -> None:
    saved.export()
    damage(saved.out / "model.safetensors", how)
    with pytest.raises(ValueError, match=r"model\.safetensors cannot be read"):
        load_model(saved.out / "model.safetensors")


def test_foreign_safetensors_are_refused(tmp_path: Path) -> None:
    save_file({"weight": torch.zeros(3)}, tmp_path / "other.safetensors")
    with pytest.raises(ValueError, match=r"is not a file of a run of frcnn_edu.*give it as --weights"):
        load_model(tmp_path / "other.safetensors")


@pytest.mark.slow
@pytest.mark.parametrize("how", [*DAMAGES, "gone"])
def test_the_checkpoint_before_is_used(
    saved: Run, config: TrainConfig, how: str, capsys: pytest.CaptureFixture[str]
) -> None:
    saved.state.step = 7
    saved.save()
    path, damaged = saved.out / CHECKPOINT, saved.out / "checkpoint-damaged.pt"
    if how == "gone":  # killed between two moves
        path.unlink()
    else:
        damage(path, how)
    bad = path.read_bytes() if path.exists() else None
    other = make_run(config, saved.out)
    other.restore()
    assert other.state.step == 0
    said = capsys.readouterr().err
    assert len(said.splitlines()) == 1
    assert said.endswith(f"continuing from {saved.out / 'checkpoint-previous.pt'}\n")
    assert not path.exists()
    assert (damaged.read_bytes() if damaged.exists() else None) == bad
    other.state.step = 1
    other.save()
    assert [load_checkpoint(each)["progress"]["step"] for each in (path, previous(path))] == [1, 0]
    assert not (saved.out / "owned").exists()


def test_both_checkpoints_damaged(saved: Run) -> None:
    saved.save()
    for path in (saved.out / CHECKPOINT, previous(saved.out / CHECKPOINT)):
        damage(path, "truncated")
    with pytest.raises(ValueError, match=rf"{CHECKPOINT} cannot be read as a checkpoint"):
        saved.restore()
    assert sorted(saved.out.glob("*.pt")) == [previous(saved.out / CHECKPOINT), saved.out / CHECKPOINT]


def same(one: Any, other: Any) -> bool:
    """Nested dicts and lists of tensors and plain values, compared."""
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(value, other[key]) for key, value in one.items())
    if isinstance(one, torch.Tensor):
        return torch.equal(one, other)
    return bool(one == other)


def test_a_changed_byte_is_seen_or_changes_nothing(config: TrainConfig, tmp_path: Path) -> None:
    model = OneWeight()
    Run(model, make_optimizer(model, config), config, CLASSES, tmp_path).save()
    path = tmp_path / CHECKPOINT
    whole, contents = path.read_bytes(), load_checkpoint(path)
    seen = 0
    places = range(0, len(whole), max(1, len(whole) // 400))
    for place in places:
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x10]) + whole[place + 1 :])
        try:
            assert same(load_checkpoint(path), contents), place
        except ValueError:
            seen += 1
    assert seen > len(places) // 4, "most of a file is contents"


def test_weights_of_another_model(saved: Run) -> None:
    path = saved.out / CHECKPOINT
    contents = load_checkpoint(path)
    torch.save(contents | {"classes": ["background", "red"]}, path)
    with pytest.raises(ValueError, match="do not fit model 'small'"):
        load_model(path)


def test_missing_file(tmp_path: Path) -> None:
    for read in (load_checkpoint, load_model):
        with pytest.raises(FileNotFoundError, match="there is no checkpoint"):
            read(tmp_path / "none.pt")


def test_metadata_of_the_export(saved: Run) -> None:
    from safetensors import safe_open

    export_safetensors(saved.out / CHECKPOINT, saved.out / "model.safetensors")
    with safe_open(saved.out / "model.safetensors", "pt") as file:
        assert file.metadata()["metrics"] == '{"epoch": 1.0, "AP": 0.5}'
    assert (saved.out / "model.safetensors").stat().st_size < (saved.out / CHECKPOINT).stat().st_size * 1.1


def test_other_classes_cannot_go_on(saved: Run) -> None:
    other = Run(saved.model, saved.optimizer, saved.config, ("background", "blue", "green"), saved.out)
    with pytest.raises(ValueError, match=r"classes \['background', 'red', 'green'\].*blue"):
        other.restore()


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("model", {}, "do not fit the model: missing are"),
        ("optimizer", {}, "the optimizer in .* does not fit the model"),
        ("optimizer", {"state": {}, "param_groups": []}, "the optimizer in .* does not fit the model"),
        ("progress", {"mood": 3}, "the progress in a checkpoint has an unknown field among 'mood'"),
    ],
)
def test_a_checkpoint_that_a_run_cannot_go_on_from(saved: Run, key: str, value: dict, message: str) -> None:
    path = saved.out / CHECKPOINT
    torch.save(load_checkpoint(path) | {key: value}, path)
    with pytest.raises(ValueError, match=message):
        saved.restore()


def test_unknown_model_and_missing_backbone(config: TrainConfig) -> None:
    with pytest.raises(ValueError, match="no model 'large'; choose one of: small"):
        build_model(replace(config, model="large"), 3)
    with pytest.raises(ValueError, match="no pretrained backbone"):
        build_model(replace(config, weights_backbone="DEFAULT"), 3)


def test_shipped_file_is_in_the_package() -> None:
    assert SHIPPED.parent.name == "assets"
    assert SHIPPED.parent.parent.name == "frcnn_edu"
