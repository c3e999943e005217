"""What several test files share."""

from pathlib import Path

import pytest

from frcnn_edu.data import ShapesDetection, write_voc


@pytest.fixture(scope="session")
def voc(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Pascal VOC folder of 13 shapes pictures."""
    root = tmp_path_factory.mktemp("data") / "VOCshapes"
    for split, indices in {"train": range(8), "val": range(8, 11), "test": range(11, 13)}.items():
        write_voc(ShapesDetection("val"), root, split, indices)
    return root
