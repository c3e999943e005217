"""Names that have moved go on to work for a version, and say where they are now; once, so that a notebook stays readable."""

import subprocess
import sys
import warnings

import pytest

from frcnn_edu import viz


@pytest.mark.parametrize("name", ["explore", "dashboard", "plot_losses", "plot_metrics", "plot_runs"])
def test_a_name_that_has_moved(name: str) -> None:
    vars(viz).pop(name, None)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        names: dict = {}
        exec(f"from frcnn_edu.viz import {name}", names)
    assert [str(warning.message).split(" is now ")[0] for warning in said] == [f"frcnn_edu.viz.{name}"]
    assert said[0].category is DeprecationWarning
    new = names[name]
    assert (getattr(new, "__module__", None) or new.__name__).startswith(("frcnn_edu.watch", "frcnn_edu.lessons"))
    vars(viz).pop(name)


def test_a_name_that_never_was() -> None:
    with pytest.raises(AttributeError, match=r"module 'frcnn_edu\.viz' has no attribute 'nothing'"):
        viz.nothing  # noqa: B018


@pytest.mark.slow
def test_the_old_plugin() -> None:
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-o",
        "addopts=",
        "-p",
        "frcnn_edu.course.strict",
        "--co",
        "-q",
        __file__,
    ]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "frcnn_edu.course.strict is now called frcnn_edu.notebook_checks.strict" in done.stdout
