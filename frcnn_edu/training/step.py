"""One step of training."""

import math
from typing import Any

import torch
from torch import Tensor, nn

from ..exceptions import CannotContinue
from .config import TrainConfig
from .processes import ALONE, Processes

LOSSES = ("loss_objectness", "loss_rpn_box_reg", "loss_classifier", "loss_box_reg")


class NonFiniteLoss(CannotContinue):
    """A loss or its gradient became infinite or not a number: the run cannot continue."""


def train_step(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    images: list[Tensor],
    targets: list[dict[str, Any]],
    lr: float,
    step: int,
    config: TrainConfig,
    processes: Processes = ALONE,
) -> dict[str, float]:
    """One step of gradient descent on one batch; returns the four losses.

    With `config.accumulate` the batch goes through the model in that many parts, one after another, and the gradients add up.
    `images` are those of this process; losses and gradients are the mean over all processes.

    Raises `NonFiniteLoss` before the weights are touched, naming the loss, the step and the images.
    """
    model.train()
    for group in optimizer.param_groups:
        group["lr"] = lr
    optimizer.zero_grad()
    parts, values = config.accumulate, torch.zeros(len(LOSSES), device=images[0].device)
    for part in range(parts):
        some = slice(part, None, parts)
        with processes.exchange(model, now=part == parts - 1):
            with torch.autocast(images[0].device.type, torch.bfloat16, enabled=config.amp):
                losses = model(images[some], targets[some])
            loss = torch.stack([losses[name].float() for name in LOSSES]) / parts  # (4,)
            loss.sum().backward()
        values += loss.detach()
    parameters = [parameter for parameter in model.parameters() if parameter.grad is not None]
    norm = nn.utils.get_total_norm([parameter.grad for parameter in parameters if parameter.grad is not None])
    # Reading a number synchronises CPU and GPU: all at once, when the backward pass is under way.
    table = processes.gather(torch.cat((values, norm.float()[None])))  # (processes, 5)
    _check_finite(table, targets, step, processes)
    if config.grad_clip is not None:
        nn.utils.clip_grads_with_norm_(parameters, config.grad_clip, norm)
    optimizer.step()
    return {name: sum(column) / len(table) for name, column in zip(LOSSES, zip(*table))}


def _check_finite(table: list[list[float]], targets: list[dict[str, Any]], step: int, processes: Processes) -> None:
    for rank, numbers in enumerate(table):
        for name, number in zip((*LOSSES, "the norm of the gradient"), numbers):
            if not math.isfinite(number):
                ids = [target["image_id"] for target in targets]
                where = f"on the images with id {ids}" if rank == processes.rank else f"in process {rank}"
                raise NonFiniteLoss(f"{name} is {number} in step {step + 1}, {where}")


def make_optimizer(model: nn.Module, config: TrainConfig) -> torch.optim.Optimizer:
    """SGD or AdamW on the parameters that are not frozen."""
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    if config.optimizer == "sgd":
        return torch.optim.SGD(
            parameters, config.lr, momentum=config.momentum, weight_decay=config.weight_decay, fused=True
        )
    # A second beta of 0.99: a run of minutes has too few steps to average squared gradients over the last thousand.
    return torch.optim.AdamW(parameters, config.lr, betas=(0.9, 0.99), weight_decay=config.weight_decay, fused=True)
