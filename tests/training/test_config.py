import json
from dataclasses import replace

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
        ({"weight_decay": -1.0}, "weight_decay is -1.0"),
        ({"warmup_steps": -1}, "warmup_steps is -1"),
        ({"warmup_factor": 1.5}, "warmup_factor is 1.5"),
        ({"workers": -1}, "workers is -1"),
        ({"grad_clip": 0.0}, "grad_clip is 0.0"),
        ({"milestones": (0.9, 0.5)}, "milestones is"),
        ({"milestones": (16, 22)}, "milestones is"),
        ({"epochs": 0}, "epochs is 0"),
        ({"epochs": None, "minutes": -1.0}, "minutes is -1.0"),
        ({"epochs": None}, "give epochs or minutes"),
        ({"minutes": 3.0}, "give epochs or minutes"),
    ],
)
def test_names_the_field_that_makes_no_sense(config: TrainConfig, change: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(config, **change)


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
