"""`notebooks`: the course, executed in place."""

import argparse


def run_notebooks(options: argparse.Namespace) -> None:
    """Execute notebooks and say which of them changed."""
    from ..notebook_checks.execute import execute_all

    for path, changed in execute_all(options.folder, options.names):
        print(f"{path}  {'changed' if changed else 'as before'}", flush=True)
