"""The second version of the ResNet-50 detector and the MobileNet for small images, beside torchvision's."""

import inspect
from typing import Any

import pytest
import torch
from torch import Tensor
from torchvision.models import detection as theirs
from torchvision.models import get_model
from torchvision.models._api import WeightsEnum
from twins import detect, make_images, make_targets, train_step

import frcnn_edu
from frcnn_edu.benchmark.realistic import make_realistic

NAMES = ("fasterrcnn_resnet50_fpn_v2", "fasterrcnn_mobilenet_v3_large_320_fpn")
IMAGES = make_images((80, 96), (90, 64))
SETTINGS = dict(num_classes=7, min_size=96, max_size=128, box_batch_size_per_image=24, rpn_post_nms_top_n_train=60)
SETTINGS |= dict(rpn_post_nms_top_n_test=30)
EACH = pytest.mark.parametrize("name", NAMES)


@EACH
@pytest.mark.slow
def test_the_same_numbers(name: str) -> None:
    torch.manual_seed(0)
    other = getattr(theirs, name)(weights=None, weights_backbone=None, **SETTINGS)
    make_realistic(other, IMAGES)
    ours = frcnn_edu.run_as(getattr(frcnn_edu, name)(weights=None, weights_backbone=None, **SETTINGS), "textbook")
    ours.load_state_dict(other.state_dict())
    targets = make_targets(IMAGES, (4, 3), 7)
    results = [(detect(model, IMAGES), train_step(model, IMAGES, targets)) for model in (ours, other)]
    (found, proposals, _), (losses, gradients, _, _) = results[0]
    (expected, their_proposals, _), (their_losses, their_gradients, _, _) = results[1]
    assert sum(len(image["boxes"]) for image in found) > 3
    for one, same in zip(found, expected, strict=True):
        assert all(torch.equal(one[key], same[key]) for key in same)
    assert all(map(torch.equal, proposals, their_proposals))
    assert losses == their_losses
    assert all(torch.equal(gradients[key], gradient) for key, gradient in their_gradients.items())


@EACH
def test_the_same_settings_and_sizes(name: str) -> None:
    with torch.device("meta"):
        ours, other = (getattr(lib, name)(weights=None, weights_backbone=None) for lib in (frcnn_edu, theirs))
    sizes, their_sizes = ({key: value.shape for key, value in m.state_dict().items()} for m in (ours, other))
    assert sizes == their_sizes
    for path in (
        "transform.min_size",
        "transform.max_size",
        "rpn._pre_nms_top_n",
        "rpn._post_nms_top_n",
        "rpn.score_thresh",
    ):
        values = [m.get_submodule(path.split(".")[0]).__dict__[path.split(".")[1]] for m in (ours, other)]
        assert values[0] == values[1], path
    arguments, their_arguments = (inspect.signature(getattr(lib, name)).parameters for lib in (frcnn_edu, theirs))
    assert all(arguments[key].default == value.default for key, value in their_arguments.items() if key != "kwargs")


class AskedForWeightsError(Exception):
    """In the place of a download."""


@EACH
@pytest.mark.parametrize("pretrained", ["weights", "weights_backbone"])
def test_published_weights_are_the_models_own(name: str, pretrained: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of torchvision's enum of that model; frozen are as many layers as there."""
    asked: list[str] = []

    def get_state_dict(self: WeightsEnum, *args: Any, **options: Any) -> dict[str, Tensor]:
        asked.append(str(self))
        raise AskedForWeightsError

    monkeypatch.setattr(WeightsEnum, "get_state_dict", get_state_dict)
    for lib in (frcnn_edu, theirs):
        options = {"weights": None, "weights_backbone": None, pretrained: "DEFAULT"}
        with torch.device("meta"), pytest.raises(AskedForWeightsError):
            getattr(lib, name)(**options)
    assert asked[0] == asked[1]


@EACH
def test_a_model_by_torchvisions_name(name: str) -> None:
    with torch.device("meta"):
        model = frcnn_edu.get_model(name, weights=None, weights_backbone=None, num_classes=3)
    assert isinstance(model, theirs.FasterRCNN)
    assert isinstance(model, frcnn_edu.FasterRCNN)
    with pytest.raises(ValueError, match="there is no model 'retinanet_resnet50_fpn'; choose one of: small, "):
        frcnn_edu.get_model("retinanet_resnet50_fpn")


@EACH
@pytest.mark.parametrize("layers", [0, 2])
def test_as_many_layers_are_trained(name: str, layers: int, monkeypatch: pytest.MonkeyPatch) -> None:
    classifier = {"fasterrcnn_resnet50_fpn_v2": "resnet50"}.get(name, "mobilenet_v3_large")
    monkeypatch.setattr(WeightsEnum, "get_state_dict", lambda self, **options: get_model(classifier).state_dict())
    options = dict(weights=None, weights_backbone="DEFAULT", trainable_backbone_layers=layers)
    with torch.device("meta"):
        models = [getattr(lib, name)(**options) for lib in (frcnn_edu, theirs)]
    ours, other = (sum(parameter.requires_grad for parameter in model.parameters()) for model in models)
    assert ours == other
