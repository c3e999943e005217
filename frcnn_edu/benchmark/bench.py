"""Time and memory of whole steps, each measured only once."""

from pathlib import Path
from typing import Any

import torch

from .memory import Peaks, peaks_of_step
from .models import set_size
from .pairs import Comparison, interleave
from .steps import Step


class Bench:
    """Measures steps of a pair of models.

    Args:
        ours, theirs: the models, with the same weights.
        repeats: number of rounds of each measurement.
        folder: folder for the weights, which the processes that measure memory read.
    """

    def __init__(self, ours: Any, theirs: Any, repeats: int, folder: Path) -> None:
        self.ours, self.theirs, self.repeats = ours, theirs, repeats
        self.weights = folder / "weights.pt"
        self._seconds: dict[Step, Comparison] = {}
        self._peaks: dict[Step, Peaks] = {}

    @property
    def both(self) -> tuple[Any, Any]:
        return self.ours, self.theirs

    def resize(self, size: int) -> None:
        """Prepares both models for images of this size."""
        for model in self.both:
            set_size(model, size)

    def tidy(self) -> None:
        """Frees the gradients."""
        for model in self.both:
            model.zero_grad(set_to_none=True)

    def seconds(self, step: Step) -> Comparison:
        """The time that a step takes; a training step includes the update of the weights."""
        if step not in self._seconds:
            self.resize(step.size)
            self._seconds[step] = interleave(step.of(self.ours), step.of(self.theirs), self.repeats)
            self.tidy()
        return self._seconds[step]

    def peaks(self, step: Step) -> Peaks:
        """The peak memory of a step."""
        if not self.weights.exists():
            torch.save(self.theirs.state_dict(), self.weights)
        if step not in self._peaks:
            self._peaks[step] = peaks_of_step(self.weights, step)
        return self._peaks[step]
