"""The photograph that this explorer opens with: coins, and the model that was trained on them."""

from functools import cache
from importlib import import_module
from typing import Any

import torch

from frcnn_edu import catalogue
from frcnn_edu.lessons.story import Story, story, tell

HELD_OUT = 20  # index of the coin that is followed: one of the row that the model was not trained on


@cache
def photograph() -> Story:
    """The story of that coin; the course's own if the photograph or the model is not installed."""
    weights = getattr(catalogue, "COINS_WEIGHTS", None)
    try:
        coins = import_module("frcnn_edu.lessons.your_own_data.coins")
        image, boxes = coins.photograph(), coins.coin_boxes()
    except ModuleNotFoundError:  # scikit-image is not installed, or this is a package without coins
        return story()
    if weights is None or not weights.is_file():
        return story()
    from frcnn_edu.training import load_model  # other explorers do without it

    model: Any
    model, classes, _ = load_model(weights)
    target = {"boxes": boxes, "labels": torch.ones(len(boxes), dtype=torch.int64)}
    return tell(model, image, target, classes, HELD_OUT)
