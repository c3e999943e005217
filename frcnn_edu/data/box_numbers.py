"""Whether the numbers of a data set's boxes look like those of a different format."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .formats.annotated import Form

SLACK = 1.0  # pixels: tools count from 0 or from 1
SHARE = 0.2  # share of odd boxes above which the format is doubted
OTHER = {Form.CORNERS: Form.SIDES, Form.SIDES: Form.CORNERS}


@dataclass
class BoxNumbers:
    """Counts of boxes as written in the annotations.

    Attributes:
        total: boxes of four finite numbers.
        fractions: those with all numbers between 0 and 1, although pixels are expected.
        pixels: those with a number above 2, although fractions are expected.
        beyond: those that extend beyond their image by more than a pixel.
        swapped: those whose right edge is left of the left one, or whose lower edge is above the upper one.
        otherwise: those that would be valid, and inside the image, in the other form.
        form: the form of the last box.
    """

    total: int = 0
    fractions: int = 0
    pixels: int = 0
    beyond: int = 0
    swapped: int = 0
    otherwise: int = 0
    form: Form = Form.CORNERS

    def add(self, numbers: Sequence[Any], form: Form, size: tuple[int, int]) -> None:
        """Count a box in an image of the given (width, height)."""
        try:
            a, b, c, d = (float(number) for number in numbers)
        except (TypeError, ValueError, OverflowError):
            return
        if not all(math.isfinite(number) for number in (a, b, c, d)):
            return
        self.total, self.form = self.total + 1, form
        if form is Form.SHARES:
            self.pixels += max(abs(a), abs(b), abs(c), abs(d)) > 2
            return
        self.fractions += min(a, b, c, d) >= 0 and max(a, b, c, d) <= 1 and min(size) > 2
        as_corners, as_sides = (a, b, c, d), (a, b, a + c, b + d)
        read, other = (as_sides, as_corners) if form is Form.SIDES else (as_corners, as_sides)
        self.swapped += read[2] < read[0] or read[3] < read[1]
        self.beyond += _beyond(read, size)
        self.otherwise += other[2] > other[0] and other[3] > other[1] and not _beyond(other, size)

    def doubt(self) -> str | None:
        """Return a sentence if the boxes look like those of a different format."""
        if not self.total:
            return None
        if self.fractions == self.total:
            return (
                f"all {self.total} boxes lie within 0…1: these look like fractions of the image, "
                f"but {self.form.value} in pixels are expected"
            )
        if self.pixels > SHARE * self.total:
            return f"{self.pixels} of {self.total} boxes have numbers above 2: these look like pixels, but fractions of the image are expected"
        for count, what in (
            (self.beyond, "extend beyond their image"),
            (self.swapped, "have swapped corners"),
        ):
            if count >= max(min(3, self.total), SHARE * self.total):
                return f"{count} of {self.total} boxes {what}{self._guess()}"
        return None

    def _guess(self) -> str:
        if self.otherwise < 0.95 * self.total:
            return ": were they annotated at a different image size?"
        number = "all" if self.otherwise == self.total else f"{self.otherwise} of {self.total}"
        return f", and {number} would be inside as {OTHER[self.form].value}: is that their format?"


def _beyond(box: Sequence[float], size: tuple[int, int]) -> bool:
    return min(box) < -SLACK or box[2] > size[0] + SLACK or box[3] > size[1] + SLACK
