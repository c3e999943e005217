"""The figure of a data set: its numbers are the report's, and nothing in it is cut off or lies on something else."""

from itertools import combinations
from typing import Any

import pytest
import torch
from matplotlib.figure import Figure
from matplotlib.text import Text
from torch import Tensor

from frcnn_edu import FasterRCNN, fasterrcnn_small_fpn
from frcnn_edu.training.data_report import describe_data
from frcnn_edu.viz import figure_to_png
from frcnn_edu.watch.data_picture import draw_data_report


class Many:
    """`count` images with `objects` each, of many classes with long names."""

    def __init__(self, count: int, classes: int, objects: int, shape: float = 1.0) -> None:
        self.count, self.objects, self.shape = count, objects, shape
        self.classes = ("background", *(f"${i} for a class with a name that is very long" for i in range(classes)))

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> tuple[Tensor, dict[str, Any]]:
        random = torch.rand(self.objects, 4, generator=torch.Generator().manual_seed(index))
        corners = random[:, :2] * torch.tensor([80.0, 40])
        sides = 4 + 40 * random[:, 2:] ** 2 * torch.tensor([1.0, self.shape])
        labels = torch.arange(self.objects) ** 2 % (len(self.classes) - 1) + 1
        crowd = torch.zeros(self.objects, dtype=torch.int64)
        boxes = torch.cat((corners, corners + sides), dim=1)
        return torch.zeros(3, 128, 160), {"boxes": boxes, "labels": labels, "iscrowd": crowd}


@pytest.fixture(scope="module")
def model() -> FasterRCNN:
    return fasterrcnn_small_fpn(num_classes=3).eval()  # type: ignore[return-value]


def words(figure: Figure) -> list[Text]:
    """All texts that are seen."""
    figure.draw_without_rendering()
    seen = [text for text in figure.findobj(Text) if text.get_text().strip() and text.get_visible()]
    # Tick labels beyond the limits of an axis exist, but are not drawn.
    drawn = {
        id(text)
        for ax in figure.axes
        for axis in (ax.xaxis, ax.yaxis)
        for tick in axis._update_ticks()
        for text in (tick.label1,)
    }  # type: ignore[attr-defined]
    ticks = {id(tick.label1) for ax in figure.axes for axis in (ax.xaxis, ax.yaxis) for tick in axis.get_major_ticks()}
    return [text for text in seen if id(text) in drawn or id(text) not in ticks]


@pytest.mark.parametrize(
    "splits",
    [
        {"train": (3, 4, 30), "val": (2, 4, 30), "test": (1, 4, 30)},
        {"train": (2, 1, 3)},
        {"train": (9, 80, 60), "val": (2, 80, 60)},
        {"train": (2, 2, 0)},
        {"train": (3, 3, 50, 4.0)},
    ],
    ids=["three splits", "one class", "80 classes", "no object", "tall"],
)
@pytest.mark.slow
def test_nothing_is_cut_off_or_covered(model: FasterRCNN, splits: dict[str, tuple]) -> None:
    report = describe_data({name: Many(*numbers) for name, numbers in splits.items()}, model)
    figure = draw_data_report(report, "A folder with a name that is far too long for the width of a figure, $ and all")
    texts = words(figure)
    assert any(text.get_text().startswith("$0 for a class") for text in texts)
    boxes = [text.get_window_extent() for text in texts]
    for text, box in zip(texts, boxes):
        assert box.x0 >= 0, text
        assert box.y0 >= 0, text
        assert box.x1 <= figure.bbox.width, text
        assert box.y1 <= figure.bbox.height, text
    for (one, first), (other, second) in combinations(zip(texts, boxes), 2):
        assert not first.padded(-1).overlaps(second.padded(-1)), (one, other)
    assert figure_to_png(figure)[:4] == b"\x89PNG"


def test_bars_are_the_reports_numbers(model: FasterRCNN) -> None:
    report = describe_data({"train": Many(3, 4, 30, 4.0), "val": Many(2, 4, 30, 4.0)}, model)
    assert report.fitted_reach is not None
    _, classes, sizes, levels, reach = draw_data_report(report, "data").axes
    assert sum(bar.get_width() for bar in classes.patches) == 150
    heights = [bar.get_height() for bar in levels.patches]
    assert heights == pytest.approx([float((report.levels == i).float().mean()) for i in range(4)])
    shares = [bar.get_height() for bar in reach.patches]
    assert len(shares) == 12
    assert shares[5] == pytest.approx(float((report.reach.amax(dim=1) >= 0.5).float().mean()))
    assert shares[11] == pytest.approx(float((report.fitted_reach.amax(dim=1) >= 0.5).float().mean()))
    bins = [bar for bar in sizes.patches if bar.get_facecolor()[3] == 1]
    assert sum(bar.get_height() for bar in bins) == 150
