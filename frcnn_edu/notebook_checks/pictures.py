"""Pictures in a notebook's outputs: find them, and compare two of them."""

import base64
import io
from collections.abc import Iterable
from typing import Any

import numpy as np
from PIL import Image

# The root mean squared difference of two pictures, 0–255, that counts as none. A curve moved by 2 % gives about 10, a
# single pixel of a shown map 1.8; a different version of a font, a few tenths.
TOLERANCE = 1.0


def pictures(outputs: Iterable[Any]) -> list[np.ndarray]:
    """All PNG and JPEG pictures among a cell's outputs, as (H, W, 3) in 0–255."""
    found = []
    for output in outputs:
        for kind in ("image/png", "image/jpeg"):
            if kind in output.get("data", {}):
                content = base64.b64decode(output["data"][kind])
                found.append(np.asarray(Image.open(io.BytesIO(content)).convert("RGB"), dtype=float))
    return found


def difference(first: np.ndarray, second: np.ndarray) -> float:
    """The root mean squared difference of two pictures; infinite if they differ in size."""
    return float(np.sqrt(((first - second) ** 2).mean())) if first.shape == second.shape else float("inf")


def is_blank(picture: np.ndarray) -> bool:
    """Whether the picture is of one colour."""
    return float(picture.std(axis=(0, 1)).max()) < TOLERANCE
