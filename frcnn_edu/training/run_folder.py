"""The files of a run folder, by name: whether there is a run, and a checkpoint to load."""

from pathlib import Path

CHECKPOINT, METRICS, MODEL = "checkpoint.pt", "metrics.json", "model.safetensors"
BEST = "best.safetensors"  # the model of the best evaluation, which need not be the last


def previous(path: Path) -> Path:
    """Where the checkpoint before the one at `path` is kept."""
    return path.with_stem(f"{path.stem}-previous")


def put_aside(path: Path) -> Path:
    """Where the best model is kept if it was measured on images the run no longer has."""
    return path.with_stem(f"{path.stem}-before")


def holds_run(out: str | Path) -> bool:
    """Whether a folder already contains a run."""
    return any((Path(out) / name).exists() for name in (CHECKPOINT, previous(Path(CHECKPOINT)), METRICS, MODEL, BEST))


def check_exists(checkpoint: str | Path) -> Path:
    """The path of a checkpoint, which must be a file.

    Raises:
        FileNotFoundError: it is not; for a run folder the message names the files.
    """
    path = Path(checkpoint)
    if path.is_dir():
        raise FileNotFoundError(is_a_folder(path))
    if not path.is_file():
        raise FileNotFoundError(f"there is no checkpoint {path}")
    return path


def is_a_folder(path: Path) -> str:
    """The message about a folder given instead of a file: which of its files may be meant."""
    files = [str(path / name) for name in (BEST, MODEL, CHECKPOINT) if (path / name).is_file()]
    return f"{path} is a folder; " + (f"give {' or '.join(files)}" if files else "it contains no run")
