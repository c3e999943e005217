"""The run of notebook 14: it is `training.train`'s, and its checkpoint is small, whole and of use."""

import dataclasses
from unittest.mock import patch

import pytest
import torch
from torch.utils.data import Subset

from frcnn_edu import training
from frcnn_edu.lessons.story import OBJECT, follow, story
from frcnn_edu.lessons.train_the_complete_model import run
from frcnn_edu.lessons.train_the_complete_model.pictures import main as pictures
from frcnn_edu.ops import box_iou
from frcnn_edu.viz import style as st


def test_the_steps_are_those_of_train(tmp_path):
    """With a run of three steps, so that both learning rates are the same."""
    images = run.training_data()
    lesson = Subset(images, range(12))
    lesson.classes = images.classes
    with patch.object(run, "RESTART", 3), patch.object(run, "training_data", lambda: lesson):
        mine = run.untrained()
        state = run.train(mine, 0, 3)
    theirs = run.untrained()
    other = training.train(
        theirs, lesson, one_of(lesson), run.config(), device=run.CPU, out=tmp_path / "run", progress_bar=False
    )
    assert state.history == other.history
    assert all(torch.equal(a, b) for a, b in zip(mine.parameters(), theirs.parameters(), strict=True))


def one_of(data):
    part = Subset(data, range(1))
    part.classes = data.classes
    return part


def test_a_run_can_begin_in_the_middle():
    seen = []
    with patch.object(run, "train_step", lambda model, optimizer, images, targets, lr, step, config: seen.append(
        (step, lr, targets[0]["image_id"])) or dict.fromkeys(training.LOSSES, 0.0)):  # fmt: skip
        run.train(run.untrained(), 0, 4)
        state = run.train(run.untrained(), 2, 4)
    assert seen[2:4] == seen[4:6]
    assert state.step == 4
    assert state.history["step"] == [3, 4]


def test_the_second_pass_follows_the_first():
    images = run.training_data()
    lesson = Subset(images, range(8))
    lesson.classes = images.classes
    with patch.object(run, "training_data", lambda: lesson):
        ids = [[target["image_id"] for target in targets] for (_, targets), _ in zip(run.batches(1), range(3))]
    assert sorted(ids[1] + ids[2]) == list(range(8))


def test_the_learning_rate_rises_and_falls_to_nothing_twice():
    rates = [run.learning_rate(step) for step in range(run.STEPS)]
    for first, last in ((0, run.RESTART), (run.RESTART, run.STEPS)):
        cycle = rates[first:last]
        assert cycle.index(max(cycle)) == run.config().warmup_steps
        assert cycle[-1] < 1e-8


def test_the_checkpoint_is_small_and_fits():
    assert run.CHECKPOINT.stat().st_size < 4_500_000
    model = run.checkpoint().eval()
    with torch.no_grad():
        (found,) = model([story().image])
    crosses = found["boxes"][found["labels"] == 5]
    assert box_iou(story().target["boxes"][OBJECT][None], crosses).amax() > 0.7


def test_half_precision_comes_back(tmp_path):
    model = run.untrained()
    run.write_half(model.state_dict(), tmp_path / "half.safetensors")
    with patch.object(run, "CHECKPOINT", tmp_path / "half.safetensors"):
        again = run.checkpoint()
    for a, b in zip(model.parameters(), again.parameters(), strict=True):
        assert torch.equal(a.half().float(), b)


def test_origin_of_the_courses_detection():
    path = follow(story())
    proposal, winner = run.origin(story(), path.detection)
    assert (proposal, winner) == (path.proposal, path.winner)


def test_moments_draws_the_most_confident():
    boxes = torch.tensor([[60.0, 60, 90, 90], [10, 10, 50, 50]])
    found = {"boxes": boxes, "labels": torch.tensor([1, 5]), "scores": torch.tensor([0.2, 0.9])}
    figure = pictures.draw_moments(story().image, story().target, {"now": found}, story().classes, most=1)
    said = [text.get_text() for text in figure.axes[0].texts]
    assert sorted(said) == ["0.90", "now"]


def test_precision_recall_area():
    figure = pictures.draw_precision_recall([True, True, False, True, False, False], objects=5)
    assert "AP = 0.55" in figure.texts[0].get_text()
    dots = next(line for line in figure.axes[0].lines if len(line.get_xdata()) == 6)
    assert list(dots.get_ydata()) == pytest.approx([1, 1, 2 / 3, 3 / 4, 3 / 5, 1 / 2])


def test_rates_shades_what_the_notebook_takes():
    figure = pictures.draw_rates([0.0, 1.0, 0.5, 0.0], (1, 3))
    assert len(figure.axes[0].patches) == 2
    assert figure.axes[0].lines[0].get_color() == st.FOREGROUND


def test_the_config_is_the_recipe():
    recipe = training.default_config("small", "shapes")
    changed = {
        field.name
        for field in dataclasses.fields(recipe)
        if getattr(recipe, field.name) != getattr(run.config(), field.name)
    }
    assert changed == {"minutes", "epochs", "warmup_steps"}
