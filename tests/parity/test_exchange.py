"""Weights go both ways, in both spellings, and so do parts: each library's model runs with the other's."""

import copy
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torchvision.models.detection.generalized_rcnn import GeneralizedRCNN as TheirGeneralizedRCNN
from twins import (
    OURS,
    THEIRS,
    detect,
    in_old_spelling,
    make_images,
    make_targets,
    mobilenet_v3_large_fpn,
    mobilenet_v3_large_single_map,
    resnet18_fpn,
    resnet50_fpn,
    small_fpn,
    train_step,
    twins,
)

import frcnn_edu

pytestmark = pytest.mark.slow  # many whole models

BOTH_WAYS = pytest.mark.parametrize(("lib", "other"), [(OURS, THEIRS), (THEIRS, OURS)], ids=["in ours", "in theirs"])


# --- weights -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "recipe",
    [resnet50_fpn, mobilenet_v3_large_fpn, mobilenet_v3_large_single_map, resnet18_fpn],
    ids=lambda f: f.__name__,
)
def test_state_dicts_have_the_same_keys_shapes_and_versions(recipe: Callable[..., nn.Module]) -> None:
    with torch.device("meta"):
        ours, theirs = (recipe(lib, num_classes=7).state_dict() for lib in (OURS, THEIRS))
    assert [(key, value.shape) for key, value in ours.items()] == [(key, value.shape) for key, value in theirs.items()]
    for name in set(theirs._metadata) & {"rpn.head", "backbone.fpn"}:
        assert ours._metadata[name]["version"] == theirs._metadata[name]["version"] == 2


@pytest.mark.parametrize("spelling", ["new", "old"])
@BOTH_WAYS
def test_fact_24_both_spellings_load(lib, other, spelling: str, tmp_path: Path) -> None:
    """Through a file, read as untrusted files should be."""
    torch.manual_seed(1)
    source = resnet18_fpn(other, num_classes=5)
    state_dict = source.state_dict()
    if spelling == "old":
        state_dict = in_old_spelling(state_dict)
        assert {"rpn.head.conv.weight", "backbone.fpn.inner_blocks.0.weight"} <= set(state_dict)
    torch.save(state_dict, tmp_path / "weights.pth")
    loaded = torch.load(tmp_path / "weights.pth", weights_only=True)
    keys = list(loaded)

    torch.manual_seed(2)
    model = resnet18_fpn(lib, num_classes=5)
    assert not torch.equal(model.rpn.head.cls_logits.weight, source.rpn.head.cls_logits.weight)
    model.load_state_dict(loaded, strict=True)
    for (name, ours), (their_name, theirs) in zip(model.state_dict().items(), source.state_dict().items(), strict=True):
        assert name == their_name
        assert torch.equal(ours, theirs)
    assert list(loaded) == keys  # the caller's dict is as it was


def test_a_wrong_state_dict_is_still_refused() -> None:
    model = small_fpn(OURS)
    state_dict = model.state_dict()
    del state_dict["rpn.head.conv.0.0.weight"]
    with pytest.raises(RuntimeError, match=r"Missing key.*rpn\.head\.conv\.0\.0\.weight"):
        model.load_state_dict(state_dict)


# --- parts ---------------------------------------------------------------------------------------------------------

SETTINGS = {"min_size": 96, "max_size": 128, "rpn_post_nms_top_n_test": 60, "box_batch_size_per_image": 48}


@pytest.fixture(scope="module")
def scene():
    """Both models with the same weights, a batch, and what torchvision's makes of it."""
    images = make_images((60, 90), (80, 50))
    targets = make_targets(images, (4, 2), 7)
    ours, theirs = twins(small_fpn, images, **SETTINGS)
    expected = outputs(theirs, images, targets)
    assert all(len(found["boxes"]) >= 5 for found in expected[0])
    return {id(OURS): ours, id(THEIRS): theirs}, images, targets, expected


def outputs(model: nn.Module, images: list[Tensor], targets: list[dict[str, Tensor]]) -> tuple:
    """Detections, losses and gradients, from a copy, so that the model stays as it is."""
    model = copy.deepcopy(model)
    detections = detect(model, images)[0]
    losses, gradients, *_ = train_step(model, images, targets)
    return detections, losses, gradients


def assert_same_outputs(actual: tuple, expected: tuple) -> None:
    for found, wanted in zip(actual[0], expected[0], strict=True):
        assert all(torch.equal(found[key], wanted[key]) for key in wanted)
    assert actual[1] == expected[1]
    assert actual[2].keys() == expected[2].keys()
    assert all(torch.allclose(actual[2][name], expected[2][name], rtol=1e-5, atol=1e-7) for name in expected[2])


@pytest.mark.parametrize(
    "part",
    [
        "transform",
        "backbone",
        "backbone.body",
        "backbone.fpn",
        "backbone.fpn.extra_blocks",
        "rpn",
        "rpn.anchor_generator",
        "rpn.head",
        "rpn.box_coder",
        "rpn.proposal_matcher",
        "rpn.fg_bg_sampler",
        "roi_heads",
        "roi_heads.box_roi_pool",
        "roi_heads.box_head",
        "roi_heads.box_predictor",
        "roi_heads.box_coder",
        "roi_heads.proposal_matcher",
        "roi_heads.fg_bg_sampler",
    ],
)
@BOTH_WAYS
def test_a_part_of_the_other_library_gives_the_same(scene, lib, other, part: str) -> None:
    models, images, targets, expected = scene
    model, donor = copy.deepcopy(models[id(lib)]), copy.deepcopy(models[id(other)])
    owner, _, name = part.rpartition(".")
    replacement = donor.get_submodule(owner) if owner else donor
    target = model.get_submodule(owner) if owner else model
    assert type(getattr(target, name)) is not type(getattr(replacement, name))
    setattr(target, name, getattr(replacement, name))
    assert_same_outputs(outputs(model, images, targets), expected)


@pytest.mark.parametrize("model_class", [frcnn_edu.GeneralizedRCNN, TheirGeneralizedRCNN], ids=["ours", "theirs"])
def test_generalized_rcnn_takes_all_four_parts_of_either_library(scene, model_class: type[nn.Module]) -> None:
    models, images, targets, expected = scene
    for donor in models.values():
        donor = copy.deepcopy(donor)
        model = frcnn_edu.set_exact(model_class(donor.backbone, donor.rpn, donor.roi_heads, donor.transform))
        assert_same_outputs(outputs(model, images, targets), expected)


@BOTH_WAYS
def test_the_constructor_takes_the_other_librarys_parts(scene, lib, other) -> None:
    """All at once, and each alone: torchvision's constructor looks at the types of some."""
    models, images, targets, expected = scene
    donor = copy.deepcopy(models[id(other)])
    parts = {
        "rpn_anchor_generator": donor.rpn.anchor_generator,
        "rpn_head": donor.rpn.head,
        "box_roi_pool": donor.roi_heads.box_roi_pool,
        "box_head": donor.roi_heads.box_head,
        "box_predictor": donor.roi_heads.box_predictor,
    }
    model = frcnn_edu.set_exact(lib.FasterRCNN(donor.backbone, **parts, **SETTINGS))
    assert all(model.get_submodule(name) is part for name, part in {
        "rpn.anchor_generator": parts["rpn_anchor_generator"],
        "rpn.head": parts["rpn_head"],
        "roi_heads.box_roi_pool": parts["box_roi_pool"],
    }.items())  # fmt: skip
    assert_same_outputs(outputs(model, images, targets), expected)

    with torch.device("meta"):
        for name, part in parts.items():
            backbone = nn.Conv2d(3, 32, 1)
            backbone.out_channels = 32
            alone = {"box_head", "box_predictor"}.isdisjoint(
                {name}
            )  # those two fit each other, and not the default ones
            own = {name: part} if alone else {key: parts[key] for key in ("box_head", "box_predictor")}
            model = lib.FasterRCNN(backbone, **{"num_classes": 7 if alone else None, **own})
            assert any(part is module for module in model.modules())
