"""What several test files share."""

import linecache
from collections.abc import Callable
from pathlib import Path
from types import FunctionType
from typing import Any

import pytest
import torch

from frcnn_edu.data import ShapesDetection, write_voc

LONGEST_ID = 60  # letters of a value in a test's name


def pytest_configure(config: pytest.Config) -> None:
    # Tests make many backbones without weights. Those that look at this warning ask for all of them.
    config.addinivalue_line("filterwarnings", "ignore:.*which nobody has trained")


@pytest.fixture(scope="session")
def voc(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Pascal VOC folder of 13 shapes images."""
    root = tmp_path_factory.mktemp("data") / "VOCshapes"
    for split, indices in {"train": range(8), "val": range(8, 11), "test": range(11, 13)}.items():
        write_voc(ShapesDetection("val"), root, split, indices)
    return root


@pytest.fixture(scope="session")
def damage() -> Callable[[Path], Path]:
    """Damages a JPEG in its middle: only who decodes it can see that."""

    def put_a_marker_where_none_belongs(path: Path) -> Path:
        content = bytearray(path.read_bytes())
        middle = len(content) // 2
        content[middle : middle + 4] = b"\xff\xc3\xff\xc3"
        path.write_bytes(content)
        return path

    return put_a_marker_where_none_belongs


def pytest_make_parametrize_id(val: Any) -> str | None:
    """Names a test's values as they are written, where pytest would number them: `settings0`, `<lambda>1`."""
    text = written(val) if isinstance(val, dict | list | tuple | torch.dtype | torch.memory_format) else None
    if isinstance(val, FunctionType) and val.__name__ == "<lambda>":
        text = body(val)
    if text is None or len(text) <= LONGEST_ID:
        return text
    return text[: LONGEST_ID - 3] + "..."


def written(value: Any) -> str | None:
    """A value in few words; None if it holds one whose text is not the same in every process."""
    if isinstance(value, dict):
        parts = [part and f"{key}={part}" for key, part in zip(value, map(written, value.values()))]
        return None if None in parts else ", ".join(map(str, parts)) or "{}"
    if isinstance(value, list | tuple):
        parts = [*map(written, value)]
        return None if None in parts else f"({', '.join(map(str, parts))})"
    known = str | int | float | bool | None | torch.dtype | torch.memory_format
    return str(value).removeprefix("torch.") if isinstance(value, known) else None


def body(function: FunctionType) -> str:
    """What a lambda computes, as its source has it."""
    places = [place for place in function.__code__.co_positions() if None not in place and place[2] != place[3]]
    first, last = (
        min((line, column) for line, _, column, _ in places),
        max((line, column) for _, line, _, column in places),
    )
    lines = linecache.getlines(function.__code__.co_filename)[first[0] - 1 : last[0]]
    lines[-1] = lines[-1].encode()[: last[1]].decode()  # places count bytes
    lines[0] = lines[0].encode()[first[1] :].decode()
    return " ".join(" ".join(lines).split())
