"""Its folder is where pytest finds what these tests share: `driving`, `test_driving`."""

import os

import pytest

from frcnn_edu.lessons.checking import Verdict
from frcnn_edu.words import COLLECT


@pytest.fixture(autouse=COLLECT in os.environ)
def every_verdict_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """While messages are collected, those of the checkers are shown, too."""
    monkeypatch.setattr(Verdict, "__post_init__", repr, raising=False)
