import pytest
import torch
from matplotlib.figure import Figure
from torch import Tensor

from frcnn_edu.lessons.proposals.pictures import found as proposals_found
from frcnn_edu.lessons.proposals.pictures import main as proposals
from frcnn_edu.lessons.proposals.pictures import nms as proposals_nms
from frcnn_edu.lessons.story import story
from frcnn_edu.ops import box_iou, nms
from frcnn_edu.viz import style as st
from frcnn_edu.viz.output import figure_to_png


def words(figure: Figure) -> list[str]:
    texts = [text for ax in figure.axes for text in ax.texts]
    return [text.get_text() for text in texts] + [ax.get_title(loc="left") for ax in figure.axes]


def outlines(ax) -> list[list[float]]:
    """xyxy of every outline on a panel."""
    found = []
    for collection in ax.collections:
        for path in collection.get_paths():
            (x1, y1), (x2, y2) = path.vertices.min(axis=0), path.vertices.max(axis=0)
            found.append([x1, y1, x2, y2])
    return found


def drawn(ax, boxes: Tensor) -> bool:
    """Whether each box is one of the panel's outlines."""
    every = torch.tensor(outlines(ax)).float()
    return all(bool(((every - box).abs().amax(dim=1) < 1e-3).any()) for box in boxes)


def test_the_sieve_ends_at_the_models_proposals() -> None:
    steps = proposals.story_sieve()
    assert [len(step.boxes) for step in steps] == [5118, 918, 918, 918, 918, 684, 300]
    assert torch.equal(steps[-1].boxes, story().trace.proposals)
    assert steps[1].per_level() == [300, 300, 240, 60, 18]
    assert all(len(step.boxes) == len(step.probabilities) == len(step.levels) for step in steps)
    assert float(steps[1].boxes[:, 3].max()) > 120 >= float(steps[2].boxes[:, 3].max())


def test_limits_of_the_full_model() -> None:
    anchors, enter, leave = proposals.full_model_limits((800, 1088))
    assert anchors[1] == [163200, 40800, 10200, 2550, 663]
    assert enter[1] == [1000, 1000, 1000, 1000, 663]
    assert leave[2] == 1000
    assert proposals.full_model_limits((64, 64))[2][2] == 1000
    assert proposals.full_model_limits((32, 32))[2][2] == 3 * (64 + 16 + 4 + 1 + 1)  # fewer than the limit


def test_opening_draws_every_box_of_its_four_stops() -> None:
    figure = proposals.proposals()
    steps = proposals.story_sieve()
    assert [ax.get_title(loc="left").split()[0] for ax in figure.axes] == ["5118", "918", "684", "300"]
    assert [len(ax.collections[0].get_paths()) for ax in figure.axes] == [5118, 918, 684, 300]
    last = figure.axes[3]
    assert drawn(last, steps[-1].boxes[:10])
    assert drawn(last, story().boxes)
    alphas = last.collections[0].get_edgecolors()[:, 3]
    assert alphas[0] > 0.85
    assert alphas[-1] < 0.06


def test_survivors_names_every_count() -> None:
    said = words(proposals.survivors())
    for number in ("5118", "918", "684", "300", "217,413", "4663", "1000", "8663", "2000"):
        assert number in said
    assert said.count("918") == 3


def test_clipping_shows_the_boxes_before_and_after() -> None:
    before = torch.tensor([[-5.0, 10, 20, 30], [10, 100, 30, 131]])
    after = torch.tensor([[0.0, 10, 20, 30], [10, 100, 30, 120]])
    figure = proposals.plot_clipping(story().resized, before, after, 7, (128, 160))
    left, right = figure.axes
    assert drawn(left, before)
    assert not drawn(left, after)
    assert drawn(right, after)
    assert "2 of the 7 boxes that leave the image" in words(figure)
    assert "the lowest edge is at 120, not at 128" in words(figure)


@pytest.mark.parametrize("threshold", [0.5, 0.7, 0.9])
def test_rounds_are_those_of_nms(threshold: float) -> None:
    rounds = proposals_nms.nms_rounds(proposals_nms.FIVE, proposals_nms.FIVE_SCORES, threshold)
    assert [best for best, _, _ in rounds] == nms(proposals_nms.FIVE, proposals_nms.FIVE_SCORES, threshold).tolist()
    gone = [index for _, _, removed in rounds for index in removed]
    assert sorted(gone + [best for best, _, _ in rounds]) == [0, 1, 2, 3, 4]
    figure = proposals_nms.plot_nms_steps(proposals_nms.FIVE, proposals_nms.FIVE_SCORES, threshold)
    assert len(figure.axes) == 1 + len(rounds)


def test_nms_steps_writes_each_overlap() -> None:
    figure = proposals.nms_steps()
    first, second, third = [[text.get_text() for text in ax.texts] for ax in figure.axes[1:]]
    assert "D stays" in first
    assert "E  IoU 0.82 ✕" in first
    assert "A  IoU 0.00" in first
    assert {"A stays", "B  IoU 0.82 ✕", "C  IoU 0.67"} <= set(second)
    assert "C stays" in third
    assert "removes nothing: no IoU above 0.7" in third
    assert drawn(figure.axes[0], proposals_nms.FIVE)


def test_offsets_move_each_level_by_its_number() -> None:
    boxes = torch.tensor([[0.0, 0, 10, 10], [5, 5, 19, 15], [0, 0, 10, 10]])
    figure = proposals_nms.plot_offsets(boxes, torch.tensor([0, 1, 2]), (16, 20))
    near, far = figure.axes
    assert drawn(near, boxes)
    assert drawn(far, torch.tensor([[0.0, 0, 10, 10], [25, 25, 39, 35], [40, 40, 50, 50]]))
    assert "P4: 1 boxes,\nmoved by 40" in words(figure)
    few = proposals_nms.plot_offsets(boxes, torch.tensor([0, 0, 1]), (16, 20), most=1).axes[0]
    assert drawn(few, boxes[[0, 2]])
    assert not drawn(few, boxes[[1]])


def test_saturation_falls_onto_one() -> None:
    figure = proposals_nms.plot_saturation(torch.arange(14, 20.001, 0.5))
    exact, computed = (line.get_ydata() for line in figure.axes[0].lines)
    assert computed[-1] == 0 < exact[-1]
    assert all(abs(a - b) <= 1.01 for a, b in zip(exact, computed, strict=True))
    assert all(float(value).is_integer() for value in computed)


def test_kept_and_removed_around_an_object() -> None:
    box = story().box[None]
    removed, kept = box + 3, torch.cat((box - 2, box + 1))
    figure = proposals_found.plot_kept_by_threshold(story().resized, [("one", removed, kept)] * 2, box)
    assert len(figure.axes) == 2
    assert drawn(figure.axes[0], torch.cat((removed, kept, box)))
    assert words(figure).count("2 of 3 kept") == 2
    (left, right), (bottom, top) = figure.axes[0].get_xlim(), figure.axes[0].get_ylim()
    assert (left, top) == (float(box[0, 0]) - 16, float(box[0, 1]) - 16)
    assert (right, bottom) == (float(box[0, 2]) + 16, float(box[0, 3]) + 16)


def test_fit_and_score_marks_what_was_kept() -> None:
    fits, scores = torch.tensor([0.9, 0.8, 0.6]), torch.tensor([0.7, 0.9, 0.5])
    figure = proposals_found.plot_fit_and_score(fits, scores, torch.tensor([False, True, True]), (1, 0), {2: "one"})
    hollow, filled = figure.axes[0].collections
    assert hollow.get_offsets()[:, 1].tolist() == pytest.approx([0.9])
    assert filled.get_offsets()[:, 1].tolist() == pytest.approx([0.8, 0.6])
    assert filled.get_offsets()[1, 0] == pytest.approx(0, abs=1e-6)  # probability 0.5 is logit 0
    assert "kept: IoU 0.80" in words(figure)
    assert "removed by it: IoU 0.90" in words(figure)
    assert "one\nkept: IoU 0.60" in words(figure)


def test_recall_curves_are_drawn_as_given() -> None:
    curves = [("a", [0.1, 0.5, 1.0]), ("b", [0.2, 0.6, 1.0])]
    figure = proposals_found.plot_recall([1, 10, 300], curves)
    assert [(line.get_label(), list(line.get_ydata())) for line in figure.axes[0].lines] == curves
    assert len({(line.get_color(), line.get_linestyle()) for line in figure.axes[0].lines}) == 2


def test_a_proposal_has_the_colour_of_proposals() -> None:
    edges = proposals.proposals().axes[3].collections[0].get_edgecolors()[0]
    assert tuple(edges[:3]) == pytest.approx(tuple(int(st.PROPOSAL[i : i + 2], 16) / 255 for i in (1, 3, 5)))


@pytest.mark.parametrize("name", sorted(proposals.FIGURES))
def test_figures_draw_without_arguments(name: str) -> None:
    figure = proposals.FIGURES[name]()
    assert figure.get_figwidth() == 8
    assert figure_to_png(figure, dpi=40).startswith(b"\x89PNG")


def test_the_removed_box_fitted_better() -> None:
    """What the notebook's last figure is about."""
    steps = proposals.story_sieve()
    before, after = (float(box_iou(story().box[None], steps[i].boxes).max()) for i in (4, 6))
    assert before > after + 0.05
