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
    """Save all that a run needs to continue: weights, optimizer and progress. (Random numbers are derived from these.)

    Args:
        progress: plain values (`run.RunState` as a dict): step, epoch, time, losses, metrics.
        classes: names by label, the background first.
        data: what the run remembers of its data, from `remember`.

    The file appears complete or not at all, and the one before is kept as `previous(path)`.
    Raises `OSError` if it cannot be written.
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
            raise OSError(f"{path} cannot be written; is the disk full? The earlier file is kept. ({error})") from error
        if path.exists():
            os.replace(path, previous(path))  # if killed now, a run continues from this one


class NotOfARunError(ValueError):
    """A file that was not written by a run of this package."""

    def __init__(self, path: Path) -> None:
        try:
            read_weights(path)
            way = f"it contains weights of another tool: give it as --weights {path}, in Python to load_detector"
        except ValueError as error:
            way = str(error)
        super().__init__(f"{path} is not a file of a run of frcnn_edu, because it lacks the mark {FORMAT!r}; {way}")


def load_checkpoint(path: str | Path) -> dict[str, Any]:
    """Load what `save_checkpoint` saved, on the CPU, without running any code the file might contain.

    Raises `FileNotFoundError`; `ValueError`, saying what is wrong, for a damaged or hostile file; or, for a file of
    another program, `NotOfARunError`, which is a `ValueError`.
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
            raise ValueError(f"{path} cannot be read as a checkpoint: its {key!r} is missing or of the wrong type")
    return contents


def load_latest(path: str | Path, *, say: bool = True) -> tuple[dict[str, Any], Path]:
    """The checkpoint at `path`, or the one before it if that cannot be used; and the path of the one that was loaded.

    If it is the one before, a message on stderr says so, unless `say` is false. If neither can be used, raises what
    `load_checkpoint` raised for `path`.
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
            print(f"{error}; continuing from {previous(path)}", file=sys.stderr)
        return contents, previous(path)
