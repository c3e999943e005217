"""All explorers on images that are not the course's: tall, wide, and photographs."""

from pathlib import Path
from typing import Any

import pytest
import torch
from driving import check_controls, check_handles, check_now
from torch import Tensor

from frcnn_edu.data import ShapesDetection, VOCDetection
from frcnn_edu.lessons import explore

BCCD = Path(__file__).resolve().parents[3] / "shared" / "data" / "bccd" / "BCCD"


def first_with_objects(data: Any, least: int = 3) -> tuple[Tensor, dict[str, Any]]:
    return next(item for item in (data[index] for index in range(len(data))) if len(item[1]["boxes"]) >= least)


def look_everywhere(explorer: explore.Explorer) -> None:
    check_now(explorer)
    check_controls(explorer, most=3)  # the whole range is seen on the course's own image
    check_handles(explorer)
    for index in range(len(explorer.prompts)):
        explorer.try_prompt(index)
        check_now(explorer)


@pytest.mark.slow
@pytest.mark.parametrize("size", [(200, 150), (100, 260)], ids=["tall", "wide"])
@pytest.mark.parametrize("name", explore.EXPLORERS)
def test_an_image_of_another_shape(name: str, size: tuple[int, int]) -> None:
    image, target = first_with_objects(ShapesDetection("val", size=size))
    look_everywhere(explore.EXPLORERS[name](image=image, target=target, object=1))


@pytest.mark.slow
@pytest.mark.parametrize("wide", [True, False], ids=["wide", "tall"])
@pytest.mark.parametrize("name", explore.EXPLORERS)
def test_a_very_long_image_has_panels_that_can_be_used(name: str, wide: bool) -> None:
    image, target = ShapesDetection("val", size=(100, 100))[4]
    image = image.repeat(1, 1, 20) if wide else image.repeat(1, 20, 1)  # 20 times the same scene
    boxes = target["boxes"] + torch.tensor([1000.0, 0, 1000, 0] if wide else [0.0, 1000, 0, 1000])
    explorer = explore.EXPLORERS[name](image=image, target={"boxes": boxes, "labels": target["labels"]})
    check_now(explorer)
    for panel in explorer.scene.panels[:1]:
        assert min(panel.place[2:]) >= 90


@pytest.mark.slow
@pytest.mark.parametrize("name", explore.EXPLORERS)
def test_a_photograph(name: str) -> None:
    """The shipped model has never seen blood cells: it finds what it finds, and the explorers show it."""
    if not BCCD.is_dir():
        pytest.skip("the BCCD photographs are not in ../shared/data/bccd")
    data = VOCDetection(BCCD)
    image, target = first_with_objects(data)
    names = (*data.classes, *(f"class {k}" for k in range(len(data.classes), 6)))  # as many as the model has
    look_everywhere(explore.EXPLORERS[name](image=image, target=target, classes=names))
