from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from frcnn_edu import fasterrcnn_small_fpn
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
    if not SHIPPED_WEIGHTS.is_file():
        pytest.skip("the small model has not been trained yet: frcnn_edu/assets/shapes_small.safetensors is absent")
    model = fasterrcnn_small_fpn(weights="DEFAULT")
    state_dict = read_state_dict(SHIPPED_WEIGHTS)
    assert all(torch.equal(value, state_dict[key]) for key, value in model.state_dict().items())


def test_no_such_file() -> None:
    with pytest.raises(ValueError, match=r"'nowhere\.pth' are neither a file nor 'DEFAULT'"):
        fasterrcnn_small_fpn(weights="nowhere.pth")


@pytest.mark.parametrize("content", [[1, 2, 3], {"epoch": 3}, {}, {"model": {"epoch": 3}}], ids=str)
def test_a_file_with_something_else(content: object, tmp_path: Path) -> None:
    torch.save(content, tmp_path / "odd.pth")
    with pytest.raises(ValueError, match=r"odd\.pth does not hold a state dict"):
        read_state_dict(tmp_path / "odd.pth")


def test_a_file_that_would_run_code_is_not_read(tmp_path: Path) -> None:
    torch.save(nn.Linear(2, 2), tmp_path / "module.pth")
    with pytest.raises(Exception, match="Weights only load failed"):
        read_state_dict(tmp_path / "module.pth")
