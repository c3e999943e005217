"""Saving a run and loading it again."""

import os
import sys
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ..model.weight_files import CodeInFileError, read_weights, unpack
from .config import TrainConfig
from .files import replacing
from .run_folder import check_exists, previous

FORMAT = "frcnn_edu checkpoint 1"
_CONTENTS = {"model": dict, "optimizer": dict, "progress": dict, "config": dict, "classes": list}


def save_checkpoint(
    path: str | Path,
    *,
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    progress: dict[str, Any],
    config: TrainConfig,
    classes: tuple[str, ...],
    data: dict[str, Any] | None = None,
) -> None:
    """Save all that a run needs to go on: weights, optimizer, and how far it is. (Random numbers follow from that.)

    Args:
        progress: plain values (`run.RunState` as a dict): step, epoch, time, losses, metrics.
        classes: names by label, the background first.
        data: what the run remembers of its data, from `remember`.

    The file appears complete or not at all, and the one that was there is kept as `previous(path)`.
    Raises `OSError` where it cannot be written.
    """
    contents = {
        "format": FORMAT,
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "progress": progress,
        "config": config.to_dict(),
        "classes": list(classes),
        "data": data or {},
    }
    path = Path(path)
    with replacing(path) as temporary:
        try:
            with open(temporary, "wb") as file:
                torch.save(contents, file)
        except (OSError, RuntimeError) as error:  # PyTorch's writer reports a full disk as either
            raise OSError(f"{path} cannot be written, is the disk full? What was there is kept. ({error})") from error
        if path.exists():
            os.replace(path, previous(path))  # killed now, a run has this one to go on from


class NotOfARunError(ValueError):
    """A file of another program."""

    def __init__(self, path: Path) -> None:
        try:
            read_weights(path)
            way = f"it holds weights of another tool, to be given as --weights {path}, in Python to load_detector"
        except ValueError as error:
            way = str(error)
        super().__init__(f"{path} is not a file of a run of frcnn_edu, with the mark {FORMAT!r}; {way}")


def load_checkpoint(path: str | Path) -> dict[str, Any]:
    """What `save_checkpoint` saved, on the CPU, read without running any code the file might hold.

    Raises `FileNotFoundError`, or `ValueError` saying what is wrong, for a damaged or hostile file; for one of another
    program `NotOfARunError`, which is a `ValueError`.
    """
    path = check_exists(path)
    try:
        contents = unpack(path, checksums=True, what="a checkpoint")
    except CodeInFileError as error:
        raise NotOfARunError(path) from error
    if not isinstance(contents, dict) or contents.get("format") != FORMAT:
        raise NotOfARunError(path)
    for key, kind in _CONTENTS.items():
        if not isinstance(contents.get(key), kind):
            raise ValueError(f"{path} cannot be read as a checkpoint: it has no {key!r} as a run writes it")
    return contents


def load_latest(path: str | Path, *, say: bool = True) -> tuple[dict[str, Any], Path]:
    """The checkpoint at `path`, or where that one cannot be used the one before it; and which of both it is.

    Unless `say` is false it is said on stderr if it is the one before. Raises what `load_checkpoint` raised for `path` where
    that one cannot be used either.
    """
    path = Path(path)
    try:
        return load_checkpoint(path), path
    except (ValueError, FileNotFoundError) as error:
        try:
            contents = load_checkpoint(previous(path))
        except (ValueError, FileNotFoundError):
            raise error from None
        if say:
            print(f"{error}; going on from {previous(path)}", file=sys.stderr)
        return contents, previous(path)
