"""Builders with weights: torchvision's enums, their names and files, all without a network."""

from pathlib import Path
from typing import Any

import pytest
import torch
import torchvision
from torch import Tensor, nn
from torchvision.models import MobileNet_V3_Large_Weights, ResNet50_Weights
from torchvision.models._api import WeightsEnum
from torchvision.models.detection import (
    FasterRCNN_MobileNet_V3_Large_FPN_Weights,
    FasterRCNN_ResNet50_FPN_Weights,
)
from twins import OURS, THEIRS, in_old_spelling, make_images, mobilenet_v3_large_fpn, resnet50_fpn

import frcnn_edu
from frcnn_edu.benchmark.realistic import make_realistic
from frcnn_edu.model.weights import resolve_backbone_weights, resolve_weights

pytestmark = pytest.mark.slow  # many whole models

OURS_AND_THEIRS = pytest.mark.parametrize("lib", [OURS, THEIRS], ids=["ours", "theirs"])
COCO = FasterRCNN_ResNet50_FPN_Weights.COCO_V1
PUBLISHED_NAME = Path(COCO.url).name
DETECTORS = {
    FasterRCNN_ResNet50_FPN_Weights: lambda: torchvision.models.detection.fasterrcnn_resnet50_fpn(
        weights=None, weights_backbone=None
    ),
    FasterRCNN_MobileNet_V3_Large_FPN_Weights: lambda: torchvision.models.detection.fasterrcnn_mobilenet_v3_large_fpn(
        weights=None, weights_backbone=None
    ),
    ResNet50_Weights: torchvision.models.resnet50,
    MobileNet_V3_Large_Weights: torchvision.models.mobilenet_v3_large,
}


def published(enum: type[WeightsEnum]) -> dict[str, Tensor]:
    """A state dict with the keys and shapes that torchvision publishes, every tensor filled with its own number."""
    with torch.device("meta"):
        state_dict = DETECTORS[enum]().state_dict()
    state_dict = {key: value for key, value in state_dict.items() if "num_batches_tracked" not in key}
    filled = {key: torch.full(value.shape, 1 + i / 1000) for i, (key, value) in enumerate(state_dict.items())}
    return in_old_spelling(filled)


@pytest.fixture
def downloads(monkeypatch: pytest.MonkeyPatch) -> list[tuple[WeightsEnum, dict[str, Any]]]:
    """In place of the network: what would have been downloaded, and how."""
    seen: list[tuple[WeightsEnum, dict[str, Any]]] = []

    def get_state_dict(self: WeightsEnum, *args: Any, **options: Any) -> dict[str, Tensor]:
        seen.append((self, options))
        return published(type(self))

    monkeypatch.setattr(WeightsEnum, "get_state_dict", get_state_dict)
    monkeypatch.setattr(torch.hub, "download_url_to_file", lambda *args, **kwargs: pytest.fail("went to the network"))
    return seen


def frozen_norms(lib, model: nn.Module) -> list[nn.Module]:
    kind = frcnn_edu.FrozenBatchNorm2d if lib is OURS else torchvision.ops.FrozenBatchNorm2d
    return [module for module in model.modules() if isinstance(module, kind)]


def assert_filled(model: nn.Module, expected: dict[str, Tensor], prefix: str = "") -> None:
    actual = in_old_spelling(model.state_dict())
    for key, value in expected.items():
        assert actual[prefix + key].flatten()[0] == value.flatten()[0], key


@OURS_AND_THEIRS
def test_fact_23_published_detector_frozen_with_eps_zero(lib, downloads) -> None:
    model = lib.fasterrcnn_resnet50_fpn(weights=COCO, progress=False)
    assert downloads == [(COCO, {"progress": False, "check_hash": True})]  # the backbone's are not fetched
    norms = frozen_norms(lib, model)
    assert len(norms) == 53
    assert {norm.eps for norm in norms} == {0.0}
    assert not any(isinstance(module, nn.BatchNorm2d) for module in model.modules())
    assert sum(p.requires_grad for p in model.parameters()) == 72  # three stages by default
    assert model.roi_heads.box_predictor.cls_score.out_features == 91
    assert_filled(model, published(FasterRCNN_ResNet50_FPN_Weights))


@OURS_AND_THEIRS
def test_fact_23_pretrained_backbone_frozen_with_its_own_eps(lib, downloads) -> None:
    model = lib.fasterrcnn_resnet50_fpn(
        num_classes=5, trainable_backbone_layers=1
    )  # ImageNet's backbone is the default
    assert [weights for weights, _ in downloads] == [ResNet50_Weights.IMAGENET1K_V1]
    assert {norm.eps for norm in frozen_norms(lib, model)} == {1e-5}
    assert sum(p.requires_grad for p in model.parameters()) == 40
    expected = {key: value for key, value in published(ResNet50_Weights).items() if not key.startswith("fc.")}
    assert_filled(model, expected, prefix="backbone.body.")
    assert model.roi_heads.box_predictor.cls_score.out_features == 5


@OURS_AND_THEIRS
def test_mobilenet_with_published_weights(lib, downloads) -> None:
    weights = FasterRCNN_MobileNet_V3_Large_FPN_Weights.COCO_V1
    model = lib.fasterrcnn_mobilenet_v3_large_fpn(weights=weights)
    assert [downloaded for downloaded, _ in downloads] == [weights]
    # The classifier by itself has 0.001; in the detector both libraries leave the class's default.
    assert {norm.eps for norm in frozen_norms(lib, model)} == {1e-5}
    assert model.rpn.score_thresh == 0.05
    assert_filled(model, published(FasterRCNN_MobileNet_V3_Large_FPN_Weights))
    assert sum(p.numel() for p in model.parameters()) == 19_386_354


@OURS_AND_THEIRS
@pytest.mark.parametrize(("layers", "trained"), [(None, 70), (0, 22), (2, 44), (6, 100)])
def test_mobilenet_on_a_pretrained_body(lib, layers: int | None, trained: int, downloads) -> None:
    model = lib.fasterrcnn_mobilenet_v3_large_fpn(progress=False, num_classes=5, trainable_backbone_layers=layers)
    ((weights, options),) = downloads
    assert weights == MobileNet_V3_Large_Weights.IMAGENET1K_V1
    assert options["progress"] is False
    assert options["check_hash"] is True
    assert frozen_norms(lib, model)
    assert not any(isinstance(module, nn.BatchNorm2d) for module in model.modules())
    assert sum(p.requires_grad for p in model.parameters()) == trained
    assert model.backbone.body["0"][0].weight.unique().tolist() == [1.0]
    assert len(model.roi_heads.box_predictor.cls_score.weight) == 5


@OURS_AND_THEIRS
@pytest.mark.parametrize("name", ["fasterrcnn_mobilenet_v3_large_fpn", "fasterrcnn_resnet50_fpn"])
def test_without_pretrained_weights_batch_norm_learns_and_all_is_trained(lib, name: str) -> None:
    with torch.device("meta"):
        model = getattr(lib, name)(weights=None, weights_backbone=None)
    assert frozen_norms(lib, model) == []
    assert all(parameter.requires_grad for parameter in model.parameters())


@pytest.mark.parametrize("layers", [-1, 7])
@pytest.mark.parametrize(
    ("name", "most"), [("fasterrcnn_mobilenet_v3_large_fpn", 6), ("fasterrcnn_resnet50_fpn_v2", 5)]
)
def test_more_layers_than_there_are_by_the_name_that_was_given(name: str, most: int, layers: int, downloads) -> None:
    with pytest.raises(ValueError, match=rf"^trainable_backbone_layers must be .*0…{most}, got {layers}"):
        getattr(frcnn_edu, name)(weights_backbone="DEFAULT", trainable_backbone_layers=layers)
    assert downloads == []


@pytest.mark.parametrize("name", ["fasterrcnn_mobilenet_v3_large_fpn", "fasterrcnn_resnet50_fpn"])
def test_fine_tuning_keeps_all_but_the_predictor(name: str, downloads) -> None:
    model = getattr(frcnn_edu, name)(weights="DEFAULT", new_classes=4)
    (enum,) = (type(weights) for weights, _ in downloads)
    kept = {key: value for key, value in published(enum).items() if "box_predictor" not in key}
    assert_filled(model, kept)
    predictor = model.roi_heads.box_predictor
    assert len(predictor.cls_score.weight) == 4
    assert len(predictor.bbox_pred.weight) == 16
    assert len(predictor.cls_score.weight.unique()) > 1  # not the constant of the file


@pytest.mark.parametrize("name", ["fasterrcnn_mobilenet_v3_large_fpn", "fasterrcnn_resnet50_fpn"])
def test_weights_that_do_not_fit_name_the_model(name: str, tmp_path: Path) -> None:
    torch.save({"roi_heads.box_predictor.cls_score.bias": torch.zeros(91)}, tmp_path / "other.pth")
    with pytest.raises(ValueError, match=rf"other\.pth do not fit {name}: missing are"):
        getattr(frcnn_edu, name)(weights=tmp_path / "other.pth")


@OURS_AND_THEIRS
def test_mobilenets_threshold_can_be_set(lib) -> None:
    with torch.device("meta"):
        model = lib.fasterrcnn_mobilenet_v3_large_fpn(weights=None, weights_backbone=None, rpn_score_thresh=0.2)
    assert model.rpn.score_thresh == 0.2


@pytest.mark.parametrize("name", ["DEFAULT", "COCO_V1", "FasterRCNN_ResNet50_FPN_Weights.COCO_V1", COCO])
def test_names_of_detector_weights(name: str | WeightsEnum) -> None:
    assert resolve_weights(name, FasterRCNN_ResNet50_FPN_Weights) == COCO


def test_names_of_backbone_weights() -> None:
    assert resolve_backbone_weights("resnet50", "DEFAULT") == ResNet50_Weights.IMAGENET1K_V2
    assert resolve_backbone_weights("resnet50", "IMAGENET1K_V1") == ResNet50_Weights.IMAGENET1K_V1
    assert resolve_backbone_weights("resnet50", None) is None


def test_weights_by_name_reach_the_loader(downloads) -> None:
    frcnn_edu.fasterrcnn_mobilenet_v3_large_fpn(weights="DEFAULT", progress=False)
    assert downloads == [(FasterRCNN_MobileNet_V3_Large_FPN_Weights.COCO_V1, {"progress": False, "check_hash": True})]


@pytest.mark.parametrize(
    ("weights", "exception", "message"),
    [
        ("COCO_V9", ValueError, r"'COCO_V9' are neither a file nor one of \['COCO_V1'"),
        ("no/such/file.pth", ValueError, r"no/such/file\.pth"),
        (
            ResNet50_Weights.DEFAULT,
            TypeError,
            r"weights must be a member of FasterRCNN_ResNet50_FPN_Weights, got ResNet50_W",
        ),
    ],
)
def test_unknown_weights_are_refused(weights: Any, exception: type[Exception], message: str) -> None:
    with pytest.raises(exception, match=message):
        frcnn_edu.fasterrcnn_resnet50_fpn(weights=weights)


def test_unknown_backbone_weights_are_refused() -> None:
    with pytest.raises(ValueError, match=r"'IMAGENET22K' are neither a file nor one of"):
        frcnn_edu.fasterrcnn_resnet50_fpn(weights_backbone="IMAGENET22K")


@OURS_AND_THEIRS
def test_num_classes_must_fit_the_published_weights(lib, downloads) -> None:
    with pytest.raises(ValueError, match="5"):
        lib.fasterrcnn_resnet50_fpn(weights=COCO, num_classes=5)
    assert downloads == []


def test_the_message_names_both_numbers(downloads) -> None:
    with pytest.raises(ValueError, match=r"num_classes=5, but the weights are for 91 classes"):
        frcnn_edu.fasterrcnn_resnet50_fpn(weights="DEFAULT", num_classes=5)


@pytest.mark.parametrize("layers", [-1, 6])
def test_trainable_layers_out_of_range(layers: int, downloads) -> None:
    with pytest.raises(ValueError, match=rf"0…5, got {layers}"):
        frcnn_edu.fasterrcnn_resnet50_fpn(weights=COCO, trainable_backbone_layers=layers)


def test_what_nobody_has_trained_is_not_frozen_as_in_torchvision() -> None:
    with (
        torch.device("meta"),
        pytest.warns(
            UserWarning,
            match="trainable_backbone_layers=2 would freeze .* trained; give pretrained weights to freeze some$",
        ) as warned,
    ):
        model = frcnn_edu.fasterrcnn_resnet50_fpn(weights=None, weights_backbone=None, trainable_backbone_layers=2)
    assert warned[0].filename == __file__  # where the mistake is
    assert all(parameter.requires_grad for parameter in model.parameters())


# --- files ---------------------------------------------------------------------------------------------------------


def test_fact_23_a_downloaded_file_of_the_published_name_gets_eps_zero(tmp_path: Path) -> None:
    file = tmp_path / PUBLISHED_NAME
    torch.save(published(FasterRCNN_ResNet50_FPN_Weights), file)
    model = frcnn_edu.fasterrcnn_resnet50_fpn(weights=file)
    assert {norm.eps for norm in frozen_norms(OURS, model)} == {0.0}
    assert_filled(model, published(FasterRCNN_ResNet50_FPN_Weights))


def test_a_body_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "backbone.pth"
    torch.save(published(ResNet50_Weights), file)
    model = frcnn_edu.fasterrcnn_resnet50_fpn(weights_backbone=str(file), num_classes=3)
    assert {norm.eps for norm in frozen_norms(OURS, model)} == {1e-5}
    assert model.backbone.body.conv1.weight.unique().tolist() == [1.0]


def lively_file(recipe: Any, file: Path, images: list[Tensor], **settings: Any) -> dict[str, Tensor]:
    """A file as torchvision publishes them: one of its own models, in the old spelling, without batch counters."""
    torch.manual_seed(0)
    model = recipe(THEIRS, **settings)
    make_realistic(model, images)
    state = {key: value for key, value in model.state_dict().items() if "num_batches_tracked" not in key}
    torch.save(in_old_spelling(state), file)
    return state


def assert_same_detections(ours: nn.Module, theirs: nn.Module, images: list[Tensor]) -> None:
    ours.eval(), theirs.eval()
    with torch.no_grad():
        found, expected = ours(images), theirs(images)
    assert sum(len(image["boxes"]) for image in expected) >= 5
    for mine, other in zip(found, expected, strict=True):
        assert all(torch.equal(mine[key], other[key]) for key in ("boxes", "labels", "scores"))


SIZES = {"min_size": 96, "max_size": 128}


def test_published_weights_by_enum_through_the_hubs_own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file lies where a download would have left it, so all but the download is torchvision's own way."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(torch.hub, "download_url_to_file", lambda *args, **kwargs: pytest.fail("went to the network"))
    (tmp_path / "hub" / "checkpoints").mkdir(parents=True)
    images = make_images((96, 128), (90, 70))
    state = lively_file(resnet50_fpn, tmp_path / "hub" / "checkpoints" / PUBLISHED_NAME, images, **SIZES)
    theirs = THEIRS.fasterrcnn_resnet50_fpn(weights=COCO, **SIZES)
    ours = frcnn_edu.fasterrcnn_resnet50_fpn(weights="DEFAULT", exact=True, **SIZES)
    assert_same_detections(ours, theirs, images)

    tuned = frcnn_edu.fasterrcnn_resnet50_fpn(weights="DEFAULT", new_classes=4, **SIZES)
    assert {norm.eps for norm in frozen_norms(OURS, tuned)} == {0.0}
    for key, value in tuned.state_dict().items():
        if key.startswith("roi_heads.box_predictor."):
            assert len(value) in (4, 16)
        else:
            assert torch.equal(value, state[key]), key


@pytest.fixture(scope="module")
def lively_mobilenet() -> tuple[nn.Module, list[Tensor]]:
    images = make_images((96, 128), (90, 70))
    torch.manual_seed(0)
    model = mobilenet_v3_large_fpn(THEIRS, num_classes=7, **SIZES)
    make_realistic(model, images)
    return model.eval(), images


@pytest.mark.parametrize("spelling", ["new", "old"])
@pytest.mark.parametrize("container", ["zip", "legacy", "checkpoint"])
def test_files_of_torchvisions_format(lively_mobilenet, container: str, spelling: str, tmp_path: Path) -> None:
    """New and old spelling; today's and yesterday's file format; alone, or as torchvision's reference scripts save it."""
    theirs, images = lively_mobilenet
    state: Any = theirs.state_dict() if spelling == "new" else in_old_spelling(theirs.state_dict())
    content = {"model": state, "optimizer": {}, "epoch": 3} if container == "checkpoint" else state
    torch.save(content, tmp_path / "file.pth", _use_new_zipfile_serialization=container != "legacy")
    ours = frcnn_edu.fasterrcnn_mobilenet_v3_large_fpn(weights=tmp_path / "file.pth", exact=True, **SIZES)
    # Theirs as theirs, with BatchNorm frozen as pretrained weights have it
    frozen = THEIRS.mobilenet_backbone(backbone_name="mobilenet_v3_large", weights=None, fpn=True, trainable_layers=3)
    twin = THEIRS.FasterRCNN(
        frozen,
        7,
        rpn_anchor_generator=THEIRS.AnchorGenerator(((32, 64, 128, 256, 512),) * 3, ((0.5, 1.0, 2.0),) * 3),
        rpn_score_thresh=0.05,
        **SIZES,
    )
    twin.load_state_dict(theirs.state_dict())
    assert_same_detections(ours, twin, images)


@pytest.mark.parametrize("outputs", [1000, 3, None])
def test_a_body_is_taken_whatever_it_classified(outputs: int | None, tmp_path: Path) -> None:
    """ImageNet's 1000 classes, a classifier fine-tuned on 3, or one whose last layer was taken off."""
    resnet = torchvision.models.resnet18(num_classes=outputs or 1000)
    state = {key: value for key, value in resnet.state_dict().items() if outputs or not key.startswith("fc.")}
    torch.save({"model": state}, tmp_path / "backbone.pth")
    backbone = frcnn_edu.resnet_fpn_backbone(backbone_name="resnet18", weights=tmp_path / "backbone.pth")
    assert torch.equal(backbone.body.layer4[1].conv2.weight, resnet.layer4[1].conv2.weight)
