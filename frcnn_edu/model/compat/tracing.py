"""Errors for PyTorch's exporters: to export a detector, use `to_onnx` with a fixed image size."""

from typing import Any, NoReturn

import torch
from torch import fx, nn

INSTEAD = (
    "for a file that runs without Python use frcnn_edu.model.export.to_onnx(model, height, width).save(file), or "
    "`python -m frcnn_edu export`, which also compares the file with the model"
)


def refuse_to_script(module: nn.Module) -> NoReturn:
    """Rejects `torch.jit.script`, which first calls a class's `__prepare_scriptable__`.

    Raises:
        NotImplementedError: always; it says what to use instead.
    """
    raise NotImplementedError(
        f"torch.jit.script cannot read a {type(module).__name__} of frcnn_edu, which is written in plain Python: {INSTEAD}; "
        "to run faster in Python, torch.compile(model.backbone)"
    )


def check_not_traced(images: Any) -> None:
    """Checks that the model is not being traced by an exporter: the number of boxes depends on values.

    Raises:
        NotImplementedError: `torch.jit.trace`, `torch.export`, `torch.onnx.export` or `torch.fx` is tracing it.
    """
    if isinstance(images, fx.Proxy):
        raise NotImplementedError(
            "torch.fx can trace model.backbone, but not the whole detector: create_feature_extractor(model.backbone, …)"
        )
    if torch.jit.is_tracing():
        raise NotImplementedError(
            f"torch.jit.trace and torch.onnx.export(dynamo=False) cannot trace a detector: {INSTEAD}"
        )
    if torch.compiler.is_exporting():
        raise NotImplementedError(
            f"torch.export and torch.onnx.export cannot trace a detector by themselves: {INSTEAD}"
        )
