"""Draw any box: what does the second stage of the network say about it?"""

from collections.abc import Sequence

from frcnn_edu.lessons.board.explorer import Explorer, Prompt
from frcnn_edu.lessons.board.names import class_of
from frcnn_edu.lessons.board.scene import Rect, Scene
from frcnn_edu.ops import box_iou

from .panels import draw
from .result import Result, State, compute, first_state, inside, nothing


class AnyBoxExplorer(Explorer[State, Result]):
    title = "What does the network say about your box?"

    def start(self) -> State:
        return first_state(self.subject)

    def make_prompts(self) -> Sequence[Prompt]:
        of, name = self.subject, class_of(self.subject, self.subject.object)
        x1, y1, x2, y2 = of.box.tolist()
        wide, high = x2 - x1, y2 - y1

        def box(left: float, top: float, right: float, bottom: float) -> dict[str, Rect]:
            return {"box": inside((left, top, right, bottom), of)}

        height, width = of.resized.shape[1:]
        away = wide / 2 if x2 + wide / 2 <= width else -wide / 2
        empty = nothing(of)
        over = [("Over nothing: which class has the highest probability?", {"box": empty})] if empty else []
        return (
            (f"Move the box a fifth of its width off the {name}: does the correction lead back?", box(x1 + 0.4 * away, y1, x2 + 0.4 * away, y2)),
            (f"Move it half off the {name}: is the {name} still found?", box(x1 + away, y1, x2 + away, y2)),
            *over,
            ("Twice as large: does the network find the object inside?", box(x1 - wide / 2, y1 - high / 2, x2 + wide / 2, y2 + high / 2)),
            ("Half as large: is the box made larger?", box(x1 + wide / 4, y1 + high / 4, x2 - wide / 4, y2 - high / 4)),
            *self._neighbour(),
            ("The whole image: is anything found?", box(0, 0, width, height)),
        )  # fmt: skip

    def _neighbour(self) -> list[Prompt]:
        """A box around two objects: the followed one, and the one nearest to it."""
        of = self.subject
        centres = (of.boxes[:, :2] + of.boxes[:, 2:]) / 2
        far = (centres - centres[of.object]).norm(dim=1)
        far[of.object] = float("inf")
        far[box_iou(of.boxes, of.box[None])[:, 0] > 0.5] = float("inf")
        other = int(far.argmin())
        if not far[other].isfinite():
            return []
        both = of.boxes[[of.object, other]]
        box = inside((*both[:, :2].amin(dim=0).tolist(), *both[:, 2:].amax(dim=0).tolist()), of)
        return [("Around two objects at once: which one does the network choose?", {"box": box})]

    def compute(self, state: State) -> Result:
        return compute(state, self.subject)

    def draw(self, result: Result) -> Scene:
        return draw(result, self.subject)

    def problem(self, state: State) -> str | None:
        x1, y1, x2, y2 = state.box
        if x2 <= x1 or y2 <= y1:
            return f"A box from ({x1:g}, {y1:g}) to ({x2:g}, {y2:g}) has no area, so nothing can be read in it: make it larger."
        return None
