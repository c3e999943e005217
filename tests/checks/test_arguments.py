"""A wrong argument of a constructor is named there, with its value; and what torchvision gives a meaning stays legal."""

import re
from enum import Enum
from typing import Any

import numpy as np
import pytest
import torch
import torchvision.models.detection as theirs
from makers import LEGAL, Maps, batch, detector, make, says_channels
from torch import nn
from torchvision.models import ResNet18_Weights
from torchvision.models.detection.backbone_utils import resnet_fpn_backbone as their_resnet_fpn_backbone

import frcnn_edu
from frcnn_edu import FasterRCNN
from frcnn_edu import model as models

NAN, INF = float("nan"), float("inf")
# Wrong values by what is legal: first those of a legal type, then those that are not.
COUNT = ((0, -1), (None, 2.5, "3", True, NAN))
COUNT_OR_0 = ((-1,), (None, 2.5, "3", True))
CLASSES = ((0, 1, -1), (2.5, "3", True, NAN))
FRACTION = ((-0.1, 1.1, NAN, INF), (None, "0.5", True))
POSITIVE = ((0, -1.5, NAN, INF), (None, "1", True))
RANGE = ((-1, 9), (None, 2.5, "3", True))
FLAG = ((), ("no", "", 1, 0, None, 2.5))
PART = ((), (5, "head", nn.Identity))
LAYER = ((), (5, "bn", nn.BatchNorm2d(8)))
FOUR_COUNTS = (((1, 1, 1), (1,) * 5, (0, 1, 1, 1), ()), (None, 1, (1.5, 1, 1, 1)))
BOX_WEIGHTS = (
    ((), (10, 10, 5), (10, 10, 5, 5, 5), (0, 10, 5, 5), (10, 10, -5, 5), (NAN, 10, 5, 5), (INF, 10, 5, 5)),
    (10, "abcd", ("1", 1, 1, 1)),
)
MEAN = (([], [NAN] * 3, [INF] * 3, [-0.1] * 3, [123.7, 116.3, 103.5]), (0.5, "abc", [None] * 3))
STD = (([], [0.0, 0.2, 0.2], [-0.2, 0.2, 0.2], [NAN] * 3, [INF] * 3, [58.4] * 3, [0.2] * 2), (0.2, "abc", [None] * 3))
TOP_N = (
    (0, {"training": 20}, {"train": 20, "test": 20}, {"training": 20, "testing": 0}),
    (None, 2.5, {"training": 20, "testing": None}),
)
SIZES = ((0, -5, NAN, INF, (), (64, 0)), (None, "64", (64, None)))
ANCHORS = (
    ((), ((), ()), ((0,), (1,)), ((-8,), (1,)), ((NAN,), (1,)), ((INF,), (1,))),
    (8, "8", ((None,), (1,)), (("8",), (1,))),
)

STAGE: dict[str, Any] = dict(
    fg_iou_thresh=FRACTION, bg_iou_thresh=FRACTION, batch_size_per_image=COUNT, positive_fraction=FRACTION,
    nms_thresh=FRACTION, score_thresh=FRACTION,
)  # fmt: skip
WRONG: dict[Any, dict[str, Any]] = {
    FasterRCNN: dict(
        num_classes=CLASSES, bbox_reg_weights=BOX_WEIGHTS, min_size=SIZES, max_size=((0, -5, NAN), (None, "96", (96,))),
        image_mean=MEAN, image_std=STD, size_divisible=((0, -32), (None, 32.5, 32.0, NAN, "32", True)),
        fixed_size=(((), (64,), (64, 96, 3), (0, 64), (64, -1)), (64, "64", (64.5, 64), (NAN, 64), (None, 64))),
        rpn_anchor_generator=PART, rpn_head=PART, box_roi_pool=PART, box_head=PART, box_predictor=PART,
        box_detections_per_img=COUNT, exact=FLAG,
        **{f"{stage}_{name}": wrong for stage in ("rpn", "box") for name, wrong in STAGE.items()},
        **{f"rpn_{when}_nms_top_n_{mode}": COUNT for when in ("pre", "post") for mode in ("train", "test")},
    ),
    frcnn_edu.GeneralizedRCNNTransform: dict(
        min_size=SIZES, max_size=((0, NAN), (None,)), image_mean=(MEAN[0], (*MEAN[1], None)), size_divisible=COUNT,
        image_std=(STD[0], (*STD[1], None)), fixed_size=(((64,),), (64,)), _skip_resize=FLAG,
    ),
    frcnn_edu.AnchorGenerator: dict(sizes=ANCHORS, aspect_ratios=ANCHORS),
    frcnn_edu.RPNHead: dict(in_channels=COUNT, num_anchors=COUNT, conv_depth=COUNT_OR_0),
    frcnn_edu.RegionProposalNetwork: dict(
        anchor_generator=((), (None, 5)), head=((), (None, 5)), pre_nms_top_n=TOP_N, post_nms_top_n=TOP_N, **STAGE
    ),
    frcnn_edu.MultiScaleRoIAlign: dict(
        featmap_names=(([],), (None, "0", 5)), output_size=((0, -1, (7,), (7, 7, 7), (7, 0)), (None, 7.5, "7", NAN)),
        sampling_ratio=((), (None, 2.5, "2", NAN)), canonical_scale=POSITIVE, canonical_level=((NAN, INF), (None, "4")),
    ),
    frcnn_edu.LevelMapper: dict(
        k_min=((), (None, 2.5)), k_max=((), (None, NAN)), canonical_scale=POSITIVE, canonical_level=((NAN,), (None,)),
        eps=((NAN, -1), (None,)),
    ),
    frcnn_edu.TwoMLPHead: dict(in_channels=COUNT, representation_size=COUNT),
    frcnn_edu.FastRCNNPredictor: dict(in_channels=COUNT, num_classes=(CLASSES[0], (*CLASSES[1], None))),
    frcnn_edu.RoIHeads: dict(
        box_roi_pool=((), (None, 5)), box_head=((), (None, 5)), box_predictor=((), (None, 5)),
        bbox_reg_weights=BOX_WEIGHTS, detections_per_img=COUNT, **STAGE,
    ),
    frcnn_edu.GeneralizedRCNN: dict.fromkeys(("backbone", "rpn", "roi_heads", "transform"), ((), (None, 5, nn.Identity))),
    frcnn_edu.BoxCoder: dict(
        weights=(BOX_WEIGHTS[0], (*BOX_WEIGHTS[1], None)), bbox_xform_clip=((NAN, -1), (None, "4", True))
    ),
    frcnn_edu.Matcher: dict(high_threshold=FRACTION, low_threshold=FRACTION, allow_low_quality_matches=FLAG),
    frcnn_edu.BalancedPositiveNegativeSampler: dict(batch_size_per_image=COUNT, positive_fraction=FRACTION),
    frcnn_edu.FeaturePyramidNetwork: dict(
        in_channels_list=(([], [8, 0], [-1, 8]), (None, 8, "8", [2.5, 8])), out_channels=COUNT,
        extra_blocks=((), (5, nn.Identity())), norm_layer=LAYER,
    ),
    frcnn_edu.FrozenBatchNorm2d: dict(num_features=COUNT, eps=((NAN, -1.0, INF), (None, "1", True))),
    models.BackboneWithFPN: dict(
        return_layers=(({}, {"layer1": "0", "layer2": "0"}, {"layer1": "0"}), (["layer1", "layer2"],)),
        in_channels_list=(([], [32], [32, 64, 96]), (None,)), out_channels=COUNT, extra_blocks=((), (5,)), norm_layer=LAYER,
        backbone=((), (None, 5, "resnet", nn.Identity)),
    ),
    models.IntermediateLayerGetter: dict(
        model=((), (None, 5, "resnet", nn.Identity)), return_layers=(({},), (None, ["layer1"]))
    ),
    models.ResNet: dict(
        block=((), (None, "basic", nn.Conv2d)), layers=FOUR_COUNTS, widths=FOUR_COUNTS, num_classes=((0, -1), (2.5, True)),
        groups=COUNT, width_per_group=COUNT, norm_layer=((), (None, *LAYER[1])),
    ),
    models.BasicBlock: dict(
        inplanes=COUNT, planes=COUNT, stride=COUNT, groups=COUNT, norm_layer=((), (None, 5)), downsample=PART
    ),
    models.Bottleneck: dict(
        inplanes=COUNT, planes=COUNT, stride=COUNT, groups=COUNT, base_width=COUNT, downsample=PART
    ),
    frcnn_edu.resnet_fpn_backbone: dict(
        backbone_name=(("resnet", "vgg16", None, 18), ()), trainable_layers=RANGE, norm_layer=LAYER,
        returned_layers=(([], [0], [5], [4, 3], [1, 1]), (3, "34", [2.5])), extra_blocks=((), (5,)),
        weights=(("nothing",), (5,)),  # True is an old way to say DEFAULT
        progress=FLAG,
    ),
    models.mobilenet_backbone: dict(
        backbone_name=(("mobilenet", None), ()), trainable_layers=RANGE, weights=((), (5,)), norm_layer=LAYER,
        returned_layers=(([], [9], [-9], [-1, -2], [1, 1]), (3, [2.5])), fpn=FLAG, progress=FLAG,
    ),
    models.vgg_backbone: dict(
        backbone_name=(("vgg", None), ()), trainable_layers=RANGE, returned_layers=(([], [5], [4, 3], [1, 1]), ([2.5],)),
        fpn=FLAG, progress=FLAG,
    ),
    frcnn_edu.fasterrcnn_small_fpn: dict(
        num_classes=CLASSES, new_classes=CLASSES, weights=(("nothing",), (5, True)), rpn_nms_thresh=FRACTION
    ),
    **{
        getattr(frcnn_edu, name): dict(
            num_classes=CLASSES, new_classes=CLASSES, trainable_backbone_layers=((-1, 7), (2.5, "3", True)), progress=FLAG,
            weights=(("nothing",), (5, ResNet18_Weights.DEFAULT)),
            weights_backbone=(("nothing", ""), (5, ResNet18_Weights.DEFAULT)),
        )
        for name in (
            "fasterrcnn_resnet50_fpn", "fasterrcnn_resnet50_fpn_v2", "fasterrcnn_mobilenet_v3_large_fpn",
            "fasterrcnn_mobilenet_v3_large_320_fpn",
        )
    },
}  # fmt: skip
CASES = [
    pytest.param(maker, argument, value, exception, id=f"{maker.__name__}({argument}={value!r:.40})")
    for maker, arguments in WRONG.items()
    for argument, wrong in arguments.items()
    for exception, values in zip((ValueError, TypeError), wrong, strict=True)
    for value in values
]


@pytest.mark.parametrize(("maker", "argument", "value", "exception"), CASES)
def test_a_wrong_argument_is_named(maker: Any, argument: str, value: Any, exception: type[Exception]) -> None:
    """Its name as the caller wrote it, and its value; in one line, and not in PyTorch's words."""
    with pytest.raises(exception) as caught:
        make(maker, **{argument: value})
    message = str(caught.value)
    assert type(caught.value) is exception
    assert re.search(rf"\b{argument}\b", message), message
    shown = value.__name__ if isinstance(value, type) else " ".join(repr(value).split())
    assert shown[:30] in message, message
    assert "\n" not in message


@pytest.mark.parametrize("maker", LEGAL, ids=lambda maker: maker.__name__)
def test_the_legal_arguments_are_legal(maker: Any) -> None:
    make(maker)


def test_every_constructor_is_among_them() -> None:
    """But for those whose arguments another one checks, and a backbone of a library that need not be there."""
    public = {name: getattr(models, name) for name in models.__all__} | {
        n: getattr(frcnn_edu, n) for n in frcnn_edu.__all__
    }
    makers = {
        name
        for name, thing in public.items()
        if (isinstance(thing, type) and not issubclass(thing, Enum))
        or name.startswith("fasterrcnn_")
        or name.endswith("_backbone")
    }
    others = {"ImageList", "LastLevelMaxPool", "SlimResNet", "TimmBackbone", "fasterrcnn_timm_fpn", "timm_fpn_backbone"}
    assert makers - others == {maker.__name__ for maker in WRONG}


# --- two that do not go together ----------------------------------------------------------------------------------

PAIRS = [
    (FasterRCNN, dict(rpn_fg_iou_thresh=0.2), r"rpn_fg_iou_thresh must be at least rpn_bg_iou_thresh, got .*=0\.2 and .*=0\.3"),
    (FasterRCNN, dict(box_bg_iou_thresh=0.6), r"box_fg_iou_thresh must be at least box_bg_iou_thresh, got .*=0\.5 and .*=0\.6"),
    (frcnn_edu.RegionProposalNetwork, dict(bg_iou_thresh=0.8), r"^fg_iou_thresh must be at least bg_iou_thresh"),
    (frcnn_edu.RoIHeads, dict(fg_iou_thresh=0.4), r"^fg_iou_thresh must be at least bg_iou_thresh"),
    (frcnn_edu.Matcher, dict(low_threshold=0.8), r"high_threshold must be at least low_threshold, got .*=0\.7 and .*=0\.8"),
    (frcnn_edu.LevelMapper, dict(k_min=5, k_max=2), r"ordered from fine to coarse, got level 5 first and 2 last"),
    (frcnn_edu.AnchorGenerator, dict(sizes=((8,),)), r"same number of feature maps, got 1 and 2: sizes="),
    (frcnn_edu.GeneralizedRCNNTransform, dict(image_std=[0.2] * 4), r"image_mean and image_std .*each channel, got \[0\.5, 0\.5, 0\.5\] and \[0\.2,"),
    (models.BackboneWithFPN, dict(in_channels_list=[32]), r"in_channels_list .* got \[32\] for the 2 of return_layers="),
]  # fmt: skip


@pytest.mark.parametrize(("maker", "arguments", "message"), PAIRS, ids=lambda x: getattr(x, "__name__", None))
def test_two_arguments_that_do_not_go_together(maker: Any, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make(maker, **arguments)


def test_messages_say_what_is_legal() -> None:
    for arguments, message in (
        (
            dict(num_classes=1),
            "num_classes must be a whole number of at least 2, because the background is a class too, got 1",
        ),
        (dict(box_score_thresh=50), "box_score_thresh must be a number in 0…1, got 50"),
        (
            dict(bbox_reg_weights=(0, 10, 5, 5)),
            "bbox_reg_weights[0] must be a finite number above 0, got 0 (bbox_reg_weights=(0, 10, 5, 5))",
        ),
        (
            dict(image_mean=[123.7, 116.3, 103.5]),
            "image_mean[0] must be a number in 0…1, the range of images (divide a value for 0…255 by 255), got 123.7 "
            "(image_mean=[123.7, 116.3, 103.5])",
        ),
        (dict(rpn_head=frcnn_edu.RPNHead), "rpn_head must be a module, got the class RPNHead itself: pass RPNHead(…)"),
    ):
        with pytest.raises((ValueError, TypeError)) as caught:
            make(FasterRCNN, **arguments)
        assert str(caught.value) == message


@pytest.mark.parametrize("out_channels", [0, -8, None, 8.5, "8", [8], True])
def test_a_backbone_that_does_not_say_its_channels(out_channels: Any) -> None:
    with pytest.raises(
        (ValueError, TypeError), match=r"backbone\.out_channels must be a whole number of at least 1, got"
    ):
        make(FasterRCNN, backbone=says_channels(out_channels))


def test_a_backbone_that_is_none() -> None:
    with pytest.raises(TypeError, match=r"backbone must be a module, got the class Told itself: pass Told\(…\)"):
        make(FasterRCNN, backbone=type("Told", (Maps,), {"out_channels": 8}))
    with pytest.raises(ValueError, match="the backbone needs an attribute out_channels"):
        make(FasterRCNN, backbone=None)


# --- what torchvision gives a meaning -----------------------------------------------------------------------------

LEGAL_TOO: list[dict[str, Any]] = [
    dict(min_size=(64, 80)), dict(min_size=[64]), dict(min_size=np.int64(64)), dict(min_size=64.5), dict(min_size=96),
    dict(max_size=INF), dict(max_size=96.5), dict(max_size=64), dict(fixed_size=[64, 64]), dict(size_divisible=1),
    dict(image_mean=None, image_std=None), dict(image_mean=torch.zeros(3), image_std=torch.ones(3)),
    dict(image_mean=np.array([0.5] * 3)), dict(image_std=[0.2]), dict(image_mean=[0.5], image_std=[0.2]),
    dict(bbox_reg_weights=None), dict(bbox_reg_weights=[10, 10, 5, 5]), dict(bbox_reg_weights=np.array([10.0, 10, 5, 5])),
    dict(box_score_thresh=0), dict(box_score_thresh=1), dict(box_score_thresh=np.float32(0.5)), dict(box_nms_thresh=1.0),
    dict(rpn_nms_thresh=0.0), dict(box_detections_per_img=10**9), dict(rpn_post_nms_top_n_test=10**9),
    dict(rpn_batch_size_per_image=1), dict(rpn_positive_fraction=1.0), dict(box_positive_fraction=0.0),
    dict(rpn_fg_iou_thresh=0.3), dict(box_fg_iou_thresh=1.0), dict(num_classes=2), dict(num_classes=np.int64(5)),
    dict(box_roi_pool=frcnn_edu.MultiScaleRoIAlign(["0"], [7, 7], 0)),
    dict(box_roi_pool=frcnn_edu.MultiScaleRoIAlign(("0", "1"), np.int64(7), -1)),
]  # fmt: skip


@pytest.mark.parametrize(
    "arguments", LEGAL_TOO, ids=lambda arguments: ", ".join(f"{k}={v!r:.30}" for k, v in arguments.items())
)
def test_what_has_a_meaning_in_torchvision_is_legal(arguments: dict[str, Any]) -> None:
    """The same settings there; and ours detects and trains with them."""
    other = {**arguments, "box_roi_pool": None}
    theirs.FasterRCNN(**{"backbone": Maps(), "num_classes": 3, **other})
    model = detector(**arguments)
    images, targets = batch()
    if arguments.get("num_classes") == 2:
        targets[0]["labels"][:] = 1
    losses = model.train()(images, targets)
    assert all(loss.isfinite() for loss in losses.values())
    with torch.no_grad():
        assert len(model.eval()(images)) == 2


@pytest.mark.parametrize(
    ("maker", "arguments"),
    [
        (frcnn_edu.AnchorGenerator, dict(sizes=(8, 16), aspect_ratios=(1.0, 2.0))),
        (
            frcnn_edu.AnchorGenerator,
            dict(sizes=((2, 4, 8), (32, 8)), aspect_ratios=(0.5, 1.0)),
        ),  # of torchvision's tests
        (frcnn_edu.RPNHead, dict(conv_depth=0)),
        (frcnn_edu.BoxCoder, dict(weights=[1, 1, 1, 1], bbox_xform_clip=INF)),
        (frcnn_edu.FrozenBatchNorm2d, dict(eps=0.0)),
        (frcnn_edu.MultiScaleRoIAlign, dict(featmap_names=[0], canonical_level=-1)),
        (frcnn_edu.FeaturePyramidNetwork, dict(in_channels_list=(8, 16), norm_layer=nn.BatchNorm2d)),
        (models.IntermediateLayerGetter, dict(return_layers={"layer1": 0, "layer2": 1})),
        (frcnn_edu.resnet_fpn_backbone, dict(norm_layer=None, returned_layers=[2, 4])),
        (models.mobilenet_backbone, dict(norm_layer=None, returned_layers=[-3, -1])),
    ],
    ids=lambda x: getattr(x, "__name__", None),
)
def test_what_has_a_meaning_in_a_part_is_legal(maker: Any, arguments: dict[str, Any]) -> None:
    make(maker, **arguments)


def test_a_number_of_proposals_serves_both_modes() -> None:
    rpn = make(frcnn_edu.RegionProposalNetwork, pre_nms_top_n=7, post_nms_top_n={"training": 5, "testing": 3})
    assert (rpn.pre_nms_top_n(), rpn.post_nms_top_n()) == (7, 5)
    assert (rpn.eval().pre_nms_top_n(), rpn.post_nms_top_n()) == (7, 3)


def test_outputs_named_by_numbers_are_texts_as_in_torchvision() -> None:
    getter = models.IntermediateLayerGetter(models.SlimResNet(), {"layer1": 0, "layer2": 1})
    assert list(getter(torch.zeros(1, 3, 32, 32))) == ["0", "1"]


def test_no_norm_layer_is_batch_norm_as_in_torchvision() -> None:
    with torch.device("meta"):
        ours = frcnn_edu.resnet_fpn_backbone(backbone_name="resnet18", weights=None, norm_layer=None)
        other = their_resnet_fpn_backbone(backbone_name="resnet18", weights=None, norm_layer=None)
    norms = [sum(isinstance(m, nn.BatchNorm2d) for m in backbone.modules()) for backbone in (ours, other)]
    assert norms == [20, 20]


# --- legal, but not as meant --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("min_size", "warned"), [(96, None), (97, 97), ((64, 96), None), ((64, 120), 120)])
def test_a_shorter_side_above_the_longer_one(
    min_size: Any, warned: int | None, recwarn: pytest.WarningsRecorder
) -> None:
    """torchvision takes it, and so do we: the longer side becomes max_size, whatever the shape."""
    model = detector(min_size=min_size, max_size=96)
    assert [str(w.message).split(":")[0] for w in recwarn] == [f"min_size={warned} is above max_size=96"] * (
        warned is not None
    )
    assert all(w.filename.endswith("makers.py") for w in recwarn)  # where it was said
    resized, _ = model.eval().transform([torch.rand(3, 40, 50), torch.rand(3, 60, 20)])
    assert max(resized.image_sizes[0]) <= 96
    if warned:
        assert [max(size) for size in resized.image_sizes] == [96, 96]
