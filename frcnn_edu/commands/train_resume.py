"""`train --resume`: what may change, and what to do instead if something may not."""

import argparse
import dataclasses
from collections.abc import Sequence
from pathlib import Path
from shlex import quote
from typing import Any

from ..training import RunState, TrainConfig, default_config
from ..training.model_file import read_metrics
from ..training.run_data import found_again
from ..training.run_folder import BEST, CHECKPOINT, MODEL
from .run_settings import CONFIG_OPTIONS, MODEL_OPTIONS, given_options

MAY_CHANGE = {"data", "images", "epochs", "minutes", "save_minutes", "workers", "accumulate"}
FOR_MEMORY = {"batch_size", "min_size", "max_size", "model"}  # what people lower if memory is short


def resumed_config(options: argparse.Namespace, contents: dict[str, Any], out: Path) -> TrainConfig:
    """The configuration a run was started with; only its length, the place of its data, and what affects no result may change.

    Args:
        contents: contents of the run's checkpoint.
        out: the run folder.

    Raises:
        ValueError: a different option was given; the message says what to do instead.
    """
    config = TrainConfig.from_dict(contents["config"])
    given = given_options(options, (*CONFIG_OPTIONS, *MODEL_OPTIONS))
    own = config.to_dict() | config.model_args
    for name, value in given.items():
        if name not in MAY_CHANGE and value != own.get(name):
            raise ValueError(_cannot_change(name, own.get(name), config, out))
    for name, other in (("epochs", "minutes"), ("minutes", "epochs")):
        if name in given and getattr(config, name) is None:
            length = f"{getattr(config, other):g} {other}"
            raise ValueError(
                f"the length of the run in {out} is given in {other} ({length}); use --{other}, not --{name}"
            )
    if "data" not in given:
        config = found_again(config, contents.get("data"), out)
    return dataclasses.replace(config, **{name: value for name, value in given.items() if name in MAY_CHANGE})


def _cannot_change(name: str, own: Any, config: TrainConfig, out: Path) -> str:
    has = f"the run in {out} has {'none' if own is None else own}"
    memory = " If memory is short, --accumulate N takes each step's images in N parts." if name in FOR_MEMORY else ""
    return f"--{name.replace('_', '-')} cannot be changed on --resume: {has}.{memory} {_new_run(out, config)}"


def _new_run(out: Path, config: TrainConfig) -> str:
    """How to start a new run with the weights of this one, on images of the same sizes."""
    weights = out / (MODEL if (out / MODEL).is_file() else CHECKPOINT)
    usual = default_config(config.model, config.data).model_args
    sizes = {name: config.model_args.get(name) for name in ("min_size", "max_size")}
    given = {"data": config.data, "weights": weights, "out": "NEW"} | {
        name: size for name, size in sizes.items() if size is not None and size != usual.get(name)
    }
    command = " ".join(f"--{name.replace('_', '-')} {quote(str(value))}" for name, value in given.items())
    return f"A new run can begin with its weights: python -m frcnn_edu train {command}"


def labels_of_run(found: Sequence[str], contents: dict[str, Any], config: TrainConfig, out: Path) -> list[str]:
    """The classes of a run by label; the data may have them in a different order, or lack some.

    Raises:
        ValueError: the data have other classes; the message says what to do.
    """
    known: list[str] = contents["classes"]
    if others := [name for name in found if name not in known]:
        raise ValueError(
            f"the run in {out} was trained on the classes {', '.join(known[1:])}; {config.data} has others: "
            f"{', '.join(others)}. {_new_run(out, config)}"
        )
    return known


def when_finished(
    contents: dict[str, Any], config: TrainConfig, out: Path, evaluate_on: str | None = None
) -> str | None:
    """A message about a run that is finished; None if it is not.

    `evaluate_on` is the split of the final table, if one was given.
    """
    state, length = RunState.from_dict(contents["progress"]), config.epochs or config.minutes or 0
    ended, last = state.ended, state.epochs[-1].get("AP") if state.epochs else None
    if ended is None or length > ended:
        return None
    unit, best = ("minutes" if config.epochs is None else "epochs"), read_metrics(out / BEST)
    ap = "" if last is None else f", AP {last:.3f}"
    lines = [f"the run in {out} is finished: {ended:g} {unit}, {state.step} steps{ap}"]
    if best is not None:
        lines.append(f"best:     {out / BEST}, of epoch {best['epoch']:.2f}, AP {best['AP']:.3f}")
    measured = quote(str(out / (MODEL if best is None else BEST)))
    split = "" if evaluate_on is None else f" --split {evaluate_on}"
    lines.append(f"measure:  python -m frcnn_edu evaluate --checkpoint {measured}{split}")
    lines.append(f"continue: python -m frcnn_edu train --resume --out {quote(str(out))} --{unit} {2 * ended:g}")
    return "\n".join(lines)
