"""What a detector is made of where nobody said otherwise: each number is the one that torchvision's own has."""

import inspect

import pytest
import torch
from torch import Tensor, nn
from twins import OURS, THEIRS

PLAIN = (
    "transform.max_size", "transform.image_mean", "transform.image_std", "transform.size_divisible", "transform.fixed_size",
    "rpn.anchor_generator.sizes", "rpn.anchor_generator.aspect_ratios",
    "rpn.nms_thresh", "rpn.score_thresh", "rpn.min_size", "rpn._pre_nms_top_n", "rpn._post_nms_top_n",
    "rpn.box_coder.weights", "rpn.box_coder.bbox_xform_clip",
    "rpn.proposal_matcher.high_threshold", "rpn.proposal_matcher.low_threshold",
    "rpn.proposal_matcher.allow_low_quality_matches",
    "rpn.fg_bg_sampler.batch_size_per_image", "rpn.fg_bg_sampler.positive_fraction",
    "roi_heads.box_roi_pool.featmap_names", "roi_heads.box_roi_pool.output_size", "roi_heads.box_roi_pool.sampling_ratio",
    "roi_heads.box_roi_pool.canonical_scale", "roi_heads.box_roi_pool.canonical_level",
    "roi_heads.box_coder.weights", "roi_heads.proposal_matcher.high_threshold",
    "roi_heads.proposal_matcher.low_threshold", "roi_heads.proposal_matcher.allow_low_quality_matches",
    "roi_heads.fg_bg_sampler.batch_size_per_image", "roi_heads.fg_bg_sampler.positive_fraction",
    "roi_heads.score_thresh", "roi_heads.nms_thresh", "roi_heads.detections_per_img",
)  # fmt: skip


class Backbone(nn.Conv2d):
    """As small as a backbone can be: nothing is computed here."""

    out_channels = 8

    def __init__(self) -> None:
        super().__init__(3, 8, 1)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        return {name: super(Backbone, self).forward(x) for name in ("0", "1", "2", "3", "pool")}


def of(model: nn.Module, path: str) -> object:
    value: object = model
    for name in path.split("."):
        value = getattr(value, name)
    return value


@pytest.fixture(scope="module")
def both() -> tuple[nn.Module, nn.Module]:
    return OURS.FasterRCNN(Backbone(), 3), THEIRS.FasterRCNN(Backbone(), 3)


@pytest.mark.parametrize("path", PLAIN)
def test_a_setting_that_nobody_gave_is_torchvisions(both: tuple[nn.Module, nn.Module], path: str) -> None:
    ours, theirs = (of(model, path) for model in both)
    assert ours == theirs
    assert ours is not None or path == "transform.fixed_size"


def test_sizes_and_shapes_that_nobody_gave(both: tuple[nn.Module, nn.Module]) -> None:
    assert [tuple(of(model, "transform.min_size")) for model in both] == [(800,)] * 2
    ours, theirs = ({name: tuple(p.shape) for name, p in model.named_parameters()} for model in both)
    assert ours == theirs


# --- builders ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    ["fasterrcnn_resnet50_fpn", "fasterrcnn_mobilenet_v3_large_fpn", "resnet_fpn_backbone", "mobilenet_backbone"],
)
def test_arguments_that_nobody_gave_are_torchvisions(name: str) -> None:
    """By the signatures. (norm_layer is each library's own FrozenBatchNorm2d.)"""
    ours, theirs = (inspect.signature(getattr(lib, name)).parameters for lib in (OURS, THEIRS))
    assert set(theirs) <= set(ours)
    for argument in set(theirs) - {"norm_layer", "kwargs"}:
        assert ours[argument].default == theirs[argument].default, argument
    if "norm_layer" in theirs:
        assert ours["norm_layer"].default.__name__ == theirs["norm_layer"].default.__name__ == "FrozenBatchNorm2d"


@pytest.mark.parametrize("name", ["fasterrcnn_resnet50_fpn", "fasterrcnn_mobilenet_v3_large_fpn"])
def test_the_ready_made_ones_are_set_as_torchvisions(name: str) -> None:
    with torch.device("meta"):
        models = [getattr(lib, name)(weights=None, weights_backbone=None) for lib in (OURS, THEIRS)]
    for path in PLAIN:
        ours, theirs = (of(model, path) for model in models)
        assert ours == theirs, path
    ours, theirs = ({name: tuple(p.shape) for name, p in model.named_parameters()} for model in models)
    assert ours == theirs  # 91 classes among them
