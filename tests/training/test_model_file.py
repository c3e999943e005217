"""Files of trained models that are not what a run writes: each is refused in one sentence that names the file."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from frcnn_edu.training import SHIPPED, TrainConfig, load_checkpoint, load_model
from frcnn_edu.training.model_file import read_metrics, write_model

Contents = tuple[dict[str, torch.Tensor], dict[str, str]]
DEEP = "[" * 100_000 + "]" * 100_000


@pytest.fixture(scope="module")
def shipped() -> Contents:
    with safe_open(SHIPPED, "pt") as file:
        return load_file(SHIPPED), file.metadata()


def without(key: str) -> Callable[[Contents], Contents]:
    return lambda contents: (contents[0], {name: value for name, value in contents[1].items() if name != key})


def telling(key: str, text: str) -> Callable[[Contents], Contents]:
    return lambda contents: (contents[0], contents[1] | {key: text})


def configured(**values: Any) -> Callable[[Contents], Contents]:
    return lambda contents: (
        contents[0],
        contents[1] | {"config": json.dumps(json.loads(contents[1]["config"]) | values)},
    )


def with_weights(change: Callable[[torch.Tensor], torch.Tensor]) -> Callable[[Contents], Contents]:
    name = "rpn.head.cls_logits.bias"
    return lambda contents: (contents[0] | {name: change(contents[0][name])}, contents[1])


HOSTILE = {
    "no classes": (without("classes"), "has no 'classes' in its metadata"),
    "no configuration": (without("config"), "has no 'config' in its metadata"),
    "no mark": (without("format"), "is not a file of a run of frcnn_edu"),
    "classes are no JSON": (telling("classes", "{oh"), "'classes' in its metadata is not JSON"),
    "classes are deep": (telling("classes", DEEP), "'classes' in its metadata is nested too deeply"),
    "classes are a number": (telling("classes", "7"), "its classes are 7; expected different names"),
    "classes are numbers": (telling("classes", "[1, 2]"), r"its classes are \[1, 2\]; expected different names"),
    "one class": (telling("classes", '["background"]'), "expected different names, the background first"),
    "a class twice": (telling("classes", '["background", "a", "a"]'), "expected different names"),
    "fewer classes": (telling("classes", '["background", "a"]'), r"do not fit model 'small'.*bbox_pred\.bias \(24 instead of 8\)"),
    "a list for a configuration": (telling("config", "[]"), "its configuration is invalid"),
    "a deep configuration": (telling("config", DEEP), "'config' in its metadata is nested too deeply"),
    "an unknown option": (configured(spell=3), "its configuration is invalid: unknown training options: spell"),
    "text for a number": (configured(lr="high"), "its configuration is invalid"),
    "an unknown model": (configured(model="huge"), r"m\.safetensors: no model 'huge' can be built from its configuration: there is no model 'huge'"),
    "a model of text": (configured(model_args="tall"), "its configuration is invalid: model_args is 'tall'; expected dict"),
    "an unknown argument": (configured(model_args={"spell": 3}), "no model 'small' can be built from its configuration"),
    "a file to be read": (configured(model_args={"weights": "/etc/passwd"}), "model_args must not contain weights"),
    "NaN": (with_weights(lambda bias: bias * torch.nan), r"cls_logits\.bias contains NaN or infinity"),
    "infinity": (with_weights(lambda bias: bias + torch.inf), r"cls_logits\.bias contains NaN or infinity"),
    "half precision": (with_weights(lambda bias: bias.half()), r"cls_logits\.bias is float16, expected float32"),
    "another kind of number": (telling("stored", '"int4"'), r'its weights are stored as "int4"; expected .float16'),
    "whole numbers": (with_weights(lambda bias: bias.long()), r"cls_logits\.bias is int64, expected float32"),
    "another shape": (with_weights(lambda bias: bias[:1]), r"cls_logits\.bias \(1 instead of 3\)"),
}  # fmt: skip


@pytest.mark.parametrize(("change", "message"), HOSTILE.values(), ids=HOSTILE)
def test_a_safetensors_file_that_no_run_wrote(
    shipped: Contents, change: Callable[[Contents], Contents], message: str, tmp_path: Path
) -> None:
    weights, metadata = change(shipped)
    save_file(weights, tmp_path / "m.safetensors", metadata)
    with pytest.raises(ValueError, match=message) as raised:
        load_model(tmp_path / "m.safetensors")
    assert len(str(raised.value)) < 500


def test_weights_stored_in_half_precision(shipped: Contents, tmp_path: Path) -> None:
    weights, metadata = shipped
    about = {key: json.loads(metadata[key]) for key in ("classes", "config")}
    write_model(tmp_path / "m.safetensors", weights, about, half=True)
    assert (tmp_path / "m.safetensors").stat().st_size < 0.52 * SHIPPED.stat().st_size
    model, classes, config = load_model(tmp_path / "m.safetensors")
    assert list(classes) == about["classes"]
    assert config == TrainConfig.from_dict(about["config"])
    for name, value in model.state_dict().items():
        assert value.dtype == weights[name].dtype
        torch.testing.assert_close(value, weights[name], rtol=2**-11, atol=2**-25, msg=name)


@pytest.mark.parametrize("key", ["model", "optimizer", "progress", "config", "classes"])
def test_a_checkpoint_that_lacks_something(key: str, tmp_path: Path) -> None:
    contents = {
        "format": "frcnn_edu checkpoint 1", "model": {}, "optimizer": {}, "progress": {},
        "config": TrainConfig(epochs=1).to_dict(), "classes": ["background", "a"],
    }  # fmt: skip
    for wrong in ({name: value for name, value in contents.items() if name != key}, contents | {key: 3}):
        torch.save(wrong, tmp_path / "c.pt")
        for read in (load_checkpoint, load_model):
            with pytest.raises(ValueError, match=rf"c\.pt cannot be read as a checkpoint: its {key!r} is missing"):
                read(tmp_path / "c.pt")


def test_a_checkpoint_with_other_things_for_weights(tmp_path: Path) -> None:
    contents = {
        "format": "frcnn_edu checkpoint 1", "model": {"a": 3}, "optimizer": {}, "progress": {},
        "config": TrainConfig(epochs=1).to_dict(), "classes": ["background", "a"],
    }  # fmt: skip
    torch.save(contents, tmp_path / "c.pt")
    with pytest.raises(ValueError, match=r"c\.pt: its weights are not tensors by name"):
        load_model(tmp_path / "c.pt")


@pytest.mark.parametrize(
    ("metrics", "expected"),
    [
        ('{"AP": 0.5, "epoch": 2}', {"AP": 0.5, "epoch": 2}),
        ('{"AP": null}', None),
        ("{}", None),
        ("[3]", None),
        (DEEP, None),
    ],
    ids=["a number", "none", "nothing", "a list", "deep"],
)
def test_metrics_of_a_file(metrics: str, expected: dict[str, float] | None, tmp_path: Path) -> None:
    save_file({"a": torch.zeros(1)}, tmp_path / "m.safetensors", {"metrics": metrics})
    assert read_metrics(tmp_path / "m.safetensors") == expected


def test_metrics_of_no_file(tmp_path: Path) -> None:
    assert read_metrics(tmp_path / "none.safetensors") is None
    (tmp_path / "text.safetensors").write_text("text")
    assert read_metrics(tmp_path / "text.safetensors") is None


def test_a_folder_in_the_place_of_a_file_names_what_is_in_it(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="is a folder; it contains no run"):
        load_model(tmp_path)
    for name in ("checkpoint.pt", "best.safetensors"):
        (tmp_path / name).touch()
    with pytest.raises(FileNotFoundError, match=r"is a folder; give .*best\.safetensors or .*checkpoint\.pt"):
        load_model(tmp_path)
