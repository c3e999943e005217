"""Visits to pages of the site in a browser."""

from pathlib import Path
from typing import Any

LEFT = "net::ERR_ABORTED"  # by going on to another page


class Visit:
    """A page that is opened from the disk, and what went wrong in it."""

    def __init__(self, browser: Any, width: int = 1280) -> None:
        self.context = browser.new_context(viewport={"width": width, "height": 900}, offline=True, color_scheme="light")
        self.page = self.context.new_page()
        self.errors: list[str] = []
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("requestfailed", self._failed)
        self.page.on("console", lambda said: self.errors.append(said.text) if said.type == "error" else None)

    def _failed(self, request: Any) -> None:
        if request.failure != LEFT:
            self.errors.append(f"{request.url} is not loaded: {request.failure}")

    def open(self, file: Path, query: str = "") -> Any:
        self.page.goto(f"file://{file}{query}")
        return self.page
