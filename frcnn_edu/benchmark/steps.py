"""The measured steps: inference on a batch, and a training step on one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ..model import GeneralizedRCNN
from ..training import TrainConfig, make_optimizer
from .models import NUM_CLASSES, images_of
from .realistic import Target, make_targets

# torchvision's reference recipe, with a learning rate so small that the weights hardly change.
LR, MOMENTUM, WEIGHT_DECAY = 1e-6, 0.9, 1e-4


@dataclass(frozen=True)
class Step:
    """Inference on `batch` images whose shorter side is `size` pixels, or training on them with `boxes` objects each."""

    size: int
    batch: int
    boxes: int | None = None  # None: inference

    def of(self, model: Any, update: bool = True) -> Callable[[], Any]:
        """The step of a model as a function; `update` says whether training includes a (new) optimizer's step."""
        images = images_of(self.size, self.batch)
        if self.boxes is None:
            return lambda: inference(model, images)
        targets = make_targets(images, [self.boxes] * self.batch, NUM_CLASSES)
        optimizer = sgd(model) if update else None
        return lambda: training_step(model, images, targets, optimizer)


@torch.no_grad()
def inference(model: Any, images: Sequence[Tensor]) -> list[Target]:
    """The detections of a batch; sets the model to evaluation mode."""
    return model.eval()(list(images))


def proposals_of(model: Any, images: Sequence[Tensor]) -> list[Tensor]:
    """The RPN's proposals in evaluation: (N, 4) for each image."""
    seen: list[Tensor] = []
    hook = model.rpn.register_forward_hook(lambda module, inputs, output: seen.extend(output[0]))
    inference(model, images)
    hook.remove()
    return seen


def training_step(
    model: Any, images: Sequence[Tensor], targets: Sequence[Target], optimizer: torch.optim.Optimizer | None = None
) -> dict[str, Tensor]:
    """A forward pass, a backward pass and, with an optimizer, an update, always with the same seed; returns the losses."""
    torch.manual_seed(0)
    model.train().zero_grad(set_to_none=True)
    losses = model(list(images), list(targets))
    sum(losses.values()).backward()
    if optimizer is not None:
        optimizer.step()
    return losses


def sgd(model: Any) -> torch.optim.Optimizer:
    """SGD as in each library's training: ours from `frcnn_edu.training`, theirs as in torchvision's reference script."""
    if isinstance(model, GeneralizedRCNN):
        recipe = dict(optimizer="sgd", lr=LR, momentum=MOMENTUM, weight_decay=WEIGHT_DECAY)
        return make_optimizer(model, TrainConfig("resnet50_fpn", epochs=1, **recipe))  # type: ignore[arg-type]
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    return torch.optim.SGD(trained, LR, momentum=MOMENTUM, weight_decay=WEIGHT_DECAY)
