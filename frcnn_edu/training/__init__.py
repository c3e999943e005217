"""Training: the loop, its schedule, evaluation, checkpoints."""

from .checkpoint import SHIPPED, build_model, export_safetensors, load_checkpoint, load_model, save_checkpoint
from .config import TrainConfig, default_config
from .device import available_devices, pick_device
from .engine import NonFiniteLoss, duration, make_optimizer, train, train_step
from .evaluate import Evaluation, coco_metrics, coco_table, evaluate
from .run import LOSSES, Run, RunState, holds_run
from .schedule import Clock, lr_factor

__all__ = [
    "LOSSES",
    "SHIPPED",
    "Clock",
    "Evaluation",
    "NonFiniteLoss",
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
    "load_checkpoint",
    "load_model",
    "lr_factor",
    "make_optimizer",
    "pick_device",
    "save_checkpoint",
    "train",
    "train_step",
]
