"""A trained model as a file that runs without Python: ONNX, by torch.export."""

import copy
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from .exact import set_exact

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

    It is the model's own forward pass that is followed, in torchvision's order of additions (`set_exact`); where it asks how
    many boxes there are, so as not to wait for a GPU later, it is told to leave that open (`torch.compiler.is_exporting`).

    Raises:
        ValueError: onnx and onnxscript are not installed.
    """
    _require("onnx", "onnxscript")
    one_image = OneImage(set_exact(copy.deepcopy(model).cpu())).eval()
    example = torch.zeros(3, height, width)
    one_image(example)  # the scales of the maps are inferred, and kept
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=FutureWarning)  # of torchvision's nms, about itself
        program = torch.export.export(one_image, (example,), strict=False)
        return torch.onnx.export(
            program, (example,), dynamo=True, input_names=["image"], output_names=NAMES, verbose=False
        )


def load_onnx(file: str | Path) -> Callable[[Tensor], dict[str, Tensor]]:
    """A written file as a function, run by onnxruntime on the CPU: image (3, H, W) → boxes, labels and scores.

    Raises:
        ValueError: onnxruntime is not installed.
    """
    _require("onnxruntime")
    import onnxruntime

    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])

    def detect(image: Tensor) -> dict[str, Tensor]:
        found = session.run(list(NAMES), {"image": image.numpy()})
        return dict(zip(NAMES, map(torch.from_numpy, found)))

    return detect


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
