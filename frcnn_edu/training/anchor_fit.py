"""How well anchors fit the objects of a data set, and anchors that fit them better."""

import torch
from torch import Tensor

from ..model import AnchorGenerator

CHUNK = 20_000  # objects at a time, so that memory does not grow with their number
SAMPLE = 3_000  # objects that the search uses
REACHED = 0.5  # IoU


def best_ious(boxes: Tensor, grids: Tensor, anchors: AnchorGenerator) -> Tensor:
    """The largest IoU of each object with the anchors of each map: (N, 4), (N, L, 4) → (N, L).

    The result is that of `box_iou` with all anchors of the image, but from one location per map and base anchor: overlap
    only shrinks with the distance between two centres, across and down, so the nearest location is the best.

    Args:
        boxes: in pixels of the resized image.
        grids: rows, columns, and the stride down and across, of each map of the object's image.
        anchors: anchors with the same number of base anchors per location on every map.
    """
    base = torch.stack(anchors.cell_anchors)  # (L, A, 4)
    chunks = [_best_ious(some, maps, base) for some, maps in zip(boxes.split(CHUNK), grids.split(CHUNK))]
    return torch.cat(chunks) if chunks else boxes.new_zeros(0, len(base))


def _best_ious(boxes: Tensor, grids: Tensor, base: Tensor) -> Tensor:
    boxes, strides = boxes[:, None, None, :], grids[:, :, None, [3, 2]]  # (N, 1, 1, 4), (N, L, 1, 2): across, down
    last = grids[:, :, None, [1, 0]] - 1
    center, base_center = (boxes[..., :2] + boxes[..., 2:]) / 2, (base[..., :2] + base[..., 2:]) / 2
    location = ((center - base_center) / strides).round().clamp(min=0).minimum(last)  # (N, L, A, 2)
    placed = base + (location * strides).repeat(1, 1, 1, 2)  # (N, L, A, 4)
    sides = (torch.minimum(boxes, placed)[..., 2:] - torch.maximum(boxes, placed)[..., :2]).clamp(min=0)
    intersection = sides.prod(dim=-1)  # (N, L, A)
    areas = [(each[..., 2:] - each[..., :2]).prod(dim=-1) for each in (boxes, placed)]
    return (intersection / (areas[0] + areas[1] - intersection)).amax(dim=-1)


def fit_anchors(boxes: Tensor, grids: Tensor, default: AnchorGenerator) -> AnchorGenerator:
    """Anchors that reach more of the objects, in the same number and order as those of `default`.

    Every map has the same ratios, as a single RPN head expects, and as many sizes as before. The search starts twice,
    from the default and from quantiles of the objects' √area and height / width, and changes one number at a time by
    30, 10 and 3 % as long as more objects are reached, or are reached better. Sizes of neighbouring maps keep their
    order. It uses at most 3,000 objects, a fixed choice.

    (Clustering widths and heights, as YOLO9000 does, would ignore that coarse maps have anchors in few places.)

    Args:
        boxes, grids: as for `best_ious`; at least one object.
    """
    chosen = torch.randperm(len(boxes), generator=torch.Generator().manual_seed(0))[:SAMPLE]
    boxes, grids = boxes[chosen], grids[chosen]
    sizes, ratios = _numbers(default)
    sides, shapes = (boxes[:, 2:] - boxes[:, :2]).prod(dim=1).sqrt(), _shapes(boxes)
    spread = (
        [float(each) for each in values.quantile(_middles(count))]
        for values, count in ((sides, len(sizes)), (shapes, len(ratios)))
    )
    starts = [(sizes, ratios), tuple(spread)]
    climbed = [_climb([*start_sizes], [*start_ratios], boxes, grids, default) for start_sizes, start_ratios in starts]
    return max(climbed, key=lambda anchors: _score(anchors, boxes, grids))


def _numbers(anchors: AnchorGenerator) -> tuple[list[float], list[float]]:
    """The different sizes of all maps, in ascending order, and the ratios of one."""
    return sorted({float(size) for level in anchors.sizes for size in level}), [*anchors.aspect_ratios[0]]


def _middles(count: int) -> Tensor:
    """Quantiles that divide a distribution into equal parts and take the middle of each: 0.1, 0.3, … for five."""
    return (torch.arange(count) + 0.5) / count


def _shapes(boxes: Tensor) -> Tensor:
    """Height / width of each box."""
    return (boxes[:, 3] - boxes[:, 1]) / (boxes[:, 2] - boxes[:, 0])


def _like(default: AnchorGenerator, sizes: list[float], ratios: list[float]) -> AnchorGenerator:
    """`default` with different numbers: equal sizes stay equal, sizes are whole pixels, ratios have two decimals."""
    places = {size: place for place, size in enumerate(_numbers(default)[0])}
    whole = [max(1, round(size)) for size in sizes]
    levels = tuple(tuple(whole[places[size]] for size in level) for level in default.sizes)
    return AnchorGenerator(levels, (tuple(max(0.01, round(ratio, 2)) for ratio in ratios),) * len(levels))


def _score(anchors: AnchorGenerator, boxes: Tensor, grids: Tensor) -> float:
    """The share of objects that are reached, plus the mean of their best IoUs, which has a slope where the share has none."""
    best = best_ious(boxes, grids, anchors).amax(dim=1)
    return float((best >= REACHED).float().mean() + best.mean())


def _climb(
    sizes: list[float], ratios: list[float], boxes: Tensor, grids: Tensor, default: AnchorGenerator
) -> AnchorGenerator:
    numbers, count = [*sizes, *ratios], len(sizes)

    def score(candidate: list[float]) -> float:
        in_order = all(part == sorted(part) for part in (candidate[:count], candidate[count:]))
        return _score(_like(default, candidate[:count], candidate[count:]), boxes, grids) if in_order else 0.0

    best = score(numbers)
    for step in (1.3, 1.1, 1.03):
        improved = True
        while improved:
            improved = False
            for place in range(len(numbers)):
                for factor in (step, 1 / step):
                    candidate = [*numbers[:place], numbers[place] * factor, *numbers[place + 1 :]]
                    if (found := score(candidate)) > best + 1e-4:
                        numbers, best, improved = candidate, found, True
    return _like(default, numbers[:count], numbers[count:])
