"""Image files for names that do not exist as written, and which name each file belongs to."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from functools import cache, partial
from pathlib import Path

from ..findings import Findings
from .finder import ImageFinder
from .folders import images_in


def search(
    names: Sequence[str], finder: ImageFinder, taken: Collection[Path]
) -> dict[str, tuple[Path | None, Findings]]:
    """The files for names that do not exist as written, each with its findings.

    If several names lead to one file, it belongs to the name that agrees with it in the most folders. A file is not
    used if it agrees in fewer folders than nearly all others do, or if its folder repeats the names of files that are
    found, such as their masks or the images of a second camera.
    """
    stems = {path.stem.casefold() for path in taken}

    @cache
    def is_parallel(folder: Path) -> bool:
        inside = [path.stem.casefold() in stems for path in images_in(folder) if path not in taken]
        return 2 * sum(inside) >= len(inside)

    found: dict[str, tuple[Path | None, Findings]] = {}
    claims: dict[Path, list[str]] = defaultdict(list)
    for name in dict.fromkeys(names):
        notes = Findings()
        path = finder.find(name, notes, taken)
        if path is not None and len(stems) and is_parallel(path.parent):
            path, notes = None, _left_out("images left out, no file", name)
        elif path is not None:
            claims[path].append(name)
        found[name] = path, notes
    owners = {path: max(claimed, key=partial(finder.agreement, path)) for path, claimed in claims.items()}
    usual = sorted(finder.agreement(path, owner)[0] for path, owner in owners.items())
    for path, claimed in claims.items():
        if finder.agreement(path, owners[path])[0] < usual[len(usual) // 5]:
            found |= {name: (None, _left_out("images left out, no file", name)) for name in claimed}
        for name in claimed:
            if name != owners[path]:
                found[name] = None, _left_out("images left out, their file belongs to another image", name)
    return found


def _left_out(what: str, name: str) -> Findings:
    notes = Findings()
    notes.leave_out(what, name)
    return notes
