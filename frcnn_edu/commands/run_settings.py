"""From the options of `train` to the folder and the configuration of the run."""

import argparse
import dataclasses
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from ..catalogue import check_model_name
from ..training.config import TrainConfig, default_config
from ..training.run_folder import holds_run
from ..training.torchrun import restarted, world_size

# Fields of TrainConfig that have an option of the same name.
CONFIG_OPTIONS = (
    "model", "weights", "weights_backbone", "data", "images", "optimizer", "lr", "momentum", "weight_decay", "grad_clip",
    "batch_size", "accumulate", "warmup_steps", "schedule", "epochs", "minutes", "save_minutes", "hflip", "vflip",
    "scale_jitter", "seed", "workers", "channels_last", "amp",
)  # fmt: skip
MODEL_OPTIONS = ("min_size", "max_size", "trainable_backbone_layers")
OPTION_OF = {name: f"--{name.replace('_', '-')}" for name in (*CONFIG_OPTIONS, *MODEL_OPTIONS)} | {
    "trainable_backbone_layers": "--trainable-layers"
}


def run_folder(options: argparse.Namespace) -> tuple[Path, bool]:
    """The folder of the run, and whether to continue the run in it.

    Raises:
        ValueError: the folder has to be given, or already contains a run.
    """
    if world_size() > 1 and options.out is None:
        raise ValueError("several processes need --out DIR: a run folder that all of them share, also after a restart")
    if options.resume and options.out is None:
        raise ValueError("--resume needs --out DIR: the folder of the run to continue")
    out = options.out or Path("runs") / f"{_slug(options.data or 'shapes')}-{datetime.now():%Y%m%d-%H%M%S}"
    resume = options.resume or (restarted() and holds_run(out))
    if not resume and holds_run(out):
        raise ValueError(f"{out} already contains a run; add --resume to continue it, or choose a different --out")
    return out, resume


def config_of(options: argparse.Namespace, model: str, processes: int = 1) -> TrainConfig:
    """The preset for a model, the data and a number of processes, changed by the options of the command line.

    Raises:
        ValueError: there is no such model, or an option has an invalid value.
    """
    check_model_name(model)
    given = given_options(options, CONFIG_OPTIONS)
    config = default_config(model, given.get("data", "shapes"), batch_size=given.get("batch_size"), processes=processes)
    if "minutes" in given and "epochs" in given:
        raise ValueError("give --minutes or --epochs, not both")
    if "minutes" in given:
        given["epochs"] = None
    elif "epochs" in given:
        given["minutes"] = None
    given["model_args"] = config.model_args | given_options(options, MODEL_OPTIONS)
    with names_as_options():
        return dataclasses.replace(config, **given)


@contextmanager
def names_as_options() -> Iterator[None]:
    """Inside the block, a ValueError about settings names them as the command line does."""
    try:
        yield
    except ValueError as error:
        if type(error) is not ValueError:  # about files, not settings
            raise
        raise ValueError(as_options(str(error))) from error


def as_options(message: str) -> str:
    """A message about settings, with the command line's names for them: --batch-size for batch_size.

    A word is the name of a setting if it is the first of the message, is written as name=value, or has an underscore.
    Elsewhere "data", "images" and the like are ordinary words.
    """
    return " ".join(_as_option(word, first=place == 0) for place, word in enumerate(message.split(" ")))


def _as_option(word: str, first: bool) -> str:
    name = word.partition("=")[0].rstrip(",;:.)")
    if name not in OPTION_OF or not (first or "_" in name or "=" in word):
        return word
    return OPTION_OF[name] + word.removeprefix(name)


def given_options(options: argparse.Namespace, names: Sequence[str]) -> dict[str, Any]:
    """Those of the named options that were given."""
    return {name: getattr(options, name) for name in names if getattr(options, name) is not None}


def _slug(source: str) -> str:
    """A data source as part of a folder's name."""
    return re.sub(r"\W+", "-", Path(os.path.abspath(source)).stem).strip("-") or "data"
