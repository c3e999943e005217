"""The panels of the whole path: the image, how well the boxes fit, and one panel for each of the ten stages."""

from dataclasses import replace
from functools import lru_cache

import torch
from torch import Tensor

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
    window,
)
from frcnn_edu.lessons.fpn.explorer.result import covered
from frcnn_edu.lessons.stages import LEVEL_KEYS, shown, strength
from frcnn_edu.model import ImageList
from frcnn_edu.ops import box_iou
from frcnn_edu.viz import style as st

from .result import LEAST, STAGES, Result, read_in
from .words import STEP_COLORS, cells, formula, words

SIDE, GAP, TOP, BELOW, ROW = 146.0, 12.5, 30.0, 334.0, 206.0  # of the stages' panels, five in a row

Stage = tuple[Rect, list[Layer], str]  # what a stage's panel shows: its view, its layers, its caption


def draw(result: Result) -> Scene:
    """The image and the IoUs above, the ten stages below."""
    makers = (
        *(_transform, _backbone, _fpn, _anchors, _rpn_head),
        *(_proposals, _roi_align, _box_head, _detections, _postprocess),
    )
    stages = []
    for number, (make, (name, explorers)) in enumerate(zip(makers, STAGES, strict=True)):
        place = (10 + (number % 5) * (SIDE + GAP), BELOW + (number // 5) * ROW, SIDE, SIDE)
        view, layers, caption = make(result)
        if explorers:
            click = Boxes(torch.tensor([view]), st.FAINT, 0, fill=1, alpha=0, group="stage", ids=torch.tensor([number]))
            layers = [click, *layers]
        frame = st.INK if result.state.stage in explorers else st.FAINT
        title = f"{number + 1} {name}"
        alt = f"Stage {title}: {caption}".replace("\n", " ")
        stages.append(Panel(name, place, view, layers, title, caption, frame, alt=alt))
    return Scene(BELOW + 2 * ROW - 8, [_picture(result), _fits(result), *stages], formula(result), [words(result)])


# -------------------------------------------------------------------------------------------------------------- the image


def _picture(result: Result) -> Panel:
    story, found = result.story, result.story.trace.resized_detections
    height, width = story.resized.shape[1:]
    above = found["scores"] >= LEAST
    ids, boxes = torch.where(above)[0], found["boxes"][above]
    box = story.box[None]
    layers: list[Layer] = [
        photo(story.resized),
        Boxes(box, st.INK, 9, halo=False),
        Boxes(box, st.FOCUS, 6, halo=False),
        Boxes(story.boxes, st.GROUND_TRUTH, 1.6, dashed=True, group="object"),
        Boxes(boxes, st.DETECTION, 1.6, group="detection", ids=ids, values={"score": found["scores"][above]}),
    ]
    view = window((height, width), story.box)
    return Panel(
        "picture", fit(view, 10, TOP, 316), view, layers, "Click an object or use the arrow keys",
        "dashed: ground truth · solid: detections\nyellow: the followed object",
        alt=f"The image with {len(story.boxes)} objects and {len(boxes)} detections; the followed one is framed in yellow",
        keys=True,
    )  # fmt: skip


def _fits(result: Result) -> Panel:
    """The IoU of each box of both ways, as bars."""
    fits = result.fits()
    layers: list[Layer] = []
    names, rows, row = [], [], 0.0
    for number, (name, step, iou) in enumerate(fits):
        first = step.startswith("anchor")
        if first and number:
            row += 0.5  # between the two ways
        color = st.ANCHOR if first else st.PROPOSAL if not step.startswith(("detection", "final")) else st.DETECTION
        ids, value = torch.tensor([number]), {"IoU": torch.tensor([iou])}
        bar = torch.tensor([[0.0, row + 0.15, iou, row + 0.85]])
        layers.append(Boxes(bar, color, 0, fill=1, group="fit", ids=ids, values=value))
        inside = iou > 0.15
        at = torch.tensor([[iou - 0.02 if inside else iou + 0.02, row + 0.5]])
        ink = st.text_color(color) if inside else st.INK
        layers.append(Words(at, [f"{iou:.2f}"], ink, 11, "right" if inside else "left", bold=True))
        names.append(f"{name}: {step}" if first else f"→ {step}")
        rows.append(row + 0.5)
        row += 1
    caption = "best fit: the anchor with the largest IoU\nwinner: the anchor that the detection comes from"
    if result.same:
        caption = "best fit: the anchor with the largest IoU;\nthe detection comes from it"
    return Panel(
        "fits", (510, TOP, 280, 200), (0, 0, 1, row), layers, "IoU with the object", caption,
        x_axis=Axis("", (0, 0.5, 1), ("0", "0.5", "1")), y_axis=Axis("", rows, names, False),
        alt="Bars: " + ", ".join(f"{name}, {step} {iou:.2f}" for name, step, iou in fits),
    )  # fmt: skip


# ------------------------------------------------------------------------------------------------------------- the stages


def around(box: Tensor, share: float = 0.85) -> Rect:
    """A square view around a box; on each side of the centre it shows `share` of the box's longer side."""
    x, y = ((box[:2] + box[2:]) / 2).tolist()
    reach = max(share * float((box[2:] - box[:2]).max()), 6.0)
    return (x - reach, y - reach, x + reach, y + reach)


def _square(image_size: tuple[int, int], box: Tensor) -> Rect:
    """A square view that shows an image, or a part of a very long one around a box."""
    left, top, right, bottom = window(image_size, box)
    x, y, reach = (left + right) / 2, (top + bottom) / 2, max(right - left, bottom - top) / 2
    return (x - reach, y - reach, x + reach, y + reach)


def _around(result: Result) -> Rect:
    """A view that shows the object and both anchors."""
    boxes = torch.stack([result.story.box, *(way.anchor for way in result.ways().values())])
    return around(torch.cat((boxes[:, :2].amin(dim=0), boxes[:, 2:].amax(dim=0))), 0.62)


def _ground_truth(result: Result) -> Boxes:
    return Boxes(result.story.box[None], st.GROUND_TRUTH, 2, dashed=True)


def _two(result: Result, number: int) -> list[Layer]:
    """A box of each way: the best fit's with a thin line, the winner's with a thick one."""
    layers: list[Layer] = []
    for way in result.ways().values():
        boxes, thick = way.boxes(), way.place == result.winner.place
        if number < len(boxes):
            layers.append(Boxes(boxes[number][None], STEP_COLORS[number], 3.0 if thick else 1.4))
    return layers


def _map(result: Result, features: Tensor) -> tuple[Picture, Grid]:
    """A feature map over the pixels that it covers, and its cells."""
    rows, columns = features.shape[-2:]
    extent = covered((rows, columns), result.story)
    return _strength(features, extent), Grid(rows, columns, extent, st.PAPER, 0.5, 0.4)


@lru_cache(maxsize=64)
def _strength(features: Tensor, extent: Rect) -> Picture:
    """The strength of a whole map, the same for all objects."""
    return heat(strength(features), extent)


def _transform(result: Result) -> Stage:
    batch = result.story.trace.batch
    (height, width), (high, wide) = batch.image_sizes[0], batch.tensors.shape[-2:]
    layers: list[Layer] = [_photo(batch), _ground_truth(result)]
    return _square((high, wide), result.story.box), layers, f"resized to {height}×{width},\npadded to {high}×{wide}"


@lru_cache(maxsize=8)
def _photo(batch: ImageList) -> Picture:
    """The padded image, the same for all objects."""
    return photo(shown(batch))


def _backbone(result: Result) -> Stage:
    level = min(result.winner.place.level, 3)
    features = result.story.trace.bottom_up[LEVEL_KEYS[level]]
    channels, rows, columns = features.shape[1:]
    layers: list[Layer] = [*_map(result, features), _ground_truth(result)]
    return around(result.story.box, 1.4), layers, f"C{2 + level}: {channels} channels,\n{rows}×{columns} cells"


def _fpn(result: Result) -> Stage:
    key = LEVEL_KEYS[result.winner.place.level]
    features = result.story.trace.pyramid[key]
    layers: list[Layer] = [*_map(result, features), _ground_truth(result)]
    spans = cells(result, result.story.box, features)
    return around(result.story.box, 1.4), layers, f"{st.LEVEL_NAMES[key]}: the object covers\n{spans} cells"


def _anchors(result: Result) -> Stage:
    said = []
    for name, way in result.ways().items():
        wide, high = (way.anchor[2:] - way.anchor[:2]).tolist()
        said.append(f"{name}: {st.LEVEL_NAMES[LEVEL_KEYS[way.place.level]]}, {high:.0f}×{wide:.0f}")
    layers: list[Layer] = [photo(result.story.resized, dim=0.35), *_two(result, 0), _ground_truth(result)]
    return _around(result), layers, "\n".join(said)


def _rpn_head(result: Result) -> Stage:
    way = result.winner
    logits = result.story.trace.objectness[way.place.level][0]  # (A, H, W)
    rows, columns = logits.shape[-2:]
    extent = covered((rows, columns), result.story)
    ends = torch.stack([(box[:2] + box[2:]) / 2 for box in (way.anchor, way.decoded)])
    layers: list[Layer] = [
        heat(logits.sigmoid().amax(dim=0), extent, 0.0, 1.0),
        Grid(rows, columns, extent, st.PAPER, 0.5, 0.4),
        Boxes(way.anchor[None], st.ANCHOR, 2),
        Boxes(way.decoded[None], st.PROPOSAL, 2.5),
        _ground_truth(result),
        Lines(ends[None], st.PAPER, 2, arrow=True),
        Points(ends[:1], st.ANCHOR, 3),
    ]
    said = f"logit {way.logit:.1f}\narrow: the deltas"
    if not result.same:
        said = f"best fit: logit {result.best.logit:.1f}\nwinner: {way.logit:.1f}; arrow: deltas"
    return _around(result), layers, said


def _proposals(result: Result) -> Stage:
    proposals = result.story.trace.proposals
    near = box_iou(result.story.box[None], proposals)[0] >= LEAST
    layers: list[Layer] = [
        photo(result.story.resized, dim=0.35), Boxes(proposals[near], st.IGNORED, 1, alpha=0.9), *_two(result, 1),
        _ground_truth(result),
    ]  # fmt: skip
    number = int(near.sum())
    return around(result.story.box), layers, f"{number} of {len(proposals)} have\nan IoU of at least {LEAST:g}"


def _roi_align(result: Result) -> Stage:
    way = result.winner
    pooled = read_in(result.story, way.proposal or 0)  # (C, 7, 7)
    rows, columns = pooled.shape[1:]
    key = LEVEL_KEYS[way.level]
    values = strength(pooled[None], among=result.story.trace.pyramid[key])
    extent = (0.0, 0.0, float(columns), float(rows))
    layers: list[Layer] = [heat(values, extent), Grid(rows, columns, extent, st.PAPER, 0.5, 0.4)]
    return (
        extent,
        layers,
        f"proposal {way.proposal}, read from\n{st.LEVEL_NAMES[key]}: {'×'.join(map(str, pooled.shape))} features",
    )


def _box_head(result: Result) -> Stage:
    layers: list[Layer] = []
    likely, classes = result.winner.likely, result.story.classes
    assert likely is not None  # the winner is a proposal
    for label, value in enumerate(likely.tolist()):
        color = st.class_color(label)
        layers.append(Boxes(torch.tensor([[0.0, label + 0.15, value, label + 0.85]]), color, 0, fill=1))
        inside = value > 0.6
        at = torch.tensor([[0.02 if inside else value + 0.02, label + 0.5]])
        layers.append(Words(at, [f"{classes[label]} {value:.2f}"], st.text_color(color) if inside else st.INK, 11))
    label = int(likely.argmax())
    return (0, 0, 1, len(likely)), layers, f"{classes[label]}: {float(likely[label]):.3f}"


def _detections(result: Result) -> Stage:
    layers: list[Layer] = [photo(result.story.resized, dim=0.35), *_two(result, 2), _ground_truth(result)]
    iou = float(box_iou(result.story.box[None], result.story.trace.resized_detections["boxes"][[result.detection]]))
    more = "" if result.same or result.best.refined is None else "\nthin: box of the best fit"
    return around(result.story.box), layers, f"detection {result.detection}, IoU {iou:.2f}{more}"


def _postprocess(result: Result) -> Stage:
    found = result.story.trace.detections
    height, width = result.story.image.shape[1:]
    box = found["boxes"][result.detection]
    # In a small panel the resized image looks the same, and a saved notebook holds it only once.
    shown = replace(photo(result.story.resized), extent=(0, 0, width, height))
    layers: list[Layer] = [shown, Boxes(box[None], st.DETECTION, 2.5)]
    return (
        _square((height, width), box),
        layers,
        f"in the {height}×{width} image:\n({', '.join(f'{side:.0f}' for side in box.tolist())})",
    )
