"""What is asked of paths and packages before any work; test_start.py has these answers on the command line."""

import os
from argparse import Namespace
from pathlib import Path

import pytest

from frcnn_edu import extras
from frcnn_edu.commands.options.command import check_installed, check_one_of, check_output_file, check_output_folder


@pytest.mark.parametrize("check", [check_output_file, check_output_folder])
def test_what_is_missing_can_be_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, check) -> None:
    monkeypatch.chdir(tmp_path)
    for path in (None, Path("new"), Path("new/deep/er"), tmp_path / "new"):
        check(Namespace(out=path), "out")
    assert not any(tmp_path.iterdir())


def test_a_folder_that_cannot_be_written_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: (path, mode) != (tmp_path, os.W_OK))
    for check in (check_output_file, check_output_folder):
        with pytest.raises(ValueError, match=rf"--out {tmp_path}/a: the folder {tmp_path} cannot be written to"):
            check(Namespace(out=tmp_path / "a"), "out")


def test_a_package_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    check_installed("nbclient", "pytest")
    monkeypatch.setitem(extras._EXTRA_OF, "no_such_package", "course")
    words = r"this needs no-such-package: pip install no-such-package \(in the extra 'course' of this package\)"
    with pytest.raises(ValueError, match=words):
        check_installed("nbclient", "no_such_package")


def test_one_of_several_is_enough() -> None:
    def check(value: int) -> None:
        if value < 5:
            raise ValueError(f"{value} is too little")

    check_one_of(check, [1, 7])
    with pytest.raises(ValueError, match="3 is too little"):
        check_one_of(check, [3, 4])
