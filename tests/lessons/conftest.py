"""Its folder is where pytest finds what these tests share: `driving`, `test_driving`. While messages are collected, verdicts are shown."""

import os
from typing import Any

import pytest

from frcnn_edu.lessons.checking import Verdict
from frcnn_edu.words import COLLECT


@pytest.fixture(autouse=COLLECT in os.environ)
def every_verdict_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """While messages are collected, those of the checkers are shown, too."""
    made = Verdict.__init__

    def shown(verdict: Verdict, *values: Any) -> None:
        made(verdict, *values)
        repr(verdict)

    monkeypatch.setattr(Verdict, "__init__", shown)
