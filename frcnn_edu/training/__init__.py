"""Training: the loop, its schedule, evaluation, checkpoints."""

from typing import TYPE_CHECKING

from ..lazy import lazily

if TYPE_CHECKING:
    from .building import build_model
    from .checkpoint import load_checkpoint, load_latest, save_checkpoint
    from .config import TrainConfig, default_config
    from .device import available_devices, pick_device
    from .engine import duration, train
    from .evaluation import Evaluation, coco_metrics, evaluate
    from .foreign import load_detector
    from .model_file import SHIPPED, export_safetensors, load_model
    from .processes import ALONE, Processes, join
    from .run import Run, RunState
    from .run_folder import holds_run
    from .schedule import Clock, lr_factor
    from .step import LOSSES, NonFiniteLoss, make_optimizer, train_step
    from .tables import coco_table
else:  # the same, each imported when it is first used
    __getattr__, __dir__ = lazily(__name__, __file__)

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
    "load_detector",
    "load_latest",
    "load_model",
    "lr_factor",
    "make_optimizer",
    "pick_device",
    "save_checkpoint",
    "train",
    "train_step",
]
