"""Train the detector of coins that is in the package, and write its file.

python -m frcnn_edu.lessons.your_own_data.write_model

It starts from the weights that were trained on shapes, and is trained on the images of notebook 16 (the lowest row of coins is held out), which are
mirrored and resized at random. This takes about two minutes on one idle core. Another machine rounds differently, so its weights are not the same
to the last bit, but the held-out coins should be found there, too: `tests/lessons/your_own_data/test_coins.py` checks the file.
"""

import tempfile
from dataclasses import replace
from pathlib import Path

import torch

from frcnn_edu.catalogue import COINS_WEIGHTS
from frcnn_edu.data import open_dataset, train_transforms
from frcnn_edu.training import TrainConfig, build_model, default_config, load_checkpoint, train
from frcnn_edu.training.model_file import write_model

from .coins import CLASSES, add_photographs_without_coins, write_photographs


def recipe(seed: int = 0) -> TrainConfig:
    """The settings of the shipped detector of coins: the small model's preset for photographs, and what differs from it."""
    return replace(
        default_config("small", "coins"),
        model_args={"min_size": 120, "max_size": 160},
        weights="DEFAULT",  # trained on shapes
        epochs=10,
        minutes=None,
        warmup_steps=20,
        vflip=True,
        scale_jitter=(0.6, 1.4),
        seed=seed,
    )


def main(path: Path = COINS_WEIGHTS, config: TrainConfig | None = None) -> None:
    """Train, and write the file, which also contains the configuration and the last evaluation."""
    config = config or recipe()
    torch.set_num_threads(1)  # sums are added in the same order every time: the same weights on every number of cores
    with tempfile.TemporaryDirectory() as folder:
        write_photographs(Path(folder) / "coins")
        add_photographs_without_coins(Path(folder) / "coins")
        transforms = train_transforms(0.5 * config.hflip, 0.5 * config.vflip, config.scale_jitter)
        train_data = open_dataset(Path(folder) / "coins", "train", transforms=transforms)
        val_data = open_dataset(Path(folder) / "coins", "val")
        torch.manual_seed(config.seed)
        model = build_model(config, len(CLASSES), new_predictor=True)
        out = Path(folder) / "run"
        state = train(model, train_data, val_data, config, device=torch.device("cpu"), out=out, progress_bar=False)
        weights = load_checkpoint(out / "checkpoint.pt")["model"]
    about = {"classes": CLASSES, "config": config.to_dict(), "metrics": state.epochs[-1]}
    write_model(path, weights, about, half=True)
    print(path, {name: round(state.epochs[-1][name], 3) for name in ("AP", "AP50")})


if __name__ == "__main__":
    main()
