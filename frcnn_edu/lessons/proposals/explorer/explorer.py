"""From thousands of anchors to proposals: how many boxes are left after each step, and which box removes which."""

from collections.abc import Sequence
from typing import Any

import ipywidgets

from frcnn_edu.lessons.board.explorer import Explorer, Prompt
from frcnn_edu.lessons.board.scene import Scene

from ..pictures.main import LEVELS
from .panels import draw
from .result import TITLES, Result, State, compute, first_state, nms_of


class ProposalsExplorer(Explorer[State, Result]):
    title = "How do thousands of boxes become a few hundred?"

    def start(self) -> State:
        return first_state(self.subject)

    def make_prompts(self) -> Sequence[Prompt]:
        beyond = min(self.subject.resized.shape[1:]) + 10
        return (
            (
                "An NMS threshold of 0.3: how many boxes are left, and how well do they fit?",
                {"threshold": 0.3, "place": 1},
            ),
            ("No NMS (threshold 1): which boxes are the best 300 of all levels now?", {"threshold": 1.0, "place": 0}),
            ("Only the best 20 boxes of each level: is one on our object?", {"pre": 20, "place": 1}),
            (
                "Every box at least 40 pixels wide and high: which objects have no proposal now?",
                {"smallest": 40, "place": 1},
            ),
            (
                f"At least {beyond} pixels, longer than the shorter side of the image: what is left?",
                {"smallest": beyond, "place": 0},
            ),
            ("Only ten proposals: which objects have one?", {"post": 10}),
            ("All decoded anchors: where are most of them?", {"step": 0}),
        )

    def make_controls(self) -> dict[str, Any]:
        style = {"description_width": "initial"}
        whole = ipywidgets.IntSlider
        narrow = {**style, "button_width": "52px"}
        counts = [len(anchors) for anchors in self.subject.trace.anchors]
        longest = max(self.subject.resized.shape[1:])
        return {
            "place": whole(0, min=0, max=10_000, description="suppression", style=style),
            "level": ipywidgets.ToggleButtons(options=[(name, k) for k, name in enumerate(LEVELS)], description="NMS on", style=narrow),
            "pre": whole(1, min=1, max=max(counts), description="pre-NMS top-n per level", style=style),
            "threshold": ipywidgets.FloatSlider(0.7, min=0, max=1, step=0.05, description="NMS threshold", style=style),
            "smallest": whole(0, min=0, max=longest, description="minimum side in pixels", style=style),
            "post": whole(1, min=1, max=min(sum(counts), 1000), description="post-NMS top-n", style=style),
            "step": ipywidgets.Dropdown(options=[(title.lstrip("… "), k) for k, title in enumerate(TITLES)], description="show after", style=style),
        }  # fmt: skip

    def compute(self, state: State) -> Result:
        return compute(state, self.subject)

    def draw(self, result: Result) -> Scene:
        return draw(result, self.subject)

    def bounds(self, state: State) -> dict[str, tuple[float, float]]:
        of = self.subject
        there = nms_of(of.trace, of.model, state.pre, state.threshold, state.smallest, state.post, state.level)
        return {"place": (0, len(there.suppressions))}

    def follow_up(self, before: State, changes: dict[str, Any]) -> dict[str, Any]:
        """On another level NMS starts from the beginning."""
        if "level" in changes and "place" not in changes:
            changes["place"] = 0
        return changes

    def picked(self, state: State, panel: str, group: str, id: int) -> dict[str, Any]:
        if group == "step":
            return {"step": id}
        # A box: the suppression that removes it, or the first one by it.
        for place, one in enumerate(self.result.nms.suppressions, 1):
            if group == "box" and id in (one.dropped, one.kept):
                return {"place": place}
        return {}

    def arrow(self, state: State, panel: str, dx: int, dy: int) -> dict[str, Any]:
        return {"place": state.place + dx - 10 * dy}
