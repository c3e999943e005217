from dataclasses import replace
from pathlib import Path

import pytest
import torch

from frcnn_edu.data import ShapesDetection
from frcnn_edu.training import TrainConfig, build_model, train
from frcnn_edu.watch.dashboard import Dashboard

pytestmark = pytest.mark.slow  # real training

SMALL = {"min_size": 64, "max_size": 80, "box_detections_per_img": 5}  # a hundred boxes with names take long to draw
CONFIG = TrainConfig(model_args=SMALL, epochs=1, batch_size=2, warmup_steps=2)


class Few(ShapesDetection):
    def __len__(self) -> int:
        return 8


def trained(out: Path, watched: bool) -> tuple[torch.nn.Module, Dashboard | None]:
    torch.manual_seed(0)
    data = Few("val")
    model = build_model(CONFIG, len(data.classes))
    board = None
    if watched:
        images, targets = zip(*(data[i] for i in range(2)))
        board = Dashboard(model, images, targets, data.classes, redraw=4, looks=4, score_threshold=0.0)
    train(
        model, data, data, replace(CONFIG, epochs=2), device=torch.device("cpu"), out=out, progress_bar=False,
        on_step=board and board.on_step, on_epoch=board and board.on_epoch,
    )  # fmt: skip
    return model, board


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[torch.nn.Module, torch.nn.Module, Dashboard]:
    folder = tmp_path_factory.mktemp("runs")
    (model, board), (unwatched, _) = trained(folder / "watched", True), trained(folder / "alone", False)
    assert board is not None
    return model, unwatched, board


def test_looking_changes_nothing(runs: tuple[torch.nn.Module, torch.nn.Module, Dashboard]) -> None:
    watched, alone, _ = runs
    weights = alone.state_dict()
    assert all(torch.equal(value, weights[name]) for name, value in watched.state_dict().items())


def test_everything_is_drawn(runs: tuple[torch.nn.Module, torch.nn.Module, Dashboard]) -> None:
    board = runs[2]
    assert list(board.found) == [0, 4, 8]
    assert board.moment.value == 8
    assert board.status.value.startswith("step 8, ")
    for picture in (board.losses, board.metrics, board.sheet):
        assert picture.value[:4] == b"\x89PNG"
    assert board.widget.children[-1] is board.sheet


def test_the_slider_leads_back(runs: tuple[torch.nn.Module, torch.nn.Module, Dashboard]) -> None:
    board = runs[2]
    now = board.sheet.value
    board.moment.value = 0
    assert board.sheet.value != now
    board.moment.value = 8
    assert board.sheet.value == now


def test_one_image_over_time(runs: tuple[torch.nn.Module, torch.nn.Module, Dashboard]) -> None:
    board = runs[2]
    captions = [ax.texts[-1].get_text().split(":")[0] for ax in board.over_time(1, moments=3).axes]
    assert captions == ["after step 0", "after step 4", "after step 8"]
    assert len(board.over_time(moments=50).axes) == 3
