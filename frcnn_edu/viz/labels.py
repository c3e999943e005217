"""Places for the labels of boxes, so that no label hides another."""

import numpy as np

Place = tuple[float, float]  # the top left corner of a label
Rect = tuple[float, float, float, float]


def place_labels(boxes: np.ndarray, sizes: np.ndarray, picture: tuple[float, float]) -> list[Place | None]:
    """Find a place for one label per box: inside the image, near its box, over no other label.

    Args:
        boxes: (N, 4) xyxy, the most important box first: it gets the best place.
        sizes: (N, 2) width and height of each label, in the same units.
        picture: its width and height.

    Returns:
        The top left corner of each label, or None if no free place was left.
    """
    taken: list[Rect] = []
    places: list[Place | None] = []
    for box, (w, h) in zip(boxes.tolist(), sizes.tolist(), strict=True):
        place = _place(box, (w, h), picture, taken)
        places.append(place)
        if place is not None:
            taken.append((place[0], place[1], place[0] + w, place[1] + h))
    return places


def _place(box: Rect, size: tuple[float, float], picture: tuple[float, float], taken: list[Rect]) -> Place | None:
    """The best free place for one label. A label that was pushed back into the image may cover its own box: that comes last."""
    right, bottom = picture[0] - size[0], picture[1] - size[1]  # the last places inside the image
    if right < 0 or bottom < 0:
        return None

    def first(wishes: list[Place]) -> Place | None:
        inside = (wish for wish in wishes if 0 <= wish[0] <= right and 0 <= wish[1] <= bottom)
        return next((wish for wish in inside if _free(wish, size, taken)), None)

    def pushed(wishes: list[Place]) -> list[Place]:
        return [(min(max(x, 0.0), right), min(max(y, 0.0), bottom)) for x, y in wishes]

    near = _near(box, size)
    return first(near) or first(_further(box, size)) or first(pushed([*near, *_further(box, size)]))


def _near(box: Rect, size: tuple[float, float]) -> list[Place]:
    """Places at a box: above it, inside it at the top and at the bottom, below it, and beside it."""
    (x1, y1, x2, y2), (w, h) = box, size
    return [(x, y) for y in (y1 - h, y1, y2 - h, y2) for x in (x1, x2 - w)] + [(x2, y1), (x1 - w, y1)]


def _further(box: Rect, size: tuple[float, float]) -> list[Place]:
    """Places further and further down, in steps of half a label."""
    (x1, y1, x2, _), (w, h) = box, size
    return [(x, y1 + k * h / 2) for k in range(1, 40) for x in (x1, x2 - w)]


def _free(place: Place, size: tuple[float, float], taken: list[Rect]) -> bool:
    (x, y), (w, h) = place, size
    return all(x + w <= x1 or x2 <= x or y + h <= y1 or y2 <= y for x1, y1, x2, y2 in taken)
