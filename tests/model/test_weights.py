import math
from pathlib import Path
from urllib.error import URLError

import pytest
import torch
from safetensors.torch import save_file
from torch import nn
from torchvision.models import ResNet18_Weights
from torchvision.models.detection import FasterRCNN_ResNet50_FPN_Weights

from frcnn_edu import fasterrcnn_small_fpn, needs_new_predictor
from frcnn_edu.data import ShapesDetection
from frcnn_edu.model import resnet_fpn_backbone
from frcnn_edu.model.builders import SHIPPED_WEIGHTS
from frcnn_edu.model.weights import read_state_dict


@pytest.fixture(scope="module")
def small() -> nn.Module:
    torch.manual_seed(0)
    return fasterrcnn_small_fpn(num_classes=4)


@pytest.mark.parametrize("kind", ["weights.pth", "checkpoint.pth", "weights.safetensors"])
def test_the_small_model_from_a_file(small: nn.Module, kind: str, tmp_path: Path) -> None:
    """A state dict alone, one within a training checkpoint, or safetensors; it tells the number of classes."""
    state_dict = small.state_dict()
    if kind == "weights.safetensors":
        save_file(state_dict, tmp_path / kind)
    else:
        torch.save(state_dict if kind == "weights.pth" else {"model": state_dict, "epoch": 3}, tmp_path / kind)
    for file in (tmp_path / kind, str(tmp_path / kind)):
        model = fasterrcnn_small_fpn(weights=file)
        assert all(torch.equal(value, state_dict[key]) for key, value in model.state_dict().items())
    with pytest.raises(ValueError, match="num_classes=9, but the weights are for 4 classes"):
        fasterrcnn_small_fpn(weights=tmp_path / kind, num_classes=9)


def test_the_small_model_is_small() -> None:
    with torch.device("meta"):
        model = fasterrcnn_small_fpn()
    assert sum(p.numel() for p in model.parameters()) == 2_134_285
    assert model.roi_heads.box_predictor.cls_score.out_features == 6


def test_shipped_weights_load() -> None:
    model = fasterrcnn_small_fpn(weights="DEFAULT")
    state_dict = read_state_dict(SHIPPED_WEIGHTS)
    assert all(torch.equal(value, state_dict[key]) for key, value in model.state_dict().items())


def test_no_such_file() -> None:
    with pytest.raises(ValueError, match=r"'nowhere\.pth' are neither a file nor one of \['DEFAULT'\]"):
        fasterrcnn_small_fpn(weights="nowhere.pth")


@pytest.mark.parametrize("content", [[1, 2, 3], {"epoch": 3}, {}, {"model": {"epoch": 3}}], ids=str)
def test_a_file_with_something_else(content: object, tmp_path: Path) -> None:
    torch.save(content, tmp_path / "odd.pth")
    with pytest.raises(ValueError, match=r"odd\.pth does not contain a state dict"):
        read_state_dict(tmp_path / "odd.pth")


def test_a_file_that_would_run_code_is_not_read(tmp_path: Path) -> None:
    torch.save(nn.Linear(2, 2), tmp_path / "module.pth")
    with pytest.raises(
        ValueError, match=r"module\.pth contains a pickled object \(Linear\).*save the model's state_dict\(\)"
    ):
        read_state_dict(tmp_path / "module.pth")


def test_weights_of_another_model_are_one_short_error(small: nn.Module, tmp_path: Path) -> None:
    state = small.state_dict()
    other = {key.replace("layer1", "stage1"): value for key, value in state.items()}
    torch.save(other, tmp_path / "other.pth")
    with pytest.raises(
        ValueError, match=r"other\.pth do not fit fasterrcnn_small_fpn: .*backbone\.body\.layer1"
    ) as raised:
        fasterrcnn_small_fpn(weights=tmp_path / "other.pth")
    assert "stage1" in str(raised.value)
    assert len(str(raised.value)) < 1000

    state["roi_heads.box_head.fc6.weight"] = torch.zeros(2, 2)
    torch.save(state, tmp_path / "larger.pth")
    with pytest.raises(
        ValueError,
        match=r"larger\.pth do not fit .*of another shape are roi_heads\.box_head\.fc6\.weight \(2×2 instead of 256×3136\)",
    ):
        fasterrcnn_small_fpn(weights=tmp_path / "larger.pth")


def test_weights_of_a_body_alone_are_no_detector(small: nn.Module, tmp_path: Path) -> None:
    torch.save(small.backbone.body.state_dict(), tmp_path / "backbone.pth")
    with pytest.raises(ValueError, match=r"backbone\.pth contains no detector.*conv1\.weight.*weights_backbone"):
        fasterrcnn_small_fpn(weights=tmp_path / "backbone.pth")


def test_a_detector_is_no_backbone(tmp_path: Path) -> None:
    torch.save({"backbone.body.conv1.weight": torch.zeros(1)}, tmp_path / "detector.pth")
    with pytest.raises(ValueError, match=r"detector\.pth do not fit resnet18: they belong to a whole detector"):
        resnet_fpn_backbone(backbone_name="resnet18", weights=tmp_path / "detector.pth")


@pytest.mark.parametrize("error", [URLError("no network"), RuntimeError("invalid hash value")], ids=["network", "hash"])
def test_a_download_that_fails_names_the_file_to_fetch(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: object, **arguments: bool) -> None:
        raise error

    monkeypatch.setattr(ResNet18_Weights, "get_state_dict", fail)
    words = r"cannot be downloaded \((no network|invalid hash value)\); download https://.*resnet18.*\.pth elsewhere and pass the file"
    with pytest.raises(OSError, match=words):
        resnet_fpn_backbone(backbone_name="resnet18", weights="DEFAULT")


@pytest.mark.parametrize("change", ["half", "double", "long", "sparse"])
def test_floats_of_any_precision_are_taken_and_nothing_else(small: nn.Module, change: str, tmp_path: Path) -> None:
    name, state = "rpn.head.cls_logits.bias", small.state_dict()
    changed = state[name].to_sparse() if change == "sparse" else getattr(state[name], change)()
    torch.save(state | {name: changed}, tmp_path / "w.pth")
    if change in ("half", "double"):
        loaded = fasterrcnn_small_fpn(weights=tmp_path / "w.pth").state_dict()[name]
        assert torch.equal(loaded, changed.float())
        return
    with pytest.raises(ValueError, match=r"w\.pth cannot be used: rpn\.head\.cls_logits\.bias is .*, expected float"):
        fasterrcnn_small_fpn(weights=tmp_path / "w.pth")


def test_weights_that_are_all_halved(small: nn.Module, tmp_path: Path) -> None:
    """Counters of batches too, which matter to nobody."""
    torch.save({name: value.half() for name, value in small.state_dict().items()}, tmp_path / "w.pth")
    model = fasterrcnn_small_fpn(weights=tmp_path / "w.pth")
    assert {value.dtype for value in model.parameters()} == {torch.float32}


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_weights_of_a_training_that_failed(small: nn.Module, number: float, tmp_path: Path) -> None:
    state = {name: value.clone() for name, value in small.state_dict().items()}
    state["roi_heads.box_head.fc6.weight"][3, 4] = number
    torch.save(state, tmp_path / "w.pth")
    with pytest.raises(ValueError, match=r"fc6\.weight contains NaN or infinity; did the training diverge"):
        fasterrcnn_small_fpn(weights=tmp_path / "w.pth")


# --- fine-tuning ---------------------------------------------------------------------------------------------------


def test_new_classes_load_all_but_the_predictor(small: nn.Module, tmp_path: Path) -> None:
    torch.save(small.state_dict(), tmp_path / "weights.pth")
    torch.manual_seed(1)
    model = fasterrcnn_small_fpn(weights=tmp_path / "weights.pth", new_classes=9)
    old = small.state_dict()
    for key, value in model.state_dict().items():
        if key.startswith("roi_heads.box_predictor."):
            assert len(value) == (36 if "bbox_pred" in key else 9)
        else:
            assert torch.equal(value, old[key]), key
    same_number = fasterrcnn_small_fpn(weights=tmp_path / "weights.pth", new_classes=4)
    name = "roi_heads.box_predictor.cls_score.weight"
    assert not torch.equal(same_number.state_dict()[name], old[name])  # new all the same: it was asked for


def test_new_classes_are_for_fine_tuning(small: nn.Module, tmp_path: Path) -> None:
    with pytest.raises(
        ValueError, match=r"new_classes=4 is for fine-tuning weights; without weights, give num_classes=4"
    ):
        fasterrcnn_small_fpn(new_classes=4)
    torch.save(small.state_dict(), tmp_path / "weights.pth")
    with pytest.raises(ValueError, match="give num_classes=4 or new_classes=4, not both"):
        fasterrcnn_small_fpn(weights=tmp_path / "weights.pth", num_classes=4, new_classes=4)


def test_which_weights_need_a_new_predictor(small: nn.Module, tmp_path: Path) -> None:
    """Names decide where weights know them, numbers where they do not."""
    shapes = ShapesDetection.classes
    assert not needs_new_predictor("small", None, shapes)
    assert not needs_new_predictor("small", "DEFAULT", shapes)
    assert needs_new_predictor("small", "DEFAULT", [shapes[0], *reversed(shapes[1:])])
    assert needs_new_predictor("resnet50_fpn", "DEFAULT", shapes)
    coco = FasterRCNN_ResNet50_FPN_Weights.COCO_V1.meta["categories"]
    assert not needs_new_predictor("resnet50_fpn", "DEFAULT", ["background", *coco[1:]])

    torch.save({"model": small.state_dict(), "classes": ["background", "a", "b", "c"]}, tmp_path / "known.pth")
    torch.save(small.state_dict(), tmp_path / "unknown.pth")
    names = ["background", "x", "y", "z"]
    assert needs_new_predictor("small", tmp_path / "known.pth", names)
    assert not needs_new_predictor("small", tmp_path / "known.pth", ["background", "a", "b", "c"])
    assert not needs_new_predictor("timm:resnet18", tmp_path / "unknown.pth", names)
    assert needs_new_predictor("timm:resnet18", tmp_path / "unknown.pth", names[:-1])
