"""Which anchor learns which object: the pictures."""

import math

import torch
from torch import Tensor

from .. import style as st
from ..story import Story
from .formula import Line, Table, Term
from .iou_labeling_result import BACKGROUND, FOREGROUND, IGNORED, Result, reason
from .scene import Axis, Boxes, Handle, Layer, Lines, Panel, Points, Scene, Words, fit, photo, segments

KINDS = {
    FOREGROUND: ("foreground", st.FOREGROUND),
    IGNORED: ("ignored", st.IGNORED),
    BACKGROUND: ("background", st.BACKGROUND),
}
BINS = 20
FEW = 80  # ignored anchors are drawn as boxes if they are not more than so many, else as their middles


def draw(result: Result, of: Story) -> Scene:
    """The picture with its anchors, how far they overlap, and the selected one by itself."""
    panels = [_picture(result, of), _histogram(result), _selected(result, of), _truths(result, of)]
    name = of.classes[int(of.target["labels"][result.state.truth])]
    handle = Handle(
        "box", "picture", torch.tensor(result.state.box), st.GROUND_TRUTH, f"true box: {name}", smallest=2, dashed=True
    )
    words = reason(result, of)
    if result.state.sampled:
        drawn = result.state.anchor in torch.cat((result.positives, result.negatives)).tolist()
        words += " This draw took it." if drawn else " This draw left it out."
    return Scene(448, panels, _formula(result), [words], [handle])


def _told(result: Result, ids: Tensor) -> dict[str, Tensor]:
    return {"IoU": result.best[ids]}


def _middles(boxes: Tensor) -> Tensor:
    return (boxes[:, :2] + boxes[:, 2:]) / 2


def _picture(result: Result, of: Story) -> Panel:
    height, width = of.resized.shape[1:]
    ids = {label: torch.where(result.labels == label)[0] for label in KINDS}
    foreground, ignored, background = ids[FOREGROUND], ids[IGNORED], ids[BACKGROUND]
    others = torch.arange(len(result.truths)) != result.state.truth
    layers: list[Layer] = [photo(of.resized, dim=0.45)]
    if result.state.sampled:
        negatives = result.negatives
        layers.append(
            Points(
                _middles(result.anchors[negatives]),
                st.BACKGROUND,
                2.6,
                "cross",
                0.9,
                False,
                "anchor",
                negatives,
                _told(result, negatives),
            )
        )
    else:
        layers.append(
            Points(
                _middles(result.anchors[background]),
                st.BACKGROUND,
                1.1,
                "dot",
                0.55,
                False,
                "anchor",
                background,
                _told(result, background),
            )
        )
    if len(ignored) > FEW:
        layers.append(
            Points(
                _middles(result.anchors[ignored]),
                st.IGNORED,
                3,
                "square",
                1.0,
                True,
                "anchor",
                ignored,
                _told(result, ignored),
            )
        )
    else:
        layers.append(
            Boxes(
                result.anchors[ignored],
                st.IGNORED,
                1.3,
                True,
                group="anchor",
                ids=ignored,
                values=_told(result, ignored),
            )
        )
    drawn = result.positives if result.state.sampled else foreground
    chosen = result.anchors[[result.state.anchor]]
    ids_of_truths = torch.where(others)[0]
    layers += [
        Boxes(result.truths[others], st.GROUND_TRUTH, 1.8, True, group="truth", ids=ids_of_truths),
        Boxes(result.anchors[drawn], st.FOREGROUND, 1.8, group="anchor", ids=drawn, values=_told(result, drawn)),
        Boxes(chosen, st.INK, 6, halo=False),
        Boxes(chosen, st.FOCUS, 3.4, group="anchor", ids=torch.tensor([result.state.anchor]), halo=False),
    ]
    if result.state.sampled:
        caption = f"blue: the {len(result.positives)} foreground anchors drawn; crosses: middles of the {len(result.negatives)} background ones"
    else:
        caption = "blue: foreground · grey: ignored · dots: middles of background"
    return Panel(
        "picture", fit((height, width), 10, 30, 440), (0, 0, width, height), layers, "Drag the true box; click an anchor",
        caption + "\narrow keys: ← → anchors by IoU with this box, ↑ ↓ another box", keys=True,
        alt=f"The picture with {len(foreground)} foreground and {len(ignored)} ignored anchors; the selected one is framed in yellow",
    )  # fmt: skip


def _histogram(result: Result) -> Panel:
    """How many anchors overlap their best true box how far, by label; heights are logarithms."""
    bins = (result.best * BINS).long().clamp(max=BINS - 1)
    layers: list[Layer] = []
    top = math.log10(len(result.labels)) + 0.3
    for place, (label, (name, color)) in enumerate(KINDS.items()):
        counts = bins[result.labels == label].bincount(minlength=BINS)
        x = (torch.arange(BINS) + 0.06 + place * 0.3) / BINS
        bars = torch.stack((x, (counts + 1).log10(), x + 0.28 / BINS, torch.zeros(BINS)), dim=1)[counts > 0]
        ids = torch.where(counts > 0)[0] + place * BINS
        layers.append(
            Boxes(bars, color, 0.8, fill=1, halo=False, group="bar", ids=ids, values={name: counts[counts > 0]})
        )
        words = f"{name}: {result.count(label)}"
        layers.append(
            Words(torch.tensor([[0.985, top - 0.62 - 0.4 * place]]), [words], size=10.5, x="right", chip=color)
        )
    for name, at, color in (
        ("bg", result.state.background, st.BACKGROUND),
        ("fg", result.state.foreground, st.FOREGROUND),
    ):
        layers.append(Lines(segments([at, at], [0, top]), color, 2, name == "bg"))
        layers.append(
            Words(
                torch.tensor([[at, top - 0.02]]),
                [f"{name} {at:.2f}"],
                st.INK,
                10,
                "right" if name == "bg" else "left",
                "top",
            )
        )
    mine = torch.tensor([[float(result.best[result.state.anchor]), 0.0]])
    layers.append(Lines(segments([float(mine[0, 0])] * 2, [0, top * 0.55]), st.INK, 1.2, True))
    layers.append(
        Points(
            mine + torch.tensor([[0, top * 0.55]]), st.FOCUS, 5, group="anchor", ids=torch.tensor([result.state.anchor])
        )
    )
    ticks = [math.log10(n + 1) for n in (0, 1, 10, 100, 1000) if n < len(result.labels)]
    texts = [str(n) for n in (0, 1, 10, 100, 1000) if n < len(result.labels)]
    return Panel(
        "histogram", (500, 30, 290, 190), (0, top, 1, 0), layers, "All anchors, by IoU with their best box",
        x_axis=Axis("IoU", (0, 0.2, 0.4, 0.6, 0.8, 1), ("0", ".2", ".4", ".6", ".8", "1"), False), y_axis=Axis("", ticks, texts),
        alt=f"Histogram of IoU: {result.count(FOREGROUND)} foreground, {result.count(IGNORED)} ignored, {result.count(BACKGROUND)} background anchors",
    )  # fmt: skip


def _selected(result: Result, of: Story) -> Panel:
    anchor, truth = result.anchors[result.state.anchor], result.truths[result.best_truth[result.state.anchor]]
    both = torch.stack((anchor, truth))
    low, high = both[:, :2].amin(dim=0), both[:, 2:].amax(dim=0)
    (x, y), reach = ((low + high) / 2).tolist(), 0.58 * float((high - low).max())
    shared, _, _ = result.intersection()
    layers: list[Layer] = [
        photo(of.resized, dim=0.45),
        Boxes(shared[None], st.FOCUS, 0, fill=0.6, group="shared"),
        Boxes(truth[None], st.GROUND_TRUTH, 2.2, True),
        Boxes(anchor[None], st.ANCHOR, 2.6, group="anchor", ids=torch.tensor([result.state.anchor])),
    ]
    label = int(result.labels[result.state.anchor])
    name, color = KINDS[label]
    return Panel(
        "selected", (500, 290, 130, 130), (x - reach, y - reach, x + reach, y + reach), layers, "The selected anchor",
        f"its label: {name}", color, alt=f"The selected anchor and its best true box; its label is {name}",
    )  # fmt: skip


def _truths(result: Result, of: Story) -> Panel:
    """The selected anchor's IoU with every true box."""
    ious = result.ious[:, result.state.anchor].tolist()
    layers: list[Layer] = []
    for row, (iou, label) in enumerate(zip(ious, of.target["labels"].tolist(), strict=True)):
        best = row == int(result.best_truth[result.state.anchor])
        layers.append(
            Boxes(
                torch.tensor([[0.0, row + 0.15, iou, row + 0.85]]),
                st.GROUND_TRUTH,
                0,
                fill=1 if best else 0.45,
                group="truth",
                ids=torch.tensor([row]),
            )
        )
        layers.append(
            Words(torch.tensor([[iou + 0.02, row + 0.5]]), [f"{of.classes[label]} {iou:.2f}"], size=10.5, bold=best)
        )
    return Panel(
        "truths", (660, 290, 130, 130), (0, 0, 1.3, len(ious)), layers, "IoU with true boxes", "the longest bar decides",
        y_axis=Axis(), alt="Bars: " + ", ".join(f"{of.classes[k]} {iou:.2f}" for k, iou in zip(of.target["labels"].tolist(), ious, strict=True)),
    )  # fmt: skip


def _formula(result: Result) -> list[Line]:
    _, shared, union = result.intersection()
    mark, iou = f"anchor:{result.state.anchor}", float(result.best[result.state.anchor])
    lines: list[Line] = [
        [
            "IoU = intersection / union = ",
            Term(f"{shared:.1f}", "shared", st.FOCUS),
            f" / {union:.1f} = ",
            Term(f"{iou:.3f}", mark, st.ANCHOR),
        ]
    ]
    counts = [[str(result.count(label)) for label in KINDS]]
    rows: list[list[Line]] = [
        ["", *(Term(name, None, color) for name, color in KINDS.values())],
        ["anchors", *counts[0]],
    ]
    if result.state.sampled:
        rows.append(["drawn to learn from", str(len(result.positives)), "–", str(len(result.negatives))])
    return [*lines, Table(rows)]
