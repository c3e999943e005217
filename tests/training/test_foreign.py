"""Detectors of other tools, by name and from files."""

import argparse
from pathlib import Path

import pytest
import torch
from torch import nn
from torchvision.models.detection import fasterrcnn_mobilenet_v3_large_fpn

from frcnn_edu import fasterrcnn_small_fpn
from frcnn_edu.data.names import class_names
from frcnn_edu.model import MODELS, builders
from frcnn_edu.training import SHIPPED, TrainConfig, load_detector
from frcnn_edu.training.checkpoint import FORMAT
from frcnn_edu.training.foreign import COCO, model_of_weights
from frcnn_edu.training.model_file import write_model


@pytest.fixture(scope="module")
def small() -> nn.Module:
    torch.manual_seed(0)
    return fasterrcnn_small_fpn(num_classes=4).eval()


def test_a_run_s_own_file_as_load_model_has_it() -> None:
    model, classes, config = load_detector(SHIPPED)
    assert (classes[0], len(classes), model.training) == ("background", 6, False)
    assert config is not None
    assert config.data == "shapes"


@pytest.mark.parametrize(
    ("content", "classes"),
    [
        ({}, ("background", "class 1", "class 2", "class 3")),
        ({"classes": ["a", "b", "c"]}, ("background", "a", "b", "c")),
        ({"classes": ["__background__", "a", "b", "c"]}, ("background", "a", "b", "c")),
        ({"classes": ["a", "b"]}, ("background", "class 1", "class 2", "class 3")),
    ],
    ids=["no names", "names", "with the background", "another number"],
)
def test_a_file_of_another_tool(small: nn.Module, content: dict, classes: tuple[str, ...], tmp_path: Path) -> None:
    weights = {f"module.{name}": value for name, value in small.state_dict().items()}
    torch.save({"model": weights, "args": argparse.Namespace(lr=0.1), **content}, tmp_path / "w.pth")
    model, names, config = load_detector(tmp_path / "w.pth")
    assert (names, config, model.training) == (classes, None, False)
    image = torch.rand(3, 128, 160)
    with torch.no_grad():
        found, expected = model([image])[0], small([image])[0]
    assert all(torch.equal(found[key], value) for key, value in expected.items())


@pytest.mark.slow
@pytest.mark.parametrize("classes", [4, 91])
def test_a_state_dict_of_torchvision_s(classes: int, tmp_path: Path) -> None:
    torch.manual_seed(1)
    theirs = fasterrcnn_mobilenet_v3_large_fpn(weights=None, weights_backbone=None, num_classes=classes).eval()
    torch.save(theirs.state_dict(), tmp_path / "w.pth")
    model, names, _ = load_detector(str(tmp_path / "w.pth"))
    assert len(names) == classes
    assert names[1] == ("person" if classes == 91 else "class 1")
    assert class_names(names) == names  # as data sets ask for them
    images = [torch.rand(3, 64, 96)]
    for detector in (model, theirs):
        detector.transform.min_size, detector.roi_heads.score_thresh = (64,), 0.0
    with torch.no_grad():
        found, expected = model(images)[0], theirs(images)[0]
    assert len(expected["boxes"]) > 0
    for key, value in expected.items():
        torch.testing.assert_close(found[key], value, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", MODELS)
def test_the_shapes_of_a_state_dict_tell_which_model_it_is_of(name: str, tmp_path: Path) -> None:
    with torch.device("meta"):
        shapes = MODELS[name](**({} if name == "small" else {"weights_backbone": None})).state_dict()
    torch.save({key: torch.zeros(()).expand(value.shape) for key, value in shapes.items()}, tmp_path / "w.pth")
    # Smaller images are no matter of weights.
    assert model_of_weights(tmp_path / "w.pth") == name.replace("_320", "")


@pytest.mark.parametrize(
    ("weights", "model", "expected"),
    [
        ("DEFAULT", None, "resnet50_fpn"),
        ("FasterRCNN_MobileNet_V3_Large_FPN_Weights.COCO_V1", None, "mobilenet_v3_large_fpn"),
        ("COCO_V1", "mobilenet_v3_large_fpn", "mobilenet_v3_large_fpn"),
    ],
)
def test_names_of_published_weights(
    weights: str, model: str | None, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def download(self: object, **arguments: bool) -> None:
        asked.append(self)
        raise OSError("no network in a test")

    enum = builders.PUBLISHED[expected]
    monkeypatch.setattr(enum, "get_state_dict", download)
    with pytest.raises(OSError, match="no network in a test"):
        load_detector(weights, model)
    assert asked == [enum.COCO_V1]  # type: ignore[union-attr]


@pytest.mark.parametrize("kind", ["checkpoint.pt", "model.safetensors"])
def test_a_run_tells_its_model(kind: str, tmp_path: Path) -> None:
    """Also one that cannot be told by shapes."""
    config = TrainConfig("timm:test_resnet", weights_backbone=None, epochs=1)
    about = {"classes": ["background", "a"], "config": config.to_dict()}
    if kind == "checkpoint.pt":
        contents = {"format": FORMAT, "model": {}, "optimizer": {}, "progress": {}, **about}
        torch.save(contents, tmp_path / kind)
    else:
        write_model(tmp_path / kind, {"a": torch.zeros(1)}, about)
    assert model_of_weights(tmp_path / kind) == "timm:test_resnet"


def test_coco_s_names() -> None:
    assert len(COCO) == 91
    assert (COCO[1], COCO[12], COCO[90]) == ("person", "N/A", "toothbrush")


def test_no_such_weights(small: nn.Module, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"'none\.pth' are neither a file nor one of \['COCO_V1', 'DEFAULT'\]"):
        load_detector("none.pth")
    torch.save(small.backbone.body.state_dict(), tmp_path / "body.pth")
    with pytest.raises(ValueError, match=r"body\.pth contains weights of none of the models small, resnet50_fpn"):
        load_detector(tmp_path / "body.pth")
    with pytest.raises(ValueError, match=r"body\.pth contains no detector"):
        load_detector(tmp_path / "body.pth", "small")
