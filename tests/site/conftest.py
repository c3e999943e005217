"""The site, built once for each process that runs these tests, and a browser for each file of them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from reading_pages import ROOT
from visits import Visit

from frcnn_edu.notebook_checks.browser import QUIET, find_browser
from frcnn_edu.site.build import build_site


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the site."""
    folder = tmp_path_factory.mktemp("site") / "site"
    build_site(ROOT, folder)
    return folder


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A browser without a network."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=find_browser(), args=[*QUIET])
        yield chromium
        chromium.close()


@pytest.fixture
def visit(browser: Any) -> Iterator[Visit]:
    one = Visit(browser)
    yield one
    one.context.close()


def pytest_configure(config: pytest.Config) -> None:
    """Two libraries use functions that others have begun to replace."""
    config.addinivalue_line("filterwarnings", "ignore:'myst_parser.*is deprecated")
    config.addinivalue_line("filterwarnings", "ignore:path is deprecated:DeprecationWarning:ziamath")
