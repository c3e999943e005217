"""Notebooks as a reader sees them: in JupyterLab, in a real browser."""

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from nbformat.sign import NotebookNotary

from .notebooks import ENVIRONMENT, read_notebook

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
QUIET = (  # no screen, no sandbox (which root must do without), no network traffic except with the page
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
SETTINGS = {
    "notebook-extension/tracker": {"windowingMode": "none"},  # render every cell, in sight or not
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
}
# Close what is open, without asking whether to save it, and open a notebook in its place.
OPEN = """async (name) => {
  const { shell, commands } = window.jupyterapp;
  [...shell.widgets("main")].forEach((one) => one.dispose());
  await commands.execute("docmanager:open", { path: name });
}"""
READY = """() => {
  const context = window.jupyterapp?.shell.currentWidget?.sessionContext;
  return context?.isReady && context.session?.kernel?.status === "idle";
}"""
PROMPTS = ".jp-CodeCell .jp-InputPrompt"
PATIENCE = 120  # seconds, for a server or a page
SLOWEST = 600  # seconds, for a notebook


def find_browser() -> str | None:
    """A Chromium: the one that the variable CHROMIUM names, the system's, or Playwright's own; None if there is none.

    Raises:
        ValueError: what the variable CHROMIUM names is not a program.
    """
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        return None
    named = os.environ.get("CHROMIUM")
    if named and shutil.which(named) is None:
        raise ValueError(f"the variable CHROMIUM names {named!r}, which is not a program")
    if found := named or next(filter(None, map(shutil.which, BROWSERS)), None):
        return found
    with sync_playwright() as playwright:
        own = playwright.chromium.executable_path
    return own if Path(own).is_file() else None


@dataclass
class Reader:
    """A JupyterLab page under Playwright's control.

    Attributes:
        page: Playwright's page.
        address, token: the server's address and token.
        folder: the folder of the notebooks that it shows.
        one_kernel: whether all notebooks run in the kernel of the first, with what that has imported.
        errors: errors in the browser's console, and exceptions in the page.
    """

    page: Any
    address: str
    token: str
    folder: Path
    one_kernel: bool = False
    errors: list[str] = field(default_factory=list)

    def open(self, name: str) -> None:
        """Open a notebook of the server's folder, and wait until its kernel is ready."""
        if self.one_kernel:
            self._share_kernel(name)
        if self.page.url.startswith(self.address):
            self.page.evaluate(OPEN, name)
        else:
            self.page.goto(f"{self.address}/lab/tree/{name}?token={self.token}&reset", timeout=1000 * PATIENCE)
        self.page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=1000 * PATIENCE)
        # Run All opens a dialogue if the kernel is not ready.
        self.page.wait_for_function(READY, timeout=1000 * PATIENCE)

    def _share_kernel(self, name: str) -> None:
        """Begin the notebook's session in a running kernel: JupyterLab continues the session it finds."""
        kernels = {session["path"]: session["kernel"]["id"] for session in self._ask("sessions")}
        if kernels and name not in kernels:
            kernel = next(iter(kernels.values()))
            self._ask("sessions", {"path": name, "name": name, "type": "notebook", "kernel": {"id": kernel}})

    def _ask(self, what: str, content: dict[str, Any] | None = None) -> Any:
        """The answer of the server's REST API."""
        data = None if content is None else json.dumps(content).encode()
        request = urllib.request.Request(f"{self.address}/api/{what}", data, {"Authorization": f"token {self.token}"})
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)

    def run_all(self) -> None:
        """Run every cell, and wait until the last one is done."""
        self._forget_saved_numbers()
        self.page.click(".lm-MenuBar-item:has-text('Run')")
        self.page.click(".lm-Menu-item[data-command='runmenu:run-all']")
        done = "(prompts) => [...document.querySelectorAll(prompts)].every((prompt) => /^\\[\\d+\\]:$/.test(prompt.textContent))"
        self.page.wait_for_function(done, arg=PROMPTS, timeout=1000 * SLOWEST)

    def run(self, text: str) -> None:
        """Run the first code cell whose source contains `text`, as with Shift+Enter, and wait until it is done."""
        self._forget_saved_numbers()
        prompt = self.page.locator(f".jp-CodeCell:has(.cm-content:has-text('{text}')) .jp-InputPrompt").first
        prompt.click(timeout=1000 * PATIENCE)
        self.page.keyboard.press("Shift+Enter")
        done = "(prompt) => /^\\[\\d+\\]:$/.test(prompt.textContent)"
        self.page.wait_for_function(done, arg=prompt.element_handle(), timeout=1000 * SLOWEST)

    def _forget_saved_numbers(self) -> None:
        """Empty the cells' prompts, so that a saved number is not taken for that of a run."""
        self.page.evaluate(
            "(prompts) => document.querySelectorAll(prompts).forEach((one) => (one.textContent = ''))", PROMPTS
        )

    def explorer(self) -> Any:
        """The page's explorer, once its picture is drawn and a kernel is connected to it."""
        board = self.page.locator(".jp-OutputArea .fe-board")
        board.first.scroll_into_view_if_needed(timeout=1000 * PATIENCE)
        self.page.wait_for_selector(".fe-board[data-version][data-alive]", timeout=1000 * PATIENCE)
        return self.page.locator(".jp-OutputArea .fe-explorer").first

    def version(self) -> int:
        """Which picture of the explorer is drawn: it counts up."""
        return int(self.page.locator(".fe-board").first.get_attribute("data-version"))

    def settle(self, after: int, seconds: float = 20) -> None:
        """Wait for a picture after that one, and until no more come. Playwright's TimeoutError if there is none."""
        newer = "(before) => Number(document.querySelector('.fe-board').dataset.version) > before"
        self.page.wait_for_function(newer, arg=after, timeout=1000 * seconds)
        while True:
            seen = self.version()
            self.page.wait_for_timeout(300)
            if self.version() == seen:
                return


@contextmanager
def reading(folder: Path, *, own: str = "", one_kernel: bool = False, width: int = 1280) -> Iterator[Reader]:
    """JupyterLab on a copy of the notebooks in `folder`, on loopback, opened in a browser.

    `own`: a pattern; these notebooks are signed as the reader's own, so that JupyterLab shows their saved widgets before a cell is run.
    `one_kernel`: all notebooks run in one kernel, so that imports take time only once.

    Raises:
        RuntimeError: there is no browser.
        TimeoutError: the server did not start.
    """
    from playwright.sync_api import sync_playwright

    browser_path = find_browser()
    if browser_path is None:
        raise RuntimeError("no Chromium was found: install one, or name it in the variable CHROMIUM")
    with (
        TemporaryDirectory() as temporary,
        _server(folder, Path(temporary), own) as (address, token, work),
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=browser_path, args=list(QUIET))
        page = browser.new_page(viewport={"width": width, "height": 1400})
        reader = Reader(page, address, token, work, one_kernel)
        page.on("pageerror", lambda error: reader.errors.append(str(error)))
        page.on("console", lambda said: reader.errors.append(said.text) if said.type == "error" else None)
        try:
            yield reader
        finally:
            browser.close()


@contextmanager
def _server(folder: Path, temporary: Path, own: str) -> Iterator[tuple[str, str, Path]]:
    """A server on a copy of the folder (JupyterLab saves what it shows), with its own home folder."""
    work, home = temporary / "work", temporary / "home"
    shutil.copytree(folder, work, ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
    if own:
        (home / "data").mkdir(parents=True)
        notary = NotebookNotary(data_dir=str(home / "data"))
        for path in work.glob(own):
            notary.sign(read_notebook(path))
        notary.store.close()
    for name, content in SETTINGS.items():
        path = home / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content), encoding="utf-8")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    token = secrets.token_hex(16)
    options = [
        *("--no-browser", "--ServerApp.ip=127.0.0.1", f"--ServerApp.port={port}", "--ServerApp.port_retries=0"),
        *(
            "--LabApp.expose_app_in_browser=True",
            "--allow-root",
            f"--IdentityProvider.token={token}",
            f"--ServerApp.root_dir={work}",
        ),
        f"--LabApp.user_settings_dir={home / 'settings'}",
        f"--LabApp.workspaces_dir={home / 'workspaces'}",
    ]
    places = {"HOME": str(home), "JUPYTER_CONFIG_DIR": str(home / "config"), "JUPYTER_DATA_DIR": str(home / "data")}
    places |= {"JUPYTER_RUNTIME_DIR": str(home / "runtime"), "IPYTHONDIR": str(home / "ipython")}
    with (home / "log").open("w") as log:
        command = [sys.executable, "-m", "jupyterlab", *options]
        process = subprocess.Popen(command, env={**os.environ, **ENVIRONMENT, **places}, stdout=log, stderr=log)
    address = f"http://127.0.0.1:{port}"
    try:
        _wait_for(f"{address}/api?token={token}", process, home / "log")
        yield address, token, work
    finally:
        process.terminate()
        process.wait()


def _wait_for(address: str, process: subprocess.Popen, log: Path) -> None:
    for _ in range(10 * PATIENCE):
        if process.poll() is not None:
            raise RuntimeError(f"JupyterLab stopped: {log.read_text(encoding='utf-8')[-2000:]}")
        try:
            with urllib.request.urlopen(address):
                return
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.1)
    raise TimeoutError(f"no answer from {address} in {PATIENCE} s")
