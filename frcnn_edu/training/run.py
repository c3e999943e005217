"""A run and its folder: how far it is, and what it leaves on the disk."""

import dataclasses
import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn

from .checkpoint import export_safetensors, load_latest, save_checkpoint
from .config import TrainConfig
from .files import write_text
from .processes import ALONE, Processes
from .run_folder import CHECKPOINT, METRICS, MODEL
from .step import LOSSES


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

    def save(self, processes: Processes = ALONE) -> None:
        """Write `checkpoint.pt`, from which `restore` goes on, and `metrics.json`, which people and plots read.

        Of several processes the first one does.
        """
        if processes.rank != 0:
            return
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

    def restore(self, processes: Processes = ALONE) -> None:
        """Take up weights, optimizer and history from `checkpoint.pt`, or from the one before it if that cannot be used.

        What cannot be used is put aside as `checkpoint-damaged.pt`.
        """
        path = self.out / CHECKPOINT
        contents, used = load_latest(path)
        if tuple(contents["classes"]) != self.classes:
            raise ValueError(
                f"{used} was trained on the classes {contents['classes']}, the data has {list(self.classes)}"
            )
        self.model.load_state_dict(contents["model"])
        self.optimizer.load_state_dict(contents["optimizer"])
        self.state = RunState(**contents["progress"])
        processes.from_first(None)  # all have read
        if used != path and path.exists() and processes.rank == 0:
            os.replace(path, path.with_stem(f"{path.stem}-damaged"))  # or it would become the one before the next

    def export(self) -> None:
        """Write `model.safetensors`: the trained model alone."""
        export_safetensors(self.out / CHECKPOINT, self.out / MODEL)
