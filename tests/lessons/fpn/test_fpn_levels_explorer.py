import pytest
import torch
from driving import drive

from frcnn_edu.lessons import explore
from frcnn_edu.lessons.board.scene import Boxes, Grid
from frcnn_edu.lessons.fpn.explorer.result import (
    LEVELS,
    STAGES,
    STRENGTH,
    State,
    compute,
    has,
    middle_cell,
    parts,
    telling_channel,
)
from frcnn_edu.lessons.stages import strength
from frcnn_edu.lessons.story import story

STORY = story()
FPN = STORY.model.backbone.fpn  # type: ignore[union-attr]
LEGAL = [(level, stage) for level in range(5) for stage in STAGES if has(level, stage)]


@pytest.mark.slow
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
    among = STORY.trace.pyramid["3"] if level == 4 else None
    assert torch.equal(all_of_them, strength(features, among))


def test_it_opens_in_the_channel_in_which_the_object_stands_out_most() -> None:
    x1, y1, x2, y2 = (round(side / 4) for side in STORY.box.tolist())
    pyramid = STORY.trace.pyramid["0"][0]

    def outstanding(channel: int) -> float:
        values = pyramid[channel]
        return abs(float(values[y1:y2, x1:x2].mean() - values.mean()) / float(values.std()))

    first = explore.fpn_levels().state.channel
    assert first == telling_channel(STORY) == max(range(len(pyramid)), key=outstanding)


@pytest.mark.parametrize("level", range(5))
def test_the_cell_of_the_objects_middle_contains_it(level: int) -> None:
    row, column = middle_cell(level, STORY)
    x, y = ((STORY.box[:2] + STORY.box[2:]) / 2).tolist()
    side = 4 * 2**level  # as the backbone halves; not the padded size divided by the number of cells
    assert column * side <= x < (column + 1) * side
    assert row * side <= y < (row + 1) * side


def test_pool_is_every_second_cell_of_p5() -> None:
    found = compute(State(1, 1, 4, 7), STORY)
    assert found.values["smoothed"] == float(STORY.trace.pyramid["3"][0, 7, 2, 2])
    explorer = explore.fpn_levels()
    explorer.set(level=4, row=1, column=1, channel=7)
    assert explorer.formula.startswith("channel 7, cell (1, 1): pool = P5 in cell (2, 2) = ")
    for channel in (7, STRENGTH):  # strength, too, is that of P5's cell
        explorer.set(channel=channel, row=1, column=1, level=4)
        here = explorer.result.values["smoothed"]
        explorer._happened({"kind": "pick", "panel": "on_P5", "group": "source", "id": 0})
        assert (explorer.state.level, explorer.state.row, explorer.state.column) == (3, 2, 2)
        assert explorer.result.values["smoothed"] == pytest.approx(here, abs=1e-6)


def test_the_formula_is_the_sum_of_the_cell() -> None:
    explorer = explore.fpn_levels()
    explorer.set(channel=3, row=10, column=20)
    values = {stage: f"{value:.2f}".replace("-", "−") for stage, value in explorer.result.values.items()}
    down = f"({values['top-down']})" if "−" in values["top-down"] else values["top-down"]
    first, second = explorer.formula.split("\n")
    assert first.startswith(f"channel 3, cell (10, 20): sum = lateral + top-down = {values['lateral']} + {down} ")
    assert first.endswith(f" {values['both']}")
    assert second.endswith(f" + bias = {values['smoothed']}")
    assert "9 · 64 products" in second


def test_the_sign_says_whether_the_rounded_numbers_add_up() -> None:
    explorer, signs = explore.fpn_levels(), set()
    for column in range(40):
        explorer.set(row=10, column=column)
        lateral, down, both = (round(explorer.result.values[stage], 2) for stage in ("lateral", "top-down", "both"))
        sign = "=" if abs(lateral + down - both) < 1e-9 else "≈"
        assert f" {sign} " in explorer.formula.split("\n")[0].split("top-down = ")[1]
        signs.add(sign)
    assert signs == {"=", "≈"}


def test_strengths_are_not_shown_as_a_sum() -> None:
    explorer = explore.fpn_levels()
    titles = [explorer.scene.panel(stage).title for stage in STAGES]
    assert [title[0] for title in titles[1:]] == ["+", "=", "→"]
    explorer.set(channel=STRENGTH)
    assert not {"+", "=", "→"} & {explorer.scene.panel(stage).title[0] for stage in STAGES}
    assert "strengths do not" in explorer.words


def test_pool_has_no_weights() -> None:
    explorer = explore.fpn_levels()
    explorer.set(level=4)
    assert "3×3" not in explorer.scene.panel("smoothed").title + explorer.formula
    assert "bias" not in explorer.formula


@pytest.mark.parametrize("level", [3, 4])
@pytest.mark.parametrize("stage", STAGES[:3])
def test_a_stage_that_a_level_has_not_is_explained(level: int, stage: str) -> None:
    explorer = explore.fpn_levels()
    explorer.set(level=level, stage=stage)
    assert bool(explorer.board.problem) == (not has(level, stage))
    if explorer.board.problem:
        assert f"no stage “{stage}”" in explorer.board.problem


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
    row, column = explorer.result.source or ()
    total = explorer.result.values["top-down"]
    explorer._happened({"kind": "pick", "panel": "on_P5", "group": "source", "id": row * 5 + column})
    assert (explorer.state.level, explorer.state.row, explorer.state.column) == (3, row, column)
    assert explorer.state.stage == "lateral"  # which is the sum of P5: what came down
    assert explorer.result.values["lateral"] == total


def test_a_click_while_the_state_is_illegal_means_what_is_seen() -> None:
    explorer = explore.fpn_levels()
    explorer.set(level=3, stage="lateral")
    explorer.controls["stage"].value = "top-down"
    assert explorer.board.problem
    explorer._happened({"kind": "pick", "panel": "picture", "group": "cell", "id": 2 * 5 + 4})
    assert not explorer.board.problem
    state = explorer.state
    assert (state.level, state.row, state.column, state.stage) == (3, 2, 4, "lateral")
    assert explorer.controls["stage"].value == "lateral"


def test_a_cell_lights_up_in_all_four_stages() -> None:
    scene = explore.fpn_levels().scene
    for name in ("picture", *STAGES):
        grids = [layer for layer in scene.panel(name).layers if isinstance(layer, Grid) and layer.group == "cell"]
        assert [(grid.rows, grid.columns) for grid in grids] == [(32, 40)]
    ids = [
        layer.ids.tolist()
        for name in ("picture", *STAGES, "on_P2")
        for layer in scene.panel(name).layers
        if isinstance(layer, Boxes) and layer.group == "cell" and layer.ids is not None
    ]
    assert ids == [[14 * 40 + 26]] * 6
    assert [panel.name for panel in scene.panels[-5:]] == [f"on_{name}" for name in LEVELS]


def test_the_source_is_marked_on_the_map_above() -> None:
    explorer = explore.fpn_levels()
    (box,) = {
        tuple(layer.boxes[0].tolist())
        for layer in explorer.scene.panel("on_P3").layers
        if isinstance(layer, Boxes) and layer.group == "source"
    }
    assert box == (13 * 8, 7 * 8, 14 * 8, 8 * 8)
    assert "a copy of cell (7, 13) of P3’s sum" in explorer.words


def test_prompts_follow_the_object() -> None:
    for index in range(len(STORY.boxes)):
        explorer = explore.fpn_levels(object=index)
        name = STORY.classes[int(STORY.target["labels"][index])]
        words, changes = explorer.prompts[3]
        assert words == f"P4: how many cells does our {name} cover?"
        assert (changes["row"], changes["column"]) == middle_cell(2, explorer.subject)
