"""Masks as COCO writes them, in run lengths (RLE): how many pixels in a row are outside, inside, outside … of an object."""

from typing import Any

import numpy as np

LONGEST = 100_000  # pixels of a side
MORE, DIGITS = 0x20, range(64)  # of a character, less 48: another character of this number follows


def mask_box(segmentation: Any) -> tuple[tuple[float, float, float, float], float] | None:
    """The box (x, y, width, height) around a mask and its area in pixels; None if it is not a mask, or empty.

    Args:
        segmentation: a dict of `size`, [height, width], and `counts`: numbers, or the text that COCO packs them into.
    """
    if not isinstance(segmentation, dict) or (size := _sides(segmentation.get("size"))) is None:
        return None
    counts = segmentation.get("counts")
    if not (_are_runs(counts, size) if isinstance(counts, list) else _is_packed(counts)):
        return None
    from pycocotools import mask  # compiled code that believes what it is given: hence the checks

    packed = mask.frPyObjects(segmentation, *size) if isinstance(counts, list) else {"size": size, "counts": counts}
    area = float(mask.area(packed))
    x, y, width, height = (float(side) for side in np.ravel(mask.toBbox(packed)))
    inside = width > 0 and height > 0 and x + width <= size[1] and y + height <= size[0]
    return ((x, y, width, height), area) if inside else None


def _sides(size: Any) -> list[int] | None:
    if not isinstance(size, list) or [*map(type, size)] != [int, int]:
        return None
    return size if all(0 < side <= LONGEST for side in size) else None


def _are_runs(counts: list[Any], size: list[int]) -> bool:
    """Whether these are lengths that the image has room for."""
    return all(type(count) is int and count >= 0 for count in counts) and sum(counts) <= size[0] * size[1]


def _is_packed(counts: Any) -> bool:
    """Whether a text holds whole numbers in COCO's packing: the last one must be complete."""
    if not isinstance(counts, str) or not counts or not counts.isascii():
        return False
    codes = [ord(character) - 48 for character in counts]
    return all(code in DIGITS for code in codes) and not codes[-1] & MORE
