"""The files of a run folder, by name: whether there is a run, and a checkpoint to load."""

from pathlib import Path

CHECKPOINT, METRICS, MODEL = "checkpoint.pt", "metrics.json", "model.safetensors"


def previous(path: Path) -> Path:
    """Where the checkpoint before the one at `path` is kept."""
    return path.with_stem(f"{path.stem}-previous")


def holds_run(out: str | Path) -> bool:
    """Whether a folder holds a run already."""
    return any((Path(out) / name).exists() for name in (CHECKPOINT, previous(Path(CHECKPOINT)), METRICS, MODEL))


def check_exists(checkpoint: str | Path) -> Path:
    """The path of a checkpoint, which must be a file.

    Raises:
        FileNotFoundError: it is not.
    """
    path = Path(checkpoint)
    if not path.is_file():
        raise FileNotFoundError(f"there is no checkpoint {path}")
    return path
