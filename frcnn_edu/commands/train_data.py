"""`train`: the data of a run, opened before anything is computed, with the labels of the weights."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ..data import open_dataset, train_transforms
from ..data.doubts import check_objects
from ..data.records import TooFewImagesError
from ..model import needs_new_predictor
from ..model.builders import PUBLISHED
from ..model.weights import class_names, number_of_classes, resolve_weights
from ..training import TrainConfig
from .evaluate import open_evaluation_data
from .recognised import ONE_IMAGE


@dataclass(frozen=True)
class RunData:
    """The data that a run is trained on, evaluated on after each pass, and measured on for the final table."""

    train: Any
    val: Any
    split: str  # the name of `val`
    final: Any
    final_split: str
    notes: list[str]  # shown in the plan


def open_run_data(
    config: TrainConfig,
    labels: Callable[[Sequence[str]], Sequence[str] | None],
    evaluate_on: str | None = None,
    strict: bool = False,
) -> RunData:
    """Open the splits of a run.

    Raises:
        ValueError: a split cannot be opened, or has no object to learn from or to measure.

    Args:
        labels: maps the classes of the data to the classes by label that a run needs, or to None to keep those of the data.
        evaluate_on: the split of the final table; None for the one used after each pass.
        strict: as for `open_dataset`.
    """
    train_data, notes = open_training_data(config, strict), []
    found, wanted = train_data.classes, labels(train_data.classes)
    if wanted is not None and tuple(wanted) != tuple(found):
        train_data = open_training_data(config, strict, classes=wanted)
        if gone := [name for name in wanted if name not in found]:
            notes.append(f"no objects of {', '.join(gone)}, which the model was trained on")
    check_objects(train_data, "train", "to learn from")
    val_data, split = open_evaluation_data(config.data, None, train_data.classes, strict, config.images)
    check_objects(val_data, split, "to measure")
    if _is_single(train_data, val_data):
        notes.append(ONE_IMAGE)
    final_data, final_split = val_data, split
    if evaluate_on not in (None, split):  # opened now, so that a mistake shows before the training
        final_data, final_split = open_evaluation_data(
            config.data, evaluate_on, train_data.classes, strict, config.images
        )
        check_objects(final_data, final_split, "to measure")
    return RunData(train_data, val_data, split, final_data, final_split, notes)


def open_training_data(config: TrainConfig, strict: bool = False, classes: Sequence[str] | None = None) -> Any:
    """The split "train", with augmentation; for a data set of one image, which cannot be divided, that image.

    `strict` and `classes` are as for `open_dataset`.
    """
    transforms = train_transforms(0.5 * config.hflip, 0.5 * config.vflip, config.scale_jitter)
    options: Any = dict(classes=classes, images=config.images, transforms=transforms, strict=strict)
    try:
        return open_dataset(config.data, "train", **options)
    except TooFewImagesError:
        return open_dataset(config.data, "val", **options)


def _is_single(train_data: Any, val_data: Any) -> bool:
    """Whether both contain only the same single image."""
    paths = [[record.path for record in getattr(data, "records", ())] for data in (train_data, val_data)]
    return len(paths[0]) == 1 and paths[0] == paths[1]


def labels_of_weights(config: TrainConfig, found: Sequence[str]) -> list[str] | None:
    """The classes by label of a detector's weights, if they are those of the data in a different order."""
    names = _known_classes(config)
    return names if names is not None and {*names} == {*found} else None


def _known_classes(config: TrainConfig) -> list[str] | None:
    resolved = resolve_weights(config.weights, PUBLISHED.get(config.model))
    names = class_names(resolved) if resolved is not None else None
    return None if names is None else ["background", *names[1:]]


def check_weights(config: TrainConfig) -> None:
    """Make sure that the detector weights named in `config` exist, before the data are opened.

    Raises:
        ValueError: they are neither a file nor published.
    """
    resolve_weights(config.weights, PUBLISHED.get(config.model))


def about_weights(config: TrainConfig, classes: Sequence[str]) -> tuple[str, bool]:
    """What is loaded from the weights that a run begins with, in words, and whether the predictor is new."""
    if config.weights is None:
        return (f"{config.weights_backbone}: for the backbone" if config.weights_backbone is not None else ""), False
    new, names = needs_new_predictor(config.model, config.weights, classes), _known_classes(config)
    if not new:
        unnamed = "; it does not name its classes, but has the same number" if names is None else ""
        return f"{config.weights}: all of the detector{unnamed}", False
    what = f"{config.weights}: all but the predictor, which is new"
    if names is None:
        resolved = resolve_weights(config.weights, PUBLISHED.get(config.model))
        assert resolved is not None
        return f"{what}: the weights are for {number_of_classes(resolved) - 1} classes without names", True
    unknown = [name for name in classes if name not in names]
    alike = {_spelling(name): name for name in names}
    hints = [f'"{name}" here is "{alike[_spelling(name)]}" there' for name in unknown if _spelling(name) in alike]
    reason = (
        f"the weights do not have {_some(unknown)}" if unknown else f"the weights have more classes, {_some(names[1:])}"
    )
    return f"{what}: {reason}{f' ({_some(hints)})' if hints else ''}", True


def _spelling(name: str) -> str:
    return "".join(letter for letter in name.casefold() if letter.isalnum())


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:4]) + (" …" if len(names) > 4 else "")
