import json
import re
from dataclasses import fields, replace
from pathlib import Path

import pytest

from frcnn_edu.training import TrainConfig, default_config


def test_survives_json(config: TrainConfig) -> None:
    assert TrainConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"lr": 0.0}, "lr is 0.0"),
        ({"lr": float("nan")}, "lr is nan"),
        ({"optimizer": "adam"}, "optimizer is 'adam'"),
        ({"schedule": "linear"}, "schedule is 'linear'"),
        ({"batch_size": 0}, "batch_size is 0"),
        ({"momentum": -0.1}, "momentum is -0.1"),
        ({"momentum": float("inf")}, "momentum is inf"),
        ({"scale_jitter": (1.0, float("inf"))}, "scale_jitter is"),
        ({"weight_decay": -1.0}, "weight_decay is -1.0"),
        ({"warmup_steps": -1}, "warmup_steps is -1"),
        ({"warmup_factor": 1.5}, "warmup_factor is 1.5"),
        ({"workers": -1}, "workers is -1"),
        ({"grad_clip": 0.0}, "grad_clip is 0.0"),
        ({"milestones": (0.9, 0.5)}, "milestones is"),
        ({"milestones": (16, 22)}, "milestones is"),
        ({"epochs": 0}, "epochs is 0"),
        ({"epochs": None, "minutes": -1.0}, "minutes is -1.0"),
        ({"epochs": None}, "give exactly one of epochs and minutes"),
        ({"minutes": 3.0}, "give exactly one of epochs and minutes"),
    ],
)
def test_names_the_field_that_makes_no_sense(config: TrainConfig, change: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(config, **change)


@pytest.mark.parametrize(
    ("field", "values", "expected"),
    [
        (("hflip", "vflip", "channels_last", "amp"), ("no", 1, 0, None), "bool"),
        (("batch_size", "accumulate", "warmup_steps", "workers", "seed"), ("3", 2.5, True, None), "int"),
        (("lr", "momentum", "weight_decay", "warmup_factor", "gamma", "save_minutes"), ("1", True, None), "float"),
        (("model", "data", "optimizer", "schedule"), (3, None, b"small"), "str"),
        (("weights", "weights_backbone", "images"), (3, True), r"str \| None"),
        (("epochs",), ("3", 2.5, True), r"int \| None"),
        (("grad_clip", "minutes"), ("3", True), r"float \| None"),
        (("milestones",), (0.5, "", (True,), ("0.5",), None), r"tuple\[float, \.\.\.\]"),
        (("scale_jitter",), (0.5, (), (0.5,), (1, 2, 3), ("1", "2")), r"tuple\[float, float\] \| None"),
        (("model_args",), (None, (3,), "min_size=64"), r"dict\[str, Any\]"),
    ],
)
def test_names_the_field_of_another_type(
    config: TrainConfig, field: tuple[str, ...], values: tuple[object, ...], expected: str
) -> None:
    for name in field:
        for value in values:
            with pytest.raises(TypeError, match=rf"^{name} is {re.escape(repr(value))}; expected {expected}$"):
                replace(config, **{name: value})


def test_every_field_has_a_type_that_is_checked(config: TrainConfig) -> None:
    for each in fields(config):
        with pytest.raises(TypeError, match=f"^{each.name} is <object"):
            replace(config, **{each.name: object()})


def test_paths_become_text_and_whole_numbers_do_for_others(config: TrainConfig) -> None:
    changed = replace(config, data=Path("my photos"), images=Path("a"), lr=1, scale_jitter=[1, 2], milestones=[])
    assert (changed.data, changed.images, changed.scale_jitter, changed.milestones) == ("my photos", "a", (1, 2), ())


def test_unknown_option() -> None:
    with pytest.raises(ValueError, match="learning_rate"):
        TrainConfig.from_dict({"epochs": 1, "learning_rate": 0.1})


def test_published_recipe_scales_the_learning_rate_with_the_batch() -> None:
    config = default_config("resnet50_fpn", "some/folder", batch_size=16)
    assert (config.optimizer, config.lr, config.momentum, config.weight_decay) == ("sgd", 0.02, 0.9, 1e-4)
    assert (config.epochs, config.warmup_steps, config.warmup_factor) == (26, 1000, 1e-3)
    assert [round(26 * milestone) for milestone in config.milestones] == [16, 22]
    assert default_config("resnet50_fpn", "shapes", batch_size=2).lr == pytest.approx(0.0025)


def test_presets_of_the_small_model() -> None:
    shapes, photographs = default_config("small", "shapes"), default_config("small", "some/folder")
    assert (shapes.model_args["min_size"], photographs.model_args["min_size"]) == (128, 240)
    assert photographs.data == "some/folder"
