"""State → compute → draw: what all explorers have in common."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Generic, TypeVar

import ipywidgets
from matplotlib.figure import Figure

from frcnn_edu.lessons.story import Story, story
from frcnn_edu.viz.output import show

from .board import Board
from .formula import text
from .paint import paint
from .scene import Scene

State = TypeVar("State")  # a frozen dataclass whose defaults are the first view
Result = TypeVar("Result")  # what compute makes of it
Prompt = tuple[str, Mapping[str, Any]]  # "make it 223 px wide: which map?", {"box": (…)}
PAUSE = 0.01  # seconds between two parts of a longer computation, in which other messages are answered


class Explorer(Generic[State, Result]):
    """A picture that one can put a hand on; the last line of a cell shows it.

    A subclass says what is special. `start` is the state it opens with, `make_prompts` what it suggests to try. `make_controls`
    makes an ipywidget for each field that has one; fields that are dragged or picked have none. `compute` and `draw` are pure:
    model's code and real tensors in, a `Scene` out. `problem` says in words why a state is illegal (or None); `bounds` what a
    field may be in another's company; `picked` and `arrow` what a click and an arrow key change. `compute_more` does in parts what
    would keep the first view waiting.

    Attributes:
        state: what the controls say. first: what they say in the first view.
        seen, result, scene: the last legal state, what came of it, and its picture.
        prompts: suggestions in words, each with the changes of the first view that follow it.
        controls: the ipywidgets, by the state's field.
        widget: all of it.
    """

    title = ""

    def __init__(self, subject: Story | None = None) -> None:
        self.subject = subject or story()
        self.state = self.first = self.seen = self.start()
        self.prompts = self.make_prompts()
        self._settled = True  # False while controls are being set, and must not answer
        self._completing = False  # True while the next part of what is missing waits for its turn
        self.result = self.compute(self.state)
        self.scene = self.draw(self.result)
        self.controls = self.make_controls()
        for field, control in self.controls.items():
            control.observe(lambda change, field=field: self._control_moved(field, change.new), "value")
        self._follow(self.state)
        self.board = Board(self.scene, [words for words, _ in self.prompts], self._dragged, self._happened)
        title = ipywidgets.HTML(f"<span class='fe-title'>{self.title}</span>")
        controls = ipywidgets.Box([*self.controls.values()])
        controls.add_class("fe-controls")
        self.widget = ipywidgets.VBox([title, controls, self.board])
        for name in ("fe-explorer", f"fe-{type(self).__name__}"):
            self.widget.add_class(name)

    # ------------------------------------------------------------------------------------------- what a subclass says

    def start(self) -> State:
        """The state it opens with."""
        raise NotImplementedError

    def make_prompts(self) -> Sequence[Prompt]:
        """Suggestions, each with the fields that it sets; they follow the subject's object."""
        return ()

    def make_controls(self) -> dict[str, Any]:
        """An ipywidget with a `value` for each field of the state that has one."""
        return {}

    def compute(self, state: State) -> Result:
        """What the model's code makes of a legal state."""
        raise NotImplementedError

    def draw(self, result: Result) -> Scene:
        """The result as a picture with its formula and a sentence."""
        raise NotImplementedError

    def problem(self, state: State) -> str | None:
        """Why a state is illegal, in a sentence for readers."""
        return None

    def bounds(self, state: State) -> dict[str, tuple[float, float]]:
        """Smallest and largest value of the fields whose control is bounded by others; a field outside is moved inside."""
        return {}

    def follow_up(self, before: State, changes: dict[str, Any]) -> dict[str, Any]:
        """Changes, and what else changes with them."""
        return changes

    def picked(self, state: State, panel: str, group: str, id: int) -> dict[str, Any]:
        """What a click on an item changes."""
        return {}

    def arrow(self, state: State, panel: str, dx: int, dy: int) -> dict[str, Any]:
        """What an arrow key in a panel with `keys` changes."""
        return {}

    def compute_more(self) -> bool:
        """Compute the next part of what the first view did not wait for; False if nothing is missing from what is shown."""
        return False

    # ----------------------------------------------------------------------------------------------- what all can do

    def set(self, **changes: Any) -> None:
        """Change fields of the state, and all that follows from them.

        Raises:
            TypeError: there is no such field.
        """
        state: Any = replace(self.state, **self.follow_up(self.state, changes))  # type: ignore[type-var]
        for field, (low, high) in self.bounds(state).items():
            state = replace(state, **{field: min(max(getattr(state, field), low), high)})
        self.state = state
        self._follow(state)
        problem = self.problem(state)
        if problem is None:
            self._show(state)
        self.board.problem = problem or ""

    def complete(self) -> None:
        """Compute all that the first view did not wait for. Where a page shows the explorer, this happens by itself, in parts."""
        while self._add_part():
            pass

    def reset(self) -> None:
        """Back to the first view."""
        self.set(**vars(self.first))

    def try_prompt(self, index: int) -> None:
        """Do what the prompt of that number suggests, from the first view on."""
        self.reset()  # so that it is the first view that is seen behind an illegal state
        self.set(**{**vars(self.first), **self.prompts[index][1]})

    @property
    def formula(self) -> str:
        """The formula with the numbers of the moment, one line each."""
        return "\n".join(map(text, self.scene.formula))

    @property
    def words(self) -> str:
        """The sentence below the picture."""
        return text(self.scene.words)

    def picture(self) -> Figure:
        """What is seen at the moment, on paper."""
        return paint(self.scene)

    def _add_part(self) -> bool:
        """Compute and show the next part; whether there was one."""
        if not self.compute_more():
            return False
        self.prompts = self.make_prompts()
        self._show(self.seen)
        return True

    def _add_parts(self) -> None:
        """Part after part, each in a turn of the kernel's event loop, so that the reader can go on in between."""
        self._completing = self._add_part()
        if self._completing:
            asyncio.get_running_loop().call_later(PAUSE, self._add_parts)

    def _show(self, state: State) -> None:
        self.seen = state
        self.result = self.compute(state)
        self.scene = self.draw(self.result)
        self.board.show(self.scene)

    def _follow(self, state: Any) -> None:
        """Controls show the state, each within its bounds."""
        self._settled = False
        try:
            bounds = self.bounds(state)
            for field, control in self.controls.items():
                # In one message, bounds first: a page that gets new bounds alone sends its old value back, and one that gets the
                # value first cuts it to the old bounds and sends that. (What holding sends afterwards is in no order, and nothing new.)
                with control.hold_sync():
                    if field in bounds:
                        # In an order in which the smallest is never above the largest.
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
        """Whether a control shows what the state has. A page rounds a slider to its steps: that is no move of a hand."""
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
        """A hand touches what is seen: changes start from there, also while the controls say something illegal."""
        if changes:
            self.state = self.seen
            self.set(**changes)

    def _ipython_display_(self) -> None:
        """The picture for pages on which nothing moves, and the widget, which hides it where it lives."""
        from IPython.display import display  # only a notebook has it

        alts = " ".join(f"{panel.alt.rstrip('.')}." for panel in self.scene.panels if panel.alt)
        show(self.picture(), f"Explorer “{self.title}”. {alts}".rstrip())
        view = {"version_major": 2, "version_minor": 0, "model_id": self.widget.model_id}
        content = {
            "application/vnd.jupyter.widget-view+json": view,
            "text/plain": f"(Run this cell to move it: {self.title})",
        }
        display(content, raw=True)
