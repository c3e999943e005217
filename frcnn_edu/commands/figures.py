"""`figures`: every figure of the course, drawn again."""

import argparse


def run_figures(options: argparse.Namespace) -> None:
    """Draw the figures of the course."""
    import torch

    from ..lessons.figures import draw_all

    torch.set_num_threads(1)  # sums are added in the same order on any number of cores, so the files are the same
    for path in draw_all(options.out):
        print(path)
