"""What PyTorch's own fake tensors say of a CUDA device that is not there: where everything is, and in which precision.

A fake tensor has a device, a shape and a dtype, and no values. So these are the stages in which values decide no shape:

    stage                                          fake tensors   with values (``elsewhere.py``)
    normalise and resize one image                 yes            yes
    bottom-up, pyramid, anchors, RPN head, deltas  yes            yes
    proposals (top-n, NMS), sampling, assignment   no             yes
    RoIAlign from several maps                     no             yes
    RoIAlign from one map, box head, predictor     yes            yes
    RPN losses from samples                        yes            yes
    box losses (where are the positives?)          no             yes
    detections (NMS), the whole model              no             yes
    backward pass, optimizer                       no: it asks for a driver   yes

Autocast is PyTorch's own here too: it goes by the device that C++ sees, which for the pretended one is none of its devices.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from elsewhere import left_on_the_cpu
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._pytree import tree_leaves

import frcnn_edu
from frcnn_edu.model.rpn import concat_box_prediction_layers
from frcnn_edu.ops.losses import rpn_loss

CUDA = torch.device("cuda", 0)
MODELS = {
    "small": frcnn_edu.fasterrcnn_small_fpn,
    "resnet50": lambda: frcnn_edu.FasterRCNN(
        frcnn_edu.resnet_fpn_backbone(backbone_name="resnet50", weights=None), num_classes=5
    ),
    "mobilenet": lambda: frcnn_edu.fasterrcnn_mobilenet_v3_large_fpn(weights_backbone=None),
}


@pytest.fixture
def fake() -> Iterator[None]:
    with FakeTensorMode():
        yield


@pytest.fixture
def autocast_available(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda.amp.common, "amp_definitely_not_available", lambda: False)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda *_: True)


def on_cuda(make: Callable[[], Any]) -> Any:
    with torch.device(CUDA):
        model = make()
    return model


def dense_stages(model: Any) -> dict[str, Any]:
    """The stages of the table, and the tensors they make."""
    made: dict[str, Any] = {
        "image": model.transform.resize_image(model.transform.normalize(torch.empty(3, 90, 130, device=CUDA)))
    }
    batch = frcnn_edu.ImageList(torch.empty(2, 3, 128, 160, device=CUDA), [(120, 150), (128, 160)])
    made["maps"] = maps = list(model.backbone(batch.tensors).values())
    made["anchors"] = anchors = model.rpn.anchor_generator(batch, maps)
    made["RPN head"] = of_head = model.rpn.head(maps)
    logits, deltas = concat_box_prediction_layers(*of_head)
    made["moved"] = moved = model.rpn.box_coder.decode(deltas.to(anchors[0].dtype), anchors)[:, 0]
    some = moved[:8]
    one_map = frcnn_edu.MultiScaleRoIAlign(["0"], 7, 2)
    made["pooled"] = pooled = one_map({"0": maps[0]}, [some], [(128, 160)])
    made["predictor"] = model.roi_heads.box_predictor(model.roi_heads.box_head(pooled))
    made["RPN losses"] = rpn_loss(logits[:8, 0].float(), torch.ones(8, device=CUDA), deltas[:8].float(), some)
    return made


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.slow
def test_everything_is_where_the_images_are(name: str, fake: None) -> None:
    for stage, made in dense_stages(on_cuda(MODELS[name]).train()).items():
        for tensor in tree_leaves(made):
            assert tensor.device == CUDA, stage
            assert tensor.dtype == torch.float32, stage


HALF = {"maps", "RPN head", "pooled", "predictor"}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["small", "resnet50"])
def test_under_autocast_maps_are_half_and_boxes_and_losses_are_not(
    name: str, fake: None, autocast_available: None
) -> None:
    model = on_cuda(MODELS[name])
    with torch.autocast("cuda", torch.bfloat16):
        for stage, made in dense_stages(model).items():
            for tensor in tree_leaves(made):
                assert tensor.device == CUDA, stage
                assert tensor.dtype == (torch.bfloat16 if stage in HALF else torch.float32), stage


PLANTED: dict[str, tuple[Callable[[Any], Any], str]] = {
    "image": (lambda model: model.transform, "normalize"),
    "bottom-up": (lambda model: model.backbone.body["layer2"][0].conv1, "forward"),
    "pyramid": (lambda model: model.backbone.fpn, "_merge"),
    "anchors": (lambda model: model.rpn.anchor_generator, "grid_anchors"),
    "RPN head": (lambda model: model.rpn.head.cls_logits, "forward"),
    "decoding": (lambda model: model.rpn.box_coder, "_weights"),
    "pooling": (lambda model: frcnn_edu.model.roi_align, "convert_to_roi_format"),
    "box head": (lambda model: model.roi_heads.box_head.fc6, "forward"),
    "predictor": (lambda model: model.roi_heads.box_predictor.bbox_pred, "forward"),
    "losses": (lambda model: F, "smooth_l1_loss"),
}


@pytest.mark.slow
@pytest.mark.parametrize("stage", PLANTED)
def test_a_tensor_left_on_the_cpu_is_seen_by_fake_tensors(
    stage: str, fake: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = on_cuda(MODELS["small"])
    owner, name = PLANTED[stage][0](model), PLANTED[stage][1]
    monkeypatch.setattr(owner, name, left_on_the_cpu(getattr(owner, name)))
    try:
        made = dense_stages(model)
    except Exception as error:  # PyTorch's words differ from operator to operator
        assert re.search("device", str(error)), error  # noqa: PT017
    else:
        assert any(tensor.device != CUDA for tensor in tree_leaves(made))
