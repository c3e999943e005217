import pytest
import torch
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from frcnn_edu.lessons.transform.pictures import batching, colours, examples, questions, resizing
from frcnn_edu.lessons.transform.pictures import main as pictures
from frcnn_edu.model import GeneralizedRCNNTransform


def titles(figure: Figure) -> list[str]:
    return [title for ax in figure.axes if (title := ax.get_title(loc="left"))]


def words(figure: Figure) -> list[str]:
    return [text.get_text() for ax in figure.axes for text in ax.texts]


@pytest.fixture(scope="module")
def tiny() -> Figure:
    images, targets = examples.tiny_images()
    transform = examples.tiny_transform()
    batch, resized = transform(images, targets)
    boxes, new = ([target["boxes"] for target in each] for each in (targets, resized))
    return batching.plot_batching(images, boxes, batch, new, transform.image_mean, transform.image_std, grid=True)


def test_the_tiny_boxes_fit_what_is_orange() -> None:
    for image, target in zip(*examples.tiny_images(), strict=True):
        x1, y1, x2, y2 = target["boxes"][0].int().tolist()
        orange = image[2] < 0.5  # hardly any blue
        assert orange.sum() == (x2 - x1) * (y2 - y1)
        assert orange[y1:y2, x1:x2].all()


def test_batching_shows_images_and_frames_at_one_scale(tiny: Figure) -> None:
    assert titles(tiny) == ["given: 4×8", "given: 7×5", "batch[0]: 5×10", "batch[1]: 8×6"]
    pixels = [ax.get_position().width * 8 / ax.get_xlim()[1] for ax in tiny.axes[1:]]  # inches
    assert max(pixels) == pytest.approx(min(pixels))
    assert [ax.get_xlim()[1] for ax in tiny.axes[1:]] == [8, 5, 12, 12]


def test_batching_draws_the_resized_boxes(tiny: Figure) -> None:
    ax = tiny.axes[-1]  # the tall image: 6/5 horizontally, 8/7 vertically
    drawn = torch.tensor(ax.collections[-1].get_paths()[0].vertices[:4])
    assert torch.allclose(drawn.amin(0).float(), torch.tensor([1.2, 16 / 7]))
    assert torch.allclose(drawn.amax(0).float(), torch.tensor([4.8, 48 / 7]))


def test_batching_hatches_exactly_the_padding(tiny: Figure) -> None:
    hatched = [
        [patch.get_x(), patch.get_y(), patch.get_width(), patch.get_height()]
        for ax in tiny.axes[-2:]
        for patch in ax.patches
        if isinstance(patch, Rectangle) and patch.get_hatch()
    ]
    assert hatched == [[10, 0, 2, 5], [0, 5, 12, 3], [6, 0, 6, 8]]


def test_colours_undo_normalising() -> None:
    transform = examples.tiny_transform()
    image = torch.rand(3, 4, 4, generator=torch.Generator().manual_seed(0))
    back = colours.as_colours(transform.normalize(image), transform.image_mean, transform.image_std)
    assert torch.allclose(back, image, atol=1e-6)
    zero = colours.as_colours(torch.zeros(3, 1, 1), [0.2, 0.5, 0.7], [1.0, 1.0, 1.0])
    assert torch.allclose(zero.flatten(), torch.tensor([0.2, 0.5, 0.7]))


def test_corners_end_where_the_transform_says() -> None:
    figure = pictures.resized_corners()
    assert "333×500\n→ 800×1201" in words(figure)
    assert {"width →", "← height"} <= set(words(figure))
    (line, *_) = figure.axes[0].lines
    x, y = torch.as_tensor(line.get_xdata()), torch.as_tensor(line.get_ydata())
    assert torch.maximum(x, y).max() == 1333
    assert torch.minimum(x, y).max() == 800
    assert ((torch.maximum(x, y) >= 1332) | (torch.minimum(x, y) >= 799)).all()


def test_resampling_shares_are_those_of_interpolate() -> None:
    old = torch.tensor([0.9, 0.1, 0.4, 0.7])
    for count in (3, 5, 8):
        new = torch.nn.functional.interpolate(old[None, None], count, mode="linear")[0, 0]
        for index, value in enumerate(new):
            shares = resizing._neighbours((index + 0.5) * 4 / count - 0.5, 4)
            assert sum(share for _, share in shares) == pytest.approx(1)
            assert sum(share * old[pixel].item() for pixel, share in shares) == pytest.approx(value.item(), abs=1e-6)
    figure = resizing.plot_resampling(old, torch.nn.functional.interpolate(old[None, None], 5, mode="linear")[0, 0])
    assert [text for text in words(figure) if text in ("4 pixels", "5 pixels")] == ["4 pixels", "5 pixels"]
    assert words(figure).count("0.3") == 2


def test_normalising_marks_the_mean() -> None:
    figure = colours.plot_normalising(torch.rand(3, 9, 9), torch.randn(3, 9, 9), [0.1, 0.2, 0.3])
    dashed = [ax.lines[0].get_xdata()[0] for ax in figure.axes]
    assert dashed == [0.1, 0.2, 0.3, 0, 0, 0]
    assert len(titles(figure)) == 2


def test_aliasing_shows_what_the_transform_makes() -> None:
    figure = pictures.resizing_without_antialias()
    given, without, smooth = (torch.as_tensor(ax.images[0].get_array()) for ax in figure.axes[1:])
    assert (given.shape, without.shape) == ((128, 128, 3), (32, 32, 3))
    wanted = torch.nn.functional.interpolate(given.permute(2, 0, 1)[None], scale_factor=0.25, mode="bilinear")[0]
    assert torch.allclose(without, wanted.permute(1, 2, 0), atol=1e-6)
    assert smooth[:4, :4].std() < 0.3 * without[:4, :4].std()  # the corner turned grey


def test_padding_order_shows_the_lower_edge() -> None:
    figure = colours.plot_padding_order(torch.zeros(3, 128, 160), torch.ones(3, 128, 160), 120)
    assert [ax.lines[0].get_ydata()[0] for ax in figure.axes] == [120, 120]
    assert [ax.get_ylim()[0] for ax in figure.axes] == [128, 128]


def test_mapped_back_boxes_are_drawn_as_given() -> None:
    right, wrong = torch.tensor([[1.0, 2, 3, 4]]), torch.tensor([[1.0, 1, 3, 3]])
    figure = questions.plot_padded_or_true(torch.rand(3, 10, 10), right, wrong, right)
    for ax, box in zip(figure.axes, (right, wrong), strict=True):
        assert ax.collections[1].get_paths()[0].vertices[[0, 2]].flatten().tolist() == box[0].tolist()


def test_inputs_label_what_was_found() -> None:
    found = {"boxes": torch.tensor([[1.0, 10, 30, 40]]), "labels": torch.tensor([1])}
    nothing = {"boxes": torch.zeros(0, 4), "labels": torch.zeros(0, dtype=torch.int64)}
    inputs = [("once", torch.rand(3, 60, 80), found), ("never", torch.rand(3, 60, 80), nothing)]
    figure = questions.plot_inputs(inputs, ("background", "circle"), torch.zeros(0, 4))
    assert titles(figure) == ["once", "never"]
    assert words(figure) == ["circle"]


def test_sizes_are_the_packages_own() -> None:
    transform = GeneralizedRCNNTransform(800, 1333, [0.0] * 3, [1.0] * 3).eval()
    batch, _ = transform([torch.rand(3, 500, 333), torch.rand(3, 333, 400)])
    sizes = [resizing.resized_size(transform, size) for size in ((500, 333), (333, 400))]
    assert sizes == batch.image_sizes
    assert questions.padded_size(sizes) == tuple(batch.tensors.shape[-2:])


def test_padding_share_counts_pixels() -> None:
    assert questions.padding_share([[(32, 64), (64, 32)]]) == 0.5
    assert questions.padding_share([[(32, 64)], [(64, 32)]]) == 0


def test_padding_figure_says_how_much() -> None:
    figure = questions.plot_padding([("mixed", [[(32, 64), (64, 32)]]), ("alone", [[(32, 64)], [(64, 32)]])])
    said = words(figure)
    assert "all 1 batches: 50 % padding" in said
    assert "all 2 batches: 0 % padding" in said
    assert "64×64\n50 %" in said
    assert len(figure.axes[0].patches) == 2 * 4


def test_figures_can_be_drawn() -> None:
    assert list(pictures.FIGURES) == ["transform", "resized_corners", "resizing_without_antialias"]
    figure = pictures.FIGURES["transform"]()
    assert titles(figure)[3:] == ["batch[0]: 120×160", "batch[1]: 160×96", "batch[2]: 64×160"]
