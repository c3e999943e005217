"""A trained model as a file that runs without Python: ONNX, by torch.export."""

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
    """A detector as a function of one image, which is what ONNX can write down: tensor in, tensors out."""

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

    Its input is "image", float32 (3, height, width) in 0–1: resizing and normalising are within. Its outputs are
    those of `OneImage`, as many as there are objects. The size is fixed because that of the feature maps, the number of
    anchors and the anchors themselves follow from it, and are written down as constants.

    It is the model's own forward pass that is followed, as the textbook has it. In two places it looks at values, of which
    there are none while exporting: whether the batch is legal, which the file does not ask, and how many boxes enter NMS.

    Raises:
        ValueError: onnx and onnxscript are not installed.
    """
    _require("onnx", "onnxscript")
    model = run_as(copy.deepcopy(model).cpu(), "textbook").eval()
    example = torch.zeros(3, height, width)
    model([example])  # the scales of the maps are inferred, and kept
    one_image = OneImage(model)
    nms_in = (patch.object(stage, "batched_nms", _nms_of_any_number) for stage in (rpn, roi_heads))
    with warnings.catch_warnings(), patch.object(model, "_check", lambda *batch: None), next(nms_in), next(nms_in):
        warnings.filterwarnings("ignore", category=FutureWarning)  # of torchvision's nms, about itself
        exported = torch.export.export(one_image, (example,), strict=False)
        program = torch.onnx.export(
            exported, (example,), dynamo=True, input_names=["image"], output_names=NAMES, verbose=False
        )
    assert program is not None  # a file's name was not given
    program.model.metadata_props["image"] = f"float32 (3, {height}, {width}), RGB in 0–1"  # what a reader cannot see
    return program


def _nms_of_any_number(boxes: Tensor, scores: Tensor, idxs: Tensor, iou_threshold: float) -> Tensor:
    """`batched_nms` for boxes in an image, by its way for few of them, without looking at how many there are."""
    furthest = F.pad(boxes.flatten(), (0, 1)).max()  # of no boxes 0
    return nms(boxes + (idxs.to(boxes) * (furthest + 1))[:, None], scores, iou_threshold)


def load_onnx(file: str | Path) -> Callable[[Tensor], dict[str, Tensor]]:
    """A written file as a function, run by onnxruntime on the CPU: image (3, H, W) → boxes, labels and scores.

    The function takes images as the model does, float32 in 0–1, of the file's size only.

    Raises:
        ValueError: onnxruntime is not installed. The function: an image has another size than the file is for.
        TypeError: the function: an image is not float32.
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
    """Make sure that an image is one that an exported file takes.

    Args:
        expected: the shape (C, H, W) that was exported.
        file: its name, for the error.

    Raises:
        ValueError, TypeError: it is not; the message has both sizes, or both dtypes.
    """
    if image.dtype != torch.float32:
        hint = "image.float() / 255" if image.dtype == torch.uint8 else "image.float()"
        raise TypeError(f"{file} takes float32 with values in 0–1, got {image.dtype}: use {hint}")
    channels, height, width = expected
    if image.ndim != 3 or image.shape[0] != channels:
        raise ValueError(f"{file} takes one image of shape {expected}, got {tuple(image.shape)}")
    if image.shape != expected:
        raise ValueError(
            f"{file} was exported for images of {width}×{height} pixels, and this one has {image.shape[2]}×"
            f"{image.shape[1]}: resize it, or export again with --height {image.shape[1]} --width {image.shape[2]}"
        )


def differences(found: dict[str, Tensor], expected: dict[str, Tensor]) -> tuple[float, float]:
    """The largest difference of boxes, in pixels, and of scores; infinite where one has an object that the other has not.

    The order does not matter: of two objects with nearly the same score either may come first.
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
            raise ValueError("exporting takes: pip install onnx onnxscript onnxruntime") from error
