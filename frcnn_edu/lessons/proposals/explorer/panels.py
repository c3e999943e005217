"""From anchors to proposals: the panels."""

import torch

from frcnn_edu.lessons.board.scene import Axis, Boxes, Layer, Panel, Points, Rect, Scene, Words, fit, photo, window
from frcnn_edu.lessons.story import Story
from frcnn_edu.ops import box_iou
from frcnn_edu.viz import style as st

from ..pictures.main import LEVELS
from .result import TITLES, Result
from .words import formula, words

MANY = 60  # if more boxes are kept, they are drawn thin


def draw(result: Result, of: Story) -> Scene:
    """The boxes after one step, NMS on one level, and the number of boxes after each step."""
    panels = [_step(result, of), _nms(result, of), _funnel(result), _legend()]
    return Scene(566, panels, formula(result), [words(result, of)])


def _view(of: Story) -> Rect:
    """The image, or a part of a very long one around the object."""
    height, width = of.resized.shape[1:]
    return window((height, width), of.box)


def _ground_truth(of: Story) -> list[Layer]:
    """All ground-truth boxes, with a thicker line for the followed object's."""
    return [
        Boxes(of.boxes, st.GROUND_TRUTH, 1.2, True, alpha=0.8, halo=False),
        Boxes(of.box[None], st.GROUND_TRUTH, 2.4, True),
    ]


def _step(result: Result, of: Story) -> Panel:
    step, view = result.steps[result.state.step], _view(of)
    number = len(step.boxes)
    layers: list[Layer] = [
        photo(of.resized, dim=0.45),
        Boxes(step.boxes, st.PROPOSAL, 1.0, alpha=min(max(150 / max(number, 1), 0.06), 0.9), halo=False),
        *_ground_truth(of),
    ]
    if number:
        best = int(box_iou(step.boxes, of.box[None])[:, 0].argmax())
        layers.append(Boxes(step.boxes[[best]], st.INK, 4.8, halo=False))
        layers.append(Boxes(step.boxes[[best]], st.FOCUS, 2.6, halo=False))
    title = TITLES[result.state.step].lstrip("… ")
    return Panel(
        "step", fit(view, 10, 30, 384), view, layers, f"After “{title}”: {number}",
        f"yellow: best fit for our object, IoU {result.best[result.state.step]:.2f}\ngreen, dashed: ground truth", st.PROPOSAL,
        alt=f"The image with the {number} boxes after the step “{title}”",
    )  # fmt: skip


def _nms(result: Result, of: Story) -> Panel:
    """The boxes that are kept, removed, and not yet decided."""
    view = _view(of)
    place, now, boxes = result.state.place, result.now, result.nms.boxes
    done, later = result.nms.suppressions[:place], result.nms.suppressions[place:]
    # After the last suppression all boxes are decided; before, those after the present box are not.
    reached = len(boxes) if not later else (now.kept if now else -1)
    ranks = torch.arange(len(boxes))
    dropped = torch.tensor([one.dropped for one in done], dtype=torch.int64)
    doomed = torch.isin(ranks, torch.tensor([one.dropped for one in later], dtype=torch.int64))
    gone = torch.isin(ranks, dropped)
    kept, waiting = ranks[(ranks <= reached) & ~gone & ~doomed], ranks[~gone & ((ranks > reached) | doomed)]
    thick = 1.8 if len(kept) <= MANY else 0.8
    layers: list[Layer] = [photo(of.resized, dim=0.5), *_ground_truth(of)]
    for ids, color, wide, dashed, alpha in (
        (waiting, st.PROPOSAL, 0.8, False, 0.15), (dropped, st.IGNORED, 1.0, True, 0.6), (kept, st.PROPOSAL, thick, False, 1.0),
    ):  # fmt: skip
        told = {"box": ids, "probability": result.nms.probabilities[ids]}
        layers.append(
            Boxes(boxes[ids], color, wide, dashed, alpha=alpha, halo=wide > 1, group="box", ids=ids, values=told)
        )
    if now:
        pair = boxes[[now.kept, now.dropped]]
        shared = torch.cat((pair[:, :2].amax(dim=0), pair[:, 2:].amin(dim=0)))
        middle = (pair[1:, :2] + pair[1:, 2:]) / 2
        layers += [
            Boxes(shared[None], st.FOCUS, 0, fill=0.45),
            Boxes(pair[:1], st.PROPOSAL, 4, group="box", ids=torch.tensor([now.kept])),
            Boxes(pair[1:], st.INK, 2.6, True, group="box", ids=torch.tensor([now.dropped])),
            Points(middle, st.INK, 6, "cross"),
        ]
    name = LEVELS[result.state.level]
    return Panel(
        "nms", fit(view, 406, 30, 384), view, layers,
        f"NMS on {name}: {place} of {len(result.nms.suppressions)} suppressions",
        f"orange: kept · black, ×: removed now · grey: removed before\nfaint: {len(waiting)} undecided · arrow keys: ← → one step, ↑ ↓ ten steps",
        st.LEVELS[name], keys=True,
        alt=f"{len(kept)} boxes kept, {len(dropped)} removed, {len(waiting)} undecided on {name}",
    )  # fmt: skip


def _funnel(result: Result) -> Panel:
    """The number of boxes after each step, by level; bar lengths are square roots because the counts differ by a factor of a hundred."""
    rows = [step.per_level() for step in result.steps]
    longest = max(sum(row) for row in rows) ** 0.5
    layers: list[Layer] = []
    for number, row in enumerate(rows):
        y, total = float(number), sum(row)
        wide = (total**0.5 / longest) * 0.76 if longest else 0.0
        left = 0.0
        for level, count in enumerate(row):
            right = left + (wide * count / total if total else 0)
            color = st.LEVELS[LEVELS[level]]
            layers.append(Boxes(torch.tensor([[left, y + 0.14, right, y + 0.86]]), color, 0, fill=1))
            if right - left > 0.045:
                layers.append(
                    Words(
                        torch.tensor([[(left + right) / 2, y + 0.5]]),
                        [str(count)],
                        st.text_color(color),
                        10,
                        "center",
                        room=right - left,
                    )
                )
            left = right
        layers.append(Words(torch.tensor([[wide + 0.01, y + 0.5]]), [str(total)], size=11.5, bold=True))
        whole = torch.tensor([[0.0, y + 0.04, 1.0, y + 0.96]])
        layers.append(Boxes(whole, st.FAINT, 0, fill=1, alpha=0, group="step", ids=torch.tensor([number])))
        if number == result.state.step:
            layers.append(Boxes(whole, st.INK, 1.6, halo=False))
    return Panel(
        "funnel", (166, 398, 624, 140), (0, 0, 1, len(rows)), layers, "Boxes left after each step", "click a step to see its boxes; bar lengths are square roots of the counts",
        y_axis=Axis("", [number + 0.5 for number in range(len(rows))], TITLES, False),
        alt="Boxes after each step: " + "; ".join(f"{title.lstrip('… ')}: {sum(row)}" for title, row in zip(TITLES, rows, strict=True)),
    )  # fmt: skip


def _legend() -> Panel:
    """The colours of the levels."""
    layers: list[Layer] = [
        Words(torch.tensor([[0.1 + 0.2 * level, 0.5]]), [name], size=10, x="center", chip=st.LEVELS[name])
        for level, name in enumerate(LEVELS)
    ]
    return Panel("legend", (560, 374, 230, 18), (0, 0, 1, 1), layers, alt="The colours of the levels, from P2 to pool")
