"""The figures of notebook 13 show the tensors they were given."""

import copy
import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_hex

from frcnn_edu.lessons.losses.pictures import (
    curves as losses_curves,
)
from frcnn_edu.lessons.losses.pictures import (
    gradients as losses_gradients,
)
from frcnn_edu.lessons.losses.pictures import (
    main as losses,
)
from frcnn_edu.lessons.losses.pictures import (
    trace as losses_trace,
)
from frcnn_edu.lessons.story import story
from frcnn_edu.ops import box_iou
from frcnn_edu.training import LOSSES
from frcnn_edu.viz import style as st


@pytest.fixture(scope="module")
def seen():
    return losses_trace.training_trace()


def texts(figure):
    return [text.get_text() for ax in figure.axes for text in [*ax.texts, ax.title]] + [
        ax.get_title(loc="left") for ax in figure.axes
    ]


def polygons(ax, color):
    """Corners (N, 4, 2) of all boxes outlined in `color`, without the halos."""
    found = [
        path.vertices[:4]
        for collection in ax.collections
        if isinstance(collection, PolyCollection) and len(collection.get_edgecolors())  # chips of labels have none
        for path, edge in zip(collection.get_paths(), collection.get_edgecolors(), strict=True)
        if to_hex(edge) == to_hex(color)
    ]
    return np.array(found)


def xyxy(corners):
    return torch.from_numpy(np.concatenate([corners.min(axis=1), corners.max(axis=1)], axis=1)).float()


# ---------------------------------------------------------------------------------------------------------- the trace


def test_trace_is_the_models_own_training_forward(seen):
    model = copy.deepcopy(story().model).train()
    torch.manual_seed(losses_trace.SEED)
    answer = model([story().image], [story().target])
    assert {name: value.item() for name, value in answer.items()} == pytest.approx(seen.losses)


def test_trace_leaves_the_model_alone():
    before = {name: value.clone() for name, value in story().model.state_dict().items()}
    losses_trace.trace_training(story().model, story().image, story().target, seed=1)
    assert all(torch.equal(value, before[name]) for name, value in story().model.state_dict().items())
    assert not story().model.training


def test_trace_holds_what_the_losses_are_made_of(seen):
    number = len(seen.positives) + len(seen.negatives)
    logits = seen.logits[torch.cat((seen.positives, seen.negatives))]
    labels = seen.anchor_labels[torch.cat((seen.positives, seen.negatives))]
    assert F.binary_cross_entropy_with_logits(logits, labels).item() == pytest.approx(
        seen.losses["loss_objectness"], rel=1e-4
    )
    assert F.cross_entropy(seen.class_logits, seen.labels).item() == pytest.approx(seen.losses["loss_classifier"])
    for errors, name in ((seen.rpn_errors, "loss_rpn_box_reg"), (seen.box_errors, "loss_box_reg")):
        cost = F.smooth_l1_loss(errors, torch.zeros_like(errors), beta=1 / 9, reduction="sum") / number
        assert cost.item() == pytest.approx(seen.losses[name], rel=1e-4)
    assert torch.equal(seen.proposals[-len(seen.ground_truth) :], seen.ground_truth)


def test_gradients_reach_only_the_own_head():
    norms = losses_trace.story_gradients(True)
    assert list(norms) == list(LOSSES)
    assert norms["loss_objectness"]["fc6"] is None
    assert norms["loss_classifier"]["3×3"] is None
    assert norms["loss_box_reg"]["classes"] is None
    assert all(row["backbone"] > 0 for row in norms.values())


@pytest.mark.parametrize(
    ("value", "text"), [(0.0017, "0.0017"), (0.0569, "0.057"), (0.2015, "0.20"), (1.791, "1.79"), (0.0996, "0.10")]
)
def test_short(value, text):
    assert losses.short(value) == text


# ------------------------------------------------------------------------------------------------------- four losses


def test_four_losses_draws_the_sampled_boxes(seen):
    figure = losses.losses()
    panels = figure.axes[1:]
    assert len(panels) == 4
    drawn = xyxy(polygons(panels[0], st.FOREGROUND))
    assert torch.allclose(drawn, seen.anchors[seen.positives])
    assert len(polygons(panels[0], st.BACKGROUND)) == len(seen.negatives)
    things = seen.labels > 0
    assert len(polygons(panels[2], st.BACKGROUND)) == int((~things).sum())
    crosses = xyxy(polygons(panels[2], st.class_color(5)))
    assert {tuple(box) for box in crosses.tolist()} == {tuple(box) for box in seen.sampled[seen.labels == 5].tolist()}
    starts = xyxy(polygons(panels[3], st.PROPOSAL))
    assert len(starts) == len(seen.ground_truth)  # the best of each object
    assert (box_iou(starts, seen.sampled[things]).amax(dim=1) == 1).all()
    for panel in (panels[1], panels[3]):
        assert torch.allclose(xyxy(polygons(panel, st.GROUND_TRUTH)), seen.ground_truth)


def test_four_losses_moves_boxes_by_the_predicted_deltas(seen):
    moved = xyxy(polygons(losses.losses().axes[2], st.PROPOSAL))
    coder = story().model.rpn.box_coder
    assert torch.allclose(
        moved, coder.decode_single(seen.deltas[seen.positives], seen.anchors[seen.positives]), atol=1e-3
    )


def test_four_losses_says_their_values(seen):
    said = texts(losses.losses())
    for name, value in seen.losses.items():
        assert f"{name}  {losses.short(value)}" in said


# --------------------------------------------------------------------------------------------------- two assignments


def test_two_assignments_counts(seen):
    figure = losses.two_assignments()
    anchors, proposals = figure.axes[1], figure.axes[2]
    assert sum(
        bar.get_height() for bar in anchors.patches if hasattr(bar, "get_height") and bar.get_width() < 0.05
    ) == len(seen.anchors)
    assert sum(bar.get_height() for bar in proposals.patches if bar.get_width() < 0.05) == len(seen.proposals)
    marks = next(line for line in anchors.lines if line.get_label() == "positive")
    ious, _ = losses_trace.best_ious(seen)
    assert sorted(marks.get_xdata()) == pytest.approx(sorted(ious[seen.anchor_labels == 1].tolist()))
    assert "8 positive · 4912 negative · 198 ignored" in texts(figure)
    assert "60 positive · 97 negative · 0 ignored" in texts(figure)


def test_two_assignments_draws_the_objects(seen):
    figure = losses.two_assignments()
    drawn = xyxy(polygons(figure.axes[3], st.FOREGROUND))
    assert torch.allclose(drawn, seen.anchors[seen.anchor_labels == 1])
    crosses = xyxy(polygons(figure.axes[4], st.class_color(5)))
    assert torch.allclose(crosses, seen.proposals[seen.proposal_labels == 5])


# ------------------------------------------------------------------------------------------------------------- curves


def test_smooth_l1_curves_are_pytorchs(seen):
    figure = losses_curves.draw_smooth_l1(seen.rpn_errors, seen.box_errors)
    value, slope = figure.axes[:2]
    for name, beta in (("smooth L1, β = 1", 1.0), ("smooth L1, β = 1/9", 1 / 9)):
        line = next(line for line in value.lines if line.get_label() == name)
        x = torch.tensor(line.get_xdata())
        right = F.smooth_l1_loss(x, torch.zeros_like(x), beta=beta, reduction="none")
        assert np.allclose(line.get_ydata(), right, atol=1e-6)
        pulls = next(line for line in slope.lines if line.get_label() == name)
        assert np.allclose(pulls.get_ydata(), (x / beta).clamp(-1, 1), atol=1e-5)


def test_smooth_l1_rugs_are_the_errors(seen):
    figure = losses_curves.draw_smooth_l1(seen.rpn_errors, seen.box_errors)
    rug = figure.axes[2]
    marks = [np.array([segment[0][0] for segment in lines.get_segments()]) for lines in rug.collections]
    assert np.allclose(marks[0], seen.rpn_errors.flatten())
    assert np.allclose(marks[1], seen.box_errors.flatten())
    assert "2 of 32\nbeyond 1/9" in [text.get_text() for text in rug.texts]


def test_cross_entropies_hold_each_proposal(seen):
    right = losses_curves.draw_cross_entropies(seen).axes[1]
    points = next(line for line in right.lines if len(line.get_xdata()) == len(seen.labels))
    assert np.allclose(points.get_ydata(), F.cross_entropy(seen.class_logits, seen.labels, reduction="none"), atol=1e-5)
    assert any(
        math.isclose(float(line.get_ydata()[0]), math.log(6)) for line in right.lines if len(line.get_xdata()) == 1
    )


def test_divisors_by_positives_stays_level():
    ax = losses_curves.draw_divisors([16, 32, 64], [0.4, 0.2, 0.1], positives=8).axes[0]
    by_positives, by_all = (line.get_ydata() for line in ax.lines)
    assert list(by_positives) == pytest.approx([0.8, 0.8, 0.8])
    assert list(by_all) == [0.4, 0.2, 0.1]


# ---------------------------------------------------------------------------------------------------------- gradients


def test_gradient_flow_says_each_norm():
    row = {name: None for _, names in losses_gradients.STAGES.values() for name in names}
    norms = {name: {**row, "backbone": value} for name, value in zip(LOSSES, (0.5, 0.25, 4.0, 0.031))}
    figure = losses_gradients.draw_gradient_flow({"a model": norms})
    said = texts(figure)
    assert all(text in said for text in ("0.50", "0.25", "4.00", "0.031", "a model", *LOSSES))
    faint = [line for line in figure.axes[0].lines if to_hex(line.get_color()) == to_hex(st.FAINT)]
    assert len(faint) == 2 * 4 * 9  # two strokes for each cell that has no gradient


def test_gradient_parts_are_the_stages():
    named = [name for _, names in losses_gradients.STAGES.values() for name in names]
    parts = losses_trace.parts(story().model)
    assert list(parts) == named
    counted = sum(p.numel() for part in parts.values() for p in part.parameters())
    assert counted == sum(p.numel() for p in story().model.parameters())


def test_class_gradients_marks_the_true_class():
    gradient = torch.zeros(6, 4)
    gradient[5] = torch.tensor([0.1, -0.2, 0.4, 0.4])
    said = texts(losses_gradients.draw_class_gradients(torch.rand(6, 4), gradient, story().classes, 5))
    assert "← the true class: cross" in said
    assert said.count("0") >= 20
    assert "−.50" in said  # −0.2 of 0.4


def test_repeats_draws_a_dot_for_each_time():
    values = {name: [0.1, 0.2, 0.4] for name in LOSSES}
    figure = losses_gradients.draw_repeats({"one way": values, "another": {**values, "loss_box_reg": [0.3] * 3}})
    ax = figure.axes[1]
    dots = [list(line.get_xdata()) for line in ax.lines if len(line.get_xdata()) == 3]
    assert dots.count([0.1, 0.2, 0.4]) == 7
    assert [0.3] * 3 in dots
    assert "0.100 … 0.400" in texts(figure)
    assert "0.300" in texts(figure)


def test_figures_are_those_of_the_notebook():
    assert set(losses.FIGURES) == {"losses", "two_assignments", "smooth_l1", "gradient_flow"}
    for draw in losses.FIGURES.values():
        assert draw().get_figwidth() == 8
