"""Exports a trained model to ONNX, a file that runs without Python, via torch.export."""

import copy
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..ops.boxes import nms
from . import roi_heads, rpn
from .faster_rcnn import run_as

NAMES = ("boxes", "labels", "scores")


class OneImage(nn.Module):
    """A detector as a function from one tensor to tensors, which ONNX can represent."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(3, H, W) in 0–1 → boxes (K, 4) in pixels of that image, labels (K,), scores (K,), best first."""
        (found,) = self.model([image])
        return found["boxes"], found["labels"], found["scores"]


@torch.no_grad()
def to_onnx(model: nn.Module, height: int, width: int) -> Any:
    """The whole detector for images of one size as a `torch.onnx.ONNXProgram`; its method `save` writes the file.

    Its input is "image", float32 (3, height, width) in 0–1: it includes resizing and normalising. Its outputs are those of
    `OneImage`, with as many rows as there are objects. The size is fixed because the feature maps and the anchors depend on
    it and are stored as constants.

    The exporter traces the textbook's forward pass. Two steps depend on values, which do not exist during the export: the
    check of the batch, which is left out, and the number of boxes that enter NMS, which is left dynamic.

    Raises:
        ValueError: onnx or onnxscript is not installed.
    """
    _require("onnx", "onnxscript")
    model = run_as(copy.deepcopy(model).cpu(), "textbook").eval()
    example = torch.zeros(3, height, width)
    model([example])  # infers the scales of the maps
    one_image = OneImage(model)
    nms_in = (patch.object(stage, "batched_nms", _nms_of_any_number) for stage in (rpn, roi_heads))
    with warnings.catch_warnings(), patch.object(model, "_check", lambda *batch: None), next(nms_in), next(nms_in):
        warnings.filterwarnings("ignore", category=FutureWarning)  # torchvision's nms
        exported = torch.export.export(one_image, (example,), strict=False)
        program = torch.onnx.export(
            exported, (example,), dynamo=True, input_names=["image"], output_names=NAMES, verbose=False
        )
    assert program is not None  # since no file name was given
    program.model.metadata_props["image"] = f"float32 (3, {height}, {width}), RGB in 0–1"
    return program


def _nms_of_any_number(boxes: Tensor, scores: Tensor, idxs: Tensor, iou_threshold: float) -> Tensor:
    """`batched_nms` with the algorithm for few boxes, whatever their number."""
    furthest = F.pad(boxes.flatten(), (0, 1)).max()  # 0 if there are no boxes
    return nms(boxes + (idxs.to(boxes) * (furthest + 1))[:, None], scores, iou_threshold)


def load_onnx(file: str | Path) -> Callable[[Tensor], dict[str, Tensor]]:
    """An exported file as a function that runs in onnxruntime on the CPU: image (3, H, W) → boxes, labels and scores.

    The function accepts float32 images in 0–1, as the model does, but only of the file's size.

    Raises:
        ValueError: onnxruntime is not installed; or, when the function is called, an image has the wrong size.
        TypeError: when the function is called, an image is not float32.
    """
    _require("onnxruntime")
    import onnxruntime

    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    (expected,) = (tuple(value.shape) for value in session.get_inputs())

    def detect(image: Tensor) -> dict[str, Tensor]:
        check_exported_image(image, expected, str(file))
        found = session.run(list(NAMES), {"image": image.numpy()})
        return dict(zip(NAMES, map(torch.from_numpy, found)))

    return detect


def check_exported_image(image: Tensor, expected: tuple[int, int, int], file: str) -> None:
    """Checks that an exported file accepts an image.

    Args:
        expected: shape (C, H, W) for which the file was exported.
        file: name of the file, for the error.

    Raises:
        ValueError, TypeError: it does not; the message has both sizes, or both dtypes.
    """
    if image.dtype != torch.float32:
        hint = "image.float() / 255" if image.dtype == torch.uint8 else "image.float()"
        raise TypeError(f"{file} takes float32 with values in 0–1, got {image.dtype}: use {hint}")
    channels, height, width = expected
    if image.ndim != 3 or image.shape[0] != channels:
        raise ValueError(f"{file} takes one image of shape {expected}, got {tuple(image.shape)}")
    if image.shape != expected:
        raise ValueError(
            f"{file} was exported for images of {height}×{width} pixels (height × width), and this one has "
            f"{image.shape[1]}×{image.shape[2]}: resize it, or export again with --height {image.shape[1]} --width {image.shape[2]}"
        )


def differences(found: dict[str, Tensor], expected: dict[str, Tensor]) -> tuple[float, float]:
    """The largest difference of boxes, in pixels, and of scores; infinite if one result has an object that the other lacks.

    The order does not matter: if two objects have nearly the same score, either may come first.
    """
    if len(found["labels"]) != len(expected["labels"]):
        return float("inf"), float("inf")
    if len(found["labels"]) == 0:
        return 0.0, 0.0
    distances = (found["boxes"][:, None] - expected["boxes"]).abs().amax(dim=2)  # (K, K)
    distances = torch.where(found["labels"][:, None] == expected["labels"], distances, torch.inf)
    boxes, partner = distances.min(dim=1)
    if len(partner.unique()) < len(partner):
        return float("inf"), float("inf")
    return boxes.max().item(), (found["scores"] - expected["scores"][partner]).abs().max().item()


def _require(*libraries: str) -> None:
    for name in libraries:
        try:
            __import__(name)
        except ImportError as error:
            raise ValueError("exporting requires: pip install onnx onnxscript onnxruntime") from error
