import os
import stat
from pathlib import Path

import pytest

from frcnn_edu.training.files import replacing, write_text


def test_writes_and_replaces(tmp_path: Path) -> None:
    for text in ("first", "zweitens – ✓"):
        write_text(tmp_path / "new" / "file.json", text)
        assert (tmp_path / "new" / "file.json").read_text(encoding="utf-8") == text
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["file.json"]


def test_failure_keeps_the_old_file_and_leaves_nothing_behind(tmp_path: Path) -> None:
    path = tmp_path / "file.txt"
    path.write_text("old")

    def fail() -> None:
        with replacing(path) as temporary:
            temporary.write_text("half of the n")
            assert path.read_text() == "old"
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        fail()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_leftovers_of_a_killed_process_are_overwritten(tmp_path: Path) -> None:
    (tmp_path / ".file.partial.txt").write_text("rubbish of an earlier process, longer than the new text")
    write_text(tmp_path / "file.txt", "new")
    assert [path.name for path in tmp_path.iterdir()] == ["file.txt"]
    assert (tmp_path / "file.txt").read_text() == "new"


@pytest.mark.skipif(os.name != "posix", reason="permissions as POSIX has them")
@pytest.mark.parametrize("umask", [0o022, 0o027, 0o077], ids=oct)
def test_permissions_follow_the_umask(umask: int, tmp_path: Path) -> None:
    """Whatever the library that writes a file chooses for it."""
    before = os.umask(umask)
    try:
        with replacing(tmp_path / "file.bin") as temporary:
            temporary.unlink()
            os.close(os.open(temporary, os.O_CREAT | os.O_WRONLY, 0o600))
        write_text(tmp_path / "file.txt", "text")
    finally:
        os.umask(before)
    for name in ("file.bin", "file.txt"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o666 & ~umask, name
