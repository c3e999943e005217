"""The checkpoint in the package is what it is said to be."""

import pytest
import torch

from frcnn_edu import fasterrcnn_small_fpn
from frcnn_edu.data import ShapesDetection
from frcnn_edu.training import SHIPPED, evaluate, load_model


@pytest.mark.slow
def test_the_shipped_model_finds_and_names_the_shapes() -> None:
    model, classes, _ = load_model(SHIPPED)
    data = ShapesDetection("val")
    assert classes == data.classes
    metrics = evaluate(model, data, device=torch.device("cpu"), batch_size=8).metrics
    assert metrics["AP50"] >= 0.98, metrics
    assert metrics["AP"] >= 0.83, metrics


def test_it_is_small_and_the_same_by_both_doors() -> None:
    assert SHIPPED.stat().st_size < 10e6
    by_file, _, _ = load_model(SHIPPED)
    by_name = fasterrcnn_small_fpn(weights="DEFAULT")
    theirs = by_file.state_dict()
    assert all(torch.equal(value, theirs[name]) for name, value in by_name.state_dict().items())
