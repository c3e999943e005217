"""What a Faster R-CNN must get right to give torchvision's numbers: one test a fact, each with a known answer.

Where torchvision has the same part, the test asks both: a fact that changes there should be noticed here.
"""

import math
from collections import OrderedDict

import pytest
import torch
import torch.nn.functional as F
import torchvision
from torch import Tensor, nn
from torchvision.models.detection import _utils
from torchvision.models.detection.image_list import ImageList as TorchvisionImageList
from torchvision.models.detection.roi_heads import fastrcnn_loss as torchvision_fastrcnn_loss
from torchvision.ops import FeaturePyramidNetwork as TorchvisionFeaturePyramidNetwork
from torchvision.ops import boxes as torchvision_boxes
from torchvision.ops.poolers import LevelMapper as TorchvisionLevelMapper
from twins import OURS, THEIRS, make_images, make_targets

import frcnn_edu
from frcnn_edu.ops.losses import fastrcnn_loss

OURS_AND_THEIRS = pytest.mark.parametrize("lib", [OURS, THEIRS], ids=["ours", "theirs"])
MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]


def make_rpn(lib, **settings):
    defaults = {
        "fg_iou_thresh": 0.7,
        "bg_iou_thresh": 0.3,
        "batch_size_per_image": 256,
        "positive_fraction": 0.5,
        "pre_nms_top_n": {"training": 2000, "testing": 1000},
        "post_nms_top_n": {"training": 2000, "testing": 1000},
        "nms_thresh": 0.7,
    }
    anchors = lib.AnchorGenerator(((16,), (32,)), ((0.5, 1.0, 2.0),) * 2)
    return lib.RegionProposalNetwork(anchors, lib.RPNHead(8, 3), **{**defaults, **settings})


def make_roi_heads(lib, **settings):
    defaults = {
        "box_roi_pool": lib.MultiScaleRoIAlign(["0", "1"], 7, 2),
        "box_head": lib.TwoMLPHead(8 * 49, 16),
        "box_predictor": lib.FastRCNNPredictor(16, 4),
        "fg_iou_thresh": 0.5,
        "bg_iou_thresh": 0.5,
        "batch_size_per_image": 16,
        "positive_fraction": 0.25,
        "bbox_reg_weights": None,
        "score_thresh": 0.05,
        "nms_thresh": 0.5,
        "detections_per_img": 100,
    }
    return lib.RoIHeads(**{**defaults, **settings})


# --- transform -----------------------------------------------------------------------------------------------------


@OURS_AND_THEIRS
def test_fact_01_normalise_first_then_resize_to_the_floored_size(lib) -> None:
    transform = lib.GeneralizedRCNNTransform(800, 1333, MEAN, STD).eval()
    image = make_images((333, 500))[0]
    boxes = torch.tensor([[10.0, 20.0, 300.0, 200.0]])
    batch, targets = transform([image], [{"boxes": boxes}])
    assert batch.image_sizes == [(800, 1201)]  # 500 · 800/333 = 1201.2; not the 1200 of a table, not rounded up

    normalised = (image - torch.tensor(MEAN)[:, None, None]) / torch.tensor(STD)[:, None, None]
    resized = F.interpolate(
        normalised[None], scale_factor=800 / 333, mode="bilinear", recompute_scale_factor=True, align_corners=False
    )[0]
    assert torch.equal(batch.tensors[0, :, :800, :1201], resized)
    # Each axis has its own ratio, new size / old size.
    expected = boxes * torch.tensor([1201 / 500, 800 / 333, 1201 / 500, 800 / 333])
    assert torch.allclose(targets[0]["boxes"], expected, rtol=1e-7)


@OURS_AND_THEIRS
def test_fact_02_evaluation_takes_the_last_size_and_training_always_draws(lib) -> None:
    several = lib.GeneralizedRCNNTransform((32, 48, 64), 999, MEAN, STD)
    image = make_images((100, 100))[0]
    assert several.eval()([image])[0].image_sizes == [(64, 64)]

    torch.manual_seed(0)
    drawn = [several.train()([image])[0].image_sizes[0][0] for _ in range(20)]
    torch.manual_seed(0)
    assert drawn == [(32, 48, 64)[int(torch.empty(1).uniform_(0, 3))] for _ in range(20)]
    assert set(drawn) == {32, 48, 64}

    single = lib.GeneralizedRCNNTransform(32, 999, MEAN, STD).train()
    torch.manual_seed(0)
    single([image, image])
    after = torch.get_rng_state()
    torch.manual_seed(0)
    torch.empty(1).uniform_(), torch.empty(1).uniform_()
    assert torch.equal(after, torch.get_rng_state())


@OURS_AND_THEIRS
def test_fact_03_padding_is_right_and_below_and_of_the_mean_colour(lib) -> None:
    transform = lib.GeneralizedRCNNTransform(50, 999, MEAN, STD).eval()
    mean_colour = torch.tensor(MEAN)[:, None, None].expand(3, 50, 70)
    batch, _ = transform([mean_colour, torch.ones(3, 50, 50)])
    assert batch.tensors.shape == (2, 3, 64, 96)
    assert batch.tensors[0].abs().max() < 1e-6  # so in the network's eyes padding is the mean colour
    inside = batch.tensors[1, :, :50, :50]
    assert (inside > 1).all()
    assert batch.tensors[1].count_nonzero() == inside.numel()


@OURS_AND_THEIRS
def test_fact_04_postprocess_only_maps_boxes_back(lib) -> None:
    transform = lib.GeneralizedRCNNTransform(50, 999, MEAN, STD).eval()
    twice = torch.tensor([[10.0, 20.0, 40.0, 45.0]]).repeat(2, 1)  # NMS would drop one of them
    result = [{"boxes": twice, "labels": torch.tensor([1, 1]), "scores": torch.tensor([0.9, 0.001])}]
    (mapped,) = transform.postprocess(result, [(50, 60)], [(100, 180)])
    assert torch.equal(mapped["boxes"], torch.tensor([[30.0, 40.0, 120.0, 90.0]]).repeat(2, 1))
    assert mapped["labels"].tolist() == [1, 1]
    assert mapped["scores"].tolist() == pytest.approx([0.9, 0.001])


# --- anchors -------------------------------------------------------------------------------------------------------


@OURS_AND_THEIRS
def test_fact_05_base_anchors_are_rounded_half_to_even_and_ratio_is_height_over_width(lib) -> None:
    generator = lib.AnchorGenerator(((32,), (8, 16), (5, 15)), ((0.5, 1.0, 2.0), (1.0, 4.0), (1.0,)))
    first, second, odd = (anchors.tolist() for anchors in generator.cell_anchors)
    assert first == [[-23, -11, 23, 11], [-16, -16, 16, 16], [-11, -23, 11, 23]]
    x1, y1, x2, y2 = first[0]
    assert (x2 - x1) * (y2 - y1) == 1012  # not 32² = 1024
    assert (y2 - y1) / (x2 - x1) == pytest.approx(0.5, abs=0.03)  # the first is the flat one
    # Ratios outside, sizes inside.
    assert second == [[-4, -4, 4, 4], [-8, -8, 8, 8], [-2, -8, 2, 8], [-4, -16, 4, 16]]
    assert odd == [[-2, -2, 2, 2], [-8, -8, 8, 8]]  # 2.5 → 2 and 7.5 → 8


@OURS_AND_THEIRS
def test_fact_06_three_anchors_a_location_and_fifteen_over_five_levels(lib) -> None:
    with torch.device("meta"):
        model = lib.fasterrcnn_resnet50_fpn(weights=None, weights_backbone=None, num_classes=2)
    generator = model.rpn.anchor_generator
    assert generator.num_anchors_per_location() == [3, 3, 3, 3, 3]
    assert sum(map(len, generator.cell_anchors)) == 15
    assert model.rpn.head.cls_logits.out_channels == 3


@OURS_AND_THEIRS
def test_fact_07_stride_is_padded_size_over_grid_size(lib) -> None:
    """800 × 1088 pixels: "pool" has 13 × 17 locations, and a stride of 61 down and 64 across."""
    generator = lib.AnchorGenerator(((512,),), ((1.0,),))
    batch = TorchvisionImageList(torch.zeros(1, 3, 800, 1088), [(800, 1066)])
    anchors = generator(batch, [torch.zeros(1, 1, 13, 17)])[0].view(13, 17, 4)
    assert (anchors[1, 0] - anchors[0, 0]).tolist() == [0, 61, 0, 61]
    assert (anchors[0, 1] - anchors[0, 0]).tolist() == [64, 0, 64, 0]


@OURS_AND_THEIRS
def test_fact_08_anchors_sit_on_the_top_left_corner_in_the_order_of_the_head(lib) -> None:
    generator = lib.AnchorGenerator(((8,), (16,)), ((1.0, 4.0),) * 2)
    batch = TorchvisionImageList(torch.zeros(2, 3, 32, 48), [(32, 48), (30, 40)])
    anchors = generator(batch, [torch.zeros(2, 1, 4, 6), torch.zeros(2, 1, 2, 3)])
    assert torch.equal(anchors[0], anchors[1])
    centres = (anchors[0][:, :2] + anchors[0][:, 2:]) / 2
    rows = [[x, y] for y in range(0, 32, 8) for x in range(0, 48, 8) for _ in range(2)]
    rows += [[x, y] for y in range(0, 32, 16) for x in range(0, 48, 16) for _ in range(2)]
    assert centres.tolist() == rows  # from (0, 0): no half-stride offset

    # A head map whose values are level, row, column and anchor comes out in the same order.
    height, width, per_location = 2, 3, 2
    numbers = torch.arange(height * width * per_location * 4).view(height, width, per_location, 4)
    head_map = numbers.permute(2, 3, 0, 1).reshape(1, per_location * 4, height, width)
    logits = numbers[..., 0].permute(2, 0, 1)[None] / 4
    rpn = frcnn_edu.model.rpn if lib is OURS else torchvision.models.detection.rpn
    flat_logits, flat = rpn.concat_box_prediction_layers([logits], [head_map])
    assert flat.tolist() == numbers.view(-1, 4).tolist()
    assert flat_logits.flatten().tolist() == list(range(height * width * per_location))


# --- region proposal network ---------------------------------------------------------------------------------------


@OURS_AND_THEIRS
def test_fact_09_proposals_are_chosen_by_logits_and_suppressed_by_probabilities(lib) -> None:
    """Logits 40, 30 and 20 are all 1.0 after sigmoid in float32, so top-n and NMS disagree about their order."""
    rpn = make_rpn(
        lib, pre_nms_top_n={"training": 2, "testing": 2}, post_nms_top_n={"training": 3, "testing": 3}
    ).eval()
    apart = torch.tensor([[0.0, 0, 10, 10], [20, 0, 30, 10], [40, 0, 50, 10], [0, 50, 10, 60], [20, 50, 30, 60]])
    boxes, scores = rpn.filter_proposals(
        apart[None], torch.tensor([[20.0, 40.0, 30.0, 1.0, 2.0]]), [(100, 100)], [3, 2]
    )
    # The best two of each level by logits: box 0 is gone, although its probability is 1.0 too. Three are left.
    assert boxes[0].tolist() == [apart[1].tolist(), apart[2].tolist(), apart[4].tolist()]
    assert scores[0].tolist() == pytest.approx([1.0, 1.0, torch.tensor(2.0).sigmoid().item()])

    # Clipped, then those with a side below 1e-3 dropped, then those below the threshold; at it is enough.
    rpn = make_rpn(lib, score_thresh=0.5).eval()
    odd = torch.tensor([[-9.0, -9, 5, 5], [99.9995, 0, 120, 9], [99.995, 0, 120, 9], [0, 50, 10, 60], [0, 70, 10, 80]])
    boxes, scores = rpn.filter_proposals(odd[None], torch.tensor([[4.0, 3.0, 2.0, 0.0, -0.1]]), [(100, 100)], [5])
    assert boxes[0].tolist() == [[0, 0, 5, 5], pytest.approx([99.995, 0, 100, 9]), [0, 50, 10, 60]]

    # NMS is within a level: the same box twice on two levels stays twice.
    same = torch.tensor([[0.0, 0, 10, 10]]).repeat(3, 1)
    boxes, _ = rpn.filter_proposals(same[None], torch.tensor([[3.0, 2.0, 1.0]]), [(100, 100)], [2, 1])
    assert len(boxes[0]) == 2


def test_fact_09_ties_after_sigmoid_fall_as_torchvisions_do() -> None:
    generator = torch.Generator().manual_seed(0)
    for levels in ([900, 300], [300, 100]):  # more and fewer than 4000 elements in NMS
        count = sum(levels)
        corners = torch.rand(1, count, 2, generator=generator) * 90
        proposals = torch.cat([corners, corners + 2 + torch.rand(1, count, 2, generator=generator) * 20], dim=2)
        logits = (torch.randn(1, count, generator=generator) * 30).round()  # most are 0.0 or 1.0 after sigmoid
        outputs = []
        for lib in (OURS, THEIRS):
            rpn = make_rpn(lib, pre_nms_top_n={"training": 800, "testing": 800}, score_thresh=0.0).eval()
            outputs.append(rpn.filter_proposals(proposals, logits, [(100, 100)], levels))
        (boxes, scores), (their_boxes, their_scores) = outputs
        assert (their_scores[0] == 1).sum() > 20
        assert torch.equal(boxes[0], their_boxes[0])
        assert torch.equal(scores[0], their_scores[0])


@pytest.mark.parametrize(("count", "way"), [(1000, "offsets"), (1001, "group by group")])
def test_fact_10_batched_nms_changes_its_way_above_4000_elements(count: int, way: str, monkeypatch) -> None:
    """1000 boxes have 4000 coordinates. Both ways keep what torchvision keeps, in its order."""
    generator = torch.Generator().manual_seed(0)
    corners = torch.rand(count, 2, generator=generator) * 80
    boxes = torch.cat([corners, corners + 5 + torch.rand(count, 2, generator=generator) * 60], dim=1)
    scores = torch.rand(count, generator=generator).mul(50).round() / 50  # with ties
    groups = torch.randint(0, 5, (count,), generator=generator)
    kept = frcnn_edu.batched_nms(boxes, scores, groups, 0.4)
    assert torch.equal(kept, torchvision_boxes.batched_nms(boxes, scores, groups, 0.4))
    assert 50 < len(kept) < count / 2

    calls = []
    real = frcnn_edu.ops.boxes.nms
    monkeypatch.setattr(frcnn_edu.ops.boxes, "nms", lambda *args: calls.append(len(args[0])) or real(*args))
    frcnn_edu.batched_nms(boxes, scores, groups, 0.4)
    assert len(calls) == (1 if way == "offsets" else 5)
    assert sum(calls) == count


def test_fact_10_the_offsets_round_differently() -> None:
    """Moved three million pixels away, coordinates are multiples of 1/4, and an IoU of 0.508 becomes 0.5."""
    boxes = torch.tensor([[0.0, 0, 0.3, 0.3], [0, 0, 0.3, 0.59], [3e6, 0, 3e6 + 1, 1]])
    scores, groups = torch.tensor([0.9, 0.8, 0.7]), torch.tensor([1, 1, 0])
    for ours, theirs, kept in (
        (frcnn_edu.ops.boxes._nms_group_by_group, torchvision_boxes._batched_nms_vanilla, [0, 2]),
        (frcnn_edu.ops.boxes._nms_with_offsets, torchvision_boxes._batched_nms_coordinate_trick, [0, 1, 2]),
    ):
        assert ours(boxes, scores, groups, 0.5).tolist() == kept
        assert theirs(boxes, scores, groups, 0.5).tolist() == kept


@OURS_AND_THEIRS
def test_fact_11_coder_weights_clamp_above_only_and_no_plus_one(lib) -> None:
    assert tuple(make_rpn(lib).box_coder.weights) == (1, 1, 1, 1)
    coder = make_roi_heads(lib).box_coder
    assert tuple(coder.weights) == (10, 10, 5, 5)
    assert coder.bbox_xform_clip == math.log(1000 / 16)

    reference, proposal = torch.tensor([[10.0, 10, 30, 50]]), torch.tensor([[0.0, 0, 20, 20]])
    # centres (20, 30) and (10, 10), sizes 20 × 40 and 20 × 20: with + 1 they would be 21 and 41
    deltas = coder.encode([reference], [proposal])[0]
    assert deltas.tolist() == [pytest.approx([10 * 10 / 20, 10 * 20 / 20, 5 * math.log(1), 5 * math.log(2)])]

    huge, tiny = torch.tensor([[0.0, 0, 99, 99]]), torch.tensor([[0.0, 0, -99, -99]])
    sides = [
        coder.decode(codes, [proposal])[0, 0, 2:] - coder.decode(codes, [proposal])[0, 0, :2] for codes in (huge, tiny)
    ]
    assert sides[0].tolist() == pytest.approx([20 * 1000 / 16] * 2)
    assert sides[1].max() < 1e-6  # no lower limit


@pytest.mark.parametrize("matcher", [frcnn_edu.Matcher, _utils.Matcher], ids=["ours", "theirs"])
def test_fact_12_low_quality_matches_restore_each_anchors_own_best(matcher) -> None:
    # Ground gt_boxes 1's best anchor is 0 (0.2), but anchor 0 itself overlaps ground gt_boxes 0 more (0.25).
    iou = torch.tensor([[0.25, 0.6, 0.1], [0.2, 0.1, 0.0]])
    assert matcher(0.5, 0.3, allow_low_quality_matches=True)(iou).tolist() == [0, 0, -1]
    assert matcher(0.5, 0.3, allow_low_quality_matches=False)(iou).tolist() == [-1, 0, -1]
    # Ties are all restored.
    iou = torch.tensor([[0.2, 0.2, 0.1]])
    assert matcher(0.5, 0.3, allow_low_quality_matches=True)(iou).tolist() == [0, 0, -1]
    # A ground gt_boxes that meets no anchor "ties" with all of those at zero, and makes them positive.
    iou = torch.tensor([[0.9, 0.0, 0.4], [0.0, 0.0, 0.0]])
    assert matcher(0.7, 0.3, allow_low_quality_matches=True)(iou).tolist() == [0, 0, 0]


@OURS_AND_THEIRS
def test_fact_13_rpn_labels_are_1_0_and_minus_1_and_the_placeholder_is_truth_0(lib) -> None:
    anchors = torch.tensor([[0.0, 0, 10, 10], [0, 0, 10, 20], [50, 50, 60, 60], [30, 30, 40, 40]])
    gt_boxes = torch.tensor([[30.0, 30, 40, 40], [0, 0, 10, 10]])
    labels, boxes = make_rpn(lib).assign_targets_to_anchors([anchors], [{"boxes": gt_boxes}])
    assert labels[0].dtype == torch.float32
    assert labels[0].tolist() == [1, -1, 0, 1]  # IoU 1, 0.5, 0, 1 with thresholds 0.7 and 0.3
    assert boxes[0].tolist() == [gt_boxes[i].tolist() for i in (1, 0, 0, 0)]

    # What marks them is asked of the matcher: another one may have other marks.
    rpn = make_rpn(lib)
    rpn.proposal_matcher.BELOW_LOW_THRESHOLD, rpn.proposal_matcher.BETWEEN_THRESHOLDS = -10, -20
    labels, _ = rpn.assign_targets_to_anchors([anchors], [{"boxes": gt_boxes}])
    assert labels[0].tolist() == [1, -1, 0, 1]

    labels, boxes = make_rpn(lib).assign_targets_to_anchors([anchors], [{"boxes": torch.zeros(0, 4)}])
    assert labels[0].tolist() == [0, 0, 0, 0]
    assert boxes[0].tolist() == torch.zeros(4, 4).tolist()


@pytest.mark.parametrize(
    "sampler",
    [frcnn_edu.BalancedPositiveNegativeSampler, _utils.BalancedPositiveNegativeSampler],
    ids=["ours", "theirs"],
)
def test_fact_14_sampler_draws_two_permutations_an_image_positives_first(sampler) -> None:
    labels = [torch.tensor([1.0, 0, 0, -1, 1, 1, 0, 2, 0, 0]), torch.tensor([0.0, 0, 0, 1, -1])]
    torch.manual_seed(3)
    positives, negatives = sampler(5, 0.5)(labels)
    after = torch.get_rng_state()
    torch.manual_seed(3)
    for label, positive, negative in zip(labels, positives, negatives):
        candidates, background = torch.where(label >= 1)[0], torch.where(label == 0)[0]
        number = min(int(5 * 0.5), len(candidates))  # 2, not 2.5
        expected_positive = candidates[torch.randperm(len(candidates))[:number]]
        expected_negative = background[torch.randperm(len(background))[: 5 - number]]
        assert torch.where(positive)[0].tolist() == sorted(expected_positive.tolist())
        assert torch.where(negative)[0].tolist() == sorted(expected_negative.tolist())
    assert torch.equal(after, torch.get_rng_state())


@OURS_AND_THEIRS
def test_fact_15_rpn_loss_beta_a_ninth_over_all_sampled_anchors(lib) -> None:
    rpn = make_rpn(lib, batch_size_per_image=4, positive_fraction=0.25)
    labels = [torch.tensor([1.0, 0, 0, 0, -1, -1])]
    logits, deltas = torch.tensor([[0.3], [-1], [2], [0.1], [9], [9]]), torch.zeros(6, 4)
    regression = torch.zeros(6, 4)
    regression[0] = torch.tensor([0.05, -0.1, 0.5, -2.0])
    regression[1] = 100.0  # a negative's box is nobody's business
    objectness, box = rpn.compute_loss(logits, deltas, labels, [regression])

    def smooth_l1(x: float, beta: float = 1 / 9) -> float:
        return 0.5 * x**2 / beta if x < beta else x - 0.5 * beta

    assert box.item() == pytest.approx(sum(map(smooth_l1, (0.05, 0.1, 0.5, 2.0))) / 4)  # 1 positive + 3 negatives
    cross_entropy = [math.log1p(math.exp(-0.3)), *(math.log1p(math.exp(x)) for x in (-1, 2, 0.1))]
    assert objectness.item() == pytest.approx(sum(cross_entropy) / 4)


@pytest.mark.parametrize("loss", [fastrcnn_loss, torchvision_fastrcnn_loss], ids=["ours", "theirs"])
def test_fact_15_roi_loss_over_all_sampled_labels(loss) -> None:
    logits, labels = torch.tensor([[1.0, 0, 0], [0, 2, 0], [0, 0, 0], [0, 0, 1]]), torch.tensor([0, 1, 0, 2])
    deltas, regression = torch.zeros(4, 12), torch.zeros(4, 4)
    deltas[1, 4:8] = 1.0  # only the true class's four numbers count
    deltas[1, 8:] = 50.0
    deltas[0] = 50.0  # and not a background's
    classification, box = loss(logits, deltas, [labels[:2], labels[2:]], [regression[:2], regression[2:]])
    assert box.item() == pytest.approx(4 * (1 - 0.5 / 9) / 4)
    assert classification.item() == pytest.approx(F.cross_entropy(logits, labels).item())


# --- RoI heads -----------------------------------------------------------------------------------------------------


@OURS_AND_THEIRS
def test_fact_16_ground_truth_comes_last_and_samples_are_sorted(lib) -> None:
    (target,) = make_targets(make_images((100, 100)), (2,), 4)
    corners = torch.rand(30, 2, generator=torch.Generator().manual_seed(0)) * 60
    proposals = torch.cat([corners, corners + 30], dim=1)
    everything = torch.cat([proposals, target["boxes"]])
    for number in (8, 64):  # some of the 32, and all of them
        heads = make_roi_heads(lib, batch_size_per_image=number).train()
        torch.manual_seed(0)
        (sampled,), (matched,), (labels,), _ = heads.select_training_samples([proposals], [target])
        indices = [torch.where((everything == box).all(dim=1))[0].item() for box in sampled]
        assert len(indices) == min(number, 32)
        assert indices == sorted(indices)
    assert indices[-2:] == [30, 31]  # the ground gt_boxes is sampled last, and matches itself
    assert labels[-2:].tolist() == target["labels"].tolist()
    assert matched[-2:].tolist() == [0, 1]

    # Both thresholds 0.5: nothing is ignored. With a band between them, something is.
    _, labels = make_roi_heads(lib).assign_targets_to_proposals([proposals], [target["boxes"]], [target["labels"]])
    assert (labels[0] >= 0).all()
    banded = make_roi_heads(lib, fg_iou_thresh=0.9, bg_iou_thresh=0.1)
    _, labels = banded.assign_targets_to_proposals([proposals], [target["boxes"]], [target["labels"]])
    assert (labels[0] == -1).any()


@OURS_AND_THEIRS
def test_fact_17_scales_come_from_unpadded_heights_of_the_first_batch(lib) -> None:
    pool = lib.MultiScaleRoIAlign(["0", "1"], 7, 2)
    boxes = [torch.tensor([[0.0, 0, 8, 8]])]

    def features(*sizes: tuple[int, int]) -> dict[str, Tensor]:
        return OrderedDict((str(i), torch.zeros(1, 1, *size)) for i, size in enumerate(sizes))

    # 11 × 100, padded to 32 × 128: its maps have 8 and 4 rows. 8 / 11 rounds to 1, where 1/4 is meant.
    pool(features((8, 32), (4, 16)), boxes, [(11, 100)])
    assert pool.scales == [1.0, 0.5]
    # Kept from then on, right or wrong.
    pool(features((8, 32), (4, 16)), boxes, [(32, 128)])
    assert pool.scales == [1.0, 0.5]

    pool = lib.MultiScaleRoIAlign(["0", "1"], 7, 2)
    pool(features((8, 32), (4, 16)), boxes, [(11, 100), (32, 40)])  # the largest height of the batch
    assert pool.scales == [0.25, 0.125]
    assert (pool.map_levels.k_min, pool.map_levels.k_max) == (2, 3)


@pytest.mark.parametrize("mapper", [frcnn_edu.LevelMapper, TorchvisionLevelMapper], ids=["ours", "theirs"])
def test_fact_18_level_mapper_adds_eps_outside_the_logarithm(mapper) -> None:
    sides = torch.tensor([223.9999, 224.0, 111.9999, 112.0, 447.9, 448.0, 1.0, 9999.0])
    boxes = torch.stack([torch.zeros(8), torch.zeros(8), sides, sides], dim=1)
    levels = mapper(2, 5)([boxes[:3], boxes[3:]]) + 2
    assert levels.tolist() == [4, 4, 2, 3, 4, 5, 2, 5]


@OURS_AND_THEIRS
def test_fact_19_roi_align_pools_from_four_levels_and_the_rpn_sees_five(lib) -> None:
    model = lib.fasterrcnn_resnet50_fpn(weights=None, weights_backbone=None, num_classes=2, min_size=64).eval()
    pool = model.roi_heads.box_roi_pool
    assert list(pool.featmap_names) == ["0", "1", "2", "3"]
    assert tuple(pool.output_size) == (7, 7)
    assert pool.sampling_ratio == 2
    features = model.backbone(torch.zeros(1, 3, 64, 64))
    assert list(features) == ["0", "1", "2", "3", "pool"]
    seen = []
    model.rpn.head.register_forward_pre_hook(lambda module, inputs: seen.append(len(inputs[0])))
    model([torch.zeros(3, 64, 64)])
    assert seen == [5]

    # aligned=False: no half-pixel shift. On a ramp whose value is the column, a box from 8 to 36 at scale 1 has
    # bins of 4 columns with samples at 1 and 3 of them, mean 8 + 2, 8 + 6, …
    ramp = torch.arange(64.0).expand(1, 1, 64, 64)
    single = lib.MultiScaleRoIAlign(["0"], 7, 2)
    pooled = single({"0": ramp}, [torch.tensor([[8.0, 8, 36, 36]])], [(64, 64)])
    assert pooled[0, 0, 0].tolist() == pytest.approx([10.0, 14, 18, 22, 26, 30, 34])


@OURS_AND_THEIRS
def test_fact_20_detections_threshold_then_small_then_nms_per_class_then_cut(lib) -> None:
    heads = make_roi_heads(lib, detections_per_img=3).eval()

    def found(boxes: list[list[float]], probabilities: list[list[float]]) -> tuple[list, list, list]:
        logits, deltas = torch.tensor(probabilities).log(), torch.zeros(len(boxes), 16)
        (kept,), (scores,), (labels,) = heads.postprocess_detections(
            logits, deltas, [torch.tensor(boxes)], [(100, 100)]
        )
        return kept.tolist(), [round(x, 3) for x in scores.tolist()], labels.tolist()

    # Class 0 never comes out, and one proposal may give several classes.
    box = [0.0, 0, 10, 10]
    assert found([box], [[0.51, 0.3, 0.15, 0.04]]) == ([box, box], [0.3, 0.15], [1, 2])
    # A score must be above the threshold, not at it.
    heads.score_thresh = 0.25
    assert found([box], [[0.25, 0.25, 0.25, 0.25]]) == ([], [], [])
    heads.score_thresh = 0.05
    # The same box twice: one of them a class.
    assert found([box, box], [[0.1, 0.9, 0, 0], [0.2, 0.8, 0, 0]]) == ([box], [0.9], [1])
    # Clipped before it is measured; 0.005 wide is too small, 0.02 is enough (the RPN's limit is 1e-3).
    assert found([[99.995, 0, 120, 10]], [[0.1, 0.9, 0, 0]]) == ([], [], [])
    assert found([[99.98, 0, 120, 10]], [[0.1, 0.9, 0, 0]])[2] == [1]
    # The best three of all classes.
    apart = [[0.0, 0, 9, 9], [20, 0, 29, 9], [40, 0, 49, 9], [60, 0, 69, 9]]
    probabilities = [[0.4, 0.6, 0, 0], [0.3, 0, 0.7, 0], [0.2, 0, 0, 0.8], [0.1, 0.9, 0, 0]]
    assert found(apart, probabilities)[1:] == ([0.9, 0.8, 0.7], [1, 3, 2])


def test_fact_21_images_without_boxes_are_legal_and_their_box_losses_are_zero() -> None:
    model = frcnn_edu.fasterrcnn_small_fpn(num_classes=4).train()
    images = make_images((64, 80), (80, 60))
    losses = model(images, make_targets(images, (0, 0), 4))
    assert losses["loss_rpn_box_reg"].item() == 0
    assert losses["loss_box_reg"].item() == 0
    assert losses["loss_objectness"].item() > 0
    assert losses["loss_classifier"].item() > 0
    sum(losses.values()).backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in model.parameters())

    # Background is class 0: an image of nothing but background trains every proposal towards logit 0.
    heads = model.roi_heads
    _, labels = heads.assign_targets_to_proposals([torch.rand(5, 4)], [torch.zeros(0, 4)], [torch.zeros(0).long()])
    assert labels[0].tolist() == [0] * 5


# --- backbone and weights ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "pool",
    [frcnn_edu.LastLevelMaxPool, torchvision.ops.feature_pyramid_network.LastLevelMaxPool],
    ids=["ours", "theirs"],
)
def test_fact_22_the_last_level_is_subsampled(pool) -> None:
    x = torch.arange(25.0).view(1, 1, 5, 5)
    results, names = pool()([x], [], ["3"])
    assert names == ["3", "pool"]
    assert torch.equal(results[1], x[:, :, ::2, ::2])  # corners, not maxima


@pytest.mark.parametrize(
    "fpn", [frcnn_edu.FeaturePyramidNetwork, TorchvisionFeaturePyramidNetwork], ids=["ours", "theirs"]
)
def test_fact_22_fpn_upsamples_nearest_to_the_laterals_size(fpn) -> None:
    pyramid = fpn([1, 1], 1)
    for block in [*pyramid.inner_blocks, *pyramid.layer_blocks]:
        weight = block[0].weight.data
        weight.zero_()[0, 0, weight.shape[2] // 2, weight.shape[3] // 2] = 1.0  # identity
    top = torch.arange(6.0).view(1, 1, 2, 3)
    maps = OrderedDict([("a", torch.zeros(1, 1, 5, 7)), ("b", top)])
    out = pyramid(maps)
    assert torch.equal(out["a"], F.interpolate(top, size=(5, 7), mode="nearest"))
    assert torch.equal(out["b"], top)

    torch.manual_seed(0)
    made = fpn([64], 32).inner_blocks[0][0]
    torch.manual_seed(0)
    conv = nn.Conv2d(64, 32, 1)
    fpn_like = nn.Conv2d(32, 32, 3, padding=1)  # made in between, and initialised after
    expected = nn.init.kaiming_uniform_(conv.weight, a=1)
    assert fpn_like.weight.shape == (32, 32, 3, 3)
    assert torch.equal(made.weight, expected)
    assert made.bias.abs().max() == 0


@OURS_AND_THEIRS
def test_fact_23_batch_norm_learns_unless_pretrained(lib) -> None:
    """The other half, frozen with eps 0 for the published weights, is in test_builders.py."""
    with torch.device("meta"):
        model = lib.fasterrcnn_resnet50_fpn(weights=None, weights_backbone=None, num_classes=2)
    assert sum(isinstance(module, nn.BatchNorm2d) for module in model.modules()) == 53
    assert all(parameter.requires_grad for parameter in model.parameters())


@OURS_AND_THEIRS
def test_fact_24_weights_are_named_in_the_new_spelling(lib) -> None:
    """That the old one loads too is in test_exchange.py."""
    with torch.device("meta"):
        keys = lib.fasterrcnn_resnet50_fpn(weights=None, weights_backbone=None).state_dict().keys()
    assert {"rpn.head.conv.0.0.weight", "backbone.fpn.inner_blocks.0.0.weight"} <= keys
    assert not {"rpn.head.conv.weight", "backbone.fpn.inner_blocks.0.weight"} & keys


@OURS_AND_THEIRS
@pytest.mark.parametrize(
    ("trainable_layers", "trainable", "frozen_in_backbone"),
    [(0, 30, 53), (1, 40, 43), (2, 59, 24), (3, 72, 11), (4, 82, 1), (5, 83, 0)],
)
def test_fact_25_tensors_to_train(lib, trainable_layers: int, trainable: int, frozen_in_backbone: int) -> None:
    with torch.device("meta"):
        backbone = lib.resnet_fpn_backbone(backbone_name="resnet50", weights=None, trainable_layers=trainable_layers)
        model = lib.FasterRCNN(backbone, 91)
    assert sum(p.requires_grad for p in model.parameters()) == trainable
    assert sum(not p.requires_grad for p in model.backbone.body.parameters()) == frozen_in_backbone
    assert sum(p.numel() for p in model.parameters()) == 41_755_286


# --- known answers -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("matcher", [frcnn_edu.Matcher, _utils.Matcher], ids=["ours", "theirs"])
def test_known_answer_three_truths(matcher) -> None:
    """The example is Detectron2's; there the two kinds of unmatched anchors are told apart in a second tensor."""
    iou = torch.tensor([[0.15, 0.45, 0.2, 0.6], [0.3, 0.65, 0.05, 0.1], [0.05, 0.4, 0.25, 0.4]])
    assert matcher(0.7, 0.3, allow_low_quality_matches=True)(iou).tolist() == [-2, 1, -1, 0]


@OURS_AND_THEIRS
def test_known_answer_nine_anchors(lib) -> None:
    generator = lib.AnchorGenerator(((10,),), ((1.0,),))
    (anchors,) = generator(TorchvisionImageList(torch.zeros(1, 3, 15, 15), [(15, 15)]), [torch.zeros(1, 1, 3, 3)])
    expected = [[x - 5, y - 5, x + 5, y + 5] for y in (0, 5, 10) for x in (0, 5, 10)]
    assert anchors.tolist() == expected
    assert (expected[0], expected[-1]) == ([-5, -5, 5, 5], [5, 5, 15, 15])


@pytest.mark.parametrize("box_iou", [frcnn_edu.box_iou, torchvision_boxes.box_iou], ids=["ours", "theirs"])
def test_known_answer_iou(box_iou) -> None:
    squares = torch.tensor([[0.0, 0, 100, 100], [0, 0, 50, 50], [200, 200, 300, 300], [0, 0, 25, 25]])
    expected = [[1, 0.25, 0], [0.25, 1, 0], [0, 0, 1], [0.0625, 0.25, 0]]
    assert box_iou(squares, squares[:3]).tolist() == expected
