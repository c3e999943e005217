import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from torch import Tensor

from frcnn_edu import FasterRCNN, MultiScaleRoIAlign, fasterrcnn_small_fpn
from frcnn_edu.lessons import stages
from frcnn_edu.lessons.story import followed, story
from frcnn_edu.lessons.the_whole_network.pictures.classes import draw_class_structure
from frcnn_edu.lessons.the_whole_network.pictures.main import LEARNT, draw_whole_network, likely_anchors
from frcnn_edu.lessons.the_whole_network.pictures.one_object import plot_answer, plot_box_head, two_chains
from frcnn_edu.viz.output import figure_to_png
from frcnn_edu.viz.trace import Trace, trace

CLASSES = ("background", "circle", "square", "triangle", "star", "cross")


@pytest.fixture(scope="module")
def model() -> FasterRCNN:
    torch.manual_seed(0)
    return fasterrcnn_small_fpn(box_score_thresh=0.0).eval()


@pytest.fixture(scope="module")
def way(model: FasterRCNN) -> Trace:
    return trace(model, torch.rand(3, 240, 320, generator=torch.Generator().manual_seed(1)))


@pytest.fixture(scope="module")
def resized(way: Trace) -> Tensor:
    return stages.shown(way.batch)[:, :120, :160]


def titles(figure: Figure) -> list[str]:
    return [ax.get_title(loc="left") for ax in figure.axes]


def words(figure: Figure) -> list[str]:
    return [text.get_text() for ax in figure.axes for text in ax.texts]


def test_strength_is_the_distance_from_the_average_cell() -> None:
    two_cells = torch.tensor([[[[3.0, -3.0]], [[5.0, -3.0]]]])  # 2 channels; the average cell is (0, 1)
    assert torch.allclose(stages.strength(two_cells), torch.tensor([[12.5**0.5, 12.5**0.5]]))
    assert stages.strength(two_cells[..., :1]).item() == 0
    assert torch.allclose(stages.strength(two_cells[..., :1], among=two_cells), torch.tensor([[12.5**0.5]]))


def test_one_bright_cell_does_not_darken_the_others() -> None:
    values = torch.ones(10, 10)
    values[0, 0] = 1000.0
    ax = Figure().add_subplot()
    stages.show_map(ax, values, "black")
    assert ax.images[0].get_clim() == (0, 1)


def test_transform_shows_the_padding(way: Trace) -> None:
    figure = stages.plot_transform(way.image, way.batch)
    given, seen = figure.axes
    assert given.images[0].get_extent() == [0, 320, 240, 0]
    assert seen.images[0].get_extent() == [0, 160, 128, 0]
    padding = seen.collections[-1].get_paths()
    assert [path.vertices[:4].tolist() for path in padding] == [[[0, 120], [160, 120], [160, 128], [0, 128]]]
    # one pixel is equally large on both sides
    widths = [ax.get_position().width for ax in (given, seen)]
    assert widths[0] == pytest.approx(2 * widths[1])


def test_maps_are_the_features(way: Trace) -> None:
    figure = stages.plot_maps(way.bottom_up, way.pyramid)
    assert titles(figure) == [
        *["C2  32×32×40", "C3  64×16×20", "C4  96×8×10", "C5  128×4×5", ""],
        *["P2  64×32×40", "P3  64×16×20", "P4  64×8×10", "P5  64×4×5", "pool  64×2×3"],
    ]
    assert np.allclose(figure.axes[7].images[0].get_array(), stages.strength(way.pyramid["2"]))


def test_anchors_nearest_to_a_point(way: Trace, resized: Tensor) -> None:
    maps = list(way.pyramid.values())
    figure = stages.plot_anchors(resized, torch.cat(way.anchors), maps, torch.tensor([80.0, 64.0]))
    assert titles(figure)[-1] == "15 anchors: 3 on each of 5 levels"
    assert titles(figure)[3] == "P5: 60 anchors on 4×5"
    boxes = [path for ax in figure.axes[:5] for path in ax.collections[-1].get_paths()]
    centers = np.array([path.vertices[:4].mean(axis=0) for path in boxes]).reshape(5, 3, 2)
    # (80, 64) lies on the grids of P2 to P4; the nearest points of P5 (stride 32) and pool (64 and 53) are beside it
    assert np.allclose(centers[:3], (80, 64))
    assert np.abs(centers - (80, 64)).max() <= 32


def test_objectness_is_the_best_probability_of_each_cell(way: Trace) -> None:
    figure = stages.plot_objectness((128, 160), way.objectness, torch.tensor([[1.0, 2, 30, 40]]))
    assert np.allclose(figure.axes[1].images[0].get_array(), way.objectness[1][0].sigmoid().amax(0))
    assert figure.axes[1].images[0].get_clim() == (0, 1)


def test_the_sampling_points_drawn_are_those_of_roi_align(resized: Tensor) -> None:
    ys, xs = torch.meshgrid(torch.arange(8.0), torch.arange(10.0), indexing="ij")
    features = torch.stack([xs, ys])[None]  # (1, 2, 8, 10): each cell knows where it is
    box = torch.tensor([[20.0, 30, 100, 75]])
    pool = MultiScaleRoIAlign(["0"], output_size=7, sampling_ratio=2)
    pooled = pool({"0": features}, [box], [(128, 160)])[0]  # (2, 7, 7)
    figure = stages.plot_roi_align(resized, box[0], features, 1 / 16, pooled, "2")
    points = np.asarray(figure.axes[1].collections[-1].get_offsets()) - 0.5  # back from middles of cells to indices
    by_bin = points.reshape(7, 2, 7, 2, 2).mean(axis=(1, 3))  # (row, column, xy)
    assert np.allclose(by_bin.transpose(2, 0, 1), pooled, atol=1e-5)


def test_box_head_shows_every_class(resized: Tensor) -> None:
    probabilities = torch.tensor([0.05, 0.01, 0.02, 0.03, 0.85, 0.04])
    boxes = torch.tensor([[10.0, 10, 60, 60]]).repeat(6, 1) + torch.arange(6)[:, None]
    figure = plot_box_head(resized, boxes[0], probabilities, boxes, CLASSES)
    bars = figure.axes[0].patches
    assert [bar.get_width() for bar in bars] == pytest.approx(probabilities.tolist())
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == list(CLASSES)
    assert "as star" in words(figure)


def test_steps_are_drawn(way: Trace, resized: Tensor) -> None:
    steps = [("many", way.proposals, "#000000"), ("none", torch.zeros(0, 4), "#000000")]
    figure = stages.plot_box_steps(resized, steps, ground_truth=way.proposals[:1])
    assert [len(ax.collections[-1].get_paths()) for ax in figure.axes] == [1, 1]


def test_an_answer_is_drawn_without_what_is_unlikely() -> None:
    answer = {"boxes": torch.tensor([[2.0, 3, 20, 30], [5, 5, 9, 9]]), "labels": torch.tensor([1, 2])}
    figure = plot_answer(torch.zeros(3, 40, 60), {**answer, "scores": torch.tensor([0.9, 0.4])}, CLASSES)
    assert words(figure) == ["circle 0.90"]


def test_the_two_chains_end_as_the_model_does() -> None:
    figure = two_chains(story())
    text = words(figure)
    assert text[0].startswith("anchor 4942 on P4")
    assert text[4].startswith("anchor 4303 on P3")
    assert text[1].startswith("proposal 5\n")
    assert text[5].startswith("proposal 13\n")
    assert text[3].endswith("removed by NMS")
    assert text[7].endswith("kept: detection 4")
    refined = figure.axes[7].collections[1].get_paths()[0].vertices  # [0] is its halo
    kept = story().trace.resized_detections["boxes"][followed().detection]
    assert np.allclose([*refined.min(axis=0), *refined.max(axis=0)], kept, atol=1e-4)


def test_the_stages_with_weights_are_those_marked_as_learnt() -> None:
    model = story().model
    of_stage = {
        1: [model.transform], 2: [model.backbone.body], 3: [model.backbone.fpn], 4: [model.rpn.anchor_generator],
        5: [model.rpn.head], 7: [model.roi_heads.box_roi_pool],
        8: [model.roi_heads.box_head, model.roi_heads.box_predictor],
    }  # fmt: skip
    learnt = tuple(number for number, parts in of_stage.items() if any(list(part.parameters()) for part in parts))
    assert learnt == LEARNT
    every = sum(weight.numel() for number in learnt for part in of_stage[number] for weight in part.parameters())
    assert every == sum(weight.numel() for weight in model.parameters())  # so that 6, 9 and 10 have none


def test_the_whole_network_counts_its_anchors(way: Trace) -> None:
    figure = draw_whole_network(way, CLASSES)
    assert any("5118" in text for text in words(figure))
    assert [text for text in words(figure) if text.isdigit()] == [str(number) for number in range(1, 11)]
    assert len(figure_to_png(figure, dpi=50)) > 10_000


def test_likely_anchors_are_the_highest_logits(way: Trace) -> None:
    boxes, logits = likely_anchors(way, 5)
    everything = torch.cat([level.flatten() for level in way.objectness])
    assert torch.equal(logits, everything.sort(descending=True).values[:5])
    level = max(range(5), key=lambda index: float(way.objectness[index].max()))
    best = way.objectness[level][0]  # (3, H, W), while anchors run H, W, 3
    anchor, row, column = np.unravel_index(int(best.argmax()), best.shape)
    index = (int(row) * best.shape[2] + int(column)) * 3 + int(anchor)
    assert torch.equal(boxes[0], way.anchors[level][index])


def test_the_class_structure_is_read_off_the_model(model: FasterRCNN) -> None:
    text = words(draw_class_structure(model))
    for name in (
        "FasterRCNN",
        "GeneralizedRCNN",
        "nn.Module",
        "RegionProposalNetwork",
        "TwoMLPHead",
        "LastLevelMaxPool",
    ):
        assert (name in text) == (name != "LastLevelMaxPool")  # which is a level further down

    class OtherHead(torch.nn.Module):
        pass

    head = model.roi_heads.box_head
    try:
        model.roi_heads.box_head = OtherHead()
        text = words(draw_class_structure(model))
    finally:
        model.roi_heads.box_head = head
    assert "OtherHead" in text
    assert "TwoMLPHead" not in text
