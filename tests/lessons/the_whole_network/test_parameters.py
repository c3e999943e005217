"""The table of the constructor's parameters says what the constructor does."""

import inspect
from pathlib import Path

import pytest
import torch

from frcnn_edu import BackboneWithFPN, FasterRCNN
from frcnn_edu.lessons.the_whole_network.parameters import KNOWN, defaults, page, parameters
from frcnn_edu.model.fast import run_as
from frcnn_edu.model.resnet import SlimResNet

ROOT = Path(__file__).parents[3]


def test_the_page_is_up_to_date():
    """If not: python -m frcnn_edu.lessons.the_whole_network.parameters"""
    path = ROOT / "docs" / "parameters.md"
    if not path.is_file():
        pytest.skip("docs/ is not part of an installed package")
    assert path.read_text(encoding="utf-8") == page()


def test_every_parameter_has_a_row():
    names = [name for name in inspect.signature(FasterRCNN.__init__).parameters if name not in ("self", "kwargs")]
    rows = [row.name for row in parameters()]
    assert rows[: len(names)] == names
    assert rows[len(names) :] == ["size_divisible", "fixed_size", "_skip_resize"]
    assert set(KNOWN) == set(rows)


def test_values_are_read_where_the_constructor_puts_them():
    with torch.device("meta"):
        resnet = SlimResNet(layers=(1, 1, 1, 1), widths=(8, 8, 8, 8))
        backbone = BackboneWithFPN(resnet, {f"layer{i + 1}": str(i) for i in range(4)}, [8] * 4, 8)
        model = run_as(FasterRCNN(backbone, 5), "textbook")
    for name, default in defaults().items():
        if default is not None and default is not inspect.Parameter.empty:
            assert KNOWN[name][2](model) == default, name
    assert KNOWN["num_classes"][2](model) == 5


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("rpn_pre_nms_top_n_train", 7),
        ("rpn_post_nms_top_n_test", 8),
        ("box_batch_size_per_image", 9),
        ("rpn_fg_iou_thresh", 0.8),
    ],
)
def test_a_value_that_is_given_is_the_one_that_is_read(name, value):
    with torch.device("meta"):
        resnet = SlimResNet(layers=(1, 1, 1, 1), widths=(8, 8, 8, 8))
        backbone = BackboneWithFPN(resnet, {f"layer{i + 1}": str(i) for i in range(4)}, [8] * 4, 8)
        model = run_as(FasterRCNN(backbone, 5, **{name: value}), "textbook")
    assert KNOWN[name][2](model) == value
