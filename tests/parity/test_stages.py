"""Every stage by itself, ours and torchvision's on the same random input: bit-identical results."""

from collections import OrderedDict

import pytest
import torch
import torchvision
from torch import Tensor, nn
from torchvision.models.detection import _utils
from torchvision.models.detection import roi_heads as their_roi_heads
from torchvision.models.detection.image_list import ImageList
from torchvision.ops import boxes as their_boxes
from torchvision.ops.feature_pyramid_network import FeaturePyramidNetwork as TheirPyramid
from torchvision.ops.feature_pyramid_network import LastLevelMaxPool as TheirMaxPool
from torchvision.ops.feature_pyramid_network import LastLevelP6P7
from torchvision.ops.poolers import LevelMapper as TheirLevelMapper
from twins import OURS, THEIRS, make_images, make_targets

import frcnn_edu
from frcnn_edu.model.resnet import BasicBlock, ResNet
from frcnn_edu.ops import roi_align
from frcnn_edu.ops.losses import fastrcnn_loss

MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
SIZES = [(333, 500), (500, 333), (64, 64), (37, 211), (480, 640), (11, 100), (101, 99), (1, 7)]


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def random_boxes(count: int, extent: float = 100.0, largest: float = 60.0) -> Tensor:
    corners = torch.rand(count, 2) * extent
    return torch.cat([corners, corners + 0.5 + torch.rand(count, 2) ** 2 * largest], dim=1)


def assert_same(ours, theirs) -> None:
    """Equal all the way down: tensors in lists, tuples and dicts."""
    assert isinstance(ours, Tensor) == isinstance(theirs, Tensor)
    if isinstance(theirs, Tensor):
        assert ours.dtype == theirs.dtype
        assert torch.equal(ours, theirs)
    elif isinstance(theirs, dict):
        assert list(ours) == list(theirs)
        assert_same(list(ours.values()), list(theirs.values()))
    elif isinstance(theirs, list | tuple):
        assert len(ours) == len(theirs)
        for one, other in zip(ours, theirs):
            assert_same(one, other)
    else:
        assert ours == theirs


# --- transform -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("training", [True, False], ids=["training", "evaluation"])
@pytest.mark.parametrize(
    "settings",
    [
        {"min_size": 800, "max_size": 1333},
        {"min_size": (96, 128, 160, 200), "max_size": 300},
        {"min_size": 100, "max_size": 150, "size_divisible": 1},
        {"min_size": 100, "max_size": 200, "fixed_size": (150, 90), "size_divisible": 64},
        {"min_size": 100, "max_size": 200, "_skip_resize": True},
    ],
    ids=lambda settings: ",".join(map(str, settings.values())),
)
def test_transform(settings: dict, training: bool) -> None:
    sizes = SIZES[:2] if settings["min_size"] == 800 else SIZES
    images = make_images(*sizes)
    targets = make_targets(images, range(len(images)), 5)
    results = []
    for lib in (OURS, THEIRS):
        transform = lib.GeneralizedRCNNTransform(image_mean=MEAN, image_std=STD, **settings).train(training)
        torch.manual_seed(0)
        batch, boxes = transform(list(images), [dict(target) for target in targets])
        results.append([batch.tensors, batch.image_sizes, boxes, torch.get_rng_state()])
    assert_same(*results)


def test_transform_leaves_the_callers_targets_alone() -> None:
    images = make_images((50, 60))
    targets = make_targets(images, (3,), 5)
    before, image = targets[0]["boxes"].clone(), images[0].clone()
    OURS.GeneralizedRCNNTransform(100, 200, MEAN, STD)(images, targets)
    assert torch.equal(targets[0]["boxes"], before)
    assert torch.equal(images[0], image)


def test_postprocess() -> None:
    detections = [
        {"boxes": random_boxes(n), "labels": torch.ones(n).long(), "scores": torch.rand(n)} for n in (5, 0, 17)
    ]
    sizes, originals = [(100, 160), (96, 128), (120, 90)], [(333, 500), (11, 100), (37, 29)]
    results = []
    for lib in (OURS, THEIRS):
        transform = lib.GeneralizedRCNNTransform(100, 200, MEAN, STD).eval()
        results.append(transform.postprocess([dict(found) for found in detections], sizes, originals))
    assert_same(*results)


# --- backbone ------------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("name", ["resnet18", "resnet34", "resnet50", "resnet101"])
@pytest.mark.parametrize("trainable_layers", range(6))
def test_resnet_fpn_has_the_same_parameters_frozen(name: str, trainable_layers: int) -> None:
    described = []
    for lib in (OURS, THEIRS):
        with torch.device("meta"):
            backbone = lib.resnet_fpn_backbone(
                backbone_name=name, weights=None, trainable_layers=trainable_layers, norm_layer=nn.BatchNorm2d
            )
        described.append({key: (tuple(p.shape), p.requires_grad) for key, p in backbone.named_parameters()})
    assert described[0] == described[1]


@torch.no_grad()
def test_resnet_classifies_as_torchvisions() -> None:
    """With its last two layers, which a detector leaves out."""
    theirs = torchvision.models.resnet18(num_classes=5).eval()
    ours = ResNet(BasicBlock, (2, 2, 2, 2), num_classes=5).eval()
    ours.load_state_dict(theirs.state_dict())
    x = torch.rand(2, 3, 70, 90)
    assert torch.equal(ours(x), theirs(x))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["mobilenet_v3_large", "mobilenet_v3_small", "mobilenet_v2"])
@pytest.mark.parametrize("fpn", [True, False])
@pytest.mark.parametrize("trainable_layers", range(7))
def test_mobilenet_has_the_same_parameters_frozen(name: str, fpn: bool, trainable_layers: int) -> None:
    described = []
    for lib in (OURS, THEIRS):
        with torch.device("meta"):
            try:
                backbone = lib.mobilenet_backbone(
                    backbone_name=name, weights=None, fpn=fpn, trainable_layers=trainable_layers
                )
            except ValueError:  # MobileNetV3-Small has fewer stages
                described.append("refused")
                continue
        described.append({key: (tuple(p.shape), p.requires_grad) for key, p in backbone.named_parameters()})
    assert described[0] == described[1]


@pytest.mark.parametrize(
    "build",
    [
        lambda lib: lib.resnet_fpn_backbone(backbone_name="resnet18", weights=None),
        lambda lib: lib.resnet_fpn_backbone(backbone_name="resnet18", weights=None, returned_layers=[2, 4]),
        lambda lib: lib.resnet_fpn_backbone(backbone_name="resnet18", weights=None, norm_layer=nn.BatchNorm2d),
        lambda lib: lib.mobilenet_backbone(backbone_name="mobilenet_v3_large", weights=None, fpn=True),
        lambda lib: lib.mobilenet_backbone(
            backbone_name="mobilenet_v3_small", weights=None, fpn=True, returned_layers=[1, 2, 3]
        ),
        lambda lib: lib.mobilenet_backbone(backbone_name="mobilenet_v3_large", weights=None, fpn=False),
    ],
    ids=[
        "resnet18",
        "resnet18, two levels",
        "resnet18, BatchNorm",
        "mobilenet",
        "mobilenet small",
        "mobilenet, one map",
    ],
)
def test_backbone(build) -> None:
    """Made from the same seed, so the initialisation is the same as well."""
    x = torch.rand(2, 3, 96, 64)
    outputs = []
    for lib in (OURS, THEIRS):
        torch.manual_seed(0)
        outputs.append(build(lib)(x))
    if isinstance(outputs[1], dict):
        outputs[1] = dict(outputs[1])
    assert_same(*outputs)


MAPS = ((8, 25, 19), (16, 13, 10), (32, 7, 5))


@pytest.mark.parametrize(
    ("extra", "names"),
    [
        (None, []),
        ((frcnn_edu.LastLevelMaxPool, TheirMaxPool), ["pool"]),
        ((lambda: LastLevelP6P7(32, 12),) * 2, ["p6", "p7"]),  # made from the coarsest map of the backbone
    ],
    ids=["no extra level", "pool", "P6 and P7"],
)
def test_feature_pyramid_network(extra, names: list[str]) -> None:
    maps = OrderedDict((name, torch.randn(2, *size)) for name, size in zip("abc", MAPS))
    outputs = []
    for k, pyramid in enumerate((frcnn_edu.FeaturePyramidNetwork, TheirPyramid)):
        torch.manual_seed(0)
        outputs.append(dict(pyramid([8, 16, 32], 12, extra[k]() if extra else None)(maps)))
    assert list(outputs[0]) == ["a", "b", "c", *names]
    assert_same(*outputs)


def test_a_pyramid_that_normalises_sees_each_map_once() -> None:
    """In training, running statistics included, also where a map is made again for the backward pass."""
    outputs = []
    for pyramid in (frcnn_edu.FeaturePyramidNetwork, TheirPyramid):
        torch.manual_seed(0)
        one = pyramid([8, 16, 32], 12, norm_layer=nn.BatchNorm2d)
        maps = OrderedDict((name, torch.randn(2, *size)) for name, size in zip("abc", MAPS))
        sum((features**2).sum() for features in one(maps).values()).backward()
        outputs.append([one.state_dict(), {name: weight.grad for name, weight in one.named_parameters()}])
    assert_same(*outputs)


@pytest.mark.parametrize("eps", [1e-5, 0.0])
def test_frozen_batch_norm(eps: float) -> None:
    ours, theirs = frcnn_edu.FrozenBatchNorm2d(7, eps), torchvision.ops.FrozenBatchNorm2d(7, eps)
    state = {
        "weight": torch.randn(7),
        "bias": torch.randn(7),
        "running_mean": torch.randn(7),
        "running_var": torch.rand(7),
    }
    for norm in (ours, theirs):
        norm.load_state_dict({**state, "num_batches_tracked": torch.tensor(3)})
    x = torch.randn(2, 7, 5, 4)
    assert_same(ours(x), theirs(x))
    assert list(ours.parameters()) == []
    # And it is BatchNorm2d in evaluation, up to rounding.
    norm = nn.BatchNorm2d(7, eps).eval()
    norm.load_state_dict({**state, "num_batches_tracked": torch.tensor(3)})
    assert torch.allclose(ours(x), norm(x), atol=1e-5)


# --- region proposal network ---------------------------------------------------------------------------------------

ANCHORS = [
    (((32,), (64,), (128,)), ((0.5, 1.0, 2.0),) * 3),
    (((32, 64, 128),) * 3, ((0.5, 1.0, 2.0),) * 3),
    (((8, 10.5), (17, 31), (50, 77)), ((0.33, 1.0, 1.7, 3.0),) * 3),
    ((32, 64, 128), (0.5, 1.0, 2.0)),
]


@pytest.mark.parametrize(("sizes", "ratios"), ANCHORS)
def test_anchors(sizes: tuple, ratios: tuple) -> None:
    batch = ImageList(torch.zeros(2, 3, 200, 330), [(200, 330), (150, 200)])
    maps = [torch.zeros(2, 4, *size) for size in ((50, 83), (25, 42), (7, 11))]
    generators = [lib.AnchorGenerator(sizes, ratios) for lib in (OURS, THEIRS)]
    assert_same(*(list(generator.cell_anchors) for generator in generators))
    assert_same(*(generator.num_anchors_per_location() for generator in generators))
    assert_same(*(generator(batch, maps) for generator in generators))


def make_rpns(**settings) -> list[nn.Module]:
    defaults = {
        "fg_iou_thresh": 0.7,
        "bg_iou_thresh": 0.3,
        "batch_size_per_image": 32,
        "positive_fraction": 0.5,
        "pre_nms_top_n": {"training": 200, "testing": 100},
        "post_nms_top_n": {"training": 150, "testing": 50},
        "nms_thresh": 0.7,
    }
    rpns = []
    for lib in (OURS, THEIRS):
        torch.manual_seed(1)
        anchors = lib.AnchorGenerator(((12,), (30,), (70,)), ((0.5, 1.0, 2.0),) * 3)
        rpns.append(lib.RegionProposalNetwork(anchors, lib.RPNHead(8, 3, 2), **{**defaults, **settings}))
    return rpns


def test_rpn_head_and_the_order_of_its_outputs() -> None:
    maps = [torch.randn(2, 8, *size) for size in ((12, 20), (6, 10), (3, 5))]
    ours, theirs = (rpn.head for rpn in make_rpns())
    assert_same(ours(maps), theirs(maps))
    assert_same(
        frcnn_edu.model.rpn.concat_box_prediction_layers(*ours(maps)),
        torchvision.models.detection.rpn.concat_box_prediction_layers(*theirs(maps)),
    )


@pytest.mark.parametrize("training", [True, False], ids=["training", "evaluation"])
@pytest.mark.parametrize("spread", [1.0, 40.0], ids=["plain", "saturated"])
@pytest.mark.parametrize("top_n", [60, 1000], ids=["few", "many"])
@pytest.mark.parametrize("score_thresh", [0.0, 0.3])
def test_filter_proposals(training: bool, spread: float, top_n: int, score_thresh: float) -> None:
    """Few: offsets in NMS; many: group by group. Saturated: half of the probabilities are exactly 0 or 1."""
    levels = [1200, 300, 75]
    count = sum(levels)
    proposals = torch.stack([random_boxes(count, 110.0) - 10 for _ in range(3)])  # some reach out of the image
    proposals[:, ::50, 2:] = proposals[:, ::50, :2]  # some are empty
    logits = (torch.randn(3 * count, 1) * spread).round(decimals=1)
    results = []
    for rpn in make_rpns(
        pre_nms_top_n={"training": top_n, "testing": top_n},
        post_nms_top_n={"training": 700, "testing": 40},
        score_thresh=score_thresh,
    ):
        results.append(
            rpn.train(training).filter_proposals(proposals, logits, [(100, 100), (90, 70), (100, 80)], levels)
        )
    assert_same(*results)
    assert all(len(boxes) > 20 for boxes in results[0][0])


@pytest.mark.parametrize("counts", [(3, 1), (0, 40), (0, 0)], ids=str)
def test_rpn_targets_and_losses(counts: tuple[int, int]) -> None:
    batch = ImageList(torch.zeros(2, 3, 96, 160), [(96, 160), (90, 100)])
    maps = OrderedDict((str(i), torch.randn(2, 8, 24 // 2**i, 40 // 2**i)) for i in range(3))
    targets = make_targets([torch.zeros(3, *size) for size in batch.image_sizes], counts, 4)
    assigned, results = [], []
    for rpn in make_rpns():
        anchors = rpn.anchor_generator(batch, list(maps.values()))
        assigned.append(rpn.assign_targets_to_anchors(anchors, targets))
        torch.manual_seed(0)
        results.append([rpn.train()(batch, maps, targets), torch.get_rng_state()])
    assert_same(*assigned)
    assert_same(*results)


# --- operations ----------------------------------------------------------------------------------------------------


def test_box_geometry() -> None:
    boxes, others = random_boxes(300), random_boxes(200)
    assert_same(frcnn_edu.box_area(boxes), their_boxes.box_area(boxes))
    assert_same(frcnn_edu.box_iou(boxes, others), their_boxes.box_iou(boxes, others))
    assert_same(frcnn_edu.clip_boxes_to_image(boxes, (70, 90)), their_boxes.clip_boxes_to_image(boxes, (70, 90)))
    assert_same(frcnn_edu.remove_small_boxes(boxes, 5.0), their_boxes.remove_small_boxes(boxes, 5.0))
    nothing = torch.zeros(0, 4)
    assert_same(frcnn_edu.box_iou(boxes, nothing), their_boxes.box_iou(boxes, nothing))
    assert_same(frcnn_edu.clip_boxes_to_image(nothing, (7, 9)), their_boxes.clip_boxes_to_image(nothing, (7, 9)))


@pytest.mark.parametrize("count", [0, 1, 400, 1000, 1001, 1600])
@pytest.mark.parametrize("ties", [False, True], ids=["distinct", "ties"])
def test_batched_nms(count: int, ties: bool) -> None:
    """On both sides of 4000 coordinates."""
    boxes, groups = random_boxes(count), torch.randint(0, 4, (count,))
    scores = torch.randint(0, 9, (count,)) / 8 if ties else torch.rand(count)
    kept = frcnn_edu.batched_nms(boxes, scores, groups, 0.5)
    assert_same(kept, their_boxes.batched_nms(boxes, scores, groups, 0.5))
    assert count < 2 or 0 < len(kept) < count


@pytest.mark.parametrize("weights", [(1.0, 1.0, 1.0, 1.0), (10.0, 10.0, 5.0, 5.0), (1.0, 2.0, 3.0, 4.0)])
def test_box_coder(weights: tuple[float, float, float, float]) -> None:
    ours, theirs = frcnn_edu.BoxCoder(weights), _utils.BoxCoder(weights)
    gt_boxes, proposals = [random_boxes(40), random_boxes(0), random_boxes(9)], [random_boxes(n) for n in (40, 0, 9)]
    assert_same(ours.encode(gt_boxes, proposals), theirs.encode(gt_boxes, proposals))
    for columns in (4, 20):
        codes = torch.randn(49, columns) * 4  # many above the clamp
        assert_same(ours.decode(codes, proposals), theirs.decode(codes, proposals))


@pytest.mark.parametrize("low_quality", [True, False])
@pytest.mark.parametrize(("num_gt", "candidates"), [(1, 1), (1, 500), (7, 500), (120, 300)])
def test_matcher(low_quality: bool, num_gt: int, candidates: int) -> None:
    iou = frcnn_edu.box_iou(random_boxes(num_gt), random_boxes(candidates))
    for matrix in (iou, (iou * 8).round() / 8, torch.zeros_like(iou)):  # plain, with ties, nothing meets
        for high, low in ((0.7, 0.3), (0.5, 0.5), (0.6, 0.0)):
            ours, theirs = frcnn_edu.Matcher(high, low, low_quality), _utils.Matcher(high, low, low_quality)
            assert_same(ours(matrix), theirs(matrix))


@pytest.mark.parametrize(("number", "fraction"), [(256, 0.5), (512, 0.25), (7, 0.33), (5, 1.0), (5, 0.0)])
def test_sampler(number: int, fraction: float) -> None:
    labels = [torch.randint(-1, 3, (400,)), torch.randint(-1, 1, (90,)), torch.ones(60).long(), torch.full((9,), -1)]
    results = []
    for sampler in (frcnn_edu.BalancedPositiveNegativeSampler, _utils.BalancedPositiveNegativeSampler):
        torch.manual_seed(0)
        results.append([sampler(number, fraction)(labels), torch.get_rng_state()])
    assert_same(*results)


@pytest.mark.parametrize("positives", [0, 1, 30])
def test_box_head_loss(positives: int) -> None:
    logits, deltas = torch.randn(50, 6), torch.randn(50, 24) * 0.3
    labels = torch.cat([torch.randint(1, 6, (positives,)), torch.zeros(50 - positives).long()])
    labels, regression = [labels[:20], labels[20:]], [torch.randn(20, 4), torch.randn(30, 4)]
    assert_same(
        fastrcnn_loss(logits, deltas, labels, regression),
        their_roi_heads.fastrcnn_loss(logits, deltas, labels, regression),
    )


# --- RoI heads -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("settings", [{}, {"canonical_scale": 45}, {"canonical_level": 3}], ids=str)
def test_level_mapper(settings: dict) -> None:
    boxes = [random_boxes(500, 1000.0, 1200.0), random_boxes(0), random_boxes(500, 50.0, 30.0)]
    sides = 224 * 2.0 ** torch.arange(-3, 3)
    edges = torch.cat([sides * (1 + epsilon) for epsilon in (-1e-6, -1e-7, 0, 1e-7, 1e-6)])
    boxes.append(torch.stack([edges * 0, edges * 0, edges, edges], dim=1))
    levels = frcnn_edu.LevelMapper(2, 5, **settings)(boxes)
    assert_same(levels, TheirLevelMapper(2, 5, **settings)(boxes))
    assert set(levels.tolist()) == {0, 1, 2, 3}


@pytest.mark.parametrize("names", [["0", "1", "2", "3"], ["1", "3"], ["0"]], ids=str)
@pytest.mark.parametrize(("output_size", "sampling_ratio"), [(7, 2), ((3, 5), 1), (4, -1)])
def test_multi_scale_roi_align(names: list[str], output_size, sampling_ratio: int) -> None:
    maps = OrderedDict((str(i), torch.randn(2, 5, 64 // 2**i, 96 // 2**i)) for i in range(4))
    maps["pool"] = maps["3"][:, :, ::2, ::2]
    boxes = [random_boxes(80, 250.0, 350.0), random_boxes(30, 100.0, 30.0)]
    shapes = [(250, 380), (200, 384)]
    ours, theirs = (lib.MultiScaleRoIAlign(names, output_size, sampling_ratio) for lib in (OURS, THEIRS))
    for _ in range(2):  # scales inferred, then kept
        assert_same(ours(maps, boxes, shapes), theirs(maps, boxes, shapes))
    assert ours.scales == theirs.scales
    nothing = [torch.zeros(0, 4), torch.zeros(0, 4)]
    assert_same(ours(maps, nothing, shapes), theirs(maps, nothing, shapes))


@pytest.mark.parametrize("size", [(64, 96), (9, 5), (1, 1)], ids=str)
@pytest.mark.parametrize("aligned", [False, True], ids=["", "aligned"])
@pytest.mark.parametrize(("output_size", "sampling_ratio"), [((7, 7), 2), ((3, 5), 1), ((2, 1), 3), ((4, 4), -1)])
def test_roi_align(size: tuple[int, int], output_size: tuple[int, int], sampling_ratio: int, aligned: bool) -> None:
    """Boxes inside, across the edge, outside, thinner than a cell: the one made for CPUs agrees to rounding."""
    features = torch.randn(3, 6, *size, requires_grad=True)
    boxes = torch.cat([random_boxes(60, 100.0, 300.0), random_boxes(40, 400.0) - 60, random_boxes(30, 300.0, 1.0)])
    rois = torch.cat([torch.randint(3, (len(boxes), 1)).float(), boxes], dim=1)
    arguments = (rois, output_size, 1 / 4, sampling_ratio, aligned)
    pooled, expected = roi_align(features, *arguments), torchvision.ops.roi_align(features, *arguments)
    assert pooled.shape == expected.shape
    assert (pooled - expected).abs().max() <= 2e-6
    assert (expected.flatten(1) == 0).all(dim=1).any()  # some lie outside
    upstream = torch.randn_like(expected)
    (gradient,), (their_gradient,) = (torch.autograd.grad(out, features, upstream) for out in (pooled, expected))
    assert (gradient - their_gradient).abs().max() <= 1e-5 * their_gradient.abs().max()


@pytest.mark.parametrize("heights", [(11,), (100, 30), (800,), (793,), (45,), (23, 22)], ids=str)
def test_scales_of_odd_sizes(heights: tuple[int, ...]) -> None:
    padded = -(-max(heights) // 32) * 32
    maps = OrderedDict((str(i), torch.zeros(1, 1, padded // 4 // 2**i, 8)) for i in range(4))
    shapes = [(height, 100) for height in heights]
    pools = [lib.MultiScaleRoIAlign(list(maps), 7, 2) for lib in (OURS, THEIRS)]
    for pool in pools:
        pool(maps, [torch.tensor([[0.0, 0, 9, 9]])], shapes)
    assert_same(*(pool.scales for pool in pools))
    assert_same(*((pool.map_levels.k_min, pool.map_levels.k_max) for pool in pools))


def make_heads(**settings) -> list[nn.Module]:
    defaults = {
        "fg_iou_thresh": 0.5,
        "bg_iou_thresh": 0.5,
        "batch_size_per_image": 32,
        "positive_fraction": 0.25,
        "bbox_reg_weights": None,
        "score_thresh": 0.05,
        "nms_thresh": 0.5,
        "detections_per_img": 30,
    }
    heads = []
    for lib in (OURS, THEIRS):
        torch.manual_seed(1)
        parts = lib.MultiScaleRoIAlign(["0", "1"], 7, 2), lib.TwoMLPHead(8 * 49, 16), lib.FastRCNNPredictor(16, 5)
        heads.append(lib.RoIHeads(*parts, **{**defaults, **settings}))
    return heads


@pytest.mark.parametrize("settings", [{}, {"fg_iou_thresh": 0.6, "bg_iou_thresh": 0.2}], ids=str)
@pytest.mark.parametrize("counts", [(4, 9), (0, 60)], ids=str)
def test_training_samples(settings: dict, counts: tuple[int, int]) -> None:
    targets = make_targets([torch.zeros(3, 100, 160), torch.zeros(3, 90, 100)], counts, 5)
    proposals = [random_boxes(150), random_boxes(90)]
    results = []
    for heads in make_heads(**settings):
        torch.manual_seed(0)
        results.append([heads.train().select_training_samples(list(proposals), targets), torch.get_rng_state()])
    assert_same(*results)


@pytest.mark.parametrize("settings", [{}, {"score_thresh": 0.3, "nms_thresh": 0.2, "detections_per_img": 4}], ids=str)
@pytest.mark.parametrize("count", [60, 400], ids=["few", "many"])
def test_postprocess_detections(settings: dict, count: int) -> None:
    proposals = [random_boxes(count), random_boxes(0), random_boxes(count // 2)]
    total = sum(map(len, proposals))
    logits, deltas = torch.randn(total, 5), torch.randn(total, 20)
    results = [
        heads.eval().postprocess_detections(logits, deltas, proposals, [(100, 100), (50, 50), (80, 90)])
        for heads in make_heads(**settings)
    ]
    assert_same(*results)
    assert [len(boxes) > 2 for boxes in results[0][0]] == [True, False, True]


def test_predictor_takes_vectors_and_1x1_maps() -> None:
    predictors = []
    for lib in (OURS, THEIRS):
        torch.manual_seed(0)
        predictors.append(lib.FastRCNNPredictor(16, 5))
    x = torch.randn(3, 16)
    assert_same(*(predictor(x) for predictor in predictors))
    assert_same(*(predictor(x[:, :, None, None]) for predictor in predictors))
