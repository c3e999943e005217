import copy
import itertools
import re

import pytest
import torch
from driving import drive
from torchvision.models.detection.anchor_utils import AnchorGenerator as TorchvisionAnchorGenerator
from torchvision.models.detection.image_list import ImageList as TorchvisionImageList

from frcnn_edu.lessons import explore
from frcnn_edu.lessons.base_anchors.explorer.explorer import PRESETS
from frcnn_edu.lessons.board.formula import text
from frcnn_edu.lessons.board.scene import Scene
from frcnn_edu.lessons.story import followed, story
from frcnn_edu.lessons.stride_grid.explorer import result as stride_grid
from frcnn_edu.lessons.stride_grid.explorer.panels import _ordinal, draw
from frcnn_edu.lessons.stride_grid.explorer.result import State

STORY = story()


def result(row: int = 0, column: int = 0, **state: object) -> stride_grid.Result:
    return stride_grid.compute(State(row, column, **state), STORY)  # type: ignore[arg-type]


def test_driven() -> None:
    drive(explore.stride_grid())


@pytest.mark.parametrize(("size", "divisible"), [(120, 32), (137, 32), (200, 1), (251, 1), (333, 32)])
def test_grids_are_those_of_the_real_backbone(size: int, divisible: int) -> None:
    transform = copy.deepcopy(STORY.model.transform)
    transform.min_size, transform.max_size, transform.size_divisible = (size,), 10_000, divisible
    with torch.no_grad():
        batch, _ = transform([STORY.image])
        maps = list(STORY.model.backbone(batch.tensors).values())
    for level, features in enumerate(maps):
        image, padded, grid = stride_grid.sizes(State(0, 0, level, size, divisible), STORY)
        assert image == batch.image_sizes[0]
        assert padded == tuple(batch.tensors.shape[-2:])
        assert grid == tuple(features.shape[-2:])


@pytest.mark.parametrize("size", [120, 250, 600, 800])
@pytest.mark.parametrize("divisible", [1, 32])
def test_anchors_are_torchvisions(size: int, divisible: int) -> None:
    image, padded, _ = stride_grid.sizes(State(0, 0, 0, size, divisible), STORY)
    grids = [stride_grid.sizes(State(0, 0, level, size, divisible), STORY)[2] for level in range(5)]
    theirs = TorchvisionAnchorGenerator(tuple((s,) for s in PRESETS["full model"][0]), ((0.5, 1.0, 2.0),) * 5)
    batch = TorchvisionImageList(torch.zeros(1, 3, *padded), [image])
    anchors = theirs(batch, [torch.zeros(1, 1, *grid) for grid in grids])[0].split([3 * h * w for h, w in grids])
    for level, (rows, columns) in enumerate(grids):
        row, column = rows - 1, columns // 2
        found = result(row, column, level=level, size=size, divisible=divisible, preset="full model")
        assert torch.equal(found.ours, anchors[level].view(rows, columns, 3, 4)[row, column])


def test_the_stride_of_pool_is_61_and_not_64() -> None:
    found = result(12, 16, level=4, size=800, preset="full model")
    assert (found.padded, found.grid, found.stride, found.true) == ((800, 1088), (13, 17), (61, 64), 64)
    assert found.drift == (0, 12 * 3)
    explorer = explore.stride_grid()
    explorer.try_prompt(1)
    assert "stride y = 800 // 13 = 61, but the next cell is 64 pixels away" in explorer.formula
    assert "36 pixels too high" in explorer.words


def test_the_first_view_is_the_courses_best_anchor() -> None:
    explorer = explore.stride_grid()
    best = torch.cat(STORY.trace.anchors)[followed().anchor]
    assert torch.equal(explorer.result.ours[explorer.state.shape], best)


def test_row_and_column_stay_on_the_grid() -> None:
    explorer = explore.stride_grid()
    explorer.set(row=99, column=99)
    assert (explorer.state.row, explorer.state.column) == (7, 9)
    assert (explorer.controls["row"].max, explorer.controls["column"].max) == (7, 9)
    explorer.controls["level"].value = 3  # the cell at the same place of the image
    assert (explorer.state.row, explorer.state.column) == (3, 4)


def test_cells_are_clicked_and_walked() -> None:
    explorer = explore.stride_grid()
    explorer._happened({"kind": "pick", "panel": "picture", "group": "cell", "id": 23})
    assert (explorer.state.row, explorer.state.column) == (2, 3)
    explorer._happened({"kind": "arrow", "panel": "picture", "dx": 1, "dy": 0})
    explorer._happened({"kind": "arrow", "panel": "picture", "dx": 0, "dy": -1})
    assert (explorer.state.row, explorer.state.column) == (1, 4)
    explorer._happened({"kind": "pick", "panel": "near", "group": "anchor", "id": 2})
    assert explorer.state.shape == 2


def test_faint_anchors_are_few_enough_to_draw() -> None:
    for size in (120, 800):
        assert 0 < len(result(level=0, size=size).faint) <= 1.2 * stride_grid.MOST
    assert len(result(all=False).faint) == 0


# ---------------------------------------------------------------------------------------------------------------- sentences


def sentences(scene: Scene) -> list[str]:
    """The words below the panels, and what describes each panel to readers who cannot see it."""
    said = " ".join([text(scene.words), *(f"{panel.alt.rstrip('.')}." for panel in scene.panels)])
    return re.split(r"(?<=[.?!]) ", said)


def test_every_state_is_described_in_whole_sentences() -> None:
    seen = set()
    for size, divisible, level in itertools.product((32, 34, 100, 120, 250, 800), (1, 32), range(5)):
        rows, columns = stride_grid.sizes(State(0, 0, level, size, divisible), STORY)[2]
        for row, column in itertools.product({0, rows - 1}, {0, columns - 1}):
            scene = draw(result(row, column, level=level, size=size, divisible=divisible), STORY)
            assert all(re.match(r"[A-Z].*[.]$", sentence) for sentence in sentences(scene)), sentences(scene)
            said = " ".join(sentences(scene))
            assert not re.search(r"\b0 pixels|\b1 pixels|from 0 to|\b1.1 cells|  |, (its|it|the cell) ", said), said
            seen.update(re.sub(r"[\d.]+", "#", sentence) for sentence in sentences(scene))
    assert len(seen) > 25  # the states differ in what they say


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ({"level": 2}, "There is no drift: all anchors are centred on the corners of their cells."),
        ({"level": 2}, "Its anchors are centred on its upper left corner, not on its centre."),
        ({"level": 2, "row": 4, "column": 7}, "cell (4, 7) is filled, and its three anchors are drawn."),
        ({"level": 2}, "Level P4 has 8×10 cells with three anchors each, 240 in all."),
        ({"level": 2, "row": 4, "column": 7}, "The selected anchor is entirely inside the image."),
        ({"level": 0, "row": 31, "shape": 0}, "The selected anchor is entirely outside the image."),
        ({"level": 0}, "The selected anchor has 25 % of its area inside the image."),
        ({"level": 4, "size": 800}, "The drift grows to 36 pixels over the rows; there is none over the columns."),
        ({"level": 4, "size": 800}, "Stride y is too short, but this cell has no error yet: go down."),
        (
            {"level": 3, "size": 250, "divisible": 1},
            "Both strides are too short, but this cell has no error yet: go down and to",
        ),
        ({"level": 4, "size": 800, "row": 12}, "to the centre of its anchors, 36 pixels up."),
        ({"level": 4, "size": 32, "divisible": 1}, "Level pool has 1×1 cell with three anchors. The selected anchor"),
    ],
)
def test_what_is_said(state: dict[str, int], said: str) -> None:
    scene = draw(result(**state), STORY)
    assert said in " ".join(sentences(scene))


def test_a_single_row_has_no_next_one() -> None:
    """Its stride is short, but moves nothing, and no cell follows."""
    found = result(level=4, size=32)
    assert (found.grid[0], found.stride[0], found.true) == (1, 32, 64)
    scene = draw(found, STORY)
    assert "next cell" not in text(scene.formula[0])
    assert "no error yet" not in text(scene.words)


def test_ordinals() -> None:
    assert [_ordinal(n) for n in (2, 3, 4, 11, 12, 21, 22, 23)] == [
        "second", "third", "4th", "11th", "12th", "21st", "22nd", "23rd",
    ]  # fmt: skip
