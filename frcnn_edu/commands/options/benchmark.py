"""The options of `benchmark`."""

import argparse
from pathlib import Path

from ...lessons import EXPLORER_NAMES
from .command import Command, check_at_least, check_installed, check_output_file


def add_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    for name, values, what in (
        ("--sizes", [400, 800], "shorter sides of the images, in pixels (default: 400 800)"),
        ("--batch-sizes", [1, 2], "images per step (default: 1 2)"),
        ("--boxes", [1, 20, 200], "objects per image in training (default: 1 20 200)"),
    ):
        add(name, type=int, nargs="+", default=values, metavar="N", help=what)
    add("--repeats", type=int, default=3, metavar="N", help="rounds of each measurement (default: 3)")
    for name, what in (
        ("stages", "time every stage separately"),
        ("memory", "measure the peak memory of a step"),
        ("growth", "measure how time and memory grow with image, batch, objects and proposals"),
    ):
        add(f"--{name}", action=argparse.BooleanOptionalAction, default=True, help=what)
    add("--explorers", nargs="*", metavar="NAME", help="measure these explorers in a browser instead (default: all)")
    add("--json", type=Path, metavar="FILE", help="also write every number to this file")
    add("--threads", type=int, metavar="N", help="CPU cores to use (default: PyTorch's choice)")


def check(options: argparse.Namespace) -> None:
    check_at_least(64, options, "sizes")
    check_at_least(1, options, "batch_sizes", "repeats", "threads")
    check_at_least(0, options, "boxes")
    check_output_file(options, "json")
    if options.explorers is not None:
        check_installed("nbclient", "nbformat", "ipykernel", "jupyterlab", "ipywidgets", "anywidget", "playwright")
    unknown = sorted({*(options.explorers or ())} - {*EXPLORER_NAMES})
    if unknown:
        raise ValueError(f"--explorers {unknown[0]}: expected names from {', '.join(EXPLORER_NAMES)}")


def run(options: argparse.Namespace) -> None:
    from ..benchmark import run_benchmark

    run_benchmark(options)


BENCHMARK = Command(
    "benchmark", "compare the full model's speed and memory with torchvision's", add_options, check, run
)
