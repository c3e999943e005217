"""The small model: the configuration that the shipped weights were trained in, the course shows and README names."""

import pytest
import torch

from frcnn_edu import fasterrcnn_small_fpn

SETTINGS = {
    "transform.min_size": (128,),
    "transform.max_size": 160,
    "rpn.anchor_generator.sizes": ((12,), (24,), (48,), (80,), (112,)),
    "rpn.anchor_generator.aspect_ratios": ((0.5, 1.0, 2.0),) * 5,
    "rpn._pre_nms_top_n": {"training": 300, "testing": 300},
    "rpn._post_nms_top_n": {"training": 150, "testing": 300},
    "rpn.fg_bg_sampler.batch_size_per_image": 64,
    "roi_heads.box_roi_pool.featmap_names": ["0", "1", "2", "3"],
    "roi_heads.box_roi_pool.output_size": (7, 7),
    "roi_heads.box_roi_pool.sampling_ratio": 2,
    "roi_heads.box_roi_pool.canonical_scale": 112,
    "roi_heads.fg_bg_sampler.batch_size_per_image": 64,
    "roi_heads.fg_bg_sampler.positive_fraction": 0.5,
    "backbone.out_channels": 64,
    "roi_heads.box_head.fc6.in_features": 64 * 7 * 7,
    "roi_heads.box_head.fc7.out_features": 256,
    "roi_heads.box_predictor.cls_score.out_features": 6,
}


@pytest.mark.parametrize("path", SETTINGS)
def test_a_setting_of_the_small_model(path: str) -> None:
    value = fasterrcnn_small_fpn()
    for name in path.split("."):
        value = getattr(value, name)
    assert (tuple(value) if path == "transform.min_size" else value) == SETTINGS[path]


def test_its_body_has_two_blocks_in_each_stage() -> None:
    resnet = fasterrcnn_small_fpn().backbone.body
    assert [(len(resnet[f"layer{k}"]), resnet[f"layer{k}"][-1].conv2.out_channels) for k in range(1, 5)] == [
        (2, 32), (2, 64), (2, 96), (2, 128),
    ]  # fmt: skip


def test_settings_can_be_others() -> None:
    model = fasterrcnn_small_fpn(num_classes=3, min_size=150, rpn_post_nms_top_n_train=7)
    assert tuple(model.transform.min_size) == (150,)
    assert model.rpn._post_nms_top_n == {"training": 7, "testing": 300}
    assert [len(found["labels"]) <= 300 for found in model.eval()([torch.rand(3, 64, 64)])] == [True]
