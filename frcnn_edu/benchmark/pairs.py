"""Times two functions in turn, so that background load affects both equally."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Any


@dataclass(frozen=True)
class Comparison:
    """Seconds of each round, ours and theirs; a ratio below 1 means that ours is faster."""

    ours: list[float]
    theirs: list[float]

    @property
    def ratio(self) -> float:
        """Our median over theirs."""
        return median(self.ours) / median(self.theirs)

    @property
    def range(self) -> tuple[float, float]:
        """The lowest and highest ratio of a single round."""
        ratios = [a / b for a, b in zip(self.ours, self.theirs)]
        return min(ratios), max(ratios)

    def to_dict(self) -> dict[str, Any]:
        """All numbers, for JSON."""
        lowest, highest = self.range
        return {
            "ours_seconds": self.ours,
            "torchvision_seconds": self.theirs,
            "ratio": self.ratio,
            "lowest_ratio": lowest,
            "highest_ratio": highest,
        }


def interleave(
    ours: Callable[[], Any],
    theirs: Callable[[], Any],
    repeats: int,
    warmup: int = 1,
    clock: Callable[[], float] = time.perf_counter,
) -> Comparison:
    """Calls ours, theirs, ours, theirs …: `warmup` rounds that are not timed, then `repeats` rounds that are."""
    if repeats < 1:
        raise ValueError(f"repeats is {repeats}; expected at least 1")
    seconds: tuple[list[float], list[float]] = ([], [])
    for number in range(warmup + repeats):
        for call, measured in zip((ours, theirs), seconds):
            started = clock()
            call()
            ended = clock()
            if number >= warmup:
                measured.append(ended - started)
    return Comparison(*seconds)


HEADING = f"{'ours ms':>10}{'torchvision ms':>16}{'ratio':>8}  {'lowest–highest':<14}"


def format_comparison(pair: Comparison) -> str:
    """A row below `HEADING`: medians in milliseconds, their ratio, the range of ratios."""
    ours, theirs = (format_number(1e3 * median(seconds)) for seconds in (pair.ours, pair.theirs))
    lowest, highest = pair.range
    return f"{ours:>10}{theirs:>16}{pair.ratio:>8.2f}  {f'{lowest:.2f}–{highest:.2f}':<14}"


def format_number(value: float) -> str:
    """At least three significant digits: 0.0123, 1.23, 12.3, 123, 12,345."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
