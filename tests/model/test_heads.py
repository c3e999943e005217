"""The RPN and the RoI heads by themselves: what they say when something does not fit."""

import pytest
import torch

from frcnn_edu import (
    AnchorGenerator,
    FastRCNNPredictor,
    ImageList,
    MultiScaleRoIAlign,
    RegionProposalNetwork,
    RoIHeads,
    RPNHead,
    TwoMLPHead,
)

BATCH = ImageList(torch.zeros(1, 3, 32, 32), [(32, 32)])
MAPS = {"0": torch.randn(1, 8, 8, 8, generator=torch.Generator().manual_seed(0))}


def make_rpn(anchors_of_head: int = 3) -> RegionProposalNetwork:
    return RegionProposalNetwork(
        AnchorGenerator(((16,),), ((0.5, 1.0, 2.0),)),
        RPNHead(8, anchors_of_head),
        0.7,
        0.3,
        16,
        0.5,
        {"training": 50, "testing": 20},
        {"training": 40, "testing": 10},
        0.7,
    )


def make_roi_heads(fg_iou_thresh: float = 0.5, bg_iou_thresh: float = 0.5) -> RoIHeads:
    parts = MultiScaleRoIAlign(["0"], 7, 2), TwoMLPHead(8 * 49, 16), FastRCNNPredictor(16, 4)
    return RoIHeads(*parts, fg_iou_thresh, bg_iou_thresh, 16, 0.25, None, 0.05, 0.5, 10)


def test_top_n_follow_the_mode() -> None:
    rpn = make_rpn()
    assert (rpn.train().pre_nms_top_n(), rpn.post_nms_top_n()) == (50, 40)
    assert (rpn.eval().pre_nms_top_n(), rpn.post_nms_top_n()) == (20, 10)
    proposals, losses = rpn(BATCH, MAPS)
    assert 0 < len(proposals[0]) <= 10
    assert losses == {}


def test_no_gradient_flows_through_proposals() -> None:
    rpn = make_rpn().train()
    proposals, losses = rpn(BATCH, MAPS, [{"boxes": torch.tensor([[4.0, 4, 20, 20]])}])
    assert not proposals[0].requires_grad
    assert all(loss.requires_grad for loss in losses.values())


@pytest.mark.parametrize("heads", [make_rpn, make_roi_heads])
def test_training_needs_targets(heads) -> None:
    module = heads().train()
    arguments = (BATCH, MAPS) if heads is make_rpn else (MAPS, [torch.tensor([[0.0, 0, 9, 9]])], [(32, 32)])
    with pytest.raises(ValueError, match="needs targets in training, got None"):
        module(*arguments)


def test_head_and_anchors_of_different_numbers() -> None:
    with pytest.raises(ValueError, match=r"predicts 320 boxes per image, but the anchor generator makes 192"):
        make_rpn(anchors_of_head=5).eval()(BATCH, MAPS)


def test_predictor_refuses_maps() -> None:
    with pytest.raises(ValueError, match=r"\(N, C\) or \(N, C, 1, 1\), got \(2, 16, 7, 7\)"):
        FastRCNNPredictor(16, 4)(torch.zeros(2, 16, 7, 7))


def test_nothing_proposed_nothing_detected() -> None:
    detections, losses = make_roi_heads().eval()(MAPS, [torch.zeros(0, 4)], [(32, 32)])
    assert losses == {}
    assert {key: tuple(value.shape) for key, value in detections[0].items()} == {
        "boxes": (0, 4),
        "labels": (0,),
        "scores": (0,),
    }


def test_an_image_without_objects_does_not_end_the_batch() -> None:
    """Three candidates in each of three images: the object itself, IoU 0.5 with it, and elsewhere."""
    candidates = [torch.tensor([[0.0, 0, 10, 10], [0, 0, 10, 20], [40, 40, 50, 50]])] * 3
    none, one = torch.zeros(0, 4), torch.tensor([[0.0, 0, 10, 10]])
    gt_boxes = [none, one, none]
    labels, matched = make_rpn().assign_targets_to_anchors(candidates, [{"boxes": boxes} for boxes in gt_boxes])
    assert [image.tolist() for image in labels] == [[0, 0, 0], [1, -1, 0], [0, 0, 0]]
    assert [image.shape for image in matched] == [(3, 4)] * 3
    assert torch.equal(matched[1][0], one[0])

    heads = make_roi_heads(fg_iou_thresh=0.7, bg_iou_thresh=0.3)
    classes = [torch.full((len(boxes),), 3) for boxes in gt_boxes]
    indices, labels = heads.assign_targets_to_proposals(candidates, gt_boxes, classes)
    assert [image.tolist() for image in labels] == [[0, 0, 0], [3, -1, 0], [0, 0, 0]]
    assert [image.tolist() for image in indices] == [[0, 0, 0]] * 3


def test_a_proposal_that_no_other_comes_near_to_is_no_object() -> None:
    """The best anchor of an object is one however little they overlap, a proposal is not."""
    far, gt = [torch.tensor([[0.0, 0, 10, 40]])], torch.tensor([[0.0, 0, 10, 10]])
    assert make_rpn().assign_targets_to_anchors(far, [{"boxes": gt}])[0][0].tolist() == [1]
    assert make_roi_heads().assign_targets_to_proposals(far, [gt], [torch.tensor([2])])[1][0].tolist() == [0]
