"""What the tests of figures draw."""

import torch
from torch import Tensor

CLASSES = ("background", "circle", "square")
BOXES = torch.tensor([[10.0, 10, 50, 40], [60, 30, 90, 80]])
LABELS = torch.tensor([1, 2])


def image(height: int = 96, width: int = 128) -> Tensor:
    return torch.rand(3, height, width, generator=torch.Generator().manual_seed(0))


def history(steps: int = 200) -> dict[str, list[float]]:
    names = ["loss_objectness", "loss_rpn_box_reg", "loss_classifier", "loss_box_reg"]
    losses = {name: [(1 + i) / (1 + 0.1 * step) for step in range(steps)] for i, name in enumerate(names)}
    return {"step": list(range(steps)), **losses, "lr": [1e-3] * steps}
