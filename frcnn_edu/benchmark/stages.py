"""The network divided into stages, each a function that is timed separately.

Each stage receives the output of the same model's previous stage: our maps have a different memory layout in part, and
converting them must not be timed. Images, targets and random numbers are the same. Creating the stages also sets the mode
(training or evaluation) of the model.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torchvision.models.detection.roi_heads import fastrcnn_loss as their_fastrcnn_loss

from ..model import GeneralizedRCNN
from ..ops import fastrcnn_loss
from .realistic import Target
from .steps import sgd

Stages = dict[str, Callable[[], Any]]


def pair_up(ours: Stages, theirs: Stages) -> Iterator[tuple[str, Callable[[], Any], Callable[[], Any]]]:
    """The name, our function and theirs for each stage."""
    for name, call in ours.items():
        yield name, call, theirs[name]


@torch.no_grad()
def inference_stages(model: Any, images: list[Tensor]) -> Stages:
    """The stages of inference on a batch, in evaluation mode and without gradients."""
    model.eval()
    rpn, roi = model.rpn, model.roi_heads
    batch, _ = model.transform(images)
    sizes = batch.image_sizes
    laid_out = _laid_out(model, batch.tensors)
    bottom_up = model.backbone.body(laid_out)
    features = model.backbone.fpn(bottom_up)
    maps = list(features.values())
    predicted = rpn.head(maps)
    anchors = rpn.anchor_generator(batch, maps)
    proposals, _ = rpn(batch, features)
    pooled = roi.box_roi_pool(features, proposals, sizes)
    logits, deltas = roi.box_predictor(roi.box_head(pooled))

    def propose() -> None:
        with standing_in(rpn, head=predicted, anchor_generator=anchors):
            rpn(batch, features)

    stages: Stages = {
        "transform": lambda: model.transform(images),
        "backbone": lambda: model.backbone.body(laid_out),
        "FPN": lambda: model.backbone.fpn(bottom_up),
        "RPN head": lambda: rpn.head(maps),
        "anchors": lambda: rpn.anchor_generator(batch, maps),
        "proposals": propose,
        "RoIAlign": lambda: roi.box_roi_pool(features, proposals, sizes),
        "box head": lambda: roi.box_predictor(roi.box_head(pooled)),
        "detections": lambda: roi.postprocess_detections(logits, deltas, proposals, sizes),
    }
    return {name: torch.no_grad()(call) for name, call in stages.items()}


def training_stages(model: Any, images: list[Tensor], targets: list[Target]) -> Stages:
    """The stages of a training step, each forward and, if gradients flow, backward."""
    model.train()
    rpn, roi = model.rpn, model.roi_heads
    with torch.no_grad():
        batch, targets = model.transform(images, targets)
    sizes = batch.image_sizes
    bottom_up = _leaves(model.backbone.body(batch.tensors))
    features = _leaves(model.backbone.fpn(bottom_up))
    with torch.no_grad():
        anchors = rpn.anchor_generator(batch, list(features.values()))
        proposals, _ = rpn(batch, features, targets)

    def select() -> Any:
        torch.manual_seed(0)
        return roi.select_training_samples(proposals, targets)

    def rpn_losses() -> list[Tensor]:
        torch.manual_seed(0)
        return list(rpn(batch, features, targets)[1].values())

    sampled, _, labels, regression_targets = select()
    pooled = roi.box_roi_pool(features, sampled, sizes).detach().requires_grad_()
    loss_of = fastrcnn_loss if isinstance(model, GeneralizedRCNN) else their_fastrcnn_loss

    def box_losses() -> list[Tensor]:
        logits, deltas = roi.box_predictor(roi.box_head(pooled))
        return list(loss_of(logits, deltas, labels, regression_targets))

    backbone, fpn, maps = model.backbone.body, model.backbone.fpn, list(features.values())
    return {
        "backbone": _with_backward(lambda: list(backbone(batch.tensors).values()), [], backbone),
        "FPN": _with_backward(lambda: list(fpn(bottom_up).values()), list(bottom_up.values()), fpn),
        "RPN": _with_backward(rpn_losses, maps, rpn.head),
        "– of which matching": lambda: rpn.assign_targets_to_anchors(anchors, targets),
        "samples": select,
        "RoIAlign": _with_backward(lambda: [roi.box_roi_pool(features, sampled, sizes)], maps),
        "box head": _with_backward(box_losses, [pooled], roi.box_head, roi.box_predictor),
        "optimizer": _optimizer_step(model),
    }


@contextmanager
def standing_in(module: nn.Module, **results: Any) -> Iterator[None]:
    """Inside, the named children of a module only return the given results."""
    children = {name: getattr(module, name) for name in results}
    for name, result in results.items():
        setattr(module, name, _Returns(result))
    try:
        yield
    finally:
        for name, child in children.items():
            setattr(module, name, child)


class _Returns(nn.Module):
    def __init__(self, result: Any) -> None:
        super().__init__()
        self.result = result

    def forward(self, *inputs: Any) -> Any:
        return self.result


def _laid_out(model: Any, x: Tensor) -> Tensor:
    """The batch in the memory layout that the model's backbone receives."""
    seen: list[Tensor] = []
    hook = model.backbone.body.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    model.backbone(x)
    hook.remove()
    return seen[0]


def _leaves(maps: dict[str, Tensor]) -> dict[str, Tensor]:
    """The same maps as leaves, inputs of a stage; those that had a gradient get one."""
    return {name: level.detach().requires_grad_(level.requires_grad) for name, level in maps.items()}


def _with_backward(forward: Callable[[], list[Tensor]], inputs: list[Tensor], *modules: nn.Module) -> Callable[[], Any]:
    """A forward pass, and a backward pass from gradients of one to its inputs and the weights of modules."""
    weights = [weight for module in modules for weight in module.parameters()]
    wanted = [tensor for tensor in [*inputs, *weights] if tensor.requires_grad]

    def run() -> None:
        outputs = [output for output in forward() if output.requires_grad]
        torch.autograd.grad(outputs, wanted, [torch.ones_like(output) for output in outputs], allow_unused=True)

    return run


def _optimizer_step(model: Any) -> Callable[[], Any]:
    optimizer = sgd(model)

    def run() -> None:
        for group in optimizer.param_groups:
            for weight in group["params"]:
                if weight.grad is None:  # only the first time; the step keeps gradients
                    weight.grad = torch.full_like(weight, 1e-3)
        optimizer.step()

    return run
