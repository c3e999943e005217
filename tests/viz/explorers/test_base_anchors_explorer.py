import math

import pytest
import torch
from driving import drive
from torchvision.models.detection.anchor_utils import AnchorGenerator as TorchvisionAnchorGenerator

from frcnn_edu.viz import explore
from frcnn_edu.viz.explorers import base_anchors
from frcnn_edu.viz.explorers.base_anchors import State
from frcnn_edu.viz.explorers.scene import Boxes
from frcnn_edu.viz.story import story

STORY = story()


def result(**state: object) -> base_anchors.Result:
    return base_anchors.compute(State(**state), STORY)  # type: ignore[arg-type]


def test_driven() -> None:
    drive(explore.base_anchors())


def test_the_first_view_has_the_models_own_anchors() -> None:
    generator = STORY.model.rpn.anchor_generator
    assert torch.equal(result().boxes, torch.cat(generator.cell_anchors))  # type: ignore[union-attr,arg-type]


@pytest.mark.parametrize("wide", [0.1, 0.35, 0.5])
@pytest.mark.parametrize("tall", [2.0, 3.3, 8.0])
def test_boxes_are_torchvisions(wide: float, tall: float) -> None:
    theirs = TorchvisionAnchorGenerator(tuple((s,) for s in (32, 64, 128, 256, 512)), ((wide, 1.0, tall),) * 5)
    found = result(preset="full model", wide=wide, tall=tall)
    assert torch.equal(found.made, torch.cat(theirs.cell_anchors))
    assert torch.equal(found.exact.round(), found.made)


@pytest.mark.parametrize("times", [0.25, 0.7, 1.0, 2.0])
def test_a_ratio_keeps_the_area(times: float) -> None:
    found = result(times=times, rounded=False, wide=0.3, tall=5.0)
    assert float(found.error.abs().max()) < 1e-4
    sides = found.boxes[:, 2:] - found.boxes[:, :2]
    torch.testing.assert_close(sides[:, 1] / sides[:, 0], found.ratios)


def test_rounded_sides_are_even() -> None:
    sides = result().boxes[:, 2:] - result().boxes[:, :2]
    assert bool((sides % 2 == 0).all())


def test_the_formula_has_the_numbers_of_the_selected_anchor() -> None:
    explorer = explore.base_anchors()
    explorer.set(level=0, shape=0)
    width, height = 12 / math.sqrt(0.5), 12 * math.sqrt(0.5)
    assert f"= {width:.2f}; its half, {width / 2:.2f}, becomes 8, and w 16" in explorer.formula
    assert f"= {height:.2f}; its half, {height / 2:.2f}, becomes 4, and h 8" in explorer.formula
    assert "w · h = 128, against s² = 144: −11.11 %" in explorer.formula


def test_a_click_and_the_arrow_keys_choose_an_anchor() -> None:
    explorer = explore.base_anchors()
    explorer._happened({"kind": "pick", "panel": "errors", "group": "anchor", "id": 7})
    assert (explorer.state.level, explorer.state.shape) == (2, 1)
    for dx, dy, expected in ((1, 0, (2, 2)), (1, 0, (2, 2)), (0, -1, (3, 2)), (0, 1, (2, 2)), (-1, 0, (2, 1))):
        explorer._happened({"kind": "arrow", "panel": "all", "dx": dx, "dy": dy})
        assert (explorer.state.level, explorer.state.shape) == expected


@pytest.mark.parametrize("ratio", ["wide", "tall"])
def test_a_ratio_of_one_is_explained(ratio: str) -> None:
    explorer = explore.base_anchors()
    explorer.controls[ratio].value = 1.0
    assert f"the {ratio} anchor is the square one once more" in explorer.board.problem


def test_every_anchor_is_linked_with_its_bar() -> None:
    scene = explore.base_anchors().scene
    for name in ("all", "errors"):
        linked = [layer for layer in scene.panel(name).layers if isinstance(layer, Boxes) and layer.group == "anchor"]
        ids = torch.cat([layer.ids for layer in linked if layer.ids is not None])
        assert sorted(ids.tolist()) == list(range(15))
