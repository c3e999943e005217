"""The sieve of the region proposal network: the pictures."""

import torch
from torch import Tensor

from ...ops import box_area, box_iou
from .. import style as st
from ..course.proposals import LEVELS
from ..story import Story
from .formula import Line, Term
from .proposals_result import BEFORE_NMS, Result
from .scene import Axis, Boxes, Layer, Panel, Points, Scene, Words, fit, photo

TITLES = (
    *("all anchors, moved", "the best of each level", "… clipped", "… large enough", "… likely enough"),
    *("left by NMS", "the best of all levels"),
)

MANY = 60  # kept boxes; more of them are drawn thin


def draw(result: Result, of: Story) -> Scene:
    """The boxes of one step, NMS on one level, and how many are left after each step."""
    return Scene(566, [_step(result, of), _nms(result, of), _funnel(result)], _formula(result), _words(result, of))


def _step(result: Result, of: Story) -> Panel:
    step, (height, width) = result.steps[result.state.step], of.resized.shape[1:]
    number = len(step.boxes)
    layers: list[Layer] = [
        photo(of.resized, dim=0.45),
        Boxes(step.boxes, st.PROPOSAL, 1.0, alpha=min(max(150 / max(number, 1), 0.12), 0.9), halo=False),
        Boxes(of.box[None], st.GROUND_TRUTH, 2.2, dashed=True),
    ]
    if number:
        best = int(box_iou(step.boxes, of.box[None])[:, 0].argmax())
        layers.append(Boxes(step.boxes[[best]], st.INK, 4.8, halo=False))
        layers.append(Boxes(step.boxes[[best]], st.FOCUS, 2.6, halo=False))
    title = TITLES[result.state.step].lstrip("… ")
    return Panel(
        "step", fit((height, width), 10, 30, 384), (0, 0, width, height), layers, f"After the step “{title}”: {number}",
        f"yellow: fits our object best, IoU {result.best[result.state.step]:.2f}", st.PROPOSAL,
        alt=f"The picture with the {number} boxes after the step {title}",
    )  # fmt: skip


def _nms(result: Result, of: Story) -> Panel:
    """Who is kept, who is dropped, and who still waits."""
    height, width = of.resized.shape[1:]
    place, now = result.state.place, result.now
    done, later = result.suppressions[:place], result.suppressions[place:]
    dropped = torch.tensor([one.dropped for one in done], dtype=torch.int64)
    doomed = {one.dropped for one in later}
    # With the last suppression all is decided; before, whoever comes after the present box still waits.
    reached = len(result.boxes) if place == len(result.suppressions) else (now.kept if now else -1)
    gone = set(dropped.tolist())
    kept = torch.tensor(
        [i for i in range(len(result.boxes)) if i <= reached and i not in gone and i not in doomed], dtype=torch.int64
    )
    waiting = torch.tensor(
        [i for i in range(len(result.boxes)) if i not in gone and (i > reached or i in doomed)], dtype=torch.int64
    )
    thick = 1.8 if len(kept) <= MANY else 0.8
    layers: list[Layer] = [photo(of.resized, dim=0.5)]
    for ids, color, wide, dashed, alpha in (
        (waiting, st.PROPOSAL, 0.8, False, 0.15), (dropped, st.IGNORED, 1.0, True, 0.6), (kept, st.PROPOSAL, thick, False, 1.0),
    ):  # fmt: skip
        told = {"rank": ids + 1, "probability": result.probabilities[ids]}
        layers.append(
            Boxes(
                result.boxes[ids], color, thick, dashed, alpha=alpha, halo=wide > 1, group="box", ids=ids, values=told
            )
        )
    if now:
        pair = result.boxes[[now.kept, now.dropped]]
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
        "nms", fit((height, width), 406, 30, 384), (0, 0, width, height), layers,
        f"NMS on {name}: {place} of {len(result.suppressions)} suppressions",
        f"thick: stays · dashed, cross: dropped by it · faint: waits ({len(waiting)})\narrow keys: ← → one suppression, ↑ ↓ ten",
        st.LEVELS[name], keys=True,
        alt=f"{len(kept)} boxes kept, {len(gone)} dropped, {len(waiting)} waiting on {name}",
    )  # fmt: skip


def _funnel(result: Result) -> Panel:
    """How many are left, level by level: bars as long as the roots of the numbers, for they run from thousands to tens."""
    rows = [step.per_level() for step in result.steps]
    longest = max(sum(row) for row in rows) ** 0.5
    layers: list[Layer] = []
    for number, row in enumerate(rows):
        y, total = float(number), sum(row)
        wide = (total**0.5 / longest) * 0.86 if longest else 0.0
        left = 0.0
        for level, count in enumerate(row):
            right = left + (wide * count / total if total else 0)
            color = st.LEVELS[LEVELS[level]]
            layers.append(Boxes(torch.tensor([[left, y + 0.14, right, y + 0.86]]), color, 0, fill=1))
            if right - left > 0.045:
                layers.append(
                    Words(
                        torch.tensor([[(left + right) / 2, y + 0.5]]), [str(count)], st.text_color(color), 10, "center"
                    )
                )
            left = right
        layers.append(Words(torch.tensor([[wide + 0.01, y + 0.5]]), [str(total)], size=11.5, bold=True))
        whole = torch.tensor([[0.0, y + 0.04, 1.0, y + 0.96]])
        layers.append(Boxes(whole, st.FAINT, 0, fill=1, alpha=0, group="step", ids=torch.tensor([number])))
        if number == result.state.step:
            layers.append(Boxes(whole, st.INK, 1.6, halo=False))
    for level, name in enumerate(LEVELS):
        layers.append(
            Words(torch.tensor([[0.69 + 0.063 * level, 6.5]]), [name], size=10, x="center", chip=st.LEVELS[name])
        )
    return Panel(
        "funnel", (166, 398, 624, 140), (0, 0, 1, len(rows)), layers, "How many are left", "click a step to see its boxes; lengths are roots of the numbers",
        y_axis=Axis("", [number + 0.5 for number in range(len(rows))], TITLES, False),
        alt="; ".join(f"{title.lstrip('… ')}: {sum(row)}" for title, row in zip(TITLES, rows, strict=True)),
    )  # fmt: skip


def _formula(result: Result) -> list[Line]:
    now, threshold = result.now, f"{result.state.threshold:.2f}"
    if now is None:
        return [[f"a box is dropped if its IoU with a better one that stays is > {threshold}"]]
    pair = result.boxes[[now.kept, now.dropped]]
    sides = (pair[:, 2:].amin(dim=0) - pair[:, :2].amax(dim=0)).clamp(min=0)
    shared = float(sides.prod())
    union = float(box_area(pair).sum()) - shared
    kept = Term(f"no. {now.kept + 1}", f"box:{now.kept}", st.PROPOSAL)
    dropped = Term(f"no. {now.dropped + 1}", f"box:{now.dropped}", st.IGNORED)
    return [
        [
            "IoU(",
            kept,
            ", ",
            dropped,
            f") = {shared:.1f} / {union:.1f} = {now.iou:.3f} > {threshold}, so ",
            dropped,
            " is dropped",
        ]
    ]


def _words(result: Result, of: Story) -> list[str]:
    name, now = LEVELS[result.state.level], result.now
    object_name = of.classes[int(of.target["labels"][of.object])]
    if not len(result.steps[BEFORE_NMS].boxes):
        return [
            f"Nothing is left: no box is at least {result.state.smallest} pixels wide and as high. Take a smaller minimum."
        ]
    if now:
        words = f"On {name}, {_differing(result.probabilities[now.kept], result.probabilities[now.dropped])}: which box fits better is not asked. "
    elif result.suppressions:
        words = f"On {name} {len(result.boxes)} boxes wait, the most likely first. "
    else:
        words = f"On {name} no two of the {len(result.boxes)} boxes overlap by more than {result.state.threshold:.2f}: all stay. "
    before, after = result.best[BEFORE_NMS], result.best[-1]
    if after < before:
        return [
            words
            + f"The best fit for the {object_name} had IoU {before:.2f} before NMS; what is left in the end has {after:.2f}."
        ]
    return [words + f"The best fit for the {object_name}, IoU {after:.2f}, is still there in the end."]


def _differing(better: Tensor, worse: Tensor) -> str:
    """Two probabilities with as many digits as tell them apart."""
    for digits in range(3, 8):
        first, second = f"{float(better):.{digits}f}", f"{float(worse):.{digits}f}"
        if first != second:
            return f"{first} beats {second}"
    return (
        f"{float(better):.1e} beats {float(worse):.1e}"
        if better < 0.5
        else "one that is sure beats one a hair less sure"
    )
