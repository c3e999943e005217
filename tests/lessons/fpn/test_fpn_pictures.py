import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from torch import Tensor, nn

from frcnn_edu import FeaturePyramidNetwork, LastLevelMaxPool
from frcnn_edu.lessons.fpn.pictures import (
    main as fpn,
)
from frcnn_edu.lessons.fpn.pictures import (
    numbers as fpn_numbers,
)
from frcnn_edu.lessons.fpn.pictures import (
    smoothing as fpn_smoothing,
)
from frcnn_edu.lessons.fpn.pictures import (
    towers as fpn_towers,
)
from frcnn_edu.lessons.fpn.pictures import (
    ways as fpn_ways,
)
from frcnn_edu.lessons.stages import strength
from frcnn_edu.viz import style as st

SIZE = (64, 96)
BOX = torch.tensor([16.0, 8, 48, 40])


@pytest.fixture(scope="module")
def pyramid() -> FeaturePyramidNetwork:
    torch.manual_seed(0)
    return FeaturePyramidNetwork([2, 3, 4, 5], 6, LastLevelMaxPool())


@pytest.fixture(scope="module")
def bottom_up() -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(1)
    shapes = [(2, 16, 24), (3, 8, 12), (4, 4, 6), (5, 2, 3)]
    return {str(level): torch.rand(1, *shape, generator=generator) for level, shape in enumerate(shapes)}


@pytest.fixture(scope="module")
def maps(pyramid: FeaturePyramidNetwork, bottom_up: dict[str, Tensor]) -> dict[str, Tensor]:
    with torch.no_grad():
        return pyramid(bottom_up)


@pytest.fixture(scope="module")
def picture() -> Tensor:
    return torch.rand(3, *SIZE, generator=torch.Generator().manual_seed(2))


def words(figure: Figure) -> list[str]:
    return [text.get_text() for ax in figure.axes for text in ax.texts]


def drawn(figure: Figure) -> list[np.ndarray]:
    return [np.asarray(ax.images[0].get_array()) for ax in figure.axes if ax.images]


def shows(figure: Figure, features: Tensor) -> int:
    """How many panels show this map."""
    values = strength(features).numpy()
    return sum(shown.shape == values.shape and np.allclose(shown, values, atol=1e-6) for shown in drawn(figure))


# -------------------------------------------------------------------------------------------------- what is computed


def test_multiplications_are_weights_times_cells() -> None:
    convolutions = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 2, 1, stride=2))
    assert fpn_ways.multiplications(convolutions, torch.zeros(1, 3, 8, 6)) == 108 * 48 + 8 * 12
    assert not any(part._forward_hooks for part in convolutions)


def test_inside_leads_to_the_package_s_maps(pyramid, bottom_up, maps) -> None:
    parts = fpn.inside(pyramid, bottom_up)
    assert list(parts) == ["0", "1", "2", "3"]
    for level, (key, (lateral, down, both)) in enumerate(parts.items()):
        assert torch.equal(lateral + down, both)
        assert torch.allclose(pyramid.layer_blocks[level](both), maps[key], atol=1e-5)
    assert parts["3"][1].abs().max() == 0


def test_contributions_add_up(pyramid, bottom_up) -> None:
    parts = fpn.inside(pyramid, bottom_up)
    shares = fpn.contributions(parts)
    assert {key: list(of_level) for key, of_level in shares.items()} == {
        **{"0": ["3", "2", "1", "0"], "1": ["3", "2", "1"], "2": ["3", "2"], "3": ["3"]}
    }
    for key, of_level in shares.items():
        assert torch.allclose(torch.stack(list(of_level.values())).sum(dim=0), parts[key][2], atol=1e-5)


def test_copies_are_counted() -> None:
    assert fpn_numbers.copies(13, 26) == [2] * 13
    assert fpn_numbers.copies(13, 25) == [2] * 12 + [1]


def test_block_differences() -> None:
    row = torch.tensor([0.0, 0, 1, 1, 3, 3, 6, 6]).expand(1, 1, 8, 8)
    across, inside = fpn_smoothing.block_differences(
        row
    )  # without the margin, columns 1 1 3 3, and equal rows: a step of 2 in half of the pairs
    assert inside == 0
    assert across == pytest.approx(1.0)
    ramp = torch.arange(12.0).expand(1, 1, 12, 12)
    ramp = ramp + ramp.mT
    assert fpn_smoothing.block_ratio(ramp) == 1


def test_reach_of_a_cell(pyramid, bottom_up) -> None:
    reached = fpn_smoothing.reach(pyramid, bottom_up, "2", (2, 3))
    assert [int(cells.sum()) for cells in reached.values()] == [36, 16, 9, 0, 0]
    rows, columns = reached["1"].nonzero().T
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (3, 6, 5, 8)


# ------------------------------------------------------------------------------------------------------- what is drawn


def test_towers_outline_the_object_where_it_is(picture, bottom_up, maps) -> None:
    figure = fpn_towers.plot_towers(picture, bottom_up, maps, BOX)
    said = words(figure)
    assert {"image", "C2", "C5", "P2", "P5", "pool", "8.0×8.0", "1.0×1.0", "32×32"} <= set(said)
    outlines = [line for line in figure.axes[0].lines if line.get_color() == st.FOCUS]
    assert len(outlines) == 10  # the image, four levels, and five
    x, y = outlines[0].get_data()  # on the image, whose plane begins at (0.25, 5.52)
    assert x[0] == pytest.approx(0.25 + 2.15 * 16 / 96 + 0.62 * (1 - 8 / 64))
    assert y[0] == pytest.approx(5.52 + 0.66 * 8 / 64)
    meshes = figure.axes[0].collections
    assert len(meshes) == 10
    assert np.allclose(np.asarray(meshes[1].get_array()).ravel(), strength(bottom_up["0"]).numpy().ravel())


def test_ways_show_their_maps_and_costs(picture, bottom_up, maps) -> None:
    deepest = {key: torch.rand(1, 5, *features.shape[-2:]) for key, features in bottom_up.items()}
    pyramid_maps = {key: maps[key] for key in "0123"}
    figure = fpn_ways.plot_ways(picture, deepest, bottom_up, pyramid_maps, BOX, [85, 1, 1, 1.45])
    said = words(figure)
    assert [text for text in said if text in ("85.00", "1.00", "1.45")] == ["85.00", "1.00", "1.00", "1.45"]
    assert all(shows(figure, deepest[key]) == 1 and shows(figure, maps[key]) == 1 for key in "0123")
    assert all(shows(figure, bottom_up[key]) == 3 for key in "0123")  # single map, hierarchy, and left of the pyramid
    assert said.count("8.0×8.0") == 2
    assert said.count("1.0×1.0") == 4
    assert {"image ×1", "image ×8"} <= set(said)


def test_connections_have_the_shapes(pyramid, bottom_up, maps) -> None:
    figure = fpn.plot_connections(pyramid, bottom_up, maps, SIZE)
    said = words(figure)
    expected = {"C2  2×16×24", "C5  5×2×3", "sum  6×16×24", "lateral  6×2×3", "P2  6×16×24", "pool  6×1×2"}
    assert expected <= set(said)
    assert {"2 → 6", "5 → 6", "6 → 6", "copied to\n16×24", "image 3×64×96"} <= set(said)
    parts = fpn.inside(pyramid, bottom_up)
    assert all(shows(figure, parts[key][2]) == 1 and shows(figure, maps[key]) == 1 for key in "0123")


@pytest.mark.slow
def test_top_down_is_a_triangle(pyramid, bottom_up) -> None:
    parts = fpn.inside(pyramid, bottom_up)
    figure = fpn.plot_top_down(parts)
    assert len(drawn(figure)) == 1 + 2 + 3 + 4 + 4
    assert all(shows(figure, share) >= 1 for share in fpn.contributions(parts)["0"].values())
    assert words(figure).count("=") == 4
    assert words(figure).count("+") == 6
    assert words(figure).count("▼") == 6
    assert f"16×24, contrast {fpn.contrast(parts['0'][2]):.2f}" in words(figure)


def test_parts_share_a_scale_until_they_are_smoothed(pyramid, bottom_up, maps) -> None:
    parts = fpn.inside(pyramid, bottom_up)
    figure = fpn.plot_parts(parts, maps, SIZE, BOX)
    finest = figure.axes[12:]
    tops = [ax.images[0].get_clim()[1] for ax in finest]
    assert tops[0] == tops[1] == tops[2] == pytest.approx(float(strength(parts["0"][2]).quantile(0.95)))
    shown = [strength(features).numpy() for features in (*parts["0"], maps["0"])]
    assert all(np.allclose(ax.images[0].get_array(), values) for ax, values in zip(finest, shown))
    box = finest[0].collections[-1].get_paths()[0].vertices[:4]
    assert box.tolist() == [[16, 8], [48, 8], [48, 40], [16, 40]]


def test_nearest_shows_every_number() -> None:
    said = words(fpn_numbers.plot_nearest(torch.tensor([[160.0, 320], [480, 640]])))
    assert [said.count(number) for number in ("160", "320", "480", "640")] == [1 + 4 + 1] * 4
    assert said.count("280") == 2  # bilinear makes it twice
    assert {"each of the 13 cells twice", "12 cells twice, cell 12 once"} <= set(said)
    assert said.count("12") == (1 + 2) + (1 + 1)


def test_lateral_shows_the_package_s_numbers() -> None:
    example, fine, coarse = fpn.pencil_example()
    said = words(fpn_numbers.plot_lateral(example, fine, coarse))
    with torch.no_grad():
        result = example({"fine": fine, "coarse": coarse})["fine"]
    assert result[0, 0, 0, :2].tolist() == [26, 26]
    assert said.count("26") == 2
    assert all(f"{int(value)}".replace("-", "−") in said for value in result.flatten())
    assert {"1×1: (1, 2, −1)", "1×1:\n(1, −1)", "coarse: 3×2×2", "fine: 2×4×4"} <= set(said)


def test_reach_is_drawn_cell_by_cell(pyramid, bottom_up) -> None:
    reached = fpn_smoothing.reach(pyramid, bottom_up, "3", (0, 1))
    figure = fpn_smoothing.plot_reach(reached, (0, 1), SIZE)
    titles = [ax.get_title(loc="left") for ax in figure.axes]
    assert titles == ["P5: 2×3 cells", "P4: 3×4 cells", "P3: 5×6 cells", "P2: 9×10 cells"]
    counts = [len(ax.collections[0].get_paths()) for ax in figure.axes]
    assert counts == [6, 12, 30, 90]
    dashed = figure.axes[3].collections[-1].get_paths()[0].vertices[:4]
    assert dashed.tolist() == [[32, 0], [64, 0], [64, 32], [32, 32]]


def test_smoothing_places_the_dots(bottom_up) -> None:
    ratios = {"P4": {"sum": 1.25, "smoothed": 0.9}, "P2": {"sum": 2.0, "lateral": 0.97, "untrained 3×3": 0.8}}
    figure = fpn_smoothing.plot_smoothing([("sum", bottom_up["0"])], ratios, (2, 4, 10, 16))
    close_up, chart = figure.axes
    assert close_up.get_xlim() == (4, 16)
    assert close_up.get_ylim() == (10, 2)
    dots = [line.get_xdata()[0] for line in chart.lines if line.get_marker() in "soD"]
    assert dots == [1.25, 0.9, 2.0, 0.97, 0.8]
    assert {"sum 1.25", "sum 2.00"} <= set(words(figure))


def test_without_draws_only_sure_detections(picture) -> None:
    boxes = torch.tensor([[4.0, 4, 30, 30], [40, 10, 80, 50]])
    found = {"boxes": boxes, "labels": torch.tensor([1, 2]), "scores": torch.tensor([0.9, 0.3])}
    classes = ("background", "circle", "square")
    figure = fpn_smoothing.plot_without(picture, {"boxes": boxes}, classes, [("whole", found, "one found")])
    assert {"circle 0.90", "one found"} <= set(words(figure))
    assert "square 0.30" not in words(figure)


@pytest.mark.slow
def test_figures_of_the_course() -> None:
    expected = [
        "fpn",
        "ways_to_a_pyramid",
        "fpn_top_down",
        "fpn_connections",
        "nearest_upsampling",
        "lateral_connection",
    ]
    assert list(fpn.FIGURES) == [*expected, "fpn_parts"]
    assert "1.45" in words(fpn.ways_to_a_pyramid())
