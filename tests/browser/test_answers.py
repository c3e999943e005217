"""How long explorers take is measured in the browser; here, that it is measured at all."""

import json
from pathlib import Path

import pytest
from hands import IN_A_BROWSER

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


class TestInABrowser:
    pytestmark = IN_A_BROWSER

    def test_every_event_has_its_answer(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setattr(explorers.measure, "__defaults__", (4,))
        numbers = tmp_path / "numbers.json"
        assert cli.main(["benchmark", "--explorers", "roi_align", "--json", str(numbers)]) == 0
        rows = json.loads(numbers.read_text())["explorers"]
        assert [row["gesture"] for row in rows] == ["drag a box", "move a slider", "arrow keys"]
        for row in rows:
            assert len(row["milliseconds"]) >= 4
            assert all(0 < value < explorers.ANSWER for value in row["milliseconds"])
        out = capsys.readouterr().out
        assert out.count("roi_align") == 3
