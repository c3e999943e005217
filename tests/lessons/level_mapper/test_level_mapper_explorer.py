import math

import pytest
import torch
from driving import drive
from torchvision.ops.poolers import LevelMapper as TorchvisionLevelMapper

from frcnn_edu.data import ShapesDetection
from frcnn_edu.lessons import explore
from frcnn_edu.lessons.board.scene import Points
from frcnn_edu.lessons.level_mapper.explorer import explorer as level_mapper
from frcnn_edu.lessons.stages import strength
from frcnn_edu.lessons.story import story

STORY = story()
OPENED = explore.level_mapper()


def result(box: tuple[float, ...], **others: int) -> level_mapper.Result:
    return level_mapper.compute(level_mapper.State(box, **others), STORY.model, STORY.image)  # type: ignore[arg-type]


@pytest.mark.slow
def test_driven() -> None:
    drive(explore.level_mapper())


@pytest.mark.parametrize("scale", level_mapper.SCALES)
@pytest.mark.parametrize("side", [1.0, 7.0, 27.9, 28.0, 56.0, 111.9, 112.0, 119.0])
def test_levels_are_torchvisions(side: float, scale: int) -> None:
    box = (0.5, 0.5, 0.5 + side, 0.5 + side)
    found = result(box, canonical_scale=scale)
    theirs = TorchvisionLevelMapper(2, 5, canonical_scale=scale)([torch.tensor([box])])
    assert found.level == int(theirs) + 2
    assert found.k == math.floor(4 + math.log2(math.sqrt(side * side) / scale) + 1e-6)


def test_the_first_map_is_the_models_own() -> None:
    found = result(OPENED.first.box)
    torch.testing.assert_close(found.map, strength(STORY.trace.pyramid["0"]))
    assert found.photo.pixels.shape[:2] == STORY.resized.shape[1:]
    assert torch.equal(found.cells * 4, torch.tensor(OPENED.first.box))


def test_a_pixel_short_of_224() -> None:
    explorer = explore.level_mapper()
    explorer.set(size=800, canonical_scale=224, box=(100.0, 100.0, 323.0, 323.0))
    assert (explorer.result.k, explorer.result.level) == (3, 3)
    explorer.set(box=(100.0, 100.0, 324.0, 324.0))
    assert (explorer.result.k, explorer.result.level) == (4, 4)
    assert "⌊4 + log₂(√(224.0 · 224.0) / 224) + 0.000001⌋ = ⌊4.000⌋ = 4" in explorer.formula


def test_the_object_grows_with_the_image() -> None:
    explorer = explore.level_mapper()
    before = torch.tensor(explorer.state.box)
    explorer.controls["size"].value = 240
    torch.testing.assert_close(torch.tensor(explorer.state.box), 2 * before)
    assert explorer.result.photo.pixels.shape[:2] == (240, 320)


def test_a_box_without_area_is_explained() -> None:
    explorer = explore.level_mapper()
    explorer.set(box=(10.0, 10.0, 10.0, 20.0))
    assert "no area" in explorer.board.problem
    explorer.reset()
    assert explorer.board.problem == ""


def test_the_clamp_is_said_in_words() -> None:
    explorer = explore.level_mapper()
    explorer.set(box=(10.0, 10.0, 13.0, 13.0))
    assert explorer.result.level == 2 > explorer.result.k
    assert "does not exist" in explorer.words


def test_a_hair_too_small_is_forgiven_and_said() -> None:
    explorer = explore.level_mapper()
    explorer.try_prompt(3)
    assert (explorer.result.k, explorer.result.level) == (4, 4)
    assert "√(223.9999 · 224.0)" in explorer.formula
    assert "this is the purpose of ε" in explorer.words
    explorer.try_prompt(2)
    assert "purpose of ε" not in explorer.words


def test_the_first_prompt_shows_the_object_where_it_is_in_the_larger_image() -> None:
    explorer = explore.level_mapper()
    explorer.try_prompt(0)
    torch.testing.assert_close(
        torch.tensor(explorer.state.box) * 120 / 800, torch.tensor(explorer.first.box), rtol=0, atol=0.02
    )


@pytest.mark.parametrize("scale", [56, 112, 224])
def test_the_boxs_place_is_on_the_curve_whatever_its_size(scale: int) -> None:
    explorer = explore.level_mapper()
    for size, side in ((120, 1.0), (120, 4.0), (120, 118.0), (800, 2.0), (800, 790.0)):
        explorer.set(size=size, canonical_scale=scale, box=(0.0, 0.0, side, side))
        curve = explorer.scene.panel("curve")
        (point,) = (layer.points[0].tolist() for layer in curve.layers if isinstance(layer, Points))
        left, top, right, bottom = curve.view
        assert left < point[0] < right
        assert bottom < point[1] < top
        assert point[0] == pytest.approx(math.log2(side))


@pytest.mark.slow
def test_prompts_stay_in_the_image() -> None:
    for size in ((240, 320), (200, 150), (100, 260)):
        data = ShapesDetection("test", size=size)
        image, target = data[3]
        explorer = explore.level_mapper(image=image, target=target)
        for index in range(len(explorer.prompts)):
            explorer.try_prompt(index)
            x1, y1, x2, y2 = explorer.state.box
            height, width = explorer.result.photo.pixels.shape[:2]
            assert 0 <= x1 < x2 <= width + 1e-3
            assert 0 <= y1 < y2 <= height + 1e-3


@pytest.mark.parametrize("size", [(240, 320), (200, 150), (100, 260)])
def test_it_opens_on_the_object(size: tuple[int, int]) -> None:
    image, target = ShapesDetection("val", size=size)[0]
    explorer = explore.level_mapper(image=image, target=target)
    scale = 120 / min(size)  # from the image as it is to the one that is shown
    torch.testing.assert_close(torch.tensor(explorer.state.box), target["boxes"][0] * scale, rtol=0.02, atol=1.0)


@pytest.mark.parametrize(
    "box", [(0.0, 0.0, 28.0, 27.999), (0.0, 0.0, 14.0, 55.999), (0.0, 0.0, 56.1, 55.9), (0.0, 0.0, 0.01, 0.01)]
)
def test_numbers_near_a_step_are_on_their_side_of_it(box: tuple[float, float, float, float]) -> None:
    explorer = explore.level_mapper()
    explorer.set(box=box)
    exponent = float(explorer.formula.split("⌊")[2].split("⌋")[0].replace("−", "-"))
    assert math.floor(exponent) == explorer.result.k
    side = float(explorer.words.split()[3])
    assert side > 0
    assert math.floor(4 + math.log2(side / 112)) == explorer.result.k
