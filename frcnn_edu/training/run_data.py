"""What a run remembers of its data: how much there was, and its path relative to the run folder."""

import os
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

from .config import TrainConfig
from .run_folder import BEST, put_aside

Facts = dict[str, Any]
PARTS = (("train", "for training"), ("val", "for evaluation"))


def remember(train_data: Any, val_data: Any, config: TrainConfig, out: Path) -> Facts:
    """Plain values to be kept with a run; `changes` compares them, and `found_again` finds the data by them."""
    return {"train": _facts(train_data), "val": _facts(val_data), "from_run": _from_folder(config.data, out)}


def _facts(data: Any) -> Facts:
    """How much there is, and checksums of the names and of the objects, if a data set keeps `records` of them."""
    facts: Facts = {"images": len(data)}
    if records := getattr(data, "records", None):
        facts["objects"] = sum(len(record.boxes) for record in records)
        facts["names"] = zlib.crc32("\n".join(record.path.name for record in records).encode("utf-8", "replace"))
        facts["annotations"] = zlib.crc32(repr([(record.boxes, record.labels) for record in records]).encode())
    return facts


def counts(facts: Facts) -> Facts:
    """The same in a flat dict: {"images for training": 8, …}."""
    return {f"{key} {what}": value for split, what in PARTS for key, value in facts[split].items()}


def changes(before: Facts, now: Facts, out: Path) -> list[str]:
    """How the data differ from those that the run in `out` has seen, in words, one line for each difference."""
    lines = []
    for split, what in PARTS:
        old, new = before.get(split, {}), now[split]
        differing = [key for key in ("images", "objects", "names", "annotations") if old.get(key) != new.get(key)]
        if not old or not differing:
            continue
        numbers = [
            f"{new[key]} {key}, previously {old.get(key, '?')}" for key in ("images", "objects") if key in differing
        ]
        others = {"names": "different images, as many as before", "annotations": "different boxes, as many as before"}
        lines.append(f"{what}: {'; '.join(numbers) or others[differing[0]]}")
        if split == "val" and (out / BEST).exists():
            lines.append(f"{BEST} was measured on the old images; it is kept as {put_aside(Path(BEST))}")
    return lines


def found_again(config: TrainConfig, facts: Any, folder: Path) -> TrainConfig:
    """The configuration, with the path of its data as seen from the current folder.

    A run on "photos/all.json" may be used from a different folder, or be moved together with its data: then the data are
    looked for at their path relative to the run folder, `folder`.
    """
    from_run = facts.get("from_run") if isinstance(facts, dict) else None
    given, place = Path(config.data), Path(os.path.realpath(folder), from_run if isinstance(from_run, str) else "")
    if not isinstance(from_run, str) or not place.exists() or (given.is_absolute() and given.exists()):
        return config
    if given.exists() and place.samefile(given):
        return config
    return replace(config, data=_relative(place, Path.cwd()) or str(place))


def check_found(config: TrainConfig) -> None:
    """Make sure that the data of a run are where its configuration says.

    Raises:
        ValueError: they are not there; the message says to give `--data`.
    """
    if config.data != "shapes" and not Path(config.data).exists():
        raise ValueError(
            f"the run was trained on {config.data}, which no longer exists; give the place of its data as --data"
        )


def _from_folder(data: str, out: Path) -> str | None:
    """The path of the data relative to a folder; None if they are not a file or folder, or are on a different drive."""
    return _relative(Path(data), out) if data != "shapes" and Path(data).exists() else None


def _relative(path: Path, folder: Path) -> str | None:
    try:
        return Path(os.path.relpath(os.path.realpath(path), os.path.realpath(folder))).as_posix()
    except ValueError:  # a different drive on Windows
        return None
