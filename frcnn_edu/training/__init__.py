"""Training: the loop, its schedule, evaluation, checkpoints."""

from .checkpoint import (
    SHIPPED,
    build_model,
    export_safetensors,
    load_checkpoint,
    load_latest,
    load_model,
    save_checkpoint,
)
from .config import TrainConfig, default_config
from .device import available_devices, pick_device
from .engine import duration, train
from .evaluate import Evaluation, coco_metrics, coco_table, evaluate
from .processes import ALONE, Processes, join
from .run import Run, RunState, holds_run
from .schedule import Clock, lr_factor
from .step import LOSSES, NonFiniteLoss, make_optimizer, train_step

__all__ = [
    "ALONE",
    "LOSSES",
    "SHIPPED",
    "Clock",
    "Evaluation",
    "NonFiniteLoss",
    "Processes",
    "Run",
    "RunState",
    "TrainConfig",
    "available_devices",
    "build_model",
    "coco_metrics",
    "coco_table",
    "default_config",
    "duration",
    "evaluate",
    "export_safetensors",
    "holds_run",
    "join",
    "load_checkpoint",
    "load_latest",
    "load_model",
    "lr_factor",
    "make_optimizer",
    "pick_device",
    "save_checkpoint",
    "train",
    "train_step",
]
