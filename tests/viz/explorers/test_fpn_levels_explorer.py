import pytest
import torch
from driving import drive

from frcnn_edu.viz import explore
from frcnn_edu.viz.explorers.fpn_levels_result import LEVELS, STAGES, State, compute, has, parts
from frcnn_edu.viz.explorers.scene import Boxes
from frcnn_edu.viz.stages import strength
from frcnn_edu.viz.story import story

STORY = story()
FPN = STORY.model.backbone.fpn  # type: ignore[union-attr]
LEGAL = [(level, stage) for level in range(5) for stage in STAGES if has(level, stage)]


def test_driven() -> None:
    drive(explore.fpn_levels())


def test_smoothing_the_sums_gives_the_models_pyramid() -> None:
    maps, pyramid = parts(STORY), list(STORY.trace.pyramid.values())
    for level in range(4):
        total = maps["both"][level] if level < 3 else maps["lateral"][level]
        with torch.no_grad():
            torch.testing.assert_close(FPN.layer_blocks[level](total), pyramid[level], rtol=1e-4, atol=1e-4)  # type: ignore[union-attr,index,operator]


@pytest.mark.parametrize("level", range(3))
def test_lateral_and_top_down_add_up_in_every_cell(level: int) -> None:
    _, channels, rows, columns = STORY.trace.pyramid[str(level)].shape
    chance = torch.Generator().manual_seed(level)
    for _ in range(20):
        row, column, channel = (int(torch.randint(n, (), generator=chance)) for n in (rows, columns, channels))
        found = compute(State(row, column, level, channel), STORY)
        values = found.values
        assert values["both"] == pytest.approx(values["lateral"] + values["top-down"], abs=1e-5)
        # What comes down is a copy of the coarser level's sum.
        above = parts(STORY)["both" if level < 2 else "lateral"][level + 1]
        assert above is not None
        assert found.source is not None
        assert values["top-down"] == float(above[0, channel][found.source])


@pytest.mark.parametrize(("level", "stage"), LEGAL)
def test_the_map_shown_is_the_one_named(level: int, stage: str) -> None:
    features = parts(STORY)[stage][level]
    assert features is not None
    one = compute(State(0, 0, level, 5, stage), STORY).stages[stage]
    assert one is not None
    assert torch.equal(one, features[0, 5])
    all_of_them = compute(State(0, 0, level, -1, stage), STORY).stages[stage]
    assert all_of_them is not None
    assert torch.equal(all_of_them, strength(features))


def test_pool_is_every_second_cell_of_p5() -> None:
    found = compute(State(1, 1, 4, 7), STORY)
    assert found.values["smoothed"] == float(STORY.trace.pyramid["3"][0, 7, 2, 2])
    explorer = explore.fpn_levels()
    explorer.set(level=4, row=1, column=1, channel=7)
    assert explorer.formula.startswith("pool, cell (1, 1) = P5, cell (2, 2) = ")


def test_the_formula_is_the_sum_of_the_cell() -> None:
    explorer = explore.fpn_levels()
    explorer.set(channel=3, row=10, column=20)
    values = explorer.result.values
    words = [f"{name} {values[key]:.2f}" for name, key in (("lateral", "lateral"), ("top-down", "top-down"))]
    expected = f"P2, cell (10, 20): {words[0]} + {words[1]} = {values['both']:.2f};  3×3 over all channels → {values['smoothed']:.2f}"
    assert explorer.formula == expected.replace("-0.", "−0.").replace("-1.", "−1.")


@pytest.mark.parametrize("level", [3, 4])
@pytest.mark.parametrize("stage", STAGES[:3])
def test_a_stage_that_a_level_has_not_is_explained(level: int, stage: str) -> None:
    explorer = explore.fpn_levels()
    explorer.set(level=level, stage=stage)
    assert bool(explorer.board.problem) == (not has(level, stage))
    if explorer.board.problem:
        assert f"no {stage}" in explorer.board.problem


def test_clicks_choose_cells_stages_and_levels() -> None:
    explorer = explore.fpn_levels()
    for group, id, expected in (
        ("cell", 45, {"row": 1, "column": 5}),
        ("stage", 1, {"stage": "top-down"}),
        ("level", 2, {"level": 2}),
    ):
        explorer._happened({"kind": "pick", "panel": "picture", "group": group, "id": id})
        assert {name: getattr(explorer.state, name) for name in expected} == expected
    assert (explorer.state.row, explorer.state.column) == (3, 6)  # where the object's middle lies on P4
    explorer._happened({"kind": "arrow", "panel": "picture", "dx": 9, "dy": 9})
    assert (explorer.state.row, explorer.state.column) == (7, 9)


def test_the_chosen_cell_is_the_same_in_all_stages() -> None:
    scene = explore.fpn_levels().scene
    ids = [
        layer.ids.tolist()
        for name in ("picture", *STAGES)
        for layer in scene.panel(name).layers
        if isinstance(layer, Boxes) and layer.group == "cell" and layer.ids is not None
    ]
    assert ids == [[14 * 40 + 26]] * 5
    assert [panel.name for panel in scene.panels[-5:]] == [f"on_{name}" for name in LEVELS]
