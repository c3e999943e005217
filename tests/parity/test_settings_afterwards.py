"""Settings that are changed on a finished model act as they do in torchvision, in the fast classes as well; in float64, to 1e-9."""

import copy
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from twins import detect, make_images, make_targets, small_fpn, train_step, twins

import frcnn_edu
from frcnn_edu import run_as
from frcnn_edu.benchmark.agreement import with_labels_of_dtype

IMAGES = [image.double() for image in make_images((64, 80))]
TARGETS = [{**t, "boxes": t["boxes"].double()} for t in make_targets(IMAGES, (4,), 7)]
SETTINGS: list[tuple[str, Any]] = [
    ("transform.min_size", (48,)), ("transform.max_size", 60), ("transform.size_divisible", 64),
    ("transform.fixed_size", (96, 64)), ("transform.image_mean", [0.4, 0.5, 0.6]), ("transform.image_std", [0.3, 0.2, 0.1]),
    ("rpn._pre_nms_top_n", {"training": 40, "testing": 30}), ("rpn._post_nms_top_n", {"training": 30, "testing": 9}),
    ("rpn.post_nms_top_n", lambda: 7), ("rpn.nms_thresh", 0.3), ("rpn.score_thresh", 0.6), ("rpn.min_size", 14.0),
    ("rpn.proposal_matcher.high_threshold", 0.5), ("rpn.proposal_matcher.low_threshold", 0.1),
    ("rpn.proposal_matcher.allow_low_quality_matches", False),
    ("rpn.fg_bg_sampler.batch_size_per_image", 20), ("rpn.fg_bg_sampler.positive_fraction", 0.01),
    ("rpn.box_coder.weights", (2.0, 1.0, 1.5, 3.0)), ("rpn.box_coder.bbox_xform_clip", 0.05),
    ("rpn.anchor_generator.cell_anchors", [torch.tensor([[-9.0, -6, 9, 6]] * 3)] * 5),
    ("roi_heads.score_thresh", 0.3), ("roi_heads.nms_thresh", 0.1), ("roi_heads.detections_per_img", 3),
    ("roi_heads.proposal_matcher.high_threshold", 1.01), ("roi_heads.proposal_matcher.low_threshold", 0.2),
    ("roi_heads.fg_bg_sampler.batch_size_per_image", 12), ("roi_heads.fg_bg_sampler.positive_fraction", 0.05),
    ("roi_heads.box_coder.weights", (5.0, 5.0, 2.0, 2.0)), ("roi_heads.box_coder.bbox_xform_clip", 0.01),
    ("roi_heads.box_roi_pool.sampling_ratio", 1), ("roi_heads.box_roi_pool.featmap_names", ["1", "2", "3"]),
    ("roi_heads.box_roi_pool.canonical_scale", 20), ("roi_heads.box_roi_pool.canonical_level", 3),
]  # fmt: skip


@pytest.fixture(scope="module")
def pair() -> tuple[nn.Module, nn.Module]:
    settings = dict(rpn_post_nms_top_n_train=60, rpn_post_nms_top_n_test=60, box_batch_size_per_image=24)
    images = [image.float() for image in IMAGES]
    ours, theirs = (model.double() for model in twins(small_fpn, images, min_size=56, max_size=72, **settings))
    return run_as(ours, "fast"), theirs


@pytest.fixture(scope="module")
def unchanged(pair: tuple[nn.Module, nn.Module]) -> list[Tensor]:
    return results(copy.deepcopy(pair[1]))


def results(model: nn.Module) -> list[Tensor]:
    """What is detected, proposed and learnt."""
    if not isinstance(model, frcnn_edu.FasterRCNN):  # in torchvision labels are float32, whatever the model is
        with_labels_of_dtype(model, torch.float64)
    detections, proposals, _ = detect(model, IMAGES)
    losses, gradients, _, _ = train_step(model, IMAGES, TARGETS)
    found = [value for image in detections for value in image.values()]
    return [*found, *proposals, *losses.values(), *(gradients[name] for name in sorted(gradients))]


def set_to(model: Any, path: str, value: Any) -> None:
    *owners, name = path.split(".")
    for owner in owners:
        model = getattr(model, owner)
    assert hasattr(model, name)
    setattr(model, name, copy.deepcopy(value))
    if name.startswith(("canonical", "featmap")):  # both libraries keep what followed from them
        model.scales = model.map_levels = None


@pytest.mark.slow
@pytest.mark.parametrize(("path", "value"), SETTINGS, ids=[path for path, _ in SETTINGS])
def test_a_setting_counts_as_in_torchvision(
    path: str, value: Any, pair: tuple[nn.Module, nn.Module], unchanged: list[Tensor]
) -> None:
    theirs = copy.deepcopy(pair[1])
    set_to(theirs, path, value)
    expected = results(theirs)
    assert not are_close(expected, unchanged)  # it does change something
    ours = copy.deepcopy(pair[0])
    detect(ours, IMAGES)  # with what was set before: nothing of it may stay
    set_to(ours, path, value)
    assert are_close(results(ours), expected)


def are_close(some: list[Tensor], others: list[Tensor]) -> bool:
    return len(some) == len(others) and all(
        one.shape == other.shape and torch.allclose(one, other, rtol=1e-9, atol=1e-9)
        for one, other in zip(some, others)
    )
