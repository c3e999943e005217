"""A run and its folder: how far it is, and what it leaves on the disk."""

import dataclasses
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn

from .checkpoint import export_safetensors, load_checkpoint, restore_rng, save_checkpoint
from .config import TrainConfig
from .files import write_text

LOSSES = ("loss_objectness", "loss_rpn_box_reg", "loss_classifier", "loss_box_reg")
CHECKPOINT, METRICS, MODEL = "checkpoint.pt", "metrics.json", "model.safetensors"


@dataclass
class RunState:
    """How far a run is, and what it went through.

    history: a list each for "step" (1 for the first), the four losses and "lr", one entry a step.
    epochs: one dict for each evaluation: "epoch", "step", "seconds" and the metrics of `evaluate`.
    """

    step: int = 0  # steps taken
    seconds: float = 0.0  # on the clock, evaluation included
    history: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in ("step", *LOSSES, "lr")})
    epochs: list[dict[str, Any]] = field(default_factory=list)

    def add_step(self, losses: dict[str, float], lr: float) -> None:
        """Count one step and note its numbers."""
        self.step += 1
        for name, value in {"step": self.step, **losses, "lr": lr}.items():
            self.history[name].append(value)


@dataclass
class Run:
    """All that a run changes, and the folder it is kept in."""

    model: nn.Module
    optimizer: torch.optim.Optimizer
    config: TrainConfig
    classes: tuple[str, ...]
    out: Path
    state: RunState = field(default_factory=RunState)

    def save(self) -> None:
        """Write `checkpoint.pt`, from which `restore` goes on, and `metrics.json`, which people and plots read."""
        save_checkpoint(
            self.out / CHECKPOINT,
            model=self.model,
            optimizer=self.optimizer,
            progress=dataclasses.asdict(self.state),
            config=self.config,
            classes=self.classes,
        )
        metrics = {"config": self.config.to_dict(), "classes": self.classes, **dataclasses.asdict(self.state)}
        write_text(self.out / METRICS, json.dumps(metrics, indent=1) + "\n")

    def restore(self) -> None:
        """Take up weights, optimizer, random numbers and history from `checkpoint.pt`."""
        contents = load_checkpoint(self.out / CHECKPOINT)
        if tuple(contents["classes"]) != self.classes:
            raise ValueError(
                f"{self.out / CHECKPOINT} was trained on the classes {contents['classes']}, "
                f"the data has {list(self.classes)}"
            )
        self.model.load_state_dict(contents["model"])
        self.optimizer.load_state_dict(contents["optimizer"])
        self.state = RunState(**contents["progress"])
        restore_rng(contents["rng"])

    def export(self) -> None:
        """Write `model.safetensors`: the trained model alone."""
        export_safetensors(self.out / CHECKPOINT, self.out / MODEL)


def holds_run(out: str | Path) -> bool:
    """Whether a folder holds a run already."""
    return any((Path(out) / name).exists() for name in (CHECKPOINT, METRICS, MODEL))
