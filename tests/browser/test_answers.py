"""How long explorers take is measured in the browser; here, what needs none."""

import pytest

from frcnn_edu import cli
from frcnn_edu.benchmark import explorers
from frcnn_edu.notebook_checks import browser


def test_milliseconds_are_summed_up() -> None:
    answers = explorers.Answers("one", "drag a box", [float(k) for k in range(1, 101)])
    assert answers.median == 50.5
    assert 95 <= answers.percentile95 <= 96


def test_without_a_browser_the_command_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(browser, "find_browser", lambda: None)
    assert cli.main(["benchmark", "--explorers"]) == 2
    assert "needs a browser" in capsys.readouterr().err
