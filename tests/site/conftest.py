"""The site, built once for each process that runs these tests."""

from pathlib import Path

import pytest
from reading_pages import ROOT

from frcnn_edu.site.build import build_site


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the site."""
    folder = tmp_path_factory.mktemp("site") / "site"
    build_site(ROOT, folder)
    return folder


def pytest_configure(config: pytest.Config) -> None:
    """Two libraries use functions that others have begun to replace."""
    config.addinivalue_line("filterwarnings", "ignore:'myst_parser.*is deprecated")
    config.addinivalue_line("filterwarnings", "ignore:path is deprecated:DeprecationWarning:ziamath")
