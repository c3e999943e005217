"""The command line: `python -m frcnn_edu check-data | train | evaluate | detect | export | figures | notebooks | benchmark`."""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from .benchmark import Disagreement
from .commands.benchmark import run_benchmark
from .commands.check_data import run_check_data
from .commands.detect import run_detect
from .commands.evaluate import run_evaluate
from .commands.examples import EXAMPLES
from .commands.export import run_export
from .commands.figures import run_figures
from .commands.notebooks import run_notebooks
from .commands.train import run_train
from .model import MODELS
from .training import SHIPPED, NonFiniteLoss
from .training.processes import is_loss_of_a_process


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit status: 0, 2 after a mistake of the user's, 130 after Ctrl-C."""
    options = make_parser().parse_args(arguments)
    try:
        options.run(options)
    except (ValueError, TypeError, OSError, NonFiniteLoss, Disagreement) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except RuntimeError as error:
        if not is_loss_of_a_process(error):
            raise
        print("error: another process of this run is gone; torchrun says below which, and why", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130
    return 0


def make_parser() -> argparse.ArgumentParser:
    """All commands and their options."""
    parser = argparse.ArgumentParser(
        prog="python -m frcnn_edu",
        description="Faster R-CNN with a feature pyramid: train it, measure it, look at what it finds.",
        epilog=EXAMPLES["main"],
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _add_check_data(_command(commands, "check-data", run_check_data, "report on a data set before training on it"))
    _add_train(_command(commands, "train", run_train, "train a model on shapes, a VOC folder or a COCO file"))
    _add_evaluate(_command(commands, "evaluate", run_evaluate, "measure the average precision of a trained model"))
    _add_detect(_command(commands, "detect", run_detect, "draw what a trained model finds in pictures"))
    _add_export(_command(commands, "export", run_export, "write a trained model as ONNX, compared in onnxruntime"))
    figures = _command(commands, "figures", run_figures, "draw the figures of the course")
    figures.add_argument("--out", type=Path, default=Path("figures"), metavar="DIR", help="where to (default: figures)")
    notebooks = _command(commands, "notebooks", run_notebooks, "execute the notebooks of the course in place")
    notebooks.add_argument("names", nargs="*", metavar="NAME", help="beginnings of file names (default: all)")
    notebooks.add_argument(
        "--folder", type=Path, default=Path("notebooks"), metavar="DIR", help="where they are (default: notebooks)"
    )
    _add_benchmark(
        _command(commands, "benchmark", run_benchmark, "compare the full model's speed and memory with torchvision's")
    )
    return parser


def _command(commands: Any, name: str, run: Callable, summary: str) -> argparse.ArgumentParser:
    parser = commands.add_parser(
        name,
        help=summary,
        description=f"{summary[0].upper()}{summary[1:]}.",
        epilog=EXAMPLES[name],
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run)
    return parser


def _add_check_data(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("data", metavar="PATH", help="a Pascal VOC folder, a COCO json file, or the folder PennFudanPed")
    add("--split", nargs="+", choices=("train", "val", "test"), help="default: all there are")
    add("--out", type=Path, default=Path("data-report"), metavar="DIR", help="for the picture (default: data-report)")
    add("--strict", action="store_true", help="end with status 2 if anything cannot be used")
    add("--model", choices=list(MODELS), help="whose levels and anchors (default: what train would choose)")
    add("--min-size", type=int, metavar="PIXELS", help="images are resized so that the shorter side has this length …")
    add("--max-size", type=int, metavar="PIXELS", help="… and the longer side at most this")


def _add_train(parser: argparse.ArgumentParser) -> None:
    # An option that is not given is None here: then the preset of the model and the data decides.
    add = parser.add_argument
    add("--data", metavar="DATA", help="shapes (built in, the default), a Pascal VOC folder, or a COCO json file")
    add("--out", type=Path, metavar="DIR", help="the run folder (default: runs/DATA-DATE-TIME)")
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
    add("--resume", action="store_true", help="go on with the run in --out")
    add("--save-minutes", type=float, metavar="M", help="the longest time between two checkpoints (default: 10)")
    add("--seed", type=int, metavar="S", help="the same seed gives the same run (default: 0)")
    add("--device", metavar="D", help="cuda, cuda:1, mps or cpu (default: the best there is)")
    add(
        "--evaluate-on",
        choices=("val", "test"),
        help="the split of the final table (default: val, or test without one)",
    )
    add("--tensorboard", action="store_true", help="also write OUT/tensorboard, to be watched by tensorboard --logdir")
    add(
        "--strict", action="store_true", help="stop at files and boxes that cannot be used, instead of leaving them out"
    )

    group = parser.add_argument_group("model")
    add = group.add_argument
    names = ", ".join(MODELS)
    add("--model", metavar="M", help=f"{names}, or timm:BODY (default: small on a CPU, resnet50_fpn on a GPU)")
    add(
        "--weights",
        metavar="W",
        help="fine-tune a trained detector: DEFAULT (downloaded; of small: in this package), or a file",
    )
    add("--weights-backbone", metavar="W", help="start from a pretrained body: DEFAULT (downloaded), or a file")
    add(
        "--trainable-layers",
        "--trainable-backbone-layers",
        dest="trainable_backbone_layers",
        type=int,
        metavar="N",
        help="how many stages of a pretrained body are trained, from its last (default: 3)",
    )
    add("--min-size", type=int, metavar="PIXELS", help="images are resized so that the shorter side has this length …")
    add("--max-size", type=int, metavar="PIXELS", help="… and the longer side at most this")

    group = parser.add_argument_group("recipe (the defaults are presets that work)")
    add = group.add_argument
    add("--batch-size", type=int, metavar="N", help="images a step, of all processes together")
    add("--accumulate", type=int, metavar="N", help="take them in so many parts, where memory is short (default: 1)")
    add("--optimizer", choices=("adamw", "sgd"))
    add("--lr", type=float, help="the highest learning rate")
    add("--momentum", type=float, help="of SGD")
    add("--weight-decay", type=float)
    add("--warmup-steps", type=int, metavar="N", help="steps until the learning rate is reached")
    add("--schedule", choices=("cosine", "multistep"), help="how the learning rate falls")
    add("--grad-clip", type=float, metavar="NORM", help="shorten gradients that are longer than this")
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
        help="change sizes by random factors, such as 0.7 1.4",
    )

    group = parser.add_argument_group("speed")
    add = group.add_argument
    add("--workers", type=int, metavar="N", help="processes that load images (small model: 0, large: 4)")
    add("--amp", action=argparse.BooleanOptionalAction, default=None, help="bfloat16 where it is enough (GPU)")
    add("--channels-last", action=argparse.BooleanOptionalAction, default=None, help="another memory layout (GPU)")


def _add_evaluate(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    _add_checkpoint(parser)
    add("--data", metavar="DATA", help="shapes, a VOC folder or a COCO json file (default: what it was trained on)")
    add("--split", choices=("train", "val", "test"), help="default: val, or test where there is no val")
    add("--json", type=Path, metavar="FILE", help="also write the numbers to this file")
    add("--report", type=Path, metavar="FILE", help="also write errors by kind and the worst images to this HTML file")
    add("--batch-size", type=int, default=4, metavar="N", help="images at a time (default: 4)")
    add("--device", metavar="D", help="cuda, cuda:1, mps or cpu (default: the best there is)")


def _add_detect(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("images", type=Path, nargs="+", metavar="IMAGE_OR_FOLDER", help="pictures, or folders of pictures")
    _add_checkpoint(parser)
    add("--out", type=Path, default=Path("detections"), metavar="DIR", help="where to (default: detections)")
    add("--score-threshold", type=float, default=0.5, metavar="S", help="leave out what scores less (default: 0.5)")
    add("--device", metavar="D", help="cuda, cuda:1, mps or cpu (default: the best there is)")


def _add_export(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    _add_checkpoint(parser)
    add("--out", type=Path, default=Path("model.onnx"), metavar="FILE", help="where to (default: model.onnx)")
    add("--height", type=int, metavar="H", help="of the images (default: of the first one that is compared)")
    add("--width", type=int, metavar="W", help="…")
    add("--images", type=Path, nargs="+", metavar="IMAGE", help="compare on these (default: on what was evaluated on)")


def _add_benchmark(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    for name, values, what in (
        ("--sizes", [400, 800], "shorter sides of the images, in pixels (default: 400 800)"),
        ("--batch-sizes", [1, 2], "images of a step (default: 1 2)"),
        ("--boxes", [1, 20, 200], "objects of an image in training (default: 1 20 200)"),
    ):
        add(name, type=int, nargs="+", default=values, metavar="N", help=what)
    add("--repeats", type=int, default=3, metavar="N", help="rounds of each measurement (default: 3)")
    for name, what in (
        ("stages", "time every stage by itself"),
        ("memory", "measure the most memory that a step takes"),
        ("growth", "measure how time and memory grow with image, batch, objects and proposals"),
    ):
        add(f"--{name}", action=argparse.BooleanOptionalAction, default=True, help=what)
    add("--explorers", nargs="*", metavar="NAME", help="measure these explorers in a browser instead (default: all)")
    add("--json", type=Path, metavar="FILE", help="also write every number to this file")
    add("--threads", type=int, metavar="N", help="CPU cores to use (default: PyTorch's choice)")


def _add_checkpoint(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--checkpoint",
        type=Path,
        default=SHIPPED,
        metavar="FILE",
        help="model.safetensors or checkpoint.pt of a run (default: the shapes model in this package)",
    )
