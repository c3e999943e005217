import pytest
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from frcnn_edu.lessons.box_head.pictures import boxes as box_head_boxes
from frcnn_edu.lessons.box_head.pictures import main as box_head
from frcnn_edu.lessons.box_head.pictures import scores as box_head_scores
from frcnn_edu.lessons.story import followed, story
from frcnn_edu.ops import box_iou
from frcnn_edu.viz.output import figure_to_png

CLASSES = ("background", "cat", "dog")


def words(figure: Figure) -> list[str]:
    texts = [text for ax in figure.axes for text in ax.texts]
    return [text.get_text() for text in texts] + [ax.get_title(loc="left") for ax in figure.axes]


def drawn(ax: Axes, boxes: Tensor) -> bool:
    """Whether each box is outlined on a panel."""
    every = []
    for collection in ax.collections:
        for path in collection.get_paths():
            every.append([*path.vertices.min(axis=0), *path.vertices.max(axis=0)])
    outlines = torch.tensor(every).float()
    return all(bool(((outlines - box).abs().amax(dim=1) < 1e-3).any()) for box in boxes)


def test_opening_shows_the_channels_as_tiles_and_the_real_answers() -> None:
    figure = box_head.box_head()
    seen, mine = story().trace, followed().proposal
    tiles = torch.as_tensor(figure.axes[1].images[0].get_array())
    assert tiles.shape == (56, 56)
    assert torch.equal(tiles[7:14, 14:21], seen.pooled[mine, 8 + 2])  # second row, third tile
    vector = torch.as_tensor(figure.axes[3].images[0].get_array())[:, 0]
    head = story().model.roi_heads.box_head
    assert torch.allclose(vector, head(seen.pooled[mine][None])[0], atol=1e-4)
    said = words(figure)
    for text in ("3136 numbers", "64 channels of 7×7 features", "6 class scores", "6 · 4 box deltas", "1.00", "−2.7"):
        assert text in said
    assert [said.count(name) for name in story().classes] == [2] * 6  # at the scores, and at the deltas


def test_score_bars_are_the_softmax() -> None:
    logits, deltas = torch.tensor([0.0, 1.0, 2.0]), torch.zeros(3, 4)
    figure = box_head.plot_heads(torch.rand(4, 7, 7), torch.rand(8), torch.rand(8), logits, deltas, CLASSES)
    shares = [f"{value:.2f}" for value in logits.softmax(dim=0).tolist()]
    assert [text for text in words(figure) if text in shares] == shares == ["0.09", "0.24", "0.67"]


def test_parameters_are_shares_of_the_whole() -> None:
    figure = box_head.plot_parameters([("a", [("one", 3_000_000, "#000000"), ("two", 1_000_000, "#ffffff")])])
    assert {"75 %", "25 %", "4.0 million parameters", "one", "two"} <= set(words(figure))
    first, second = figure.axes[0].patches
    assert first.get_width() == pytest.approx(3 * second.get_width())
    assert first.get_x() + first.get_width() == pytest.approx(second.get_x())


def test_class_boxes_are_drawn_as_decoded() -> None:
    seen, ground_truth = story().trace, story().box[None]
    boxes = story().model.roi_heads.box_coder.decode(seen.box_deltas[[7]], [seen.proposals[[7]]])[0]
    shares = seen.class_logits[7].softmax(dim=0)
    figure = box_head_boxes.plot_class_boxes(
        story().resized, seen.proposals[7], boxes, shares, story().classes, ground_truth
    )  # fmt: skip
    assert len(figure.axes) == 6
    for label, ax in enumerate(figure.axes):
        assert drawn(ax, torch.stack((seen.proposals[7], boxes[label], ground_truth[0])))
        assert ax.get_title(loc="left") == f"as {story().classes[label]}, {float(shares[label]):.2f}"
        assert any(f"IoU {float(box_iou(ground_truth, boxes[[label]])):.2f}" in text.get_text() for text in ax.texts)


def test_candidates_end_at_the_models_detections() -> None:
    steps = box_head_boxes.story_candidates()
    assert [len(step.boxes) for step in steps] == [1800, 1800, 1500, 81, 81, 8, 8]
    found = story().trace.resized_detections
    assert torch.equal(steps[-1].labels, found["labels"])
    assert torch.allclose(steps[-1].boxes, found["boxes"], atol=1e-3)
    assert torch.allclose(steps[-1].scores, found["scores"], atol=1e-4)
    assert bool((steps[2].labels > 0).all())
    assert bool((steps[1].labels == 0).any())


def test_candidates_figure_names_the_last_ones() -> None:
    steps = box_head_boxes.story_candidates()
    figure = box_head_boxes.plot_candidates(story().resized, [steps[3], steps[6]], story().classes)
    assert [ax.get_title(loc="left") for ax in figure.axes] == ["81  above 0.05", "8  detections"]
    assert drawn(figure.axes[0], steps[3].boxes)
    assert drawn(figure.axes[1], steps[6].boxes)
    assert {"star 0.06", "cross 1.00", "2 circle, 1 triangle, 3 star, 2 cross"} <= set(words(figure))


def test_same_place_labels_each_box() -> None:
    boxes = torch.tensor([[40.0, 40, 80, 80], [42, 40, 82, 80]])
    both = ("both", boxes, torch.tensor([1, 2]), torch.tensor([0.9, 0.1]))
    one = ("one", boxes[:1], torch.tensor([1]), torch.tensor([0.9]))
    figure = box_head_boxes.plot_same_place(story().resized, [both, one], CLASSES)
    assert drawn(figure.axes[0], boxes)
    assert not drawn(figure.axes[1], boxes)
    assert words(figure).count("cat 0.90") == 2
    assert words(figure).count("dog 0.10") == 1
    assert figure.axes[0].get_xlim() == (26, 96)


def test_shifts_start_in_the_middle() -> None:
    moves, scores, overlaps = box_head_scores.score_of_shifts()
    middle = moves.shape[0] // 2
    assert moves[middle, middle].tolist() == [0, 0]
    assert moves[middle, middle + 1].tolist() == [2, 0]  # a column to the right is a shift in x
    assert overlaps[middle, middle] == 1
    assert scores[middle, middle] > 0.99
    direct, _ = box_head_scores.read((story().box + torch.tensor([2.0, -4, 2, -4]))[None])
    assert scores[middle - 2, middle + 1] == pytest.approx(float(direct[0, 5]), abs=1e-4)


def test_the_head_has_learned_the_threshold() -> None:
    _, scores, overlaps = box_head_scores.score_of_shifts()
    assert ((scores >= 0.5) == (overlaps >= 0.5)).float().mean() > 0.95


def test_score_by_shift_lies_over_the_object() -> None:
    figure = box_head.score_by_shift()
    left, right = figure.axes
    x, y = ((story().box[:2] + story().box[2:]) / 2).tolist()
    x1, x2, y2, y1 = left.images[1].get_extent()
    assert ((x1 + x2) / 2, (y1 + y2) / 2) == pytest.approx((x, y))
    assert x2 - x1 == pytest.approx(27 * 2)  # 27 shifts of 2 pixels
    points = torch.tensor(right.collections[-1].get_offsets().tolist())
    assert len(points) == 27 * 27
    _, scores, overlaps = box_head_scores.score_of_shifts()
    assert torch.allclose(points, torch.stack((overlaps.flatten(), scores.flatten()), dim=1))


def test_walk_draws_a_curve_for_each_of_three_classes() -> None:
    shares = torch.tensor([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    start, end = torch.tensor([20.0, 20, 60, 60]), torch.tensor([60.0, 40, 100, 90])
    figure = box_head_scores.plot_walk(story().resized, start, end, shares, (1, 2), CLASSES)
    left, right = figure.axes
    assert drawn(left, torch.stack((start, end, (start + end) / 2)))
    assert [list(line.get_ydata()) for line in right.lines] == [[1, 0, 0], [0, 1, 0], [0, 0, 1]]
    assert [text.get_text() for text in right.texts] == ["cat", "background", "dog"]
    assert [text.get_position()[0] for text in right.texts] == [0, 0.5, 1]


def test_precision_and_recall_are_drawn_as_given() -> None:
    by_nms = [(0.3, 0.9, 0.8), (0.5, 0.7, 0.95)]
    figure = box_head_scores.plot_precision_recall([0.1, 0.9], [0.5, 0.6], [0.9, 0.4], by_nms)
    left, right = [[list(line.get_ydata()) for line in ax.lines] for ax in figure.axes]
    assert left == [[0.5, 0.6], [0.9, 0.4]]
    assert right == [[0.9, 0.7], [0.8, 0.95]]
    assert list(figure.axes[1].lines[0].get_xdata()) == [0.3, 0.5]


def test_named_shares_and_counts() -> None:
    figure = box_head_scores.plot_named(["cat", "dog"], [10, 20], [("from 1", [0.9, 0.8]), ("from 0", [0.0, 0.75])])
    assert [[text.get_text() for text in ax.texts] for ax in figure.axes] == [
        ["90 % of 10", "80 % of 20"],
        ["0 % of 10", "75 % of 20"],
    ]
    assert [patch.get_width() for patch in figure.axes[1].patches[2:]] == [0.0, 0.75]


@pytest.mark.parametrize("name", sorted(box_head.FIGURES))
def test_figures_draw_without_arguments(name: str) -> None:
    figure = box_head.FIGURES[name]()
    assert figure.get_figwidth() == 8
    assert figure_to_png(figure, dpi=40).startswith(b"\x89PNG")
