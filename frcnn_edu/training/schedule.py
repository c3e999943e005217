"""The progress of a run, and the learning rate that follows from it."""

import math
import time

from .config import TrainConfig
from .processes import ALONE, Processes


def lr_factor(step: int, progress: float, config: TrainConfig) -> float:
    """The share of `config.lr` that a step uses.

    A linear warm-up counted in steps, times a decay that follows the run: half a cosine down to 0, or a
    cut by `gamma` at each milestone. A pure function: there is no state to save, nothing to get out of
    step on resume.

    Args:
        step: steps taken before this one, 0 for the first.
        progress: share of the run that is over, 0 to 1.
    """
    warmup = 1.0
    if step < config.warmup_steps:
        warmup = config.warmup_factor + (1 - config.warmup_factor) * step / config.warmup_steps
    progress = min(max(progress, 0.0), 1.0)
    if config.schedule == "cosine":
        return warmup * (1 + math.cos(math.pi * progress)) / 2
    # A milestone counts as passed at exactly its share; rounding must not delay it by a step.
    passed = sum(progress >= milestone - 1e-9 for milestone in config.milestones)
    return warmup * config.gamma**passed


class Clock:
    """Measures the share of a run that is over.

    With `config.epochs` it counts steps. With `config.minutes` it uses the time, so that the decay of
    the learning rate ends when the budget does, also on a slow machine. The time of the last evaluation is
    part of the budget: it is kept in `reserve`, which the loop sets. All values are as of the last `tick`.
    """

    def __init__(self, config: TrainConfig, steps_per_epoch: int, seconds: float = 0.0) -> None:
        """`seconds`: time that earlier parts of the run have taken."""
        self.epoch_steps = steps_per_epoch
        self.length = config.epochs or config.minutes  # of the run, in epochs or minutes
        self.steps = steps_per_epoch * config.epochs if config.epochs is not None else None
        self.budget = 60 * config.minutes if config.minutes is not None else math.inf
        self.reserve = 0.0
        self.evaluated = seconds  # when the last evaluation was over; the loop sets it
        self.now = seconds  # as of the last tick
        self._started = time.monotonic() - seconds

    def seconds(self) -> float:
        """Seconds since the start of the run, at this moment, in this process."""
        return time.monotonic() - self._started

    def tick(self, processes: Processes = ALONE, stopping: bool = False) -> bool:
        """Take the time, and whether to stop, from the first process: separate clocks would diverge."""
        self.now, stopping = processes.from_first((self.seconds(), stopping))
        return stopping

    def progress(self, step: int) -> float:
        """The share of the run that is over after `step` steps; at 1 or more the run ends."""
        if self.steps is not None:
            return step / self.steps
        # At least half of a very short budget goes to training, however long evaluations take.
        return self.now / max(self.budget - self.reserve, self.budget / 2)

    def seconds_left(self, step: int) -> float:
        """Seconds until the end: on the clock, or extrapolated from the steps so far."""
        if self.steps is None:
            return max(self.budget - self.now, 0.0)
        return self.now * (self.steps / max(step, 1) - 1)

    def worth_pausing(self, step: int) -> bool:
        """Whether to evaluate now: at the end, and after each epoch.

        With a budget of minutes, only if there is time to train afterwards, and if evaluations have not just taken more
        than a tenth of the time, because the epochs of a small data set are short.
        """
        if self.progress(step) >= 1 or self.steps is not None:
            return True
        return self.budget - self.now > 2 * self.reserve and self.now - self.evaluated >= 9 * self.reserve
