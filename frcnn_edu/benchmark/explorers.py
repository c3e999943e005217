"""The response time of an explorer: from the event in the browser to the new picture there."""

import statistics
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import nbformat

from ..notebook_checks.browser import Reader, reading
from ..notebook_checks.notebooks import write_notebook

EVENTS = 60  # of each kind
ANSWER = 3000  # milliseconds, after which an event is assumed to have changed nothing
PAUSE = 80  # milliseconds between an answer and the next event, about the pace of a user

# The clock starts at the time stamp of the event and stops in the frame that shows the new picture.
WATCH = """() => {
  window.feTimes = [];
  let since = null;
  for (const kind of ["keydown", "pointermove"]) document.addEventListener(kind, (event) => { since = event.timeStamp; }, true);
  const note = () => { const start = since; requestAnimationFrame(() => window.feTimes.push(performance.now() - start)); };
  new MutationObserver(note).observe(document.querySelector(".fe-board"), { attributes: true, attributeFilter: ["data-version"] });
}"""


@dataclass(frozen=True)
class Answers:
    """Milliseconds from each event to its picture; `gesture` describes the event."""

    explorer: str
    gesture: str
    milliseconds: list[float]

    @property
    def median(self) -> float:
        return statistics.median(self.milliseconds)

    @property
    def percentile95(self) -> float:
        """The 95th percentile."""
        return statistics.quantiles(self.milliseconds, n=20, method="inclusive")[-1]


def measure(names: list[str], events: int = EVENTS) -> Iterator[Answers]:
    """Opens each explorer in JupyterLab, moves everything that can be moved, and yields the response times."""
    with TemporaryDirectory() as folder:
        for name in names:
            cell = nbformat.v4.new_code_cell(f"from frcnn_edu.lessons import explore\nexplore.{name}()")
            kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
            notebook = nbformat.v4.new_notebook(cells=[cell], metadata={"kernelspec": kernel})
            write_notebook(notebook, Path(folder) / f"{name}.ipynb")
        with reading(Path(folder)) as reader:
            for name in names:
                reader.open(f"{name}.ipynb")
                reader.run_all()
                reader.explorer()
                reader.page.evaluate(WATCH)
                for gesture, act in gestures(reader):
                    yield Answers(name, gesture, _answers(reader, act, events))


def gestures(reader: Reader) -> Iterator[tuple[str, Callable[[int], None]]]:
    """The gestures of this explorer: one of each kind, as a function of the event's number."""
    page = reader.page
    handles, sliders, keys = (
        page.locator(f".fe-explorer {kind}") for kind in (".fe-handle", ".noUi-handle", ".fe-keys")
    )
    if handles.count():
        box = handles.first.bounding_box()
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        page.mouse.move(x, y)
        page.mouse.down()
        yield "drag a box", lambda number: page.mouse.move(x + 4 + 4 * (number % 3), y + 3 + 3 * (number % 4))
        page.mouse.up()
    if sliders.count():
        sliders.first.focus()
        yield "move a slider", lambda number: page.keyboard.press("ArrowRight" if number % 2 else "ArrowLeft")
    if keys.count():
        keys.first.focus()
        yield "arrow keys", lambda number: page.keyboard.press("ArrowRight" if number % 2 else "ArrowLeft")


def _answers(reader: Reader, act: Callable[[int], None], events: int) -> list[float]:
    page: Any = reader.page
    page.evaluate("() => { window.feTimes.length = 0; }")
    for number in range(3 * events):  # some change nothing, such as a slider at its end
        before = page.evaluate("() => window.feTimes.length")
        if before >= events:
            break
        act(number)
        try:
            page.wait_for_function("(before) => window.feTimes.length > before", arg=before, timeout=ANSWER)
        except Exception as error:  # the name of Playwright's error depends on its version
            if "Timeout" not in type(error).__name__:
                raise
        page.wait_for_timeout(PAUSE)
    return page.evaluate("() => window.feTimes")
