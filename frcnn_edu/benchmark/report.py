"""Measurements as lines to print and as numbers for a file."""

import dataclasses
import json
from pathlib import Path
from typing import Any

from ..training.files import write_text
from .memory import Peaks
from .pairs import HEADING, Comparison, format_comparison
from .steps import Step

STEP_HEADING = f"{'px':>5}{'images':>8}{'boxes':>7}{HEADING}"
PEAK_HEADING = f"{'ours MB':>9}{'torchvision MB':>16}"


class Report:
    """Prints each line at once and stores all numbers, also in a file if a path is given."""

    def __init__(self, path: Path | None = None) -> None:
        self.path = path
        self.numbers: dict[str, list[dict[str, Any]]] = {}

    def line(self, text: str) -> None:
        print(text.rstrip(), flush=True)

    def title(self, title: str, heading: str) -> None:
        """Prints the heading of a table."""
        self.line(f"\n{title}\n{heading}")

    def add(self, section: str, numbers: dict[str, Any]) -> None:
        """Adds an entry to a section."""
        self.numbers.setdefault(section, []).append(numbers)
        if self.path is not None:  # each time, because a run may be interrupted
            write_text(self.path, json.dumps(self.numbers, indent=1) + "\n")

    def row(
        self, section: str, name: dict[str, Any], label: str, seconds: Comparison, peaks: Peaks | None = None
    ) -> None:
        """Prints and stores one row of a table: what was measured, and the result."""
        memory = {} if peaks is None else dict(zip(("ours_peak_bytes", "torchvision_peak_bytes"), peaks))
        self.add(section, name | seconds.to_dict() | memory)
        self.line(label + format_comparison(seconds) + format_peaks(peaks))

    def step(self, section: str, step: Step, seconds: Comparison, peaks: Peaks | None) -> None:
        """Prints and stores a row below `STEP_HEADING`."""
        boxes = "–" if step.boxes is None else step.boxes
        label = f"{step.size:>5}{step.batch:>8}{boxes:>7}"
        self.row(section, dataclasses.asdict(step), label, seconds, peaks)


def format_peaks(peaks: Peaks | None) -> str:
    """Two columns below `PEAK_HEADING`, in MB (a million bytes); empty if nothing was measured."""
    if peaks is None:
        return ""
    ours, theirs = ("not here" if peak is None else f"{peak / 1e6:,.0f}" for peak in peaks)
    return f"{ours:>9}{theirs:>16}"
