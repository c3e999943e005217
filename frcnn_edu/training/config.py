"""All settings of a run, in one frozen record, and the presets that work."""

import dataclasses
from dataclasses import dataclass, field
from math import inf
from pathlib import Path
from types import UnionType
from typing import Any, get_args, get_origin

OPTIMIZERS = ("adamw", "sgd")
SCHEDULES = ("cosine", "multistep")


@dataclass(frozen=True)
class TrainConfig:
    """How to train: model, data, optimizer, schedule, length.

    The run ends after `epochs` passes over the data or after `minutes` on the clock: give exactly one.
    The number of classes is not here, because it follows from the data.

    Raises `TypeError` or `ValueError` naming the field and the invalid value.
    """

    model: str = "small"  # a key of frcnn_edu.model.MODELS
    model_args: dict[str, Any] = field(default_factory=dict)  # passed to the builder: min_size, max_size, …
    weights: str | None = None  # pretrained detector: "DEFAULT", a name of torchvision's, or a file
    weights_backbone: str | None = None  # the same for the backbone alone
    data: str = "shapes"  # or a folder or file of annotated images, as `open_dataset` takes it
    images: str | None = None  # the folder of its images, if they are not with the annotations

    optimizer: str = "adamw"
    lr: float = 2e-3
    momentum: float = 0.9  # SGD only
    weight_decay: float = 1e-4
    grad_clip: float | None = None  # largest norm of all gradients together; None: no clipping
    batch_size: int = 8  # images per step, in all processes together
    accumulate: int = 1  # parts in which a process takes its share of them, if memory is short

    warmup_steps: int = 50
    warmup_factor: float = 1e-3  # the first step's share of lr
    schedule: str = "cosine"
    milestones: tuple[float, ...] = (16 / 26, 22 / 26)  # multistep: shares of the run after which lr × gamma
    gamma: float = 0.1

    epochs: int | None = None
    minutes: float | None = None
    save_minutes: float = 10.0  # longest time between two checkpoints, also in the middle of a pass

    hflip: bool = True  # mirror half of the images left to right
    vflip: bool = False  # … top to bottom
    scale_jitter: tuple[float, float] | None = None  # smallest and largest factor of a random size

    seed: int = 0
    workers: int = 0  # processes that load images; 0: the training process does it itself
    channels_last: bool = False
    amp: bool = False  # bfloat16 autocast

    def __post_init__(self) -> None:
        for each in dataclasses.fields(self):
            value = getattr(self, each.name)
            if isinstance(value, list | Path):  # as JSON and scripts give it
                object.__setattr__(self, each.name, tuple(value) if isinstance(value, list) else str(value))
            self._check_type(each.name, each.type)
        self._require("optimizer", self.optimizer in OPTIMIZERS, f"one of {OPTIMIZERS}")
        self._require("schedule", self.schedule in SCHEDULES, f"one of {SCHEDULES}")
        for name in ("lr", "gamma"):
            self._require(name, 0 < getattr(self, name) < inf, "a positive number")
        for name in ("momentum", "weight_decay"):
            self._require(name, 0 <= getattr(self, name) < inf, "0 or more")
        for name in ("warmup_steps", "workers", "save_minutes", "seed"):
            self._require(name, getattr(self, name) >= 0, "0 or more")
        self._require("warmup_factor", 0 <= self.warmup_factor <= 1, "between 0 and 1")
        for name in ("batch_size", "accumulate"):
            self._require(name, getattr(self, name) >= 1, "at least 1")
        self._require("grad_clip", self.grad_clip is None or self.grad_clip > 0, "positive, or None")
        ordered = list(self.milestones) == sorted(self.milestones)
        inside = all(0 < milestone < 1 for milestone in self.milestones)
        self._require("milestones", ordered and inside, "rising shares of the run, each between 0 and 1")
        self._require("epochs", self.epochs is None or self.epochs >= 1, "at least 1")
        self._require("minutes", self.minutes is None or 0 < self.minutes < inf, "a positive number")
        jitter = self.scale_jitter
        sound = jitter is None or 0 < jitter[0] <= jitter[1] < inf
        self._require("scale_jitter", sound, "(smallest, largest) with 0 < smallest <= largest")
        if (self.epochs is None) == (self.minutes is None):
            raise ValueError(f"give exactly one of epochs and minutes: epochs={self.epochs}, minutes={self.minutes}")

    def _check_type(self, name: str, expected: Any) -> None:
        if not _is_a(getattr(self, name), expected):
            words = expected.__name__ if isinstance(expected, type) and not get_args(expected) else str(expected)
            raise TypeError(f"{name} is {getattr(self, name)!r:.100}; expected {words.replace('typing.', '')}")

    def _require(self, name: str, holds: bool, expected: str) -> None:
        if not holds:
            raise ValueError(f"{name} is {getattr(self, name)!r}; expected {expected}")

    def to_dict(self) -> dict[str, Any]:
        """As plain values that JSON and `torch.load(weights_only=True)` accept."""
        values = dataclasses.asdict(self)
        return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "TrainConfig":
        """The inverse of `to_dict`; a key that is not a field raises `ValueError`."""
        unknown = sorted(set(values) - {field.name for field in dataclasses.fields(cls)})
        if unknown:
            raise ValueError(f"unknown training options: {', '.join(unknown)}")
        return cls(**values)


def _is_a(value: Any, expected: Any) -> bool:
    """Whether a value is of an annotated type. A whole number counts as a float; True is not a number."""
    parts = get_args(expected)
    if isinstance(expected, UnionType):
        return any(_is_a(value, one) for one in parts)
    if get_origin(expected) is tuple:
        as_many = parts[-1] is ... or (isinstance(value, tuple) and len(value) == len(parts))
        return isinstance(value, tuple) and as_many and all(_is_a(one, parts[0]) for one in value)
    if expected in (int, float):
        return isinstance(value, int if expected is int else (int, float)) and not isinstance(value, bool)
    return isinstance(value, get_origin(expected) or expected)


def default_config(model: str, data: str, *, batch_size: int | None = None, processes: int = 1) -> TrainConfig:
    """The recipe for `model` on `data`: what was found to work for "small", the published one for the rest.

    Args:
        model: a key of `frcnn_edu.model.MODELS`.
        data: "shapes", or a folder or file of annotated images.
        batch_size: images per step; None for the recipe's own: 4 for "small", 2 per process for the rest. The published
            recipe's learning rate is 0.02 for 16 images and is scaled in proportion.
        processes: number of processes that share a step.
    """
    if model == "small":
        # Small batches and many steps: classes are learnt late, and too long a step early on undoes that.
        recipe: dict[str, Any] = dict(
            data=data, lr=1.5e-3, grad_clip=1.0, warmup_steps=200, batch_size=batch_size or _multiple(processes, 4)
        )
        if data == "shapes":
            return TrainConfig(model, {"min_size": 128, "max_size": 160}, minutes=5.75, **recipe)
        return TrainConfig(model, {"min_size": 240, "max_size": 320}, minutes=9.5, **recipe)
    images = batch_size or 2 * processes
    return TrainConfig(
        model,
        # The anchors are made for photographs: shapes are enlarged four times to fit them.
        {"min_size": 512, "max_size": 640} if data == "shapes" else {},
        data=data,
        optimizer="sgd",
        lr=0.02 * images / 16,
        batch_size=images,
        warmup_steps=1000,
        schedule="multistep",
        epochs=6 if data == "shapes" else 26,
        workers=4,  # on a CPU, loading processes only take cores away from the training
    )


def check_pretraining(config: TrainConfig) -> None:
    """Make sure that the model can be pretrained as `config` says.

    Raises:
        ValueError: the small model has no pretrained backbone, so there is none to load, and none to freeze.
    """
    if config.model == "small" and config.weights_backbone is not None:
        raise ValueError(
            "model 'small' has no pretrained backbone; leave weights_backbone out, or choose another model"
        )
    if config.model == "small" and "trainable_backbone_layers" in config.model_args:
        raise ValueError("model 'small' trains all its layers; leave trainable_backbone_layers out")


def check_parts(config: TrainConfig, processes: int, images: int | None = None) -> None:
    """Make sure that a batch can be divided among processes and parts (`accumulate`), and that there is an image for each.

    Args:
        images: the size of the training data; None if it is not known yet.

    Raises:
        ValueError: it cannot be divided, or there are too few images.
    """
    parts = processes * config.accumulate
    what = f"{processes} process{'es' * (processes > 1)} × accumulate={config.accumulate}"
    if config.batch_size % parts:
        raise ValueError(f"batch_size {config.batch_size} cannot be divided by {what}: give a multiple of {parts}")
    if images is not None and images < parts:
        raise ValueError(f"train_data has {images} images, too few for {what}")


def _multiple(of: int, at_least: int) -> int:
    return of * -(-at_least // of)
