"""The run of notebook 14: its first steps, its last ones, and the checkpoint that replaces those in between.

The notebook itself takes the first and the last steps. `python -m frcnn_edu.lessons.train_the_complete_model.run FILE` takes all
but the last ones, and writes the checkpoint again.
"""

import dataclasses
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor

from frcnn_edu.catalogue import SHIPPED_WEIGHTS
from frcnn_edu.data import ShapesDetection, train_transforms
from frcnn_edu.lessons.story import AnchorPlace, Story, place, source
from frcnn_edu.model import FasterRCNN
from frcnn_edu.model.weight_files import read_safetensors
from frcnn_edu.model.weights import load_fitting
from frcnn_edu.ops import clip_boxes_to_image
from frcnn_edu.training import (
    RunState,
    TrainConfig,
    build_model,
    default_config,
    lr_factor,
    make_optimizer,
    train_step,
)
from frcnn_edu.training.loading import load_batches, seed_from
from frcnn_edu.training.model_file import write_model

RESTART = 1600  # the number of steps after which the optimizer and the learning rate start again
STEPS = 2800  # the number of steps of the whole run
BY_HAND = 300  # the number of steps after which the notebook pauses
RESUMED = 2600  # the number of steps after which the checkpoint was written
CHECKPOINT = SHIPPED_WEIGHTS.with_name(f"shapes_small_step_{RESUMED}.safetensors")
CLASSES = ShapesDetection.classes
CPU = torch.device("cpu")


def config() -> TrainConfig:
    """The small model's recipe, for a run that is measured in steps and not in minutes."""
    return dataclasses.replace(default_config("small", "shapes"), minutes=None, epochs=1, warmup_steps=100)


def untrained() -> FasterRCNN:
    """The small model with the random weights that the run begins with."""
    torch.manual_seed(config().seed)
    model: Any = build_model(config(), len(CLASSES))
    return model


def training_data() -> ShapesDetection:
    """8000 images, each of which is mirrored with a probability of one half."""
    return ShapesDetection("train", transforms=train_transforms(hflip=0.5))


def checkpoint() -> FasterRCNN:
    """The small model after `RESUMED` steps of the run, with its weights rounded to 16 bits."""
    model = untrained()
    weights, _ = read_safetensors(CHECKPOINT)
    load_fitting(model, weights, "the weights in the checkpoint", "the small model")
    return model


def batches(step: int) -> Iterator[tuple[list[Tensor], list[dict[str, Any]]]]:
    """The batches of the run, beginning with that of `step`, one pass over the data after another."""
    while True:
        for batch in load_batches(training_data(), config(), step, CPU):
            yield batch
            step += 1


def learning_rate(step: int) -> float:
    """The rate of a step. Twice in the run, it rises in a straight line for 100 steps and then falls to 0 along half a cosine."""
    first, last = (0, RESTART) if step < RESTART else (RESTART, STEPS)
    return config().lr * lr_factor(step - first, (step - first) / (last - first), config())


def train(
    model: FasterRCNN, first: int, last: int, on_step: Callable[[RunState], None] = lambda state: None
) -> RunState:
    """Take the steps of the run from `first` up to, but not including, `last`."""
    optimizer = make_optimizer(model, config())  # AdamW on all weights
    state = RunState(step=first)
    for step, (images, targets) in zip(range(first, last), batches(first)):
        torch.manual_seed(seed_from(config().seed, step, 0, 1))  # so that what is sampled depends on the step alone
        lr = learning_rate(step)
        losses = train_step(model, optimizer, images, targets, lr, step, config())
        state.add_step(losses, lr)
        on_step(state)
    return state


def origin(of: Story, detection: int) -> tuple[int, AnchorPlace]:
    """The index of the proposal from which a detection of a story was refined, and the anchor from which that proposal was decoded."""
    seen, heads = of.trace, cast(Any, of.model.roi_heads)
    label = seen.resized_detections["labels"][detection]
    deltas = seen.box_deltas.unflatten(1, (-1, 4))[:, label]  # (N, 4)
    refined = clip_boxes_to_image(heads.box_coder.decode_single(deltas, seen.proposals), seen.batch.image_sizes[0])
    off = (refined - seen.resized_detections["boxes"][detection]).abs().amax(dim=1)
    proposal = int(off.argmin())
    return proposal, place(seen, source(of, proposal))


def write_checkpoint(path: Path) -> None:
    """Train up to step `RESUMED`, and write the weights in half precision."""

    def report(state: RunState) -> None:
        print(f"\rstep {state.step} of {RESUMED}", end="", flush=True)

    model = untrained()
    train(model, 0, RESTART, report)
    train(model, RESTART, RESUMED, report)
    write_half(model.state_dict(), path)
    print(f"\nwritten: {path}")


def write_half(weights: dict[str, Tensor], path: Path) -> None:
    """Write weights to a safetensors file, with floating-point numbers rounded to 16 bits."""
    halves = {name: value.half() if value.is_floating_point() else value for name, value in weights.items()}
    write_model(path, halves, {"classes": CLASSES, "config": config().to_dict(), "step": RESUMED})


if __name__ == "__main__":
    torch.set_num_threads(1)
    write_checkpoint(Path(sys.argv[1]) if len(sys.argv) > 1 else CHECKPOINT)
