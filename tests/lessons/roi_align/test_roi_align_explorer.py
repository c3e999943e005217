import random
import re

import pytest
import torch
import torchvision
from driving import drive

from frcnn_edu.lessons.board.scene import Boxes, Points
from frcnn_edu.lessons.roi_align.explorer.explorer import RoiAlignExplorer
from frcnn_edu.lessons.roi_align.explorer.result import ADAPTIVE, AS_MAPPED, Result, State, compute
from frcnn_edu.lessons.stages import LEVEL_KEYS
from frcnn_edu.lessons.story import followed, story

STORY = story()


def random_states(number: int) -> list[State]:
    chance = random.Random(1)
    states = []
    for _ in range(number):
        x, y = chance.uniform(-10, 140), chance.uniform(-10, 100)
        box = (x, y, x + chance.uniform(0.5, 80), y + chance.uniform(0.5, 60))
        size, ratio = chance.randint(1, 14), chance.choice([1, 2, 3, 4, ADAPTIVE])
        row, column = chance.randrange(size), chance.randrange(size)
        states.append(
            State(box, size, ratio, chance.random() < 0.5, chance.randint(-1, 3), chance.randint(-1, 63), row, column)
        )
    return states


def theirs(found: Result) -> tuple[torch.Tensor, torch.Tensor]:
    state = found.state
    rois, features = torch.tensor([[0.0, *state.box]]), found.values[None, None].contiguous()
    pooled = torchvision.ops.roi_align(features, rois, state.size, found.scale, state.ratio, state.aligned)[0, 0]
    return pooled, torchvision.ops.roi_pool(features, rois, state.size, found.scale)[0, 0]


@pytest.mark.slow
def test_driven() -> None:
    drive(RoiAlignExplorer())


@pytest.mark.parametrize("state", random_states(60), ids=str)
def test_grids_are_torchvisions_and_bins_are_means_of_their_points(state: State) -> None:
    found = compute(state, STORY)
    pooled, largest = theirs(found)
    torch.testing.assert_close(found.pooled, pooled, rtol=1e-4, atol=1e-4)
    assert torch.equal(found.max_pooled, largest)
    number = found.ratios[0] * found.ratios[1]
    mean = sum(found.value(k) for k in range(number)) / number
    assert mean == pytest.approx(float(pooled[state.row, state.column]), abs=1e-4)


def test_the_first_view_reads_what_the_model_reads() -> None:
    explorer = RoiAlignExplorer()
    assert explorer.result.level == int(STORY.trace.levels[followed().proposal])
    explorer.set(channel=11, box=tuple(STORY.trace.proposals[followed().proposal].tolist()))
    torch.testing.assert_close(
        explorer.result.pooled, STORY.trace.pooled[followed().proposal, 11], rtol=1e-4, atol=1e-4
    )


@pytest.mark.parametrize("level", [AS_MAPPED, 0, 1, 2, 3])
def test_the_map_is_the_levels(level: int) -> None:
    found = compute(State((10.0, 10.0, 70.0, 70.0), level=level, channel=3), STORY)
    key = LEVEL_KEYS[found.level]
    assert found.level == (level if level >= 0 else 1)
    assert torch.equal(found.values, STORY.trace.pyramid[key][0, 3])


def test_weights_of_a_point_add_up_to_one_inside() -> None:
    found = compute(State((40.0, 30.0, 77.0, 71.0)), STORY)
    for number in range(4):
        cells, weights, values = found.samples(number)
        assert sum(weights) == pytest.approx(1, abs=1e-6)
        px, py = found.point(number)
        x, y = float(found.x[px]), float(found.y[py])
        for (row, column), weight, value in zip(cells, weights, values, strict=True):
            assert weight == pytest.approx((1 - abs(row - y)) * (1 - abs(column - x)), abs=1e-5)
            assert value == float(found.values[row, column])


def test_half_a_cell_moves_roi_align_and_not_always_roi_pool() -> None:
    first, second = (compute(State((88.0 + move, 40.0, 116.0 + move, 68.0)), STORY) for move in (0.0, 1.9))
    assert torch.equal(first.max_pooled, second.max_pooled)
    assert not torch.allclose(first.pooled, second.pooled)


def test_aligned_reads_half_a_cell_further_up_and_left() -> None:
    plain, aligned = (compute(State((40.0, 30.0, 77.0, 71.0), aligned=flag), STORY) for flag in (False, True))
    torch.testing.assert_close(plain.x - 0.5, aligned.x)
    torch.testing.assert_close(plain.y - 0.5, aligned.y)


def test_the_formula_adds_up() -> None:
    explorer = RoiAlignExplorer()
    for place in range(4):
        explorer.set(point=place, row=2, column=5)
        first, second = explorer.formula.split("\n")
        products = [float(a) * float(b.replace("−", "-")) for a, b in re.findall(r"([\d.]+) · (−?[\d.]+)", first)]
        assert len(products) == 4
        assert sum(products) == pytest.approx(float(first.split(" ≈ ")[-1].replace("−", "-")), abs=0.05)
        assert float(second.split(" = ")[-1]) == pytest.approx(float(explorer.result.pooled[2, 5]), abs=0.005)


def test_points_and_bins_are_bounded() -> None:
    explorer = RoiAlignExplorer()
    explorer.set(row=6, column=6, point=3)
    explorer.controls["size"].value = 3
    assert (explorer.state.row, explorer.state.column) == (2, 2)
    explorer.controls["ratio"].value = 1
    assert explorer.state.point == explorer.controls["point"].max == 0
    explorer.controls["ratio"].value = ADAPTIVE
    across, down = explorer.result.ratios
    assert explorer.controls["point"].max == across * down - 1 > 0


def test_clicks_and_keys_choose_bins_and_points() -> None:
    explorer = RoiAlignExplorer()
    explorer._happened({"kind": "pick", "panel": "pool", "group": "bin", "id": 9})
    assert (explorer.state.row, explorer.state.column) == (1, 2)
    explorer._happened({"kind": "arrow", "panel": "align", "dx": 1, "dy": -1})
    assert (explorer.state.row, explorer.state.column) == (0, 3)
    explorer._happened({"kind": "pick", "panel": "map", "group": "point", "id": 5 * 14 + 8})
    assert (explorer.state.row, explorer.state.column, explorer.state.point) == (2, 4, 2)
    assert explorer.result.point(2) == (8, 5)


def test_special_boxes_are_said_in_words() -> None:
    explorer = RoiAlignExplorer()
    explorer.set(box=(104.0, 58.0, 107.0, 60.0))
    assert "is extended to one cell" in explorer.words
    explorer.set(box=(-40.0, -40.0, 20.0, 20.0), row=0, column=0)
    assert "away from the centre of the nearest cell, so its value is 0" in explorer.words
    explorer.set(box=(10.0, 10.0, 10.0, 20.0))
    assert "no area" in explorer.board.problem


def test_words_count_points_and_rounding() -> None:
    explorer = RoiAlignExplorer()
    assert "read at 4 points" in explorer.words
    explorer.set(ratio=1)
    assert "read at 1 point." in explorer.words
    assert "bin (3, 3) = v₀ = " in explorer.formula
    explorer.set(box=(88.0, 40.0, 116.0, 68.0))
    assert "does not change them" in explorer.words
    explorer.set(box=(89.0, 40.0, 117.0, 68.0))
    assert "here by up to 0.25 cells or 1.0 pixels" in explorer.words
    explorer.set(box=(0.0, 0.0, 160.0, 120.0), level=0)
    assert "one more cell" in explorer.words  # there is padding below, though not on the right
    explorer.set(aligned=True)
    assert "half a cell, up and to the left" in explorer.words


def test_bins_are_linked_in_all_panels() -> None:
    scene = RoiAlignExplorer().scene
    for name in ("map", "align", "pool"):
        chosen = [
            layer
            for layer in scene.panel(name).layers
            if isinstance(layer, Boxes) and layer.group == "bin" and layer.ids is not None
        ]
        assert [layer.ids.tolist() for layer in chosen] == [[3 * 7 + 3]]  # type: ignore[union-attr]
    points = [layer for layer in scene.panel("map").layers if isinstance(layer, Points) and layer.ids is None]
    assert [len(layer.points) for layer in points] == [14 * 14]
