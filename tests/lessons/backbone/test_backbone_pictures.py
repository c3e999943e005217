import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from matplotlib.patches import Polygon, Rectangle
from torch import Tensor, nn
from torchvision.models.resnet import Bottleneck

from frcnn_edu.lessons.backbone.pictures import backbones, blocks, fields, freezing, networks, pathway, seen
from frcnn_edu.lessons.backbone.pictures import main as pictures
from frcnn_edu.lessons.stages import strength
from frcnn_edu.model.resnet import SlimResNet
from frcnn_edu.viz import style as st


def titles(figure: Figure) -> list[str]:
    return [title for ax in figure.axes if (title := ax.get_title(loc="left"))]


def words(figure: Figure) -> list[str]:
    return [text.get_text() for ax in figure.axes for text in ax.texts]


@pytest.fixture(scope="module")
def maps() -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(0)
    shapes = ((32, 32, 40), (64, 16, 20), (96, 8, 10), (128, 4, 5))
    return {str(i): torch.rand(1, *shape, generator=generator) for i, shape in enumerate(shapes)}


@pytest.fixture(scope="module")
def steps() -> list[pathway.Step]:
    return pathway.backbone_steps(networks.resnet50_backbone(), (800, 1344))


def test_pathway_shows_each_map_with_its_size(maps: dict[str, Tensor]) -> None:
    figure = pathway.plot_pathway(torch.rand(3, 128, 160), maps)
    said = words(figure)
    assert "3×128×160" in said
    assert "64×16×20\na cell: 8×8 px" in said
    assert len(figure.axes) == 1 + 5
    assert np.allclose(figure.axes[3].images[0].get_array(), strength(maps["1"]))


def test_pathway_stays_on_the_page(maps: dict[str, Tensor]) -> None:
    figure = pathway.plot_pathway(torch.rand(3, 128, 160), maps)
    corners = np.concatenate([patch.get_xy() for patch in figure.axes[0].patches if isinstance(patch, Polygon)])
    assert corners.min() >= 0
    assert corners[:, 0].max() <= 8
    assert corners[:, 1].max() <= figure.get_figheight()


def test_backbone_steps_are_those_of_resnet50(steps: list[pathway.Step]) -> None:
    assert [step.name for step in steps] == ["image", "conv1", "maxpool", "layer1", "layer2", "layer3", "layer4"]
    assert steps[-1] == pathway.Step("layer4", (2048, 25, 42), 3, 14_942_208, 427, 32)
    assert [step.field for step in steps] == [1, 7, 11, 35, 91, 267, 427]
    assert [step.stride for step in steps] == [1, 2, 4, 4, 8, 16, 32]


def test_stages_say_what_is_known(steps: list[pathway.Step]) -> None:
    said = words(pathway.plot_stages(steps))
    for fact in ("C5", "layer4", "2048×25×42", "427×427", "14.9 million", "9,408", "conv5_x"):
        assert fact in said
    assert said.count("4") == 3  # strides of maxpool and layer1, blocks of layer2


def test_blocks_are_drawn_with_their_channels() -> None:
    figure = blocks.plot_blocks([("plain", Bottleneck(256, 64)), ("ours", SlimResNet().layer2[1])])
    said = words(figure)
    assert "3×3\n36,864" in said
    assert "then ReLU · 69,632 weights" in said
    assert "then ReLU · 73,728 weights" in said
    bars = [patch.get_width() for patch in figure.axes[0].patches if isinstance(patch, Rectangle)]
    assert np.allclose(np.array(bars) / bars[0] * 256, [256, 64, 64, 256, 64, 64, 64])


def test_block_path_leaves_out_the_projection() -> None:
    assert blocks.block_path(SlimResNet().layer2[0]) == [
        ("3×3, stride 2", 32, 64, 9 * 32 * 64),
        ("3×3", 64, 64, 9 * 64 * 64),
    ]


def test_known_backbones() -> None:
    known = backbones.known_backbones()
    assert known["ResNet-50"] == [(4, 256), (8, 512), (16, 1024), (32, 2048)]
    assert known["SlimResNet (small)"] == [(4, 32), (8, 64), (16, 96), (32, 128)]
    assert known["VGG-16 with FPN"] == [(4, 128), (8, 256), (16, 512), (32, 512)]


def test_bodies_are_squares_in_the_column_of_their_stride() -> None:
    figure = backbones.plot_backbones({"a": [(4, 100), (8, 400)], "b": [(8, 100), (8, 100)]})
    squares = [patch for patch in figure.axes[0].patches if isinstance(patch, Rectangle)]
    sides, lefts = ([getattr(square, f"get_{name}")() for square in squares] for name in ("width", "x"))
    assert np.allclose(np.array(sides) / sides[0], [1, 2, 1, 1])
    assert lefts[0] < lefts[1] == lefts[2] < lefts[3]
    assert [text for text in words(figure) if text.startswith("stride")] == ["stride 4", "stride 8"]


def test_trained_tensors_and_their_figure() -> None:
    table = freezing.trained_tensors()
    assert [sum(trained for trained, _ in row.values()) for row in table] == [30, 40, 59, 72, 82, 83]
    figure = freezing.plot_freezing(table)
    hatched = [patch for patch in figure.axes[0].patches if patch.get_hatch()]
    assert len(hatched) == 5 + 4 + 3 + 2 + 1
    assert words(figure).count("13 frozen") == 3
    assert "72" in words(figure)


def test_eps_curve_is_the_ratio_of_scales() -> None:
    ax = freezing.plot_eps(torch.tensor([0.5, 2.0, 2.0]), 1e-3).axes[0]
    x, y = (np.asarray(values) for values in ax.lines[0].get_data())
    assert np.allclose(y, np.sqrt(x / (x + 1e-3)), atol=1e-4)
    assert ax.lines[1].get_data()[0][0] == 1e-3
    assert any("the 3 channels" in text for text in words(ax.figure))


def test_similarity_is_one_at_the_cell_itself(maps: dict[str, Tensor]) -> None:
    alike = seen.similarity(maps["1"], (3, 7))
    assert alike.shape == (16, 20)
    assert alike[3, 7].item() == pytest.approx(1, abs=1e-5)
    assert alike.flatten().topk(2).values[1] < 0.9


def test_seen_outlines_the_cell_in_the_middle_of_the_box(maps: dict[str, Tensor]) -> None:
    figure = seen.plot_seen(torch.rand(3, 128, 160), maps, torch.tensor([83.5, 42, 127.5, 75]))
    assert titles(figure)[1] == "C3: similarity to the outlined cell"
    cell = figure.axes[1].collections[-1].get_paths()[0].vertices[[0, 2]].flatten().tolist()
    assert cell == [13 * 8, 7 * 8, 14 * 8, 8 * 8]
    assert np.allclose(figure.axes[1].images[1].get_array(), seen.similarity(maps["1"], (7, 13)).clamp(min=0))


def test_mean_similarity_counts_cells_by_their_centres() -> None:
    features = torch.zeros(1, 2, 4, 4)
    features[0, 0, :2, :2] = 1.0  # the first box's cells are alike
    features[0, 1, 2:, 2:] = 1.0  # those of the other box differ
    boxes = torch.tensor([[0.0, 0, 16, 16], [16, 16, 32, 32]])
    own, other, none = seen.mean_similarity(features, 8, boxes, 0)
    assert own == pytest.approx(1)
    assert other < 0
    alike = seen.similarity(features, (1, 1))
    assert none == pytest.approx(torch.cat([alike[:2, 2:].flatten(), alike[2:, :2].flatten()]).mean().item())


# ------------------------------------------------------------------------------------------------------- receptive fields


class Chain(nn.Module):
    """Averages with these windows: everything that can be seen has a gradient."""

    def __init__(self, layers: list[tuple[int, int]]) -> None:
        super().__init__()
        self.layers = nn.Sequential(*(nn.AvgPool2d(kernel, step, (kernel - 1) // 2) for kernel, step in layers))

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        return {"0": self.layers(x)}


def test_field_size_agrees_with_gradients() -> None:
    layers = [(7, 2), (3, 2), (3, 1), (1, 1), (3, 2)]
    field, stride = fields.field_size(layers)
    weights = fields.influence(Chain(layers), torch.zeros(1, 3, 128, 128, dtype=torch.float64), "0", (8, 8))
    rows = weights.nonzero()[:, 0]
    assert stride == 8
    assert (rows.min().item(), rows.max().item()) == (64 - field // 2, 64 + field // 2)
    assert weights.sum().item() == pytest.approx(1)


def test_windows_of_a_slim_resnet() -> None:
    backbone = nn.ModuleDict(dict(SlimResNet().named_children()))
    assert fields.windows(backbone, "layer1") == [(7, 2), (3, 2), *[(3, 1)] * 4]
    assert fields.field_size(fields.windows(backbone, "layer4")) == (435, 32)
    with pytest.raises(ValueError, match="no child 'layer9'"):
        fields.windows(backbone, "layer9")


def test_shares_and_sides() -> None:
    weights = torch.ones(10, 20)
    assert fields.share_within(weights, (0, 0, 10, 10)) == 0.5
    assert fields.share_within(weights, (-5, -5, 10, 20)) == 0.5
    peak = torch.zeros(21, 21)
    peak[10, 10], peak[10, 13] = 0.8, 0.2
    assert fields.side_holding(peak, (10, 10), 0.8) == 1
    assert fields.side_holding(peak, (10, 10), 0.9) == 7


def test_tiny_field_lights_up_what_is_seen() -> None:
    figure = fields.plot_tiny_field([16, 8, 4], [[5, 6, 7, 8, 9, 10, 11], [3, 4, 5], [2]], [1, 2, 4])
    cells = [patch for patch in figure.axes[0].patches if isinstance(patch, Rectangle)]
    lit = [patch for patch in cells if patch.get_facecolor() != (1.0, 1.0, 1.0, 1.0)]
    assert (len(cells), len(lit)) == (28, 11)
    assert "sees 7 pixels" in words(figure)
    assert "stride: 4 pixels" in words(figure)


def test_fields_draw_cell_and_field_of_each_map() -> None:
    weights = torch.zeros(128, 160)
    weights[56:60, 104:108] = 1.0  # all of it in the cell of C2
    figure = fields.plot_fields(
        torch.rand(3, 128, 160), [weights] * 4, [(14, 26), (7, 13), (3, 6), (1, 3)], [43, 99, 211, 435], [4, 8, 16, 32]
    )
    assert titles(figure)[1] == "C2: 100 % from its own cell"
    assert titles(figure)[3] == "C4: 100 % from its own cell"
    field, cell = (c.get_paths()[0].vertices[[0, 2]].flatten().tolist() for c in figure.axes[2].collections[::2])
    assert field == [104 - 21, 56 - 21, 104 + 22, 56 + 22]
    assert cell != field
    drawn = [c.get_paths()[0].vertices[[0, 2]].flatten().tolist() for c in figure.axes[2].collections]
    assert drawn[-1] == [104, 56, 108, 60]
    assert {"C5: 435×435, stride 32", "C2: 43×43, stride 4"} <= set(words(figure))
    assert figure.axes[5].spines["left"].get_edgecolor()[:3] == pytest.approx(
        tuple(int(st.LEVELS["P5"][i : i + 2], 16) / 255 for i in (1, 3, 5))
    )


def test_figures_can_be_drawn() -> None:
    assert list(pictures.FIGURES) == ["backbone", "resnet50_stages", "residual_blocks", "receptive_fields"]
    assert titles(pictures.FIGURES["receptive_fields"]())[0] == "theoretical: what a cell can see"
    assert "32×32×40\na cell: 4×4 px" in words(pictures.FIGURES["backbone"]())
