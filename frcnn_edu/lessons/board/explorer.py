"""State → compute → draw: what all explorers have in common."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Generic, TypeVar

import ipywidgets
from matplotlib.figure import Figure

from frcnn_edu.lessons.story import Story, story
from frcnn_edu.viz.output import show
from frcnn_edu.words import words

from .board import Board
from .formula import text
from .language import control_in_language, in_language
from .paint import paint
from .saved import STYLES
from .scene import Scene

State = TypeVar("State")  # a frozen dataclass whose defaults are the first view
Result = TypeVar("Result")  # what `compute` returns
Prompt = tuple[str, Mapping[str, Any]]  # "224×224 pixels: which map now?", {"box": (…)}
PAUSE = 0.01  # seconds between two parts of a longer computation, in which other messages are handled


class Explorer(Generic[State, Result]):
    """An interactive explorer; as the last line of a cell it is displayed.

    A subclass overrides these methods. `start` returns the first state, `make_prompts` the suggestions. `make_controls` makes an
    ipywidget for each field that has one; fields that are set by dragging or clicking have none. `compute` and `draw` are pure: they
    run the model's code on real tensors and return a `Scene`. `problem` says why a state is illegal (or returns None); `bounds` limits
    a field by the values of other fields; `picked` and `arrow` say what a click and an arrow key change. `compute_more` computes in
    parts what would delay the first view.

    Attributes:
        state: the values of all fields. first: their values in the first view.
        seen, result, scene: the last legal state, its result, and its scene.
        prompts: suggestions in words, each with the fields that it sets.
        controls: the ipywidgets, by field.
        widget: the whole explorer.
    """

    title = ""

    def __init__(self, subject: Story | None = None) -> None:
        self.subject = subject or story()
        self.state = self.first = self.seen = self.start()
        self.prompts = self.make_prompts()
        self._settled = True  # False while controls are being set: their events are ignored
        self._completing = False  # True while another part is scheduled
        self.result = self.compute(self.state)
        self.scene = self.draw(self.result)
        self.controls = {field: control_in_language(control) for field, control in self.make_controls().items()}
        for field, control in self.controls.items():
            control.observe(lambda change, field=field: self._control_moved(field, change.new), "value")
        self._follow(self.state)
        prompts = [words(prompt) for prompt, _ in self.prompts]
        self.board = Board(in_language(self.scene), prompts, self._dragged, self._happened)
        title = ipywidgets.HTML(f"<span class='fe-title'>{words(self.title)}</span>")
        controls = ipywidgets.Box([*self.controls.values()])
        controls.add_class("fe-controls")
        self.widget = ipywidgets.VBox([title, controls, self.board])
        for name in ("fe-explorer", f"fe-{type(self).__name__}"):
            self.widget.add_class(name)

    # -------------------------------------------------------------------------------------- methods that subclasses override

    def start(self) -> State:
        """The first state."""
        raise NotImplementedError

    def make_prompts(self) -> Sequence[Prompt]:
        """Suggestions about the subject's object, each with the fields that it sets."""
        return ()

    def make_controls(self) -> dict[str, Any]:
        """An ipywidget with a `value` for each field that has a control."""
        return {}

    def compute(self, state: State) -> Result:
        """The result of the model's code for a legal state."""
        raise NotImplementedError

    def draw(self, result: Result) -> Scene:
        """The scene that shows a result, with its formula and sentences."""
        raise NotImplementedError

    def problem(self, state: State) -> str | None:
        """Why a state is illegal and what to do, in a sentence for readers; None for a legal state."""
        return None

    def bounds(self, state: State) -> dict[str, tuple[float, float]]:
        """Smallest and largest value of each field that other fields limit; a value outside is moved inside."""
        return {}

    def follow_up(self, before: State, changes: dict[str, Any]) -> dict[str, Any]:
        """Changes, and the changes that follow from them."""
        return changes

    def picked(self, state: State, panel: str, group: str, id: int) -> dict[str, Any]:
        """The changes by a click on an item."""
        return {}

    def arrow(self, state: State, panel: str, dx: int, dy: int) -> dict[str, Any]:
        """The changes by an arrow key in a panel with `keys`."""
        return {}

    def compute_more(self) -> bool:
        """Compute the next part that the first view does not have; False if no part is missing."""
        return False

    # -------------------------------------------------------------------------------------------- methods of all explorers

    def set(self, **changes: Any) -> None:
        """Change fields of the state, and whatever follows from them.

        Raises:
            TypeError: unknown field.
        """
        state: Any = replace(self.state, **self.follow_up(self.state, changes))  # type: ignore[type-var]
        for field, (low, high) in self.bounds(state).items():
            state = replace(state, **{field: min(max(getattr(state, field), low), high)})
        self.state = state
        self._follow(state)
        problem = self.problem(state)
        if problem is None:
            self._show(state)
        self.board.problem = words(problem or "")

    def complete(self) -> None:
        """Compute all parts that the first view does not have. In a notebook this happens automatically, part by part."""
        while self._add_part():
            pass

    def reset(self) -> None:
        """Back to the first view."""
        self.set(**vars(self.first))

    def try_prompt(self, index: int) -> None:
        """Set the fields of a prompt, by its index, and all others as in the first view."""
        self.state = self.first
        self.set(**{**vars(self.first), **self.prompts[index][1]})
        if self.board.problem:  # behind an illegal state, the first view is shown
            self._show(self.first)

    @property
    def formula(self) -> str:
        """The formula with its present numbers, line by line."""
        return "\n".join(map(text, self.scene.formula))

    @property
    def words(self) -> str:
        """The sentences below the formula."""
        return text(self.scene.words)

    def picture(self) -> Figure:
        """The present scene as a figure."""
        return paint(in_language(self.scene))

    def _add_part(self) -> bool:
        """Compute and show the next part; False if there was none."""
        if not self.compute_more():
            return False
        self.prompts = self.make_prompts()
        self._show(self.seen)
        return True

    def _add_parts(self) -> None:
        """One part after another, each in a turn of the kernel's event loop, so that other events are handled between them."""
        self._completing = self._add_part()
        if self._completing:
            asyncio.get_running_loop().call_later(PAUSE, self._add_parts)

    def _show(self, state: State) -> None:
        self.seen = state
        self.result = self.compute(state)
        self.scene = self.draw(self.result)
        self.board.show(in_language(self.scene))

    def _follow(self, state: Any) -> None:
        """Set all controls to the state, and their bounds."""
        self._settled = False
        try:
            bounds = self.bounds(state)
            for field, control in self.controls.items():
                # In one message, bounds first: if a page receives new bounds alone, it sends its old value back, and if it receives the
                # value first, it clips it to the old bounds and sends that. (`hold_sync` then sends the same values again.)
                with control.hold_sync():
                    if field in bounds:
                        # In an order in which the minimum is never above the maximum.
                        low, high = bounds[field]
                        control.max = max(high, control.min)
                        control.min, control.max = low, high
                    control.value = getattr(state, field)
                    if field in bounds:
                        control.send_state(("min", "max", "value"))
        finally:
            self._settled = True

    def _control_moved(self, field: str, value: Any) -> None:
        if self._settled and not self._same(field, value):
            self.set(**{field: value})

    def _same(self, field: str, value: Any) -> bool:
        """Whether a control shows the value of the state. A page rounds a slider to its steps, which does not count as a change."""
        own = getattr(self.state, field)
        step = getattr(self.controls[field], "step", 0)
        return bool(abs(value - own) <= 0.501 * step if isinstance(own, float) else value == own)

    def _dragged(self, name: str, box: list[float]) -> None:
        self.set(**{name: tuple(box)})

    def _happened(self, event: dict[str, Any]) -> None:
        match event["kind"]:
            case "hello":
                if not self._completing:
                    self._add_parts()
            case "reset":
                self.reset()
            case "prompt":
                self.try_prompt(event["index"])
            case "pick":
                self._touched(self.picked(self.seen, event["panel"], event["group"], event["id"]))
            case "arrow":
                self._touched(self.arrow(self.seen, event["panel"], event["dx"], event["dy"]))

    def _touched(self, changes: dict[str, Any]) -> None:
        """Apply changes by a click or a key to the state that is shown, also while the controls' state is illegal."""
        if changes:
            self.state = self.seen
            self.set(**changes)

    def _ipython_display_(self) -> None:
        """The still picture for pages without a kernel, and the widget, which hides the still picture if it is shown."""
        from IPython.display import display  # it is installed only with notebooks

        display({"text/html": STYLES, "text/plain": ""}, raw=True)
        title, panels = words(self.title), in_language(self.scene).panels
        alts = " ".join(f"{panel.alt.rstrip('.。')}." for panel in panels if panel.alt)
        show(self.picture(), f"{words('Explorer')} “{title}”. {alts}".rstrip())
        view = {"version_major": 2, "version_minor": 0, "model_id": self.widget.model_id}
        content = {
            "application/vnd.jupyter.widget-view+json": view,
            "text/plain": f"(Run this cell to make it interactive: {self.title})",
        }
        display(content, raw=True)
