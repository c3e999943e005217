"""`figures`: every picture of the course, drawn again."""

import argparse


def run_figures(options: argparse.Namespace) -> None:
    """Draw the figures of the course."""
    from ..viz.figures import draw_all

    for path in draw_all(options.out):
        print(path)
