"""Writing a file so that a reader finds either the old one or the new one, never half of it."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; move it onto `path` when the block ends without an error.

    The bytes are on the disk (fsync) before the move, and the move is atomic, so a crash, a full disk or
    Ctrl-C inside the block leaves an earlier `path` as it was. The file's permissions follow the umask, whatever the
    library that writes it would choose.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    # One fixed name, so that what a killed process leaves behind is overwritten by the next attempt. The
    # suffix stays, because matplotlib chooses the format by it.
    temporary = path.with_name(f".{path.stem}.partial{path.suffix}")
    temporary.unlink(missing_ok=True)
    temporary.touch()
    usual = stat.S_IMODE(temporary.stat().st_mode)
    try:
        yield temporary
        if stat.S_IMODE(temporary.stat().st_mode) != usual:
            temporary.chmod(usual)
        with open(temporary, "rb+") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: str | Path, text: str) -> None:
    """Write `text` to `path` as UTF-8, atomically."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
