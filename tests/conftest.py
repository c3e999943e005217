"""What several test files share."""

from pathlib import Path

import pytest
from PIL import Image

from frcnn_edu.data import ShapesDetection

SPLITS = {"train": range(8), "val": range(8, 11), "test": range(11, 13)}


@pytest.fixture(scope="session")
def voc(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Pascal VOC folder of 13 shapes pictures."""
    root = tmp_path_factory.mktemp("data") / "VOCshapes"
    for folder in ("JPEGImages", "Annotations", "ImageSets/Main"):
        (root / folder).mkdir(parents=True)
    data = ShapesDetection("val")
    for index in range(13):
        image, target = data[index]
        Image.fromarray((255 * image).byte().permute(1, 2, 0).numpy()).save(root / f"JPEGImages/{index}.jpg")
        objects = ""
        for box, label in zip(target["boxes"].int().tolist(), target["labels"].tolist()):
            x0, y0, x1, y1 = box
            corners = f"<xmin>{x0 + 1}</xmin><ymin>{y0 + 1}</ymin><xmax>{x1}</xmax><ymax>{y1}</ymax>"
            objects += f"<object><name>{data.classes[label]}</name><bndbox>{corners}</bndbox></object>"
        size = "<size><width>160</width><height>128</height><depth>3</depth></size>"
        (root / f"Annotations/{index}.xml").write_text(f"<annotation>{size}{objects}</annotation>")
    for split, indices in SPLITS.items():
        (root / f"ImageSets/Main/{split}.txt").write_text("".join(f"{index}\n" for index in indices))
    return root
