"""What PyTorch's exporters are told: a detector becomes a file by `to_onnx`, with a size of images that is known."""

from typing import Any, NoReturn

import torch
from torch import fx, nn

INSTEAD = (
    "for a file that runs without Python take frcnn_edu.model.export.to_onnx(model, height, width).save(file), or "
    "`python -m frcnn_edu export`, which also compares the file with the model"
)


def refuse_to_script(module: nn.Module) -> NoReturn:
    """As a class's `__prepare_scriptable__`, the first thing that `torch.jit.script` calls.

    Raises:
        NotImplementedError: always; it says what to use instead.
    """
    raise NotImplementedError(
        f"torch.jit.script cannot read a {type(module).__name__} of frcnn_edu, which is written in plain Python: {INSTEAD}; "
        "to run faster in Python, torch.compile(model.backbone)"
    )


def check_not_traced(images: Any) -> None:
    """Make sure that the model is run, and not followed by an exporter: how many boxes there are, only values tell.

    Raises:
        NotImplementedError: `torch.jit.trace`, `torch.export`, `torch.onnx.export` or `torch.fx` follows it.
    """
    if isinstance(images, fx.Proxy):
        raise NotImplementedError(
            "torch.fx can follow model.backbone, but not the whole detector: create_feature_extractor(model.backbone, …)"
        )
    if torch.jit.is_tracing():
        raise NotImplementedError(
            f"torch.jit.trace and torch.onnx.export(dynamo=False) cannot follow a detector: {INSTEAD}"
        )
    if torch.compiler.is_exporting():
        raise NotImplementedError(
            f"torch.export and torch.onnx.export cannot follow a detector by themselves: {INSTEAD}"
        )
