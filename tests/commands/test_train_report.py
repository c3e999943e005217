"""What is drawn of a run after each evaluation."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from torch import Tensor

from frcnn_edu.commands.train_report import draw_run
from frcnn_edu.data import ShapesDetection
from frcnn_edu.data.unreadable import unreadable
from frcnn_edu.training import LOSSES, Evaluation, RunState, TrainConfig, coco_metrics


class Vanishing(ShapesDetection):
    """Shapes of which none can be read but those that are left."""

    left = range(6)

    def __len__(self) -> int:
        return 6

    def __getitem__(self, index: int) -> tuple[Tensor, dict[str, Any]]:
        if index not in self.left:
            raise unreadable(f"{index}.jpg", "there is no such file")
        return super().__getitem__(index)


@pytest.mark.slow
@pytest.mark.parametrize("left", [(1, 2, 3, 5), (4,), ()], ids=["all that were measured", "another", "none"])
def test_images_that_cannot_be_read_are_not_drawn(tmp_path: Path, left: tuple[int, ...]) -> None:
    data = Vanishing("val")
    targets = [data[index][1] for index in (1, 2, 3, 5)]
    detections = [{"boxes": each["boxes"], "labels": each["labels"], "scores": each["area"] / 1e4} for each in targets]
    metrics = coco_metrics(detections, targets, data.classes)
    found = Evaluation(metrics, detections, targets, {0: "0.jpg is damaged", 4: "4.jpg is damaged"})
    state = RunState()
    state.add_step(dict.fromkeys(LOSSES, 1.0), 0.01)
    state.epochs.append({"epoch": 1.0, "AP": 0.1, "AP50": 0.2, "AP75": 0.1})
    data.left = left
    told: list[tuple[int, bool]] = []
    board: Any = SimpleNamespace(on_epoch=lambda state, found, sheet: told.append((state.step, sheet is not None)))
    draw_run(tmp_path, state, found, data, TrainConfig(epochs=1), "val", board)
    drawn, any_left = {path.name for path in tmp_path.iterdir()}, bool({*left} & {1, 2, 3, 5})
    assert drawn - {"detections.png"} == {"average_precision.png", "losses.png", "report.html"}
    assert ("detections.png" in drawn, told) == (any_left, [(1, any_left)])
