"""What loading found in a data set's files: left out, repaired, or only worth knowing."""

from collections import Counter, defaultdict

from .names import readable

Places = dict[str, Counter[str]]  # what was found → where, how often


class Findings:
    """What was found in a data set's files, and where.

    Attributes:
        left_out: images and objects that cannot be used; with `strict`, any of them is an error.
        repaired: what could be corrected without a guess, such as a box that exceeds the image by a pixel.
        noted: what is not a mistake but worth knowing, such as classes that were not asked for.
    """

    def __init__(self) -> None:
        self.left_out: Places = defaultdict(Counter)
        self.repaired: Places = defaultdict(Counter)
        self.noted: Places = defaultdict(Counter)

    def leave_out(self, what: str, where: str, count: int = 1) -> None:
        self.left_out[what][readable(where)] += count

    def repair(self, what: str, where: str) -> None:
        self.repaired[what][readable(where)] += 1

    def note(self, what: str, where: str, count: int = 1) -> None:
        self.noted[what][readable(where)] += count

    def merge(self, other: "Findings") -> None:
        """Add another data set's findings to these."""
        for name, mine in vars(self).items():
            for what, places in vars(other)[name].items():
                mine[what].update(places)

    def summary(self) -> str:
        """One line, such as "boxes refused, zero area: 1 (BloodImage_00343)"; empty if nothing was found."""
        return "; ".join(in_words(places) for places in (self.left_out, self.repaired, self.noted) if places)


def in_words(findings: Places) -> str:
    """Each finding with its count and its first three places."""
    parts = []
    for what, places in findings.items():
        named = ", ".join(list(places)[:3]) + (", …" if len(places) > 3 else "")
        parts.append(f"{what}: {places.total()} ({named})")
    return "; ".join(parts)
