"""Do all processes of a run have the same data and settings? If not, they would hang, or train on a mixture."""

from typing import Any

from .processes import Processes


def check_agreement(processes: Processes, mine: dict[str, Any], but: tuple[str, ...] = ()) -> None:
    """Compare plain values, by name, with those of all other processes; those in `but` may differ.

    Raises:
        ValueError: two values differ; raised in every process, for the first difference.
    """
    if processes.count == 1:
        return
    everywhere = processes.from_first(processes.gather_objects(mine))
    first = everywhere[0]
    for rank, other in enumerate(everywhere):
        for name, value in first.items():
            if name not in but and other[name] != value:
                raise ValueError(
                    f"{name}: process {rank} has {_short(other[name])}, process 0 has {_short(value)}; all processes of a run "
                    "need the same data, the same run folder and the same options"
                )


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 100 else f"{text[:99]}…"
