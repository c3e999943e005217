"""The options of `train`."""

import argparse
from pathlib import Path

from ...catalogue import MODEL_NAMES
from ...data.sources import check_split, evaluation_split
from ...training.config import OPTIMIZERS, SCHEDULES, check_parts, check_pretraining
from ...training.run_folder import CHECKPOINT, check_exists, is_a_folder, previous
from ...training.torchrun import world_size
from ..run_settings import config_of, names_as_options, run_folder
from .command import (
    Command,
    add_device,
    add_image_sizes,
    add_images,
    check_at_least,
    check_installed,
    check_one_of,
    check_output_folder,
)


def add_options(parser: argparse.ArgumentParser) -> None:
    # An option that is not given is None here; then the preset for the model and the data applies.
    add = parser.add_argument
    add("--data", metavar="DATA", help="shapes (built in, the default), or a folder or file of annotated images")
    add_images(parser)
    add("--out", type=Path, metavar="DIR", help="run folder (default: runs/DATA-DATE-TIME)")
    add(
        "--minutes",
        type=float,
        metavar="M",
        help="train this long, evaluation included (small model: shapes 6, photographs 10)",
    )
    add(
        "--epochs",
        type=int,
        metavar="N",
        help="train for this many passes over the data (large models: photographs 26, shapes 6)",
    )
    add("--resume", action="store_true", help="continue the run in --out; if its data were moved, --data says where to")
    add("--save-minutes", type=float, metavar="M", help="longest time between two checkpoints (default: 10)")
    add("--seed", type=int, metavar="S", help="the same seed gives the same run (default: 0)")
    add_device(parser)
    add(
        "--evaluate-on",
        choices=("val", "test"),
        help="split of the final table (default: val, or test if there is no val)",
    )
    add("--tensorboard", action="store_true", help="also write OUT/tensorboard, for tensorboard --logdir")
    add(
        "--strict", action="store_true", help="stop at files and boxes that cannot be used, instead of leaving them out"
    )
    _add_model(parser.add_argument_group("model"))
    _add_recipe(parser.add_argument_group("recipe (the defaults are presets that work)"))
    _add_speed(parser.add_argument_group("speed"))


def _add_model(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    names = ", ".join(MODEL_NAMES)
    add("--model", metavar="M", help=f"{names}, or timm:BACKBONE (default: small on a CPU, resnet50_fpn on a GPU)")
    add(
        "--weights",
        metavar="W",
        help="fine-tune a trained detector: DEFAULT (downloaded; for small: in this package), or a file of a run or of another "
        "tool, whose model is used unless --model names a different one",
    )
    add("--weights-backbone", metavar="W", help="start from a pretrained backbone: DEFAULT (downloaded), or a file")
    add(
        "--trainable-layers",
        "--trainable-backbone-layers",
        dest="trainable_backbone_layers",
        type=int,
        metavar="N",
        help="number of stages of a pretrained backbone that are trained, counted from the last (default: 3)",
    )
    add_image_sizes(group)


def _add_recipe(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add("--batch-size", type=int, metavar="N", help="images per step, in all processes together")
    add("--accumulate", type=int, metavar="N", help="take them in N parts, if memory is short (default: 1)")
    add("--optimizer", choices=OPTIMIZERS)
    add("--lr", type=float, help="highest learning rate")
    add("--momentum", type=float, help="momentum of SGD")
    add("--weight-decay", type=float)
    add("--warmup-steps", type=int, metavar="N", help="steps until the learning rate is reached")
    add("--schedule", choices=SCHEDULES, help="decay of the learning rate")
    add("--grad-clip", type=float, metavar="NORM", help="clip the norm of the gradients to this value")
    for name, what in (
        ("hflip", "mirror half of the images left to right"),
        ("vflip", "mirror half of the images top to bottom: for views from above and microscopes"),
    ):
        add(f"--{name}", action=argparse.BooleanOptionalAction, default=None, help=what)
    add(
        "--scale-jitter",
        type=float,
        nargs=2,
        metavar=("MIN", "MAX"),
        help="resize images by random factors, such as 0.7 1.4",
    )


def _add_speed(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add("--workers", type=int, metavar="N", help="processes that load images (small model: 0, large: 4)")
    add("--amp", action=argparse.BooleanOptionalAction, default=None, help="bfloat16 autocast (GPU)")
    add("--channels-last", action=argparse.BooleanOptionalAction, default=None, help="channels-last format (GPU)")


def check(options: argparse.Namespace) -> None:
    check_output_folder(options, "out")
    out, resume = run_folder(options)
    config = config_of(options, options.model or "small", world_size())
    check_at_least(1, options, "min_size", "max_size")
    check_at_least(0, options, "trainable_backbone_layers")
    if resume:  # the rest is compared with the checkpoint
        if not previous(out / CHECKPOINT).is_file():
            check_exists(out / CHECKPOINT)
        if options.data is not None:
            _check_data(options.data, options)
        return
    if options.model is not None:
        with names_as_options():
            check_pretraining(config)
    # The default depends on the device.
    models = ("small", "resnet50_fpn") if options.model is None else (options.model,)
    with names_as_options():
        check_one_of(lambda model: check_parts(config_of(options, model, world_size()), world_size()), models)
    _check_weights(options)
    if options.tensorboard:
        check_installed("tensorboard")
    _check_data(options.data or "shapes", options)


def _check_data(data: str, options: argparse.Namespace) -> None:
    for split in ("train", evaluation_split(data, options.images), options.evaluate_on):
        if split is not None:
            check_split(data, split, options.images)


def _check_weights(options: argparse.Namespace) -> None:
    """Raises `ValueError` if weights that can only be a file are not one. Names of published weights are looked up later, in torchvision."""
    for name in ("weights", "weights_backbone"):
        path = Path(getattr(options, name) or "")
        only_a_file = len(path.parts) > 1 or path.suffix.islower()  # runs/a/model.safetensors, weights.pth
        option = f"--{name.replace('_', '-')}"
        if getattr(options, name) and path.is_dir():
            raise ValueError(f"{option}: {is_a_folder(path)}")
        if only_a_file and not path.is_file():
            raise ValueError(f"{option} {path}: there is no such file")


def run(options: argparse.Namespace) -> None:
    from ..train import run_train

    run_train(options)


TRAIN = Command("train", "train a model on shapes, or on your own images", add_options, check, run)
