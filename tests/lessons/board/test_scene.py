import pytest
import torch

from frcnn_edu.lessons.board import scene


def test_a_photo_is_its_image() -> None:
    image = torch.rand(3, 4, 6)
    picture = scene.photo(image)
    assert picture.extent == (0, 0, 6, 4)
    assert torch.equal(picture.pixels, (255 * image).round().byte().permute(1, 2, 0))
    assert bool((scene.photo(image, dim=1.0).pixels == 255).all())


def test_heat_spans_its_range() -> None:
    values = torch.tensor([[0.0, 1.0], [2.0, 4.0]])
    warm = scene.heat(values, (0, 0, 2, 2)).pixels.int().sum(dim=2)
    assert warm[0, 0] < warm[0, 1] < warm[1, 0] < warm[1, 1]
    assert torch.equal(
        scene.heat(values, (0, 0, 2, 2), high=2.0).pixels[1, 0], scene.heat(values, (0, 0, 2, 2)).pixels[1, 1]
    )
    flat = scene.heat(torch.zeros(2, 2), (0, 0, 2, 2))
    assert torch.equal(flat.pixels[0, 0], flat.pixels[1, 1])


@pytest.mark.parametrize("size", [(120, 160), (160, 120), (1, 7)])
def test_fit_does_not_distort(size: tuple[int, int]) -> None:
    _, _, width, height = scene.fit((0, 0, size[1], size[0]), 3, 4, 200)
    assert width == 200 or height == 150  # as large as there is room
    assert width <= 200
    assert height <= 150
    assert height / width == pytest.approx(size[0] / size[1])


@pytest.mark.parametrize("size", [(100, 2000), (2000, 100)], ids=["wide", "tall"])
@pytest.mark.parametrize("at", [0, 500, 1000, 1470, 1970])
def test_of_a_very_long_image_a_panel_shows_a_part_with_the_box(size: tuple[int, int], at: int) -> None:
    box = (float(at), 20.0, at + 30.0, 80.0) if size[1] > size[0] else (20.0, float(at), 80.0, at + 30.0)
    left, top, right, bottom = view = scene.window(size, box)
    assert scene.is_part(view, size)
    assert 0 <= left <= box[0] <= box[2] <= right <= size[1]
    assert 0 <= top <= box[1] <= box[3] <= bottom <= size[0]
    assert max(right - left, bottom - top) == scene.LONGEST * min(right - left, bottom - top)
    _, _, width, height = scene.fit(view, 0, 0, 440)
    assert min(width, height) >= 130  # a panel that can be used


def test_of_other_images_and_for_long_boxes_a_panel_shows_as_much_as_it_needs() -> None:
    assert scene.window((120, 160), (1, 1, 2, 2)) == (0, 0, 160, 120)
    assert scene.window((100, 2000), (10.0, 0.0, 1990.0, 100.0)) == (0, 0, 2000, 100)
    left, _, right, _ = scene.window((100, 2000), (100.0, 0.0, 700.0, 100.0))
    assert left <= 100 < 700 <= right < 2000


def test_the_part_stays_in_place_while_a_box_moves_a_little() -> None:
    views = {scene.window((100, 2000), (x, 10.0, x + 50, 60.0)) for x in torch.arange(945.0, 965.0).tolist()}
    assert len(views) == 1
