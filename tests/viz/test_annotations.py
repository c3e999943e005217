"""Sheets of annotated images: labels where there is room, thin lines and a legend where there is none."""

from pathlib import Path
from typing import Any

import pytest
import torch

from frcnn_edu.data import ShapesDetection, open_dataset
from frcnn_edu.viz import figure_to_png
from frcnn_edu.viz.annotations import CROWDED, MOST_IN_LEGEND, chosen_images, draw_annotations

CLASSES = ["background", *(f"class {i}" for i in range(1, 11))]


def texts(count: int, labels: list[int]) -> tuple[list[str], list[str]]:
    """What is written in the image, and in the legend."""
    boxes = torch.tensor(
        [[8.0 * (i % 12), 9.0 * (i // 12), 8.0 * (i % 12) + 6, 9.0 * (i // 12) + 6] for i in range(count)]
    )
    target = {"boxes": boxes.reshape(-1, 4), "labels": torch.tensor(labels), "iscrowd": torch.zeros(count)}
    figure = draw_annotations([torch.rand(3, 80, 100)], [target], ["train: a.jpg"], CLASSES)
    figure_to_png(figure)
    legend = [text.get_text() for legend in figure.legends for text in legend.get_texts()]
    return [text.get_text() for text in figure.axes[0].texts], legend


def test_labels_where_there_is_room() -> None:
    written, legend = texts(2, [1, 2])
    assert {*written} == {"class 1", "class 2", "train: a.jpg"}
    assert legend == []


def test_a_legend_where_there_is_none() -> None:
    written, legend = texts(CROWDED + 1, [1 + i % 2 for i in range(CROWDED + 1)])
    assert written == ["train: a.jpg"]
    assert legend == ["class 1", "class 2"]
    _, legend = texts(60, [1 + i % 10 for i in range(60)])
    assert legend == [*CLASSES[1 : MOST_IN_LEGEND + 1], "… 4 more"]


def test_an_image_without_objects() -> None:
    assert texts(0, []) == (["train: a.jpg"], [])


@pytest.mark.parametrize(("count", "expected"), [(3, [0, 1, 2]), (2, [0, 2]), (10, [0, 1, 2])])
def test_images_are_chosen_over_the_data(voc: Path, count: int, expected: list[int]) -> None:
    data: Any = open_dataset(voc, "val")
    data.records[1].boxes = []
    assert chosen_images(data, count) == expected
    assert chosen_images(ShapesDetection("val", 5), 2) == [0, 4]


def test_the_fullest_image_is_among_them(voc: Path) -> None:
    data: Any = open_dataset(voc, "train")
    fullest = 5
    data.records[fullest].boxes = data.records[fullest].boxes * 9
    assert chosen_images(data, 3) == [0, fullest, 7]
