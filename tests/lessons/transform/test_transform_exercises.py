import math

import pytest
import torch
from torch import Tensor

from frcnn_edu.lessons.transform import exercises as check

Size = tuple[int, int]


def scale(height: int, width: int, min_size: int, max_size: int) -> float:
    return min(min_size / min(height, width), max_size / max(height, width))


def right_size(height: int, width: int, min_size: int, max_size: int) -> Size:
    s = scale(height, width, min_size, max_size)
    return int(height * s), int(width * s)


def rounded(*case: int) -> Size:
    return round(case[0] * scale(*case)), round(case[1] * scale(*case))


def ceiled(*case: int) -> Size:
    return math.ceil(case[0] * scale(*case)), math.ceil(case[1] * scale(*case))


def no_maximum(height: int, width: int, min_size: int, max_size: int) -> Size:
    s = min_size / min(height, width)
    return int(height * s), int(width * s)


def only_maximum(height: int, width: int, min_size: int, max_size: int) -> Size:
    s = max_size / max(height, width)
    return int(height * s), int(width * s)


def test_stubs_are_not_yet_right() -> None:
    def stub(*args: object) -> None:
        raise NotImplementedError

    for checker in (check.output_size, check.boxes_in_the_original, check.padded_batch):
        assert not checker(stub)
        assert "no body yet" in checker(stub).message


def test_output_size_accepts_the_right_answer() -> None:
    assert check.output_size(right_size)


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        (rounded, "rounded down to whole"),
        (ceiled, "rounded down to whole"),
        (no_maximum, "longer side exceeds 1333"),
        (only_maximum, "shorter side exceeds 800"),
        (lambda *case: right_size(*case)[::-1], "The order is (height, width)"),
        (lambda *case: (800, 1201), "it is (800, 1066)"),
        (lambda *case: tuple(map(float, right_size(*case))), "whole numbers"),
        (lambda *case: 3, "should be a pair"),
    ],
)
def test_output_size_names_the_mistake(wrong: object, hint: str) -> None:
    verdict = check.output_size(wrong)
    assert not verdict
    assert hint in verdict.message


def mapped(boxes: Tensor, x: float, y: float) -> Tensor:
    return boxes * torch.tensor([x, y, x, y])


def right_way_back(boxes: Tensor, image_size: Size, original_size: Size) -> Tensor:
    return mapped(boxes, original_size[1] / image_size[1], original_size[0] / image_size[0])


def test_to_original_accepts_the_right_answer() -> None:
    assert check.boxes_in_the_original(right_way_back)


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        (lambda b, new, old: mapped(b, new[1] / old[1], new[0] / old[0]), "the wrong way"),
        (lambda b, new, old: mapped(b, old[0] / new[0], old[1] / new[1]), "you scale x by the ratio of the heights"),
        (lambda b, new, old: b * (old[1] / new[1]), "a ratio of its own"),
        (lambda b, new, old: b * (old[0] / new[0]), "a ratio of its own"),
        (lambda b, new, old: right_way_back(b, new, old).clamp(min=0), "clipped"),
        (lambda b, new, old: right_way_back(b, new, old)[:2], "shape (3, 4)"),
        (lambda b, new, old: right_way_back(b, new, old) + 1, "should be [["),
    ],
)
def test_to_original_names_the_mistake(wrong: object, hint: str) -> None:
    verdict = check.boxes_in_the_original(wrong)
    assert not verdict
    assert hint in verdict.message


def padded(images: list[Tensor], divisor: int, more: int = 0, fill: float = 0.0, corner: str = "upper left") -> Tensor:
    height, width = (
        -(-(max(image.shape[axis] for image in images) + more) // divisor) * divisor if divisor else 0
        for axis in (1, 2)
    )
    batch = torch.full((len(images), 3, height, width), fill)
    for frame, image in zip(batch, images, strict=True):
        h, w = image.shape[1:]
        top, left = {
            "upper left": (0, 0),
            "middle": ((height - h) // 2, (width - w) // 2),
            "lower right": (height - h, width - w),
        }[corner]
        frame[:, top : top + h, left : left + w] = image
    return batch


def test_pad_accepts_the_right_answer() -> None:
    assert check.padded_batch(padded)


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        (lambda images, d: padded(images, 1), "but these sides are not multiples of 4"),
        (lambda images, d: padded(images, d, more=1), "needs no padding"),
        (lambda images, d: padded(images, d, fill=0.5), "padding should be 0"),
        (lambda images, d: padded(images, d, corner="middle"), "Pad only on the right"),
        (lambda images, d: padded(images, d, corner="lower right"), "Pad only on the right"),
        (lambda images, d: 2 * padded(images, d), "has changed"),
        (lambda images, d: images, "should be a tensor"),
        (lambda images, d: padded(images, d)[:1], "should have shape"),
    ],
)
def test_pad_names_the_mistake(wrong: object, hint: str) -> None:
    verdict = check.padded_batch(wrong)
    assert not verdict
    assert hint in verdict.message
