"""Masks and keypoints: heads of torchvision's on our model, which give there what they give on torchvision's."""

import copy
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torchvision.models.detection.keypoint_rcnn import KeypointRCNNHeads, KeypointRCNNPredictor
from torchvision.models.detection.mask_rcnn import MaskRCNNHeads, MaskRCNNPredictor
from torchvision.ops import MultiScaleRoIAlign
from twins import make_images, make_targets, small_fpn, twins

import frcnn_edu
from frcnn_edu import run_as
from frcnn_edu.model.fast import MODES

IMAGES = make_images((64, 80), (70, 60), (60, 60))
HEADS = {"mask": ("masks",), "keypoint": ("keypoints", "keypoints_scores")}
Pair = tuple[nn.Module, nn.Module]


def targets() -> list[dict[str, Tensor]]:
    """Each box with a mask that fills it and with three points in it; the last image has nothing."""
    made = []
    for image, target in zip(IMAGES, make_targets(IMAGES, (4, 3, 0), 7)):
        x1, y1, x2, y2 = (side[:, None, None] for side in target["boxes"].T)
        rows, columns = (torch.arange(size) for size in image.shape[1:])
        inside = (columns >= x1) & (columns < x2) & (rows[:, None] >= y1) & (rows[:, None] < y2)  # (N, H, W)
        share = torch.tensor([0.2, 0.5, 0.7])[:, None]
        points = target["boxes"][:, None, :2] * (1 - share) + target["boxes"][:, None, 2:] * share  # (N, 3, 2)
        visible = torch.ones(len(points), 3, 1)
        made.append({**target, "masks": inside.byte(), "keypoints": torch.cat([points, visible], dim=2)})
    return made


def add_heads(model: Any, kind: str) -> None:
    torch.manual_seed(5)
    pool, head, predictor = {
        "mask": (7, MaskRCNNHeads(32, (16,), 1), MaskRCNNPredictor(16, 8, 7)),
        "keypoint": (7, KeypointRCNNHeads(32, (16,)), KeypointRCNNPredictor(16, 3)),
    }[kind]
    parts = MultiScaleRoIAlign(["0", "1", "2", "3"], pool, 2), head, predictor
    for name, part in zip(("roi_pool", "head", "predictor"), parts):
        setattr(model.roi_heads, f"{kind}_{name}", part)


@pytest.fixture(scope="module")
def pair() -> Pair:
    return twins(small_fpn, IMAGES, min_size=64, max_size=96, rpn_post_nms_top_n_train=60, box_detections_per_img=8)


def run(model: Any) -> tuple[dict[str, Tensor], list[dict[str, Tensor]]]:
    torch.manual_seed(1)
    losses = model.train()(IMAGES, targets())
    with torch.no_grad():
        return losses, model.eval()(IMAGES)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("kind", HEADS)
def test_further_heads_learn_and_find_as_in_torchvision(kind: str, mode: str, pair: Pair) -> None:
    ours, theirs = run_as(copy.deepcopy(pair[0]), mode), copy.deepcopy(pair[1])
    for model in (ours, theirs):
        add_heads(model, kind)
    (losses, found), (their_losses, expected) = run(ours), run(theirs)
    assert losses.keys() == their_losses.keys() >= {f"loss_{kind}"}
    tolerance = dict(rtol=0, atol=0) if mode != "fast" else dict(rtol=1e-4, atol=1e-4)
    for name, loss in their_losses.items():
        torch.testing.assert_close(losses[name], loss, **tolerance)
    if mode == "fast":  # rounding decides about the last of them
        assert found[0].keys() == expected[0].keys() >= set(HEADS[kind])
        return
    for one, other in zip(found, expected, strict=True):
        assert one.keys() == other.keys() >= set(HEADS[kind])
        assert len(one["boxes"]) > 0
        assert all(torch.equal(one[key], other[key]) for key in other)


@pytest.mark.parametrize("training", [True, False], ids=["training", "evaluation"])
def test_transforms_resize_masks_and_keypoints_alike(training: bool, pair: Pair) -> None:
    ours, theirs = (model.train(training).transform(IMAGES, targets()) for model in pair)
    for one, other in zip(ours[1], theirs[1], strict=True):
        assert one.keys() == other.keys()
        assert all(torch.equal(one[key], other[key]) for key in other)
        assert one["masks"].shape[1:] != (60, 60)  # it was resized


@pytest.mark.parametrize("kind", HEADS)
def test_a_target_without_what_is_learnt(kind: str, pair: Pair) -> None:
    model = copy.deepcopy(pair[0]).train()
    add_heads(model, kind)
    with pytest.raises(ValueError, match=rf"targets\[1\] has no '{kind}s': its keys are \['boxes'"):
        model(IMAGES, [targets()[0], *({k: v for k, v in t.items() if k != f"{kind}s"} for t in targets()[1:])])


def test_heads_are_there_when_all_three_parts_are(pair: Pair) -> None:
    heads = copy.deepcopy(pair[0]).roi_heads
    assert (heads.has_mask(), heads.has_keypoint()) == (False, False)
    heads.mask_head, heads.mask_predictor = nn.Identity(), nn.Identity()
    assert not heads.has_mask()  # as in torchvision, it is left out
    heads.mask_roi_pool = nn.Identity()
    assert (heads.has_mask(), heads.has_keypoint()) == (True, False)
    parts = (heads.box_roi_pool, heads.box_head, heads.box_predictor, 0.5, 0.5, 8, 0.25, None, 0.05, 0.5, 9)
    made = frcnn_edu.RoIHeads(*parts, keypoint_roi_pool=nn.Identity())
    assert made.keypoint_roi_pool is not None
    assert made.mask_head is None
    with pytest.raises(TypeError, match="RoIHeads has no argument 'mask_heads'; other heads are mask_roi_pool, "):
        frcnn_edu.RoIHeads(*parts, mask_heads=nn.Identity())
