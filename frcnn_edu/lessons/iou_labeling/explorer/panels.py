"""Which anchor is trained on which object: the panels."""

import math

import torch
from torch import Tensor

from frcnn_edu.lessons.board.scene import (
    Axis,
    Boxes,
    Handle,
    Layer,
    Lines,
    Panel,
    Points,
    Scene,
    Words,
    fit,
    photo,
    segments,
    window,
)
from frcnn_edu.lessons.story import Story
from frcnn_edu.viz import style as st

from .result import BACKGROUND, FOREGROUND, IGNORED, Result
from .words import KINDS, formula, reason

BINS = 20
FEW = 60  # up to this number, ignored anchors of the chosen object are drawn as boxes; more would hide the image
MANY = 250  # likewise positive anchors
ROWS = 8  # at most this many objects have a bar for their IoU with the selected anchor


def draw(result: Result, of: Story) -> Scene:
    """The image with its anchors, the IoUs of all anchors, and the selected anchor alone."""
    picture = _picture(result, of)
    panels = [picture, _legend(result, picture), _histogram(result), _selected(result, of), _ious(result)]
    box, name = torch.tensor(result.state.box), result.names[result.state.object]
    height, width = of.resized.shape[1:]
    limits = (0.0, 0.0, float(width), float(height))
    handle = Handle("box", "picture", box, st.GROUND_TRUTH, name, limits, smallest=2, dashed=True)
    page = max(464.0, picture.place[1] + picture.place[3] + 74)
    return Scene(page, panels, formula(result), [reason(result)], [handle])


def _middles(result: Result, ids: Tensor, color: str, radius: float, shape: str, alpha: float = 1.0) -> Points:
    """Anchors (K,) as marks at their middles."""
    return Points(
        result.middles[ids], color, radius, shape, alpha, halo=False,
        group="anchor", ids=ids, values={"IoU": result.best[ids]},
    )  # fmt: skip


def _outlines(result: Result, ids: Tensor, color: str, width: float, alpha: float = 1.0, halo: bool = False) -> Boxes:
    """Anchors (K,) as boxes."""
    values = {"IoU": result.best[ids]}
    return Boxes(result.anchors[ids], color, width, alpha=alpha, halo=halo, group="anchor", ids=ids, values=values)


def _chosen(result: Result) -> list[Layer]:
    """The selected anchor: a yellow band, and in it a line that says its label."""
    ids = torch.tensor([result.anchor])
    label = int(result.labels[result.anchor])
    box = result.anchors[ids]
    return [
        Boxes(box, st.INK, 7.5, halo=False),
        _outlines(result, ids, st.FOCUS, 5.5),
        Boxes(box, KINDS[label][1], 2.2, label != FOREGROUND, halo=False),
    ]


# -------------------------------------------------------------------------------------------------------------- the image


def _picture(result: Result, of: Story) -> Panel:
    height, width = of.resized.shape[1:]
    foreground, ignored, background = (result.where(label) for label in KINDS)
    mine = ignored[result.best_object[ignored] == result.state.object]
    others = torch.where(torch.arange(len(result.ground_truth)) != result.state.object)[0]
    faint = result.state.sampled  # then only the sampled ones are drawn boldly
    layers: list[Layer] = [
        photo(of.resized, dim=0.45),
        _middles(result, background, st.BACKGROUND, 1.1, "dot", 0.3 if faint else 0.6),
        _outlines(result, mine if len(mine) <= FEW else mine[:0], st.IGNORED, 0.9, 0.9),
        _middles(result, ignored, st.IGNORED, 2.3, "square", 0.5 if faint else 1.0),
        Boxes(
            result.ground_truth[others], st.GROUND_TRUTH, 1.8, True,
            group="ground_truth", ids=others, values={"IoU with anchor": result.ious[others, result.anchor]},
        ),
        _middles(result, foreground, st.FOREGROUND, 2.6, "ring", 0.5 if faint else 1.0)
        if len(foreground) > MANY
        else _outlines(result, foreground, st.FOREGROUND, 1.0 if faint else 2.0, 0.6 if faint else 1.0, halo=True),
    ]  # fmt: skip
    if result.state.sampled:
        layers += [
            _middles(result, result.negatives, st.BACKGROUND, 3.4, "cross"),
            _outlines(result, result.positives, st.FOREGROUND, 2.0, halo=True),
            _middles(result, result.positives, st.FOREGROUND, 3.4, "cross"),
        ]
    view = window((height, width), result.state.box)
    return Panel(
        "picture", fit(view, 10, 30, 440), view, [*layers, *_chosen(result)],
        "Drag the dashed box; click an anchor or an object", keys=True,
        alt=f"The image with {len(foreground)} positive, {len(ignored)} ignored and {len(background)} negative anchors; "
        f"anchor {result.anchor} is selected",
    )  # fmt: skip


def _legend(result: Result, picture: Panel) -> Panel:
    """The meanings of the marks in the image; in units of the page."""
    left, top, _, high = picture.place
    layers: list[Layer] = [
        Points(torch.tensor([[10.0, 9.5]]), st.FOREGROUND, 2.6, "ring", halo=False)
        if result.count(FOREGROUND) > MANY
        else Boxes(torch.tensor([[3.0, 4, 17, 15]]), st.FOREGROUND, 2.0, halo=True),
        Boxes(torch.tensor([[137.0, 4, 151, 15]]), st.IGNORED, 0.9, halo=False),
        Points(torch.tensor([[144.0, 9.5]]), st.IGNORED, 2.3, "square", halo=False),
        Points(torch.tensor([[264.0, 9.5], [268, 9.5], [272, 9.5]]), st.BACKGROUND, 1.4, halo=False),
        Boxes(torch.tensor([[3.0, 24, 17, 35]]), st.GROUND_TRUTH, 1.8, True),
        Boxes(torch.tensor([[137.0, 24, 151, 35]]), st.INK, 5.5, halo=False),
        Boxes(torch.tensor([[137.0, 24, 151, 35]]), st.FOCUS, 4, halo=False),
    ]
    texts = [f"{result.count(label)} {name}" for label, (name, _) in KINDS.items()]
    texts += ["ground truth", "selected"]
    places = [[24.0, 9.5], [158, 9.5], [280, 9.5], [24, 29.5], [158, 29.5]]
    if result.state.sampled:
        layers += [
            Points(torch.tensor([[264.0, 29.5]]), st.FOREGROUND, 3.4, "cross", halo=False),
            Points(torch.tensor([[274.0, 29.5]]), st.BACKGROUND, 3.4, "cross", halo=False),
        ]
        texts.append(f"sampled: {len(result.positives)} + {len(result.negatives)}")
        places.append([284.0, 29.5])
    layers.append(Words(torch.tensor(places), texts, size=11))
    keys = "arrow keys: ← → select the next anchor by IoU with this object, ↑ ↓ another object"
    return Panel(
        "legend", (left, top + high + 8, 440, 40), (0, 0, 440, 40), layers, caption=keys,
        alt="What the marks mean: " + ", ".join(texts),
    )  # fmt: skip


# ---------------------------------------------------------------------------------------------------------- the histogram


def _bins(result: Result) -> Tensor:
    """The bar that counts each anchor, (A,); an edge belongs to the bar on its right, as a threshold does."""
    return ((result.best + 1e-6) * BINS).long().clamp(max=BINS - 1)


def anchors_of_bar(result: Result, id: int) -> Tensor:
    """The anchors that a bar counts: their indices."""
    kind, bin = divmod(id, BINS)
    return torch.where((result.labels == list(KINDS)[kind]) & (_bins(result) == bin))[0]


def _histogram(result: Result) -> Panel:
    """The number of anchors by IoU with their best object, and by label; heights are logarithms."""
    top = 1.3 * math.log10(len(result.labels) + 1)  # room for names above the bars
    line, state = top / 13, result.state
    layers: list[Layer] = []
    for left, right, label in (
        (0.0, state.background, BACKGROUND), (state.background, state.foreground, IGNORED), (state.foreground, 1.0, FOREGROUND),
    ):  # fmt: skip
        name, color = KINDS[label]
        layers.append(Boxes(torch.tensor([[left, top, right, 0]]), color, 0, fill=0.14))
        if right - left >= 0.026 * len(name):
            layers.append(
                Words(torch.tensor([[(left + right) / 2, top - 0.7 * line]]), [name], size=10.5, x="center", bold=True)
            )
    layers += _bars(result)
    for at, row, text, color in (
        (state.background, 1.8, f"< {state.background:.2f}", st.BACKGROUND),
        (state.foreground, 1.8, f"≥ {state.foreground:.2f}", st.FOREGROUND),
    ):
        on_left = at > 0.84 or (at > 0.16 and color == st.BACKGROUND)
        row = 2.8 if color == st.FOREGROUND and state.foreground - state.background < 0.3 else row
        if color == st.BACKGROUND and not on_left:
            text = f"← {text}"  # its own side has no room
        place = torch.tensor([[at - 0.012 if on_left else at + 0.012, top - row * line]])
        layers.append(Lines(segments([at, at], [0, top]), color, 1.8, color == st.BACKGROUND))
        layers.append(Words(place, [text], size=10.5, x="right" if on_left else "left"))
    layers += _mine(result, top, line)
    ticks = [n for n in (0, 1, 10, 100, 1000, 10_000, 100_000) if n < len(result.labels)]
    counts = ", ".join(f"{result.count(label)} {name}" for label, (name, _) in KINDS.items())
    return Panel(
        "histogram", (500, 30, 290, 180), (0, top, 1, 0), layers, "Anchors by IoU",
        "click a bar to select one of its anchors",
        x_axis=Axis("largest IoU with an object", (0, 0.2, 0.4, 0.6, 0.8, 1), ("0", "0.2", "0.4", "0.6", "0.8", "1"), False),
        y_axis=Axis("", [math.log10(n + 1) for n in ticks], [str(n) for n in ticks]),
        alt=f"Histogram of IoUs, logarithmic: {counts}; the selected anchor has an IoU of {result.written(3)}",
    )  # fmt: skip


def _bars(result: Result) -> list[Layer]:
    """One bar for each label that occurs in a bin; several are drawn side by side."""
    bins = _bins(result)
    counts = torch.stack([bins[result.labels == label].bincount(minlength=BINS) for label in KINDS])  # (3, BINS)
    there = counts > 0
    wide = 0.86 / there.sum(dim=0).clamp(min=1)  # (BINS,) in bins
    left = torch.arange(BINS) + 0.07 + (there.flip(0).cumsum(dim=0) - 1).flip(0) * wide  # background first
    layers: list[Layer] = []
    for kind, (name, color) in enumerate(KINDS.values()):
        shown, height = there[kind], (counts[kind] + 1).log10()
        bars = torch.stack((left[kind], height * BINS, left[kind] + wide, torch.zeros(BINS)), dim=1)[shown] / BINS
        ids = torch.where(shown)[0] + kind * BINS
        layers.append(
            Boxes(bars, color, 0, fill=1, halo=False, group="bar", ids=ids, values={name: counts[kind][shown]})
        )
    return layers


def _mine(result: Result, top: float, line: float) -> list[Layer]:
    """The selected anchor in the histogram."""
    iou, y = float(result.best[result.anchor]), top - 4.3 * line
    on_left = iou > 0.84
    ids = torch.tensor([result.anchor])
    return [
        Lines(segments([iou, iou], [0, y]), st.INK, 1.2, True),
        Points(torch.tensor([[iou, y]]), st.FOCUS, 5, group="anchor", ids=ids, values={"IoU": result.best[ids]}),
        Words(
            torch.tensor([[iou + (-0.04 if on_left else 0.04), y]]), [result.written(3)],
            size=10.5, x="right" if on_left else "left", bold=True, chip=st.FOCUS,
        ),
    ]  # fmt: skip


# --------------------------------------------------------------------------------------------------- the selected anchor


def _selected(result: Result, of: Story) -> Panel:
    index, best = result.anchor, int(result.best_object[result.anchor])
    both = torch.stack((result.anchors[index], result.ground_truth[best]))
    low, high = both[:, :2].amin(dim=0), both[:, 2:].amax(dim=0)
    (x, y), reach = ((low + high) / 2).tolist(), 0.56 * float((high - low).max())
    shared, area, _ = result.overlap()
    name, color = KINDS[int(result.labels[index])]
    layers: list[Layer] = [
        photo(of.resized, dim=0.45),
        Boxes(both, st.FOCUS, 0, fill=1, alpha=0, halo=False, group="union", ids=torch.tensor([0, 0])),
        Boxes(shared[None] if area else shared[None][:0], st.INK, 0, fill=0.3, halo=False, group="intersection"),
        *_chosen(result),
        Boxes(both[1:], st.GROUND_TRUTH, 2.2, True, group="ground_truth", ids=torch.tensor([best])),
    ]
    return Panel(
        "selected", (500, 290, 140, 140), (x - reach, y - reach, x + reach, y + reach), layers, "Selected anchor",
        f"grey: intersection\nits label: {name}", color,
        alt=f"The selected anchor and {result.names[best]}, which it overlaps most; the anchor's label is {name}",
    )  # fmt: skip


def _ious(result: Result) -> Panel:
    """The selected anchor's IoU with each object, or with those that it overlaps most if there are many."""
    column = result.ious[:, result.anchor]  # (M,)
    ids = column.topk(min(ROWS, len(column))).indices.sort().values
    best = int(result.best_object[result.anchor])
    rows = torch.tensor(
        [[0.0, row, 1, row + 1] for row in range(len(ids))]
    )  # a bar of length 0 cannot be clicked, but its row can
    layers: list[Layer] = [Boxes(rows, st.GROUND_TRUTH, 0, fill=1, alpha=0, group="ground_truth", ids=ids)]
    for row, (id, iou) in enumerate(zip(ids.tolist(), column[ids].tolist(), strict=True)):
        bar = torch.tensor([[0.0, row + 0.14, iou, row + 0.86]])
        fill = 1.0 if id == best else 0.45
        layers.append(Boxes(bar, st.GROUND_TRUTH, 0, fill=fill, halo=False))
        inside = iou > 0.45
        place = torch.tensor([[iou - 0.05 if inside else iou + 0.05, row + 0.52]])
        color = st.text_color(st.GROUND_TRUTH) if inside and id == best else st.INK
        written = result.written(2) if id == best else f"{iou:.2f}"
        layers.append(Words(place, [written], color, 10.5, "right" if inside else "left", bold=id == best))
    names = [result.entries[id] for id in ids.tolist()]
    return Panel(
        "ious", (720, 290, 70, 140), (0, 0, 1, len(ids)), layers, "Its IoUs", "longest bar:\nits object",
        y_axis=Axis("", [row + 0.5 for row in range(len(ids))], names, False),
        alt="Its IoU with each object: " + ", ".join(f"{name} {iou:.2f}" for name, iou in zip(names, column[ids].tolist(), strict=True)),
    )  # fmt: skip
