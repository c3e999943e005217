import itertools
import math
import re
from typing import Any

import pytest
import torch
from driving import drive
from torchvision.models.detection.anchor_utils import AnchorGenerator as TorchvisionAnchorGenerator
from torchvision.ops import box_iou

from frcnn_edu.lessons import explore
from frcnn_edu.lessons.base_anchors.explorer import explorer as base_anchors
from frcnn_edu.lessons.base_anchors.explorer.explorer import FULL, State
from frcnn_edu.lessons.base_anchors.explorer.panels import draw
from frcnn_edu.lessons.base_anchors.explorer.words import cut
from frcnn_edu.lessons.base_anchors.pictures.main import DEFAULT_SIZES, area_errors
from frcnn_edu.lessons.board.formula import text
from frcnn_edu.lessons.board.scene import Boxes, Lines, Words
from frcnn_edu.lessons.story import followed, story
from frcnn_edu.viz import style as st

STORY = story()


def result(**state: Any) -> base_anchors.Result:
    return base_anchors.compute(State(**state), STORY)


def opened(**changes: Any) -> base_anchors.BaseAnchorsExplorer:
    explorer: Any = explore.base_anchors()
    if changes:
        explorer.set(**changes)
    return explorer


def sides(boxes: torch.Tensor) -> torch.Tensor:
    return boxes[:, 2:] - boxes[:, :2]


@pytest.mark.slow
def test_driven() -> None:
    drive(explore.base_anchors())


# ---------------------------------------------------------------------------------------------------------------- compute


def test_the_first_view_has_the_models_own_anchors() -> None:
    generator: Any = STORY.model.rpn.anchor_generator
    found = result()
    assert torch.equal(found.boxes, torch.cat(generator.cell_anchors))
    where = followed()  # the best anchor of the object stands there, and is one of these, moved
    moved = torch.cat(STORY.trace.anchors)[where.anchor]
    assert torch.equal(moved - moved.view(2, 2).mean(dim=0).repeat(2), found.boxes[3 * where.level + where.shape])


@pytest.mark.parametrize("ratios", [(0.5, 1.0, 2.0), (0.1, 0.35, 8.0), (0.72, 1.0, 3.3)])
@pytest.mark.parametrize("sizes", [DEFAULT_SIZES, (25, 27, 48, 81, 99), (1, 2, 3, 5, 1000)])
def test_boxes_are_torchvisions_and_the_exact_ones_rounded(sizes: Any, ratios: Any) -> None:
    named = dict(zip(base_anchors.SIZES + base_anchors.RATIOS, (*sizes, *ratios), strict=True))
    found = result(**named)
    theirs = TorchvisionAnchorGenerator(tuple((size,) for size in sizes), (ratios,) * 5)
    assert torch.equal(found.boxes, torch.cat(theirs.cell_anchors))  # type: ignore[arg-type]
    assert torch.equal(found.exact.round(), found.made)
    assert bool((sides(found.made) % 2 == 0).all())


def test_the_formulas_keep_area_and_ratio() -> None:
    found = result(rounded=False, first=0.3, third=5.0)
    assert torch.equal(found.boxes, found.exact)
    w, h = sides(found.exact).T
    torch.testing.assert_close(w, found.sizes / found.ratios.sqrt())
    torch.testing.assert_close(h / w, found.ratios)
    assert float(found.error.abs().max()) < 1e-4 < float(found.cost.abs().max())


@pytest.mark.parametrize("state", [{}, FULL])
def test_errors_are_those_of_the_course(state: dict[str, Any]) -> None:
    found = result(**state)
    torch.testing.assert_close(found.error.view(5, 3).T, area_errors(State(**state).sizes))
    assert torch.equal(found.error, found.cost)


def test_fits_are_torchvisions() -> None:
    found = result()
    middle = STORY.box.view(2, 2).mean(dim=0).repeat(2)
    torch.testing.assert_close(found.fit, box_iou(STORY.box[None], found.boxes + middle)[0])
    assert found.foreground == 0.7
    assert [round(float(fit), 2) for fit in found.fit[6:9]] == [0.63, 0.63, 0.42]  # as the notebook has them


def test_the_full_models_object_is_as_large_as_its_images() -> None:
    w, h = (result(**FULL).ground_truth[2:] - result(**FULL).ground_truth[:2]).tolist()
    assert (round(w, 2), round(h, 2)) == (round(44 * 800 / 120, 2), 220.0)


# ------------------------------------------------------------------------------------------------------------- what is drawn


def test_the_same_anchor_is_linked_everywhere() -> None:
    scene = opened(level=1, shape=2).scene
    for name in ("all", "errors", "fits"):
        (linked,) = (layer for layer in scene.panel(name).layers if isinstance(layer, Boxes) and layer.group)
        assert (linked.group, linked.ids, len(linked.boxes)) == ("anchor", None, 15)  # ids are 0 … 14 then
        assert set(linked.values) == {"s", "r", "error %", "IoU"}
    ground_truth, anchor = (layer for layer in scene.panel("object").layers if isinstance(layer, Boxes))
    assert anchor.ids is not None
    assert (anchor.group, anchor.ids.tolist(), ground_truth.group) == ("anchor", [5], "ground_truth")
    assert ground_truth.dashed
    marks = {piece.mark for line in scene.formula for piece in line if hasattr(piece, "mark")}  # type: ignore[union-attr]
    assert marks == {"anchor:5"}


def test_levels_have_their_colours_and_names() -> None:
    scene = opened(p3=25).scene
    for name in ("all", "errors", "fits"):
        levels = [layer for layer in scene.panel(name).layers if isinstance(layer, Boxes) and len(layer.boxes) == 3]
        assert {layer.color for layer in levels} == set(st.LEVELS.values())
    named = {word.texts[0]: word.chip for word in scene.panel("all").layers if isinstance(word, Words)}
    assert named["P3 25"] == st.LEVELS["P3"]
    assert named["pool 112"] == st.LEVELS["pool"]


def test_bars_are_as_long_as_the_errors() -> None:
    explorer = opened()
    bars = [
        layer.boxes
        for layer in explorer.scene.panel("errors").layers
        if isinstance(layer, Boxes) and len(layer.boxes) == 3
    ]
    heights = torch.cat([boxes[:, 1] + boxes[:, 3] for boxes in bars])  # one of the two is 0
    torch.testing.assert_close(heights, explorer.result.error)
    explorer.set(rounded=False)
    pale, *_ = (layer for layer in explorer.scene.panel("errors").layers if isinstance(layer, Boxes))
    torch.testing.assert_close(pale.boxes[:, 1] + pale.boxes[:, 3], explorer.result.cost)
    assert "No error" in explorer.scene.panel("errors").title
    assert explorer.scene.panel("errors").alt.endswith("all are 0")


def test_the_corner_keeps_to_its_two_ways() -> None:
    explorer = opened(level=3, shape=0)
    curve, ray = (
        layer.points[0] for layer in explorer.scene.panel("all").layers if isinstance(layer, Lines) and layer.dashed
    )
    torch.testing.assert_close(4 * curve.prod(dim=1), torch.full((60,), 80.0**2))  # same size: w · h = s²
    assert float(ray[1, 1] / ray[1, 0]) == 0.5  # same ratio
    (grip,) = explorer.scene.handles
    torch.testing.assert_close(grip.box.view(2, 2).mean(dim=0), explorer.result.exact[9, 2:])


def test_the_corner_in_pixels_shows_both() -> None:
    explorer = opened(level=0)
    made, exact = (layer.boxes[0] for layer in explorer.scene.panel("corner").layers if isinstance(layer, Boxes))
    assert made.tolist() == [-8, -4, 8, 4]
    assert torch.equal(exact, explorer.result.exact[0])
    left, top, right, bottom = explorer.scene.panel("corner").view
    assert left < float(exact[2]) < right
    assert top < float(exact[3]) < bottom


def test_all_boxes_are_in_the_panel() -> None:
    explorer = opened()
    for first, third, pool in itertools.product((0.1, 0.5), (2.0, 8.0), (112, 160)):
        explorer.set(first=first, third=third, pool=pool)
        assert float(explorer.result.boxes.abs().max()) < explorer.scene.panel("all").view[2]


# -------------------------------------------------------------------------------------------------------- formula and words


def test_the_formula_has_the_numbers_of_the_selected_anchor() -> None:
    explorer = opened(level=0)
    w, h = 12 / math.sqrt(0.5), 12 * math.sqrt(0.5)
    assert explorer.formula.split("\n") == [
        f"w = s / √r = 12 / √(0.5) = {w:.2f}, its half {w / 2:.2f} → 8, so w = 16",
        f"h = s · √r = 12 · √(0.5) = {h:.2f}, its half {h / 2:.2f} → 4, so h = 8",
        "corners [−8.49, −4.24, 8.49, 4.24] → [−8, −4, 8, 4]",
        "w · h = 128, s² = 144: error −11.11 %, IoU = 128 / (128 + 1452 − 128) = 0.09",
    ]
    explorer.set(rounded=False)
    assert "12 / √(0.5) = 16.97, not rounded: w = 16.97" in explorer.formula
    assert "w · h = 144, s² = 144: error 0 %" in explorer.formula
    assert "→" not in explorer.formula


def test_a_number_shows_on_which_side_of_one_half_it_lies() -> None:
    assert [cut(value) for value in (12.5, 16.4971, 28.28427, 24.0, -0.001, -11.5)] == [
        "12.5", "16.4971", "28.28", "24", "0", "−11.5",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {},
            "For the wide anchor on P4, w/2 = 33.94 is rounded to 34, so w is 68. (After rounding, all sides are even.)",
        ),
        (
            {},
            "The error of its area is +0.35 %; the largest of the fifteen is −11.11 %, on P2. The anchor’s IoU with our object is 0.63, which is less than 0.7.",
        ),
        ({"level": 0}, "The error of its area is −11.11 %, the largest of the fifteen."),
        ({"shape": 1}, "The w and h of the square anchor on P4 are even, so rounding changes nothing."),
        (
            {"p3": 25, "level": 1, "shape": 1},
            "For the square anchor on P3, w/2 = 12.5 is as close to 13 as to 12 and is rounded to the even number, so w is 24, not 25.",
        ),
        (
            {"p3": 27, "level": 1, "shape": 1},
            "13.5 is as close to 13 as to 14 and is rounded to the even number, so w is 28, not 27.",
        ),
        (
            {"rounded": False, "shape": 2},
            "Without rounding, the area of the tall anchor on P4 is s² at any ratio. The model’s rounding changes the area by +0.35 %.",
        ),
        ({"rounded": False, "shape": 1}, "The model’s rounding does not change the area. The anchor’s IoU"),
        (
            {"p4": 38, "shape": 1},
            "The anchor’s IoU with our object is 0.76, which is at least 0.7, enough for the anchor to be positive.",
        ),
    ],
)
def test_words(changes: dict[str, Any], said: str) -> None:
    assert said in opened(**changes).words


def test_every_state_is_described_in_whole_sentences() -> None:
    for sizes, ratios, rounded, index in itertools.product(
        (DEFAULT_SIZES, (12, 24, 48, 80, 112), (25, 27, 49, 81, 99)),
        ((0.5, 1.0, 2.0), (0.3, 0.75, 8.0)),
        (True, False),
        range(15),
    ):
        level, shape = divmod(index, 3)
        named = dict(zip(base_anchors.SIZES + base_anchors.RATIOS, (*sizes, *ratios), strict=True))
        scene = draw(result(**named, rounded=rounded, level=level, shape=shape))
        said = " ".join([text(scene.words), *(f"{panel.alt.rstrip('.')}." for panel in scene.panels)])
        assert all(
            re.match(r"\(?[A-Z].*[.]\)?$", sentence) for sentence in re.split(r"(?<=[.?!]) |(?<=\.\)) ", said)
        ), said
        assert not re.search(r"  |, (this|it|they) |is 0 %", said), said


# ------------------------------------------------------------------------------------------------------------ what hands do


def test_dragging_the_corner_sets_size_and_ratio() -> None:
    explorer = opened()
    explorer.board.drag = {"name": "corner", "box": [28.0, 20.0, 32.0, 24.0]}  # its middle: (30, 22), so 60 × 44
    assert (explorer.state.p4, explorer.state.first) == (round(math.sqrt(60 * 44)), 0.73)
    assert explorer.controls["p4"].value == 51
    assert explorer.result.boxes[6].tolist() == [-30, -22, 30, 22]
    assert (explorer.state.second, explorer.state.p3) == (1.0, 24)


def test_a_dragged_corner_stays_between_its_neighbours() -> None:
    explorer = opened()
    for grip, size, ratio in (([80, 80, 84, 84], 79, 0.99), ([0, 0, 2, 2], 25, 0.99), ([80, 0, 84, 2], 25, 0.1)):
        explorer.reset()
        explorer.board.drag = {"name": "corner", "box": grip}
        assert (explorer.state.p4, explorer.state.first) == (size, ratio)
        assert not explorer.board.problem


def test_the_panel_holds_still_while_a_corner_is_dragged() -> None:
    explorer = opened(pool=160)
    before = explorer.scene.panel("all").view
    explorer.set(level=4, shape=2)
    assert before[2] > opened().scene.panel("all").view[2]
    explorer.board.drag = {"name": "corner", "box": [36.0, 60.0, 44.0, 70.0]}
    assert explorer.scene.panel("all").view == before
    explorer.set(level=2)
    assert explorer.scene.panel("all").view == opened().scene.panel("all").view


def test_a_preset_brings_its_sizes() -> None:
    explorer = opened()
    explorer.controls["preset"].value = "full model"
    assert explorer.state.sizes == DEFAULT_SIZES
    assert (explorer.controls["pool"].max, explorer.controls["p5"].max) == (1067, 511)
    explorer.set(preset="small model", p3=30)
    assert explorer.state.sizes == (12, 30, 48, 80, 112)


def test_sizes_and_ratios_are_bounded_by_their_neighbours() -> None:
    explorer = opened()
    limits = {
        field: (control.min, control.max) for field, control in explorer.controls.items() if hasattr(control, "min")
    }
    assert limits == {
        "p2": (1, 23), "p3": (13, 47), "p4": (25, 79), "p5": (49, 111), "pool": (81, 160),
        "first": (0.1, 1.0), "second": (0.5, 2.0), "third": (1.0, 8.0),
    }  # fmt: skip
    explorer.set(p4=60)
    assert (explorer.controls["p3"].max, explorer.controls["p5"].min) == (59, 61)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"p3": 12}, "P2 and P3 both have the size 12, which gives the same three boxes twice"),
        ({"p4": 100}, "P4 has 100 and P5 only 80"),
        ({"third": 1.0}, "The ratio 1 occurs twice"),
        ({"first": 3.0}, "3 comes before 1"),
        ({"p2": 1}, "would be 0.71 pixels wide or high; half of that is rounded to 0"),
        ({"p2": 0}, "0 or less"),
        ({"first": -1.0}, "0 or less"),
    ],
)
def test_what_is_no_set_of_anchors_is_explained(changes: dict[str, Any], said: str) -> None:
    explorer = opened(**changes)
    assert said in explorer.board.problem
    explorer.reset()
    assert explorer.board.problem == ""


@pytest.mark.parametrize("ratios", [(0.5, 1.0, 2.0), (0.1, 0.2, 0.3), (0.5, 2.0, 8.0)])
@pytest.mark.parametrize("size", [1, 2, 3, 4, 6])
def test_boxes_without_area_are_found(size: int, ratios: Any) -> None:
    state = State(p2=size, **dict(zip(base_anchors.RATIOS, ratios, strict=True)))
    flat = bool((sides(base_anchors.compute(state, STORY).made) == 0).any())
    assert (explore.base_anchors().problem(state) is not None) == flat


def test_a_click_and_the_arrow_keys_choose_an_anchor() -> None:
    explorer = opened()
    explorer._happened({"kind": "pick", "panel": "errors", "group": "anchor", "id": 7})
    assert (explorer.state.level, explorer.state.shape) == (2, 1)
    explorer._happened({"kind": "pick", "panel": "object", "group": "ground_truth", "id": 0})
    assert (explorer.state.level, explorer.state.shape) == (2, 1)
    for dx, dy, expected in ((1, 0, (2, 2)), (1, 0, (2, 2)), (0, -1, (3, 2)), (0, 1, (2, 2)), (-1, 0, (2, 1))):
        explorer._happened({"kind": "arrow", "panel": "all", "dx": dx, "dy": dy})
        assert (explorer.state.level, explorer.state.shape) == expected
