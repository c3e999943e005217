"""Whole models, and the training around them, on a device that is not the CPU: the pretended one of ``elsewhere.py``."""

import copy
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import torchgen
from elsewhere import META, Elsewhere, elsewhere, to_cpu
from stages import IMAGES, SETTINGS, TARGETS, batch_on, small_model
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.data import Dataset

import frcnn_edu
from frcnn_edu.benchmark.realistic import make_realistic
from frcnn_edu.data import ShapesDetection
from frcnn_edu.training import TrainConfig, evaluate, make_optimizer, train
from frcnn_edu.training.engine import train_step
from frcnn_edu.training.loading import to_device

FEW = {**SETTINGS, "num_classes": 6, "rpn_post_nms_top_n_test": 40, "box_batch_size_per_image": 24}
UNTRAINED = {"weights": None, "weights_backbone": None}


def mobilenet(exact: bool) -> Any:
    torch.manual_seed(0)
    model = frcnn_edu.fasterrcnn_mobilenet_v3_large_fpn(**UNTRAINED, **FEW, exact=exact)
    make_realistic(model, IMAGES)
    return model


def resnet50() -> Any:
    """With frozen BatchNorm, as pretrained: folded into convolutions, and stages that compute maps again."""
    torch.manual_seed(0)
    backbone = frcnn_edu.resnet_fpn_backbone(backbone_name="resnet50", weights=None)
    model = frcnn_edu.FasterRCNN(backbone, **FEW)
    make_realistic(model, IMAGES)
    return model


def train_and_detect(model: nn.Module, device: torch.device, optimizer: str = "sgd") -> tuple[dict, list, dict]:
    """Losses of a step, detections after it, and the weights."""
    config = TrainConfig(epochs=1, grad_clip=1.0, optimizer=optimizer)
    model.to(device)
    torch.manual_seed(1)
    losses = train_step(
        model, make_optimizer(model, config), *to_device(IMAGES, TARGETS, device), lr=1e-4, step=0, config=config
    )
    with torch.no_grad():
        detections = model.eval()(batch_on(device)[0])
    return losses, detections, dict(model.state_dict())


@pytest.mark.parametrize(
    ("make", "name"),
    [(small_model, "cuda"), (small_model, "mps"), pytest.param(mobilenet, "cuda", marks=pytest.mark.slow)],
)
def test_training_and_detecting_are_those_of_the_cpu(make: Callable, name: str) -> None:
    here = make(exact=True)
    there = copy.deepcopy(here)
    expected = train_and_detect(here, torch.device("cpu"))
    with elsewhere(name) as device:
        found = train_and_detect(there, device)
        assert all(isinstance(value, Elsewhere) for value in tree_leaves(found[1:]))
    assert len(expected[1][0]["boxes"]) > 0
    torch.testing.assert_close(to_cpu(found), expected, rtol=0, atol=0)


@pytest.mark.slow
def test_inference_mode() -> None:
    model = small_model(exact=True).eval()
    with torch.no_grad():
        expected = model(IMAGES)
    with elsewhere("cuda") as device:
        model.to(device)
        with torch.inference_mode():
            found = model(batch_on(device)[0])
        torch.testing.assert_close(to_cpu(found), expected, rtol=0, atol=0)


@pytest.mark.parametrize("make", [small_model, pytest.param(resnet50, marks=pytest.mark.slow)])
def test_without_exact_a_device_has_its_own_ways(make: Callable) -> None:
    """They differ from a CPU's by rounding, which may decide what the box head is shown; the RPN's samples follow from anchors."""
    here = make()
    there = copy.deepcopy(here)
    expected, _, _ = train_and_detect(here, torch.device("cpu"))
    with elsewhere("cuda") as device:
        found, detections, weights = train_and_detect(there, device)
        assert all(isinstance(value, Elsewhere) for value in tree_leaves((detections, weights)))
    assert detections[0]["boxes"].shape[0] > 0
    for loss in ("loss_objectness", "loss_rpn_box_reg"):
        assert found[loss] == pytest.approx(expected[loss], rel=1e-3)


class Few(Dataset):
    """Two images as data to train on."""

    classes = ShapesDetection.classes

    def __len__(self) -> int:
        return 2

    def __getitem__(self, index: int) -> tuple[torch.Tensor, dict[str, Any]]:
        return IMAGES[index], {**TARGETS[index], "image_id": index}


@pytest.mark.slow
def test_a_run_of_training(tmp_path: Path) -> None:
    """Batches go to the device, detections come back, checkpoints are written; a second run goes on from there."""
    model = small_model()
    with elsewhere("mps") as device:
        for resume, epochs in ((False, 1), (True, 2)):
            config = TrainConfig(epochs=epochs, batch_size=2, lr=1e-4)
            data = {"train_data": Few(), "val_data": Few()}
            state = train(model, **data, config=config, device=device, out=tmp_path, resume=resume, progress_bar=False)
        assert state.step == 2
        found = evaluate(model, Few(), device=device)
    assert not any(isinstance(value, Elsewhere) for value in tree_leaves(found.detections))
    saved = torch.load(tmp_path / "checkpoint.pt", weights_only=True)["model"]
    torch.testing.assert_close(saved, to_cpu(dict(model.state_dict())), rtol=0, atol=0)


class Operators(TorchDispatchMode):
    """Collects what is computed elsewhere, by PyTorch's names."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        there = any(isinstance(value, Elsewhere) for value in tree_leaves((args, kwargs)))
        if func.namespace == "aten" and (there or kwargs.get("device") == META):
            self.names.add(func._schema.name.removeprefix("aten::") + f".{func._overloadname}".removesuffix(".default"))
        return func(*args, **kwargs)


def without_a_kernel(backend: str, names: set[str]) -> set[str]:
    """Those of some operators for which PyTorch's own list has neither a kernel of a backend, nor one for all."""
    text = (Path(torchgen.__file__).parent / "packaged/ATen/native/native_functions.yaml").read_text(encoding="utf-8")
    entries = {entry.split("(")[0]: entry for entry in re.split(r"^- func: ", text, flags=re.MULTILINE)[1:]}

    def has_one(name: str) -> bool:
        entry = entries[name]
        if delegate := re.search(r"structured_delegate: (\S+)", entry):
            entry += entries[delegate[1]]
        if "ufunc_inner_loop" in entry and backend == "CUDA":  # generated
            return True
        kernels = "".join(re.findall(r"^  dispatch:\n((?:    .*\n)+)", entry, flags=re.MULTILINE))
        return not kernels or bool(re.search(rf"\b{backend}\b|Composite", kernels))

    return {name for name in names if not has_one(name)}


@pytest.mark.parametrize(("name", "backend", "optimizer"), [("cuda", "CUDA", "sgd"), ("mps", "MPS", "adamw")])
def test_every_operator_has_a_kernel_there(name: str, backend: str, optimizer: str) -> None:
    operators = Operators()
    model = small_model()
    with elsewhere(name) as device, operators:
        train_and_detect(model, device, optimizer)
    some = {"convolution", "convolution_backward", f"_fused_{optimizer}_", "topk", "sort.stable"}
    assert some <= operators.names
    assert without_a_kernel(backend, operators.names) == set()
    assert without_a_kernel("MPS", {"_fused_adagrad_", "topk"}) == {"_fused_adagrad_"}  # it would tell
