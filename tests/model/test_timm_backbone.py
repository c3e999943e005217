"""Backbones of timm's: small ones, with random weights and with files made here."""

import functools
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from frcnn_edu import BackboneWithFPN, FrozenBatchNorm2d, fasterrcnn_timm_fpn, timm_fpn_backbone
from frcnn_edu.training import TrainConfig, build_model, export_safetensors, load_model, save_checkpoint

NAME = "test_resnet"  # timm's own for tests: 0.5 million parameters
SIZES = {"min_size": 64, "max_size": 96, "out_channels": 16}


def test_without_timm_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(ValueError, match="pip install timm"):
        fasterrcnn_timm_fpn(NAME, weights_backbone=None)


timm = pytest.importorskip("timm")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The whole classifier's weights, as timm publishes them."""
    torch.manual_seed(3)
    torch.save(timm.create_model(NAME).state_dict(), tmp_path / "backbone.pth")
    return tmp_path / "backbone.pth"


@pytest.mark.parametrize("name", [NAME, "test_efficientnet", "test_convnext", "tf_efficientnet_lite0"])
def test_maps_are_those_of_timm(name: str) -> None:
    torch.manual_seed(0)
    backbone = timm_fpn_backbone(name, weights=None, frozen_norm=False, trainable_layers=4, out_channels=16).eval()
    assert isinstance(backbone, BackboneWithFPN)
    images = torch.rand(2, 3, 64, 96)
    with torch.no_grad():
        maps, expected = backbone.body(images), backbone.body.net(images)[-4:]
        assert all(torch.equal(a, b) for a, b in zip(maps.values(), expected, strict=True))
        levels = backbone(images)
    sizes = [(2, 16, 16, 24), (2, 16, 8, 12), (2, 16, 4, 6), (2, 16, 2, 3), (2, 16, 1, 2)]
    assert {name: tuple(level.shape) for name, level in levels.items()} == dict(
        zip(["0", "1", "2", "3", "pool"], sizes)
    )
    assert all(parameter.requires_grad for parameter in backbone.parameters())


def test_a_body_trains_and_detects_with_its_own_normalisation() -> None:
    model = fasterrcnn_timm_fpn("tf_efficientnet_lite0", weights_backbone=None, num_classes=3, **SIZES)
    assert (model.transform.image_mean, model.transform.image_std) == ((0.5,) * 3, (0.5,) * 3)
    given = fasterrcnn_timm_fpn(NAME, weights_backbone=None, num_classes=3, image_mean=[0.1] * 3, **SIZES)
    assert given.transform.image_mean == [0.1] * 3
    target = {"boxes": torch.tensor([[5.0, 5.0, 40.0, 50.0]]), "labels": torch.tensor([1])}
    losses = model([torch.rand(3, 64, 80)], [target])
    sum(losses.values()).backward()
    assert all(parameter.grad is not None for parameter in model.parameters())
    assert set(model.eval()([torch.rand(3, 64, 80)])[0]) == {"boxes", "labels", "scores"}


@pytest.mark.parametrize(("layers", "frozen"), [(0, 4), (1, 3), (3, 1), (4, 0), (None, 1)])
def test_the_first_stages_are_frozen(file: Path, layers: int | None, frozen: int) -> None:
    model = fasterrcnn_timm_fpn(NAME, weights_backbone=file, trainable_backbone_layers=layers, **SIZES)
    for name, parameter in model.backbone.body.net.named_parameters():
        stage = int(name[5]) if name.startswith("layer") else 1  # the stem is of the first
        assert parameter.requires_grad == (stage > frozen), name
    assert all(parameter.requires_grad for parameter in model.backbone.fpn.parameters())


def test_weights_come_from_a_file_and_norm_is_frozen(file: Path) -> None:
    model = fasterrcnn_timm_fpn(NAME, weights_backbone=file, num_classes=3, **SIZES)
    whole = timm.create_model(NAME)
    whole.load_state_dict(torch.load(file))
    images = torch.rand(1, 3, 64, 96)
    with torch.no_grad():
        expected = whole.eval().forward_features(images)
        found = model.train().backbone.body(images)["3"]  # in training too: statistics have stopped
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
    assert not any(isinstance(module, nn.BatchNorm2d) for module in model.modules())
    assert not any(isinstance(module, FrozenBatchNorm2d) for module in model.backbone.body.modules())  # timm's own


def without_the_network(create_model, name: str, pretrained: bool = False, **settings):
    assert not pretrained, "would be downloaded"
    return create_model(name, pretrained=pretrained, **settings)


def test_a_whole_detector_from_a_file_and_fine_tuned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    old = fasterrcnn_timm_fpn(NAME, weights_backbone=None, num_classes=3, **SIZES).state_dict()
    torch.save(old, tmp_path / "detector.pth")
    monkeypatch.setattr(timm, "create_model", functools.partial(without_the_network, timm.create_model))
    model = fasterrcnn_timm_fpn(NAME, weights=tmp_path / "detector.pth", **SIZES)  # the backbone's own are not fetched
    assert all(torch.equal(value, old[key]) for key, value in model.state_dict().items())
    tuned = fasterrcnn_timm_fpn(NAME, weights=tmp_path / "detector.pth", new_classes=5, **SIZES)
    for key, value in tuned.state_dict().items():
        if key.startswith("roi_heads.box_predictor."):
            assert len(value) == (20 if "bbox_pred" in key else 5)
        else:
            assert torch.equal(value, old[key]), key
    with pytest.raises(
        ValueError, match=r"detector\.pth do not fit fasterrcnn_timm_fpn\('test_efficientnet'\): missing"
    ):
        fasterrcnn_timm_fpn("test_efficientnet", weights=tmp_path / "detector.pth", **SIZES)


def test_what_nobody_gave(monkeypatch: pytest.MonkeyPatch) -> None:
    """256 channels, 91 classes, anchors of 32 … 512 pixels, and the weights that timm downloads."""
    asked = []
    create_model = timm.create_model
    monkeypatch.setattr(
        timm,
        "create_model",
        lambda name, pretrained=False, **rest: asked.append(pretrained) or create_model(name, pretrained=False, **rest),
    )
    model = fasterrcnn_timm_fpn(NAME)
    assert True in asked
    assert model.backbone.out_channels == 256
    assert len(model.roi_heads.box_predictor.cls_score.weight) == 91
    assert model.rpn.anchor_generator.sizes == ((32,), (64,), (128,), (256,), (512,))
    backbone = timm_fpn_backbone(NAME, weights=None, frozen_norm=False, trainable_layers=4)
    assert backbone.out_channels == 256


def test_a_file_of_another_body(tmp_path: Path, file: Path) -> None:
    torch.save(timm.create_model("test_efficientnet").state_dict(), tmp_path / "other.pth")
    with pytest.raises(ValueError, match=r"other\.pth do not fit timm's test_resnet: missing are .*conv1"):
        fasterrcnn_timm_fpn(NAME, weights_backbone=tmp_path / "other.pth")
    with pytest.raises(ValueError, match=r"'nowhere\.pth' are neither a file nor 'DEFAULT'"):
        fasterrcnn_timm_fpn(NAME, weights_backbone="nowhere.pth")
    with pytest.raises(ValueError, match=r"backbone\.pth contains no detector"):
        fasterrcnn_timm_fpn(NAME, weights=file)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("resnet19", "timm has no model 'resnet19'"),
        ("test_vit", r"'test_vit' has maps of strides \[16, 16.*pyramid requires \[4, 8, 16, 32\]"),
    ],
)
def test_backbones_that_cannot_be_used(name: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        fasterrcnn_timm_fpn(name, weights_backbone=None)


@pytest.mark.parametrize(
    ("argument", "value", "exception"),
    [
        ("backbone_name", None, TypeError),
        ("weights", 5, TypeError),
        ("weights_backbone", 5, TypeError),
        ("num_classes", 1, ValueError),
        ("trainable_backbone_layers", 2.5, TypeError),
        ("out_channels", 0, ValueError),
        ("anchor_sizes", (8, 16, 32, 64, 0), ValueError),
        ("anchor_sizes", None, TypeError),
    ],
)
def test_wrong_arguments_are_named_by_the_builder(argument: str, value: object, exception: type[Exception]) -> None:
    with pytest.raises(exception, match=rf"\b{argument}\b.* must be .*, got") as caught:
        fasterrcnn_timm_fpn(**{"backbone_name": NAME, "weights_backbone": None, argument: value})
    assert type(caught.value) is exception


def test_a_frozen_norm_is_one_or_is_not() -> None:
    with pytest.raises(TypeError, match="frozen_norm must be True or False, got 'no'"):
        timm_fpn_backbone(NAME, weights=None, frozen_norm="no", trainable_layers=4)  # type: ignore[arg-type]


def test_layers_out_of_range(file: Path) -> None:
    with pytest.raises(ValueError, match="trainable_backbone_layers must be 0…4, got 5"):
        fasterrcnn_timm_fpn(NAME, weights_backbone=file, trainable_backbone_layers=5)


def test_a_trained_one_is_rebuilt_from_its_file_alone(file: Path, tmp_path: Path) -> None:
    arguments = {**SIZES, "trainable_backbone_layers": 2, "anchor_sizes": [8, 16, 32, 64, 128]}
    config = TrainConfig(f"timm:{NAME}", arguments, weights_backbone=str(file), epochs=1)
    model = build_model(config, 3)
    save_checkpoint(
        tmp_path / "checkpoint.pt",
        model=model,
        optimizer=torch.optim.SGD(model.parameters()),
        progress={"epochs": []},
        config=config,
        classes=("background", "a", "b"),
    )
    export_safetensors(tmp_path / "checkpoint.pt", tmp_path / "model.safetensors")
    file.unlink()
    for name in ("checkpoint.pt", "model.safetensors"):
        loaded, classes, _ = load_model(tmp_path / name)
        assert classes == ("background", "a", "b")
        assert loaded.rpn.anchor_generator.sizes[0] == (8,)
        images = torch.rand(1, 3, 64, 96)
        with torch.no_grad():
            for ours, theirs in zip(loaded.backbone(images).values(), model.eval().backbone(images).values()):
                torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)
