"""The panels of the whole path: the photograph, and a small one for each stage."""

import torch
from torch import Tensor

from frcnn_edu.lessons.board.formula import Line, Piece, Term
from frcnn_edu.lessons.board.scene import (
    Axis,
    Boxes,
    Grid,
    Layer,
    Lines,
    Panel,
    Picture,
    Points,
    Rect,
    Scene,
    Words,
    fit,
    heat,
    photo,
)
from frcnn_edu.lessons.fpn.explorer.result import covered
from frcnn_edu.lessons.stages import LEVEL_KEYS, strength
from frcnn_edu.ops import box_iou
from frcnn_edu.viz import style as st

from .result import SURE, TITLES, Result

SIDE, GAP, LEFT, TOP, ROW = 148.0, 14.0, 326.0, 30.0, 196.0  # of the stages' small panels


def draw(result: Result) -> Scene:
    """The photograph on the left, the nine stages on the right, and how the fit grows."""
    makers = (_fpn, _base, _grid, _labels, _coding, _proposals, _mapper, _pooled, _classes)
    stages = []
    for number, (make, (name, title)) in enumerate(zip(makers, TITLES.items(), strict=True)):
        place = (LEFT + (number % 3) * (SIDE + GAP), TOP + (number // 3) * ROW, SIDE, SIDE)
        view, layers, caption, axis = make(result)
        touch = Boxes(torch.tensor([view]), st.FAINT, 0, fill=1, alpha=0, group="stage", ids=torch.tensor([number]))
        frame = st.INK if result.state.stage == name else st.FAINT
        stages.append(
            Panel(
                name, place, view, [touch, *layers], f"{number + 1} {title}", caption, frame, y_axis=axis,
                alt=f"{title}: {caption}".replace("\n", " "),
            )
        )  # fmt: skip
    return Scene(TOP + 3 * ROW, [_picture(result), _fits(result), *stages], _formula(result), _words(result))


# --------------------------------------------------------------------------------------------------------- the photograph


def _picture(result: Result) -> Panel:
    story, found = result.story, result.story.trace.resized_detections
    height, width = story.resized.shape[1:]
    sure = found["scores"] >= SURE
    ids, boxes = torch.where(sure)[0], found["boxes"][sure]
    box = story.box[None]
    layers: list[Layer] = [
        photo(story.resized),
        Boxes(box, st.INK, 9, halo=False),
        Boxes(box, st.FOCUS, 6, halo=False),
        Boxes(story.boxes, st.GROUND_TRUTH, 1.6, dashed=True, group="object"),
        Boxes(boxes, st.DETECTION, 1.6, group="detection", ids=ids, values={"score": found["scores"][sure]}),
    ]
    caption = "dashed: ground truth · solid: detections\nclick one, or take the arrow keys: whom to follow?"
    return Panel(
        "picture", fit((height, width), 10, TOP, 300), (0, 0, width, height), layers, "Whom to follow?", caption,
        alt=f"The image with {len(story.boxes)} objects and {len(boxes)} detections; the followed one is framed in yellow",
        keys=True,
    )  # fmt: skip


def _fits(result: Result) -> Panel:
    """How well the box fits, stage by stage, as bars."""
    names, ious = zip(*result.fits(), strict=True)
    layers: list[Layer] = []
    for row, (iou, color) in enumerate(zip(ious, (st.ANCHOR, st.ANCHOR, st.PROPOSAL, st.DETECTION), strict=True)):
        bar = torch.tensor([[0.0, row + 0.2, iou, row + 0.8]])
        layers.append(
            Boxes(bar, color, 0, fill=1, group="fit", ids=torch.tensor([row]), values={"IoU": torch.tensor([iou])})
        )
        layers.append(
            Words(torch.tensor([[iou - 0.02, row + 0.5]]), [f"{iou:.2f}"], st.text_color(color), 11, "right", bold=True)
        )
    named = Axis("", [row + 0.5 for row in range(4)], names, grid=False)
    return Panel(
        "fits", (112, 350, 198, 140), (0, 0, 1, 4), layers, "IoU with the object",
        "the best of each stage;\nmoved: the best anchor", x_axis=Axis("", (0, 0.5, 1), ("0", "0.5", "1")), y_axis=named,
        alt="Bars: " + ", ".join(f"{name} {iou:.2f}" for name, iou in zip(names, ious, strict=True)),
    )  # fmt: skip


# ------------------------------------------------------------------------------------------------------------- the stages

Stage = tuple[Rect, list[Layer], str, Axis | None]


def around(box: Tensor, share: float = 0.85) -> Rect:
    """A square window around a box, so wide that `share` of its longer side is left on both sides of the middle."""
    x, y = ((box[:2] + box[2:]) / 2).tolist()
    reach = max(share * float((box[2:] - box[:2]).max()), 6.0)
    return (x - reach, y - reach, x + reach, y + reach)


def _ground_truth(result: Result) -> Boxes:
    return Boxes(result.story.box[None], st.GROUND_TRUTH, 2, dashed=True)


def _on_photo(result: Result, *layers: Layer, dim: float = 0.35, share: float = 0.85) -> tuple[Rect, list[Layer]]:
    return around(result.story.box, share), [photo(result.story.resized, dim=dim), *layers, _ground_truth(result)]


def _map_picture(result: Result, key: str) -> tuple[Picture, tuple[int, int, Rect]]:
    """A level's map over the pixels it covers, and its grid there."""
    features = result.story.trace.pyramid[key]
    rows, columns = features.shape[-2:]
    extent = covered((rows, columns), result.story)
    return heat(strength(features), extent), (rows, columns, extent)


def _fpn(result: Result) -> Stage:
    picture, grid = _map_picture(result, result.key)
    layers: list[Layer] = [picture, Grid(*grid, st.PAPER, 0.5, 0.4), _ground_truth(result)]
    rows, columns, (_, _, wide, high) = grid
    across, down = (result.story.box[2:] - result.story.box[:2]).tolist()
    spans = f"{across * columns / wide:.1f}×{down * rows / high:.1f}"
    return around(result.story.box, 1.4), layers, f"on {st.LEVEL_NAMES[result.key]}: {spans} cells", None


def _base(result: Result) -> Stage:
    story, level = result.story, result.where.level
    base = story.model.rpn.anchor_generator.cell_anchors[level]  # type: ignore[union-attr,index]
    middle = ((story.box[:2] + story.box[2:]) / 2).repeat(2)
    shapes = torch.tensor([[*(-(story.box[2:] - story.box[:2]) / 2), *((story.box[2:] - story.box[:2]) / 2)]])
    reach = float(torch.cat((base, shapes)).abs().max()) * 1.15
    layers: list[Layer] = [
        Boxes(base, st.level_color(result.key), 1.5),
        Boxes(base[[result.where.shape]], st.ANCHOR, 3),
        Boxes(story.box[None] - middle, st.GROUND_TRUTH, 2, dashed=True),
    ]
    wide, high = (base[result.where.shape][2:] - base[result.where.shape][:2]).tolist()
    return (-reach, -reach, reach, reach), layers, f"best shape: {wide:.0f}×{high:.0f} pixels", None


def _grid(result: Result) -> Stage:
    _, (rows, columns, extent) = _map_picture(result, result.key)
    stride_x, stride_y = extent[2] / columns, extent[3] / rows
    point = torch.tensor([[result.where.column * stride_x, result.where.row * stride_y]])
    view, layers = _on_photo(
        result, Grid(rows, columns, extent, st.level_color(result.key), 0.9, 0.8), Boxes(result.anchor[None], st.ANCHOR, 2.5),
        Points(point, st.ANCHOR, 5), share=1.1,
    )  # fmt: skip
    return view, layers, f"cell ({result.where.row}, {result.where.column}) of {st.LEVEL_NAMES[result.key]}", None


def _labels(result: Result) -> Stage:
    view, layers = _on_photo(result, Boxes(result.labelled, st.FOREGROUND, 1.5), share=1.1)
    number = len(result.labelled)
    if result.true:
        caption = f"{number} anchor{'' if number == 1 else 's'} would learn it"
    else:
        caption = "no object: nobody learns it"
    return view, layers, caption, None


def _coding(result: Result) -> Stage:
    ends = [((box[:2] + box[2:]) / 2).tolist() for box in (result.anchor, result.moved)]
    view, layers = _on_photo(
        result, Boxes(result.anchor[None], st.ANCHOR, 2), Boxes(result.moved[None], st.PROPOSAL, 2.5),
        Lines(torch.tensor([ends]), st.INK, 1.6, arrow=True), share=1.1,
    )  # fmt: skip
    return view, layers, "deltas move the anchor", None


def _proposals(result: Result) -> Stage:
    proposals = result.story.trace.proposals
    near = box_iou(result.story.box[None], proposals)[0] >= SURE
    view, layers = _on_photo(
        result, Boxes(proposals[near], st.PROPOSAL, 1, alpha=0.8), Boxes(result.proposal[None], st.PROPOSAL, 3)
    )
    return view, layers, f"{int(near.sum())} of {len(proposals)} overlap it", None


def _mapper(result: Result) -> Stage:
    key = LEVEL_KEYS[result.level]
    picture, grid = _map_picture(result, key)
    layers: list[Layer] = [picture, Grid(*grid, st.PAPER, 0.5, 0.4), Boxes(result.proposal[None], st.PROPOSAL, 2.5)]
    return around(result.story.box), layers, f"it is read from {st.LEVEL_NAMES[key]}", None


def _pooled(result: Result) -> Stage:
    pooled = result.story.trace.pooled[result.where.proposal]  # (C, 7, 7)
    rows, columns = pooled.shape[1:]
    values = strength(pooled[None], among=result.story.trace.pyramid[LEVEL_KEYS[result.level]])
    extent = (0.0, 0.0, float(columns), float(rows))
    layers: list[Layer] = [heat(values, extent), Grid(rows, columns, extent, st.PAPER, 0.5, 0.4)]
    return extent, layers, f"{'×'.join(map(str, pooled.shape))} features", None


def _classes(result: Result) -> Stage:
    layers: list[Layer] = []
    number = len(result.likely)
    for label, value in enumerate(result.likely.tolist()):
        layers.append(Boxes(torch.tensor([[0.0, label + 0.15, value, label + 0.85]]), st.class_color(label), 0, fill=1))
        inside, name = value > 0.6, f"{result.story.classes[label]} {value:.2f}"
        color = st.text_color(st.class_color(label)) if inside else st.INK
        layers.append(Words(torch.tensor([[0.02 if inside else value + 0.02, label + 0.5]]), [name], color, 10.5))
    found, label = result.story.trace.resized_detections, result.where.detection
    name, score = result.story.classes[int(found["labels"][label])], float(found["scores"][label])
    return (0, 0, 1, number), layers, f"detected: {name}, {score:.2f}", None


# -------------------------------------------------------------------------------------------------------------- in words


def _formula(result: Result) -> list[Line]:
    width, height = (result.proposal[2:] - result.proposal[:2]).tolist()
    line: list[Piece] = ["IoU: "]
    for number, (name, iou) in enumerate(result.fits()):
        color = (st.ANCHOR, st.ANCHOR, st.PROPOSAL, st.DETECTION)[number]
        line += [" → " if number else "", f"{name} ", Term(f"{iou:.2f}", f"fit:{number}", color)]
    spans = (result.proposal[2:] - result.proposal[:2]) * result.story.trace.pyramid[LEVEL_KEYS[result.level]].shape[-1]
    spans = spans / result.story.trace.batch.tensors.shape[-1]
    name = st.LEVEL_NAMES[LEVEL_KEYS[result.level]]
    cells: list[Piece] = [
        f"proposal: {width:.1f}×{height:.1f} pixels → ", Term(f"{spans[0]:.1f}×{spans[1]:.1f}", "stage:6", st.PROPOSAL), f" cells of {name} → ",
        Term("×".join(map(str, result.story.trace.pooled.shape[1:])), "stage:7", st.STAGES["roi_align"]), " features → ",
        Term(f"{float(result.likely.max()):.3f}", "stage:8", st.DETECTION), " for the likeliest class",
    ]  # fmt: skip
    return [line, cells]


def _words(result: Result) -> list[Piece]:
    story = result.story
    found = story.trace.resized_detections
    answer = story.classes[int(found["labels"][result.where.detection])]
    iou = result.fits()[-1][1]
    if not result.true:
        return [
            f"This box fits no ground-truth box by {SURE:.2f}, and yet the network is sure of a {answer}. Its way is that of any other box."
        ]
    name = story.classes[int(story.target["labels"][result.state.object])]
    if iou < SURE:
        return [f"This {name} is missed: the detection that comes nearest overlaps it by {iou:.2f} only."]
    score = float(found["scores"][result.where.detection])
    if answer == name and score >= SURE:
        words = f"This {name} is found as a {answer}, IoU {iou:.2f}."
    else:
        words = (
            f"The detection that fits this {name} best, IoU {iou:.2f}, says {answer} with a score of {score:.2f} only."
        )
        if answer != name:
            words = f"The detection that fits this {name} best, IoU {iou:.2f}, is wrong: it says {answer}, score {score:.2f}."
    words += f" Its best anchor stands on {st.LEVEL_NAMES[result.key]}"
    words += f", its proposal is read from {st.LEVEL_NAMES[LEVEL_KEYS[result.level]]}: "
    words += "the same map." if result.where.level == result.level else "two choices, made by two rules."
    return [words + " Click a small panel to open its stage."]
