"""The old name of the pytest plugin `frcnn_edu.notebook_checks.strict`; it goes with version 0.2."""

import pytest

from ..notebook_checks import strict


def pytest_configure(config: pytest.Config) -> None:
    """Does what the plugin does, and says its new name."""
    message = (
        "frcnn_edu.course.strict is now called frcnn_edu.notebook_checks.strict; the old name goes with version 0.2"
    )
    config.issue_config_time_warning(pytest.PytestDeprecationWarning(message), stacklevel=2)
    strict.pytest_configure(config)
