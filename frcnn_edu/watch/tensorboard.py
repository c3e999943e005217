"""A run in TensorBoard: losses and learning rate at each step, average precision and detections at each evaluation."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from ..training import Evaluation, RunState
from ..viz.output import figure_to_png


class TensorBoard:
    """Writes event files into `folder`, for `tensorboard --logdir`.

    Args:
        step: steps that the run has already taken; what an interrupted run wrote after them is hidden.

    Raises:
        ValueError: the package tensorboard is not installed.
    """

    def __init__(self, folder: str | Path, step: int = 0) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise ValueError("--tensorboard needs a package that is not installed: pip install tensorboard") from error
        self.writer = SummaryWriter(str(folder), purge_step=step + 1)

    def on_step(self, state: RunState) -> None:
        """The last step's losses, their sum, and the learning rate."""
        last = {name: values[-1] for name, values in state.history.items() if name != "step"}
        for name, value in last.items():
            self.writer.add_scalar(name.replace("loss_", "loss/"), value, state.step)
        self.writer.add_scalar("loss/sum", sum(v for name, v in last.items() if name.startswith("loss")), state.step)

    def on_epoch(self, state: RunState, found: Evaluation, sheet: Figure | None) -> None:
        """The metrics, and a figure of detections, if there is one."""
        for name, value in _flat(found.metrics):
            if value is not None:
                self.writer.add_scalar(name, value, state.step)
        if sheet is not None:
            pixels = np.asarray(Image.open(io.BytesIO(figure_to_png(sheet))).convert("RGB"))  # (H, W, 3)
            self.writer.add_image("detections", pixels, state.step, dataformats="HWC")
        self.writer.flush()

    def close(self) -> None:
        """Write what has not been written yet."""
        self.writer.close()


def _flat(metrics: dict[str, Any]) -> Sequence[tuple[str, float | None]]:
    classes = metrics["per_class"].items()
    return [(f"AP/{name}", value) for name, value in metrics.items() if name != "per_class"] + [
        (f"AP by class/{name}", value) for name, value in classes
    ]
