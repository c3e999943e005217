"""A run and its folder: its progress, and the files that it writes."""

import dataclasses
import json
import os
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn
from tqdm import tqdm

from ..data.names import readable
from ..model.weights import load_fitting
from .checkpoint import load_latest, save_checkpoint
from .config import TrainConfig
from .files import write_text
from .model_file import export_safetensors, read_metrics, write_model
from .processes import ALONE, Processes
from .run_data import Facts
from .run_folder import BEST, CHECKPOINT, METRICS, MODEL, put_aside
from .step import LOSSES

MOST_NAMED = 20  # images that cannot be read, while a run is under way


@dataclass
class RunState:
    """The progress of a run, and its history.

    history: a list each for "step" (1 for the first), the four losses and "lr", one entry per step.
    epochs: one dict for each evaluation: "epoch", "step", "seconds" and the metrics of `evaluate`.
    ended: the epochs or minutes after which the run ended; None before that.
    unreadable: one message for each image that could not be read when its turn came, which names it; as the
        keys of a dict, which are quick to search, and in files as a list.
    """

    step: int = 0  # steps taken
    seconds: float = 0.0  # on the clock, evaluation included
    history: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in ("step", *LOSSES, "lr")})
    epochs: list[dict[str, Any]] = field(default_factory=list)
    ended: float | None = None
    unreadable: dict[str, None] = field(default_factory=dict)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "RunState":
        """The inverse of `to_dict`; a key that is not a field raises `ValueError`."""
        try:
            return cls(**values | {"unreadable": dict.fromkeys(values.get("unreadable", ()))})
        except TypeError as error:
            raise ValueError(
                f"the progress in a checkpoint has an unknown field among {', '.join(map(repr, values))}"
            ) from error

    def to_dict(self) -> dict[str, Any]:
        """As plain values for a checkpoint and for JSON."""
        return dataclasses.asdict(self) | {"unreadable": [*self.unreadable]}

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
    data: Facts = field(default_factory=dict)  # what it remembers of its data
    state: RunState = field(default_factory=RunState)

    @property
    def is_measured(self) -> bool:
        """Whether the model was evaluated in its present state."""
        return bool(self.state.epochs) and self.state.epochs[-1].get("step") == self.state.step

    def cannot_read(self, problem: str, say: bool) -> None:
        """Note an image that cannot be read, once; with `say`, print it too, unless there are very many."""
        known = self.state.unreadable
        if problem in known:
            return
        known[problem] = None
        if say and len(known) <= MOST_NAMED:
            last = f" ({METRICS} will name the others)" if len(known) == MOST_NAMED else ""
            with suppress(OSError):  # the terminal may be gone
                tqdm.write(f"left out: {readable(problem, 500)}{last}", file=sys.stderr)

    def save(self, processes: Processes = ALONE) -> None:
        """Write `checkpoint.pt`, from which `restore` continues, and `metrics.json`, for people and plots.

        With several processes, only the first writes.
        """
        if processes.rank != 0:
            return
        save_checkpoint(
            self.out / CHECKPOINT,
            model=self.model,
            optimizer=self.optimizer,
            progress=self.state.to_dict(),
            config=self.config,
            classes=self.classes,
            data=self.data,
        )
        metrics = {"config": self.config.to_dict(), "classes": self.classes, **self.state.to_dict()}
        write_text(self.out / METRICS, json.dumps(metrics, indent=1) + "\n")

    def keep_best(self, processes: Processes = ALONE) -> None:
        """Write `best.safetensors` if the model was measured in its present state, and its AP is not below that of the file.

        With several processes, only the first writes.
        """
        if processes.rank != 0 or not self.is_measured or self.state.epochs[-1]["AP"] is None:
            return
        last = self.state.epochs[-1]
        best = read_metrics(self.out / BEST)
        if best is None or last["AP"] >= best["AP"]:
            about = {"classes": self.classes, "config": self.config.to_dict(), "data": self.data, "metrics": last}
            write_model(self.out / BEST, self.model.state_dict(), about)

    def restore(self, processes: Processes = ALONE) -> None:
        """Load weights, optimizer and history from `checkpoint.pt`, or from the one before it if that cannot be used.

        A checkpoint that cannot be used is renamed to `checkpoint-damaged.pt`. The best model is renamed to
        `best-before.safetensors` if it was measured on images that differ from those of the next evaluations.
        """
        path = self.out / CHECKPOINT
        contents, used = load_latest(path)
        if tuple(contents["classes"]) != self.classes:
            raise ValueError(
                f"{used} was trained on the classes {contents['classes']}, but the data have {list(self.classes)}"
            )
        load_fitting(self.model, contents["model"], f"the weights in {used}", "the model", same_precision=True)
        try:
            self.optimizer.load_state_dict(contents["optimizer"])
        except (KeyError, ValueError, RuntimeError) as error:
            raise ValueError(f"the optimizer in {used} does not fit the model: {error}") from error
        self.state = RunState.from_dict(contents["progress"] | {"ended": None})
        processes.from_first(None)  # all have read
        if processes.rank != 0:
            return
        if used != path and path.exists():
            os.replace(path, path.with_stem(f"{path.stem}-damaged"))  # or it would become the one before the next
        best, measured_on = self.out / BEST, contents.get("data", {}).get("val")
        if measured_on in (None, self.data.get("val")):
            self.keep_best()  # which a kill may have prevented
        elif best.exists():
            os.replace(best, put_aside(best))

    def export(self) -> None:
        """Write `model.safetensors`: the trained model alone."""
        export_safetensors(self.out / CHECKPOINT, self.out / MODEL)
