from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

BCCD = Path(__file__).resolve().parents[3] / "shared" / "data" / "bccd" / "BCCD"


@pytest.fixture
def bccd() -> Path:
    if not BCCD.is_dir():
        pytest.skip("the BCCD photographs are not in ../shared/data/bccd")
    return BCCD


@pytest.fixture
def make_image() -> Callable[..., Path]:
    """Writes an image file of random pixels; `orientation` is EXIF's."""

    def make(path: Path, width: int = 40, height: int = 30, orientation: int | None = None) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
        exif = Image.Exif()
        if orientation is not None:
            exif[0x0112] = orientation
        Image.fromarray(pixels).save(path, exif=exif)
        return path

    return make
