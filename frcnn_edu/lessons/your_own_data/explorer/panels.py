"""The panels of the explorer in which any box is the only proposal."""

import torch

from frcnn_edu.lessons.board.formula import Frac, Line, Piece, Sub, Term, apart
from frcnn_edu.lessons.board.names import with_article
from frcnn_edu.lessons.board.scene import (
    Axis,
    Boxes,
    Grid,
    Handle,
    Layer,
    Panel,
    Scene,
    Words,
    fit,
    heat,
    photo,
    window,
)
from frcnn_edu.lessons.stages import LEVEL_KEYS, strength
from frcnn_edu.lessons.story import Story
from frcnn_edu.viz import style as st

from .result import SMALLEST, Result

MOST = 8  # classes that have a bar: the most probable ones


def draw(result: Result, of: Story) -> Scene:
    """The image with both boxes, the probabilities, and the features that are the input of the box head."""
    height, width = of.resized.shape[1:]
    limits = (0.0, 0.0, float(width), float(height))
    handle = Handle("box", "picture", torch.tensor(result.state.box), st.PROPOSAL, "your box", limits, SMALLEST)
    picture = _picture(result, of)
    page = max(424.0, picture.place[1] + picture.place[3] + 44)
    return Scene(
        page, [picture, _bars(result, of), _features(result, of)], _formula(result, of), _words(result, of), [handle]
    )


def _picture(result: Result, of: Story) -> Panel:
    height, width = of.resized.shape[1:]
    view = window((height, width), result.state.box)
    layers: list[Layer] = [
        photo(of.resized),
        Boxes(torch.tensor([result.state.box]), st.PROPOSAL, 0, fill=1, alpha=0, group="box"),
        Boxes(result.corrected[None], st.DETECTION, 3, dashed=result.is_background, group="corrected"),
    ]
    what = (
        "dashed: the corrected box, if it were an object" if result.is_background else "dark orange: the corrected box"
    )
    return Panel(
        "picture", fit(view, 10, 30, 460), view, layers, "Drag the box or its corners", f"light orange: your box · {what}", st.FAINT,
        alt=f"The image with a box to drag and the corrected box; their IoU is {result.iou:.2f}",
    )  # fmt: skip


def _bars(result: Result, of: Story) -> Panel:
    """The class probabilities; of many classes the background and the most probable ones."""
    ids = torch.arange(len(result.probabilities))
    if len(ids) > MOST:
        ids = torch.cat((ids[:1], result.probabilities[1:].topk(MOST - 1).indices.sort().values + 1))
    layers: list[Layer] = []
    for row, label in enumerate(ids.tolist()):
        value, color = float(result.probabilities[label]), st.class_color(label)
        bar, told = torch.tensor([[0.0, row + 0.15, value, row + 0.85]]), {"probability": torch.tensor([value])}
        layers.append(Boxes(bar, color, 0, fill=1, group="class", ids=torch.tensor([label]), values=told))
        inside = value > 0.3
        at = torch.tensor([[value - 0.02 if inside else value + 0.02, row + 0.5]])
        ink = st.text_color(color) if inside else st.INK
        layers.append(Words(at, [f"{value:.3f}"], ink, 11, "right" if inside else "left", bold=label == result.label))
    names = [of.classes[label] for label in ids.tolist()]
    return Panel(
        "classes", (572, 30, 218, 24.0 * max(len(ids), 3)), (0, 0, 1, len(ids)), layers, "Probability of each class", "",
        x_axis=Axis("", (0, 0.5, 1), ("0", "0.5", "1")), y_axis=Axis("", [row + 0.5 for row in range(len(ids))], names, False),
        alt="Bars: " + ", ".join(f"{name} {float(result.probabilities[label]):.3f}" for name, label in zip(names, ids.tolist(), strict=True)),
    )  # fmt: skip


def _features(result: Result, of: Story) -> Panel:
    rows, columns = result.pooled.shape[1:]
    key = LEVEL_KEYS[result.level]
    values = strength(result.pooled[None], among=of.trace.pyramid[key])
    extent = (0.0, 0.0, float(columns), float(rows))
    layers: list[Layer] = [heat(values, extent), Grid(rows, columns, extent, st.PAPER, 0.5, 0.4)]
    name = st.LEVEL_NAMES[key]
    return Panel(
        "features", (572, 246, 140, 140), extent, layers, "Input of the box head",
        f"{'×'.join(map(str, result.pooled.shape))} features,\nread from {name} (strength)", st.LEVELS[name],
        alt=f"The {rows}×{columns} features of the box, read from {name}",
    )  # fmt: skip


def _formula(result: Result, of: Story) -> list[Line]:
    name, color = of.classes[result.label], st.class_color(result.label)
    score = Term(apart(result.score, result.threshold, 3), f"class:{result.label}", color)
    above = result.score > result.threshold
    line: list[Piece] = [Sub("p", name), " = ", score, f" {'>' if above else '≤'} {result.threshold:g} → "]
    line.append(f"a detection with the score {result.score:.3f}" if above else "no detection")
    iou: list[Piece] = [
        "IoU(",
        Term("your box", "box", st.PROPOSAL),
        ", ",
        Term("corrected box", "corrected", st.DETECTION),
        ") = ",
    ]
    return [line, [*iou, Frac(f"{result.shared:.1f}", f"{result.union:.1f}"), f" = {result.iou:.2f}"]]


def _words(result: Result, of: Story) -> str:
    name = of.classes[result.label]
    if result.is_background:
        background = float(result.probabilities[0])
        if result.score > result.threshold:
            return (
                f"The background has the highest probability, {background:.3f}. But {apart(result.score, result.threshold, 3)} is more than the "
                f"score threshold of {result.threshold:g}, so the network still reports {with_article(name)}: set a higher threshold."
            )
        said = f"The network sees no object in your box: the background has a probability of {background:.3f}. "
        return said + "Deltas are only trained on boxes with an object; for other boxes, they have no meaning."
    return f"The network calls your box {with_article(name)} and corrects it: {_moves(result)}."


def _moves(result: Result) -> str:
    """What the correction does to the centre and to the sides, in pixels and factors."""
    given = torch.tensor(result.state.box)
    (x, y), (wide, high) = ((given[:2] + given[2:]) / 2).tolist(), (given[2:] - given[:2]).tolist()
    centre, sides = (result.corrected[:2] + result.corrected[2:]) / 2, result.corrected[2:] - result.corrected[:2]
    across, down = float(centre[0]) - x, float(centre[1]) - y
    ways = [
        f"{abs(way):.1f} pixels {forth if way > 0 else back}"
        for way, back, forth in ((down, "up", "down"), (across, "to the left", "to the right"))
        if abs(way) >= 0.05
    ]
    moved = f"its centre moves {' and '.join(ways)}" if ways else "its centre does not move"
    return f"{moved}, its height changes by a factor of {float(sides[1]) / high:.2f} and its width by {float(sides[0]) / wide:.2f}"
