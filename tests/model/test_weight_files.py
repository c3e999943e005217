"""Weights as other tools save them, and files that are damaged or hostile."""

import argparse
import pathlib
import shutil
import zipfile
from collections import OrderedDict, defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from frcnn_edu.model.weight_files import plain, read_json, read_weights, unpack

WEIGHTS = {"backbone.body.conv1.weight": torch.arange(6.0).reshape(2, 3), "rpn.head.bias": torch.ones(3)}


def prefixed(prefix: str) -> dict[str, Tensor]:
    return {f"{prefix}{name}": value for name, value in WEIGHTS.items()}


def of_a_reference_script() -> dict[str, Any]:
    """What torchvision's training script saves, and more of what is found in the wild."""
    optimizer = torch.optim.SGD([nn.Parameter(torch.ones(2))], 0.1, momentum=0.9)
    schedule = torch.optim.lr_scheduler.MultiStepLR(optimizer, [16, 22])
    counts: defaultdict[str, list[int]] = defaultdict(list)
    counts["seen"].append(3)
    return {
        "model": WEIGHTS,
        "optimizer": optimizer.state_dict(),
        "lr_scheduler": schedule.state_dict(),
        "args": argparse.Namespace(lr=0.02, output=pathlib.PurePosixPath("/out"), device=torch.device("cpu")),
        "best": numpy.float64(0.37),
        "curve": numpy.arange(3),
        "counts": counts,
        "epoch": 25,
    }


SAVED = {
    "alone": WEIGHTS,
    "model": {"model": WEIGHTS, "epoch": 3},
    "state_dict": {"state_dict": WEIGHTS},
    "model_state_dict": {"epoch": 3, "model_state_dict": WEIGHTS, "optimizer_state_dict": {}, "loss": 0.1},
    "a key in a key": {"model": {"state_dict": WEIGHTS}},
    "DistributedDataParallel": {"model": prefixed("module.")},
    "Lightning": {"state_dict": prefixed("model."), "pytorch-lightning_version": "2.5", "callbacks": {}},
    "two wrappers": prefixed("model.module."),
    "compiled": prefixed("_orig_mod."),
    "compiled in part": {name.replace("backbone.", "backbone._orig_mod."): value for name, value in WEIGHTS.items()},
    "averaged": {"n_averaged": torch.tensor(3), **prefixed("module.")},
    "reference script": of_a_reference_script(),
}


def same(found: dict[str, Tensor]) -> bool:
    return found.keys() == WEIGHTS.keys() and all(torch.equal(found[name], value) for name, value in WEIGHTS.items())


@pytest.mark.parametrize("content", SAVED.values(), ids=SAVED)
def test_weights_are_found_wherever_a_tool_puts_them(content: Any, tmp_path: Path) -> None:
    torch.save(content, tmp_path / "w.pth")
    assert same(read_weights(tmp_path / "w.pth")[0])


@pytest.mark.parametrize("content", [SAVED["alone"], {"model": WEIGHTS, "args": argparse.Namespace(a=1)}])
def test_files_from_before_pytorch_1_6(content: Any, tmp_path: Path) -> None:
    torch.save(content, tmp_path / "w.pth", _use_new_zipfile_serialization=False)
    assert same(read_weights(tmp_path / "w.pth")[0])


@pytest.mark.parametrize(
    ("mark", "classes", "expected"),
    [
        ("frcnn_edu checkpoint 1", '["background", "a"]', ["background", "a"]),
        ("frcnn_edu checkpoint 1", "3", None),
        ("pt", "a, b", None),  # what another tool means by it
    ],
)
def test_safetensors_with_a_prefix(mark: str, classes: str, expected: list[str] | None, tmp_path: Path) -> None:
    save_file(prefixed("module."), tmp_path / "w.safetensors", {"format": mark, "classes": classes})
    weights, found = read_weights(tmp_path / "w.safetensors")
    assert same(weights)
    assert found == expected


@pytest.mark.parametrize(
    ("extra", "expected"),
    [
        ({}, None),
        ({"classes": ["a", "b"]}, ["a", "b"]),
        ({"class_names": ("a", "b")}, ["a", "b"]),
        ({"names": {1: "b", 0: "a"}}, ["a", "b"]),
        ({"classes": 3}, None),
        ({"classes": [1, 2]}, None),
    ],
    ids=str,
)
def test_class_names_in_a_checkpoint(extra: dict[str, Any], expected: list[str] | None, tmp_path: Path) -> None:
    torch.save({"model": WEIGHTS, **extra}, tmp_path / "w.pth")
    assert read_weights(tmp_path / "w.pth")[1] == expected


def test_nothing_of_another_program_is_run(tmp_path: Path) -> None:
    class Hostile:
        def __reduce__(self) -> tuple[Any, ...]:
            return shutil.rmtree, (str(tmp_path / "kept"),)

    (tmp_path / "kept").mkdir()
    torch.save({"model": WEIGHTS, "args": Hostile()}, tmp_path / "w.pth")
    assert same(read_weights(tmp_path / "w.pth")[0])
    with pytest.raises(
        ValueError, match=r"w\.pth cannot be read as weights: it contains more than tensors \(shutil.rmtree\)"
    ):
        unpack(tmp_path / "w.pth")
    assert (tmp_path / "kept").is_dir()


def pack(content: dict[str, Any], file: Path) -> None:
    """Save with compression, which PyTorch never uses."""
    torch.save(content, file.with_suffix(".stored"))
    with (
        zipfile.ZipFile(file.with_suffix(".stored")) as stored,
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in stored.namelist():
            new.writestr(name, stored.read(name))


def of_itself(file: Path) -> None:
    content: dict[str, Any] = {}
    content["model"] = content
    torch.save(content, file)


UNREADABLE: dict[str, tuple[Callable[[Path], object], str]] = {
    "empty": (lambda file: file.touch(), "it is empty"),
    "text": (lambda file: file.write_text("no weights"), "it is not a PyTorch file"),
    "truncated": (lambda file: _truncated(file), "it is truncated or damaged"),
    "packed": (lambda file: pack({"a": torch.zeros(10**6)}, file), "MB would unpack to 4; PyTorch does not compress"),
    "protocol 4": (lambda file: torch.save(WEIGHTS, file, pickle_protocol=4), "it was saved with pickle_protocol=4"),
    "a module": (lambda file: torch.save(nn.Linear(2, 2), file), r"contains a pickled object \(Linear\).*state_dict\(\)"),
    "no weights": (lambda file: torch.save({"epoch": 3, "x\x1b[31m": 1}, file), "does not contain a state dict.*it has epoch, x�"),
    "a list": (lambda file: torch.save([1, 2], file), "does not contain a state dict"),
    "a circle": (of_itself, "does not contain a state dict"),
}  # fmt: skip


def _truncated(file: Path) -> None:
    torch.save(WEIGHTS, file)
    file.write_bytes(file.read_bytes()[:600])


@pytest.mark.parametrize(("make", "message"), UNREADABLE.values(), ids=UNREADABLE)
def test_what_cannot_be_read_is_said_in_plain_words(
    make: Callable[[Path], object], message: str, tmp_path: Path
) -> None:
    file = tmp_path / "w.pth"
    make(file)
    with pytest.raises(ValueError, match=message) as raised:
        read_weights(file)
    assert str(file) in str(raised.value)
    assert "\x1b" not in str(raised.value)


def test_a_torchscript_archive(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "w.pt", "w") as archive:
        for name in ("data.pkl", "constants.pkl", "version"):
            archive.writestr(f"w/{name}", "3\n")
    with pytest.raises(ValueError, match="it is a TorchScript archive; save a state_dict"):
        read_weights(tmp_path / "w.pt")


@pytest.mark.parametrize("how", ["text", "truncated"])
def test_damaged_safetensors(how: str, tmp_path: Path) -> None:
    file = tmp_path / "w.safetensors"
    save_file(WEIGHTS, file)
    file.write_bytes(file.read_bytes()[:40] if how == "truncated" else b"no weights at all")
    with pytest.raises(ValueError, match=r"w\.safetensors cannot be read as safetensors: it is truncated, damaged"):
        read_weights(file)


@pytest.mark.parametrize(
    ("text", "message"),
    [(None, "has no 'classes'"), ("{oh", "is not JSON"), ("[" * 10**5 + "]" * 10**5, "is nested too deeply")],
    ids=["missing", "no JSON", "nested"],
)
def test_metadata_that_cannot_be_read(text: str | None, message: str) -> None:
    with pytest.raises(ValueError, match=rf"f\.safetensors.*{message}"):
        read_json(Path("f.safetensors"), {} if text is None else {"classes": text}, "classes")


def test_text_from_a_file_is_fit_for_a_terminal() -> None:
    assert plain("a\x1b[31m b") == "a�[31m b"
    assert len(plain("word " * 100)) <= 100


def test_an_ordered_dict_of_a_subclass(tmp_path: Path) -> None:
    torch.save(OrderedDict(state_dict=OrderedDict(WEIGHTS)), tmp_path / "w.pth")
    assert same(read_weights(tmp_path / "w.pth")[0])
