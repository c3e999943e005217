"""`notebooks --statistics`: how long the course is, and what in it breaks its own rules."""

import argparse
from pathlib import Path

from ..notebook_checks.find import find_notebooks
from ..notebook_checks.notebooks import read_notebook
from ..notebook_checks.predictions import prediction_problems
from ..notebook_checks.skeleton import skeleton_problems
from ..notebook_checks.statistics import MOST_ASSERTS, Statistics, statistics

HEAD = f"{'notebook':36} {'words':>6} {'minutes':>7} {'code':>5} {'asserts':>7} {'figures':>7} {'predict':>7} {'1 hour':>6}"


def run_statistics(options: argparse.Namespace) -> int:
    """Print a line for each notebook, the sums, and what is wrong; the status is 1 if anything is.

    A notebook is wrong if it differs from the skeleton, answers its own prediction, or shows too many asserts.
    """
    paths = [path for path in find_notebooks(options.folder, options.names) if path.parent.name != "solutions"]
    counted = {path: statistics(path) for path in paths}
    main = {path: found for path, found in counted.items() if path.parent.name != "deeper"}
    print(HEAD)
    for path, found in counted.items():
        print(_row(path.relative_to(options.folder).with_suffix("").as_posix(), found))
    print(_row(f"{len(main)} in the main line", *main.values()))
    if deeper := [found for path, found in counted.items() if path not in main]:
        print(_row(f"{len(deeper)} deeper", *deeper))
    minutes = sum(found.path_minutes for found in counted.values())
    words = sum(found.path_words for found in counted.values())
    print(f"The one-hour path: {words:,} words, {minutes:.0f} minutes without its code.")
    wrong = [f"{path.name}: {problem}" for path in paths for problem in _problems(path, counted[path], path in main)]
    print(*wrong, sep="\n", end="\n" if wrong else "")
    return 1 if wrong else 0


def _row(name: str, *of: Statistics) -> str:
    lines, asserts = sum(found.lines for found in of), sum(found.asserts for found in of)
    words, minutes = sum(found.words for found in of), sum(found.minutes for found in of)
    figures, predictions = sum(found.pictures for found in of), sum(found.predictions for found in of)
    path = sum(found.path_words for found in of)
    return (
        f"{name:36} {words:6,} {minutes:7} {lines:5,} {asserts / max(lines, 1):7.1%} {figures:7} {predictions:7} "
        f"{path or '':>6}"
    )


def _problems(path: Path, found: Statistics, is_main: bool) -> list[str]:
    problems = prediction_problems(read_notebook(path).cells)
    if found.assert_share > MOST_ASSERTS:
        problems.append(
            f"{100 * found.assert_share:.1f} % of its visible code are asserts; at most {100 * MOST_ASSERTS:.0f} % are allowed"
        )
    return problems + (skeleton_problems(path) if is_main else [])
