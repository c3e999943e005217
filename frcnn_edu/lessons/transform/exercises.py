"""Checkers of notebook 01: output sizes, mapping boxes back, padding."""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from frcnn_edu.lessons.checking import checker, expect, expect_shape
from frcnn_edu.model import GeneralizedRCNNTransform

Size = tuple[int, int]


def _transform(min_size: int, max_size: int) -> GeneralizedRCNNTransform:
    return GeneralizedRCNNTransform(min_size, max_size, [0.0], [1.0])


def _near(given: Tensor, wanted: Tensor) -> bool:
    return torch.allclose(given, wanted, rtol=1e-5, atol=1e-4)


@checker
def output_size(answer: Callable[[int, int, int, int], Size]) -> str:
    """`answer(height, width, min_size, max_size)` gives the size (height, width) after resizing."""
    cases = [(333, 500, 800, 1333), (480, 640, 800, 1333), (500, 333, 800, 1333), (640, 360, 800, 1333)]
    cases += [(240, 320, 128, 160), (161, 200, 800, 1333), (1080, 1080, 800, 1333), (4, 8, 6, 10)]
    for height, width, min_size, max_size in cases:
        resized = _transform(min_size, max_size).resize_image(torch.empty(1, height, width, device="meta"))
        wanted = tuple(resized.shape[-2:])
        given = answer(height, width, min_size, max_size)
        expect(
            isinstance(given, tuple | list) and len(given) == 2, f"The answer should be a pair, but yours is {given!r}."
        )
        given = given[0], given[1]
        said = f"For {height}×{width} with min_size {min_size} and max_size {max_size}, you say {given}"
        exact = [side * min(min_size / min(height, width), max_size / max(height, width)) for side in (height, width)]
        without = tuple(int(side * (min_size / min(height, width))) for side in (height, width))
        only_long = tuple(int(side * (max_size / max(height, width))) for side in (height, width))
        rounded = [tuple(f(side) for side in exact) for f in (round, math.ceil)]
        expect(
            given != wanted[::-1] or given == wanted, f"{said}. The order is (height, width), as in a tensor's shape."
        )
        expect(
            given == wanted or wanted == without or given != without,
            f"{said}. Its longer side exceeds {max_size}. The smaller of the two scales is used.",
        )
        expect(
            given == wanted or wanted == only_long or given != only_long,
            f"{said}. Its shorter side exceeds {min_size}. The smaller of the two scales is used.",
        )
        expect(given == wanted or given not in rounded, f"{said}. Sizes are rounded down to whole pixels.")
        expect(
            given == wanted,
            f"{said}, but it is {wanted}. The sides times the scale are {exact[0]:.10g} and {exact[1]:.10g}.",
        )
        expect(all(type(side) is int for side in given), f"{said}. Sizes are whole numbers, so use int(…).")
    return "At 161×200, the shorter side comes out one pixel short of 800. Even rounding errors are part of the definition."


@checker
def boxes_in_the_original(answer: Callable[[Tensor, Size, Size], Tensor]) -> str:
    """`answer(boxes, image_size, original_size)` maps detections back, as `postprocess` does."""
    boxes = torch.tensor([[2.0, 3, 20, 18], [0.0, 0, 30, 40], [-4.0, 1, 12, 50]])
    for image_size, original_size in (((120, 160), (240, 320)), ((1201, 800), (500, 333)), ((8, 6), (7, 5))):
        found = [{"boxes": boxes}]
        wanted = _transform(800, 1333).eval().postprocess(found, [image_size], [original_size])[0]["boxes"]
        given = answer(boxes.clone(), image_size, original_size)
        expect_shape(given, (3, 4), "The result")
        ratio_y, ratio_x = (old / new for new, old in zip(image_size, original_size))
        said = f"From {image_size} to {original_size}"

        def scaled(x: float, y: float) -> Tensor:
            return boxes * torch.tensor([x, y, x, y])

        if not _near(given, wanted):
            wrong_way = _near(given, scaled(1 / ratio_x, 1 / ratio_y))
            expect(not wrong_way, f"{said}, your boxes are scaled the wrong way: the ratio is original / resized.")
            swapped = _near(given, scaled(ratio_y, ratio_x))
            expect(
                not swapped,
                f"{said}, you scale x by the ratio of the heights. Sizes are (height, width), but boxes are (x, y, x, y).",
            )
            one = any(_near(given, scaled(r, r)) for r in (ratio_x, ratio_y, min(ratio_x, ratio_y)))
            expect(
                not one, f"{said}, each axis has a ratio of its own, because sizes are rounded down to whole pixels."
            )
            clipped = wanted.clamp(min=0).minimum(torch.tensor([*original_size[::-1], *original_size[::-1]]))
            cut = _near(given, clipped) or _near(given, wanted.clamp(min=0))
            expect(not cut, f"{said}, your boxes are clipped. That was done earlier, by the RoI heads.")
        expect(_near(given, wanted), f"{said}, the boxes should be {wanted.tolist()}.")
    return "No clipping, no thresholds, no NMS: the last stage of the network is one multiplication."


@checker
def padded_batch(answer: Callable[[list[Tensor], int], Tensor]) -> str:
    """`answer(images, divisor)` makes one batch of images of several sizes."""
    generator = torch.Generator().manual_seed(0)
    for sizes, divisor in ((((5, 10), (8, 6)), 4), (((33, 64),), 32), (((7, 3), (2, 9), (5, 5)), 8)):
        images = [torch.rand(3, *size, generator=generator) + 0.1 for size in sizes]
        wanted = _transform(800, 1333).batch_images(images, divisor)
        given = answer([image.clone() for image in images], divisor)
        expect(isinstance(given, Tensor), f"The batch should be a tensor, but yours is of type {type(given).__name__}.")
        said = f"For images of {', '.join('×'.join(map(str, size)) for size in sizes)} and divisor {divisor}, you make a batch"
        largest = tuple(max(size[axis] for size in sizes) for axis in (0, 1))
        expect(
            tuple(given.shape[-2:]) != largest or given.shape == wanted.shape,
            f"{said} of {largest[0]}×{largest[1]}. The largest images fit, but these sides are not multiples of {divisor}.",
        )
        one_more = all(
            given.shape[axis] == (wanted.shape[axis] // divisor + 1) * divisor
            or given.shape[axis] == wanted.shape[axis]
            for axis in (-2, -1)
        )
        expect(
            tuple(given.shape[-2:]) == tuple(wanted.shape[-2:]) or not one_more,
            f"{said} of {given.shape[-2]}×{given.shape[-1]}. A side that is already a multiple of {divisor} needs no padding.",
        )
        expect_shape(given, tuple(wanted.shape), "The batch")
        for index, (image, (height, width)) in enumerate(zip(images, sizes)):
            there = torch.equal(given[index, :, :height, :width], image)
            right = torch.equal(given[index, :, -height:, -width:], image)
            centre = [(have - need) // 2 for have, need in zip(given.shape[-2:], (height, width))]
            middle = given[index, :, centre[0] : centre[0] + height, centre[1] : centre[1] + width]
            moved = right or torch.equal(middle, image)
            expect(
                there or not moved,
                f"{said} in which image {index} is shifted. Pad only on the right and at the bottom, so that boxes stay where they are.",
            )
            expect(there, f"{said} in which image {index} has changed.")
            rest = given[index].clone()
            rest[:, :height, :width] = 0
            expect(not rest.any(), "The padding should be 0, which is the mean colour after normalising.")
    return "The upper left corner of every image stays at (0, 0), so no box has to move."
