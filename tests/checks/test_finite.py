"""NaN in a model in evaluation is an error that names the stage, also where other boxes are found."""

import copy
from collections.abc import Iterable

import pytest
import torch
from makers import batch
from torch import Tensor, nn

from frcnn_edu import fasterrcnn_small_fpn, run_as
from frcnn_edu.checks.finite import check_found
from frcnn_edu.model.fast import MODES

# What is NaN, and the stage that is named.
STAGES = {
    "backbone.body.conv1.weight": "backbone",
    "backbone.body.layer3.1.bn2.running_var": "backbone",
    "backbone.fpn.inner_blocks.3.0.weight": "backbone",
    "rpn.head.conv.0.0.weight": "rpn.head",
    "rpn.head.cls_logits.bias": "rpn.head",
    "rpn.head.bbox_pred.weight": "rpn.head",
    "roi_heads.box_head.fc6.weight": "roi_heads.box_head",
    "roi_heads.box_head.fc7.bias": "roi_heads.box_head",
    "roi_heads.box_predictor.cls_score.weight": "roi_heads.box_predictor",
    "roi_heads.box_predictor.bbox_pred.bias": "roi_heads.box_predictor",
}


@pytest.fixture(scope="module")
def model() -> nn.Module:
    torch.manual_seed(0)
    return fasterrcnn_small_fpn(num_classes=4).eval()


def spoilt(model: nn.Module, name: str, value: float) -> nn.Module:
    model = copy.deepcopy(model)
    model.state_dict()[name].fill_(value)
    return model


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("name", "stage"), STAGES.items(), ids=STAGES.keys())
def test_the_first_stage_with_nan_is_named(model: nn.Module, name: str, stage: str, mode: str) -> None:
    broken = run_as(spoilt(model, name, torch.nan), mode)
    with (
        torch.no_grad(),
        pytest.raises(ValueError, match=rf"the output of model\.{stage} contains NaN or infinity.*: its weights"),
    ):
        broken(batch()[0])


@pytest.mark.parametrize("mode", MODES)
def test_one_number_is_enough(model: nn.Module, mode: str) -> None:
    broken = copy.deepcopy(model)
    broken.backbone.body.layer1[0].conv1.weight.data[3, 2, 1, 0] = torch.inf
    with torch.no_grad(), pytest.raises(ValueError, match=r"the output of model\.backbone contains"):
        run_as(broken, mode)(batch()[0])


def test_all_weights_at_once(model: nn.Module) -> None:
    broken = copy.deepcopy(model)
    for parameter in broken.parameters():
        parameter.data.fill_(torch.nan)
    with torch.no_grad(), pytest.raises(ValueError, match=r"the output of model\.backbone contains"):
        broken(batch()[0])


def test_the_advice_lists_the_weights(model: nn.Module) -> None:
    name = "rpn.head.cls_logits.bias"
    model = spoilt(model, name, torch.nan)
    with torch.no_grad(), pytest.raises(ValueError, match=r"\[name for name, x in") as caught:
        model(batch()[0])
    advice = str(caught.value).split("; ")[1].removesuffix(" lists such weights")
    assert eval(advice, {"model": model}) == [name]


def test_a_transform_that_overflows_is_named(model: nn.Module) -> None:
    model = copy.deepcopy(model)
    model.transform.image_std = [1e-45] * 3
    with (
        torch.no_grad(),
        pytest.raises(
            ValueError, match=r"the output of model\.transform contains .*: an image contains .*or image_std"
        ),
    ):
        model(batch()[0])


@pytest.mark.parametrize("mode", MODES)
def test_to_find_nothing_is_legal(model: nn.Module, mode: str) -> None:
    """Also if a class is ruled out by a logit of minus infinity."""
    model = run_as(spoilt(model, "roi_heads.box_predictor.cls_score.bias", -torch.inf), mode)
    model.roi_heads.box_predictor.cls_score.bias.data[0] = 0
    with torch.no_grad():
        assert [len(found["boxes"]) for found in model(batch()[0])] == [0, 0]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("level", range(4))
def test_nan_in_one_map_is_named_though_the_others_find_boxes(model: nn.Module, level: int, mode: str) -> None:
    broken = copy.deepcopy(model)
    broken.roi_heads.score_thresh = 0.0
    run_as(broken, mode)
    with torch.no_grad():
        assert all(len(found["boxes"]) for found in broken(batch()[0]))
        broken.backbone.fpn.layer_blocks[level][0].weight[0, 0, 0, 0] = torch.nan
        with pytest.raises(ValueError, match=r"objects cannot be detected: the output of model\.backbone contains NaN"):
            broken(batch()[0])


def test_where_there_are_boxes_only_the_last_stage_is_looked_at() -> None:
    def looked_at() -> Iterable[Tensor]:
        pytest.fail("numbers were looked at")

    some, none = torch.zeros(3, 4), torch.zeros(0, 4)
    large = torch.full((100,), 6e4, dtype=torch.float16)  # whose sum is infinite in half precision
    check_found([some, some], {"first": looked_at, "last": [large, -large, torch.tensor([-torch.inf])]})
    check_found([some, none], {"first": looked_at, "last": [torch.zeros(2)]})  # finite in the end, and so before
    finite, nan = torch.zeros(2), torch.tensor([0.0, torch.nan])
    with pytest.raises(ValueError, match=r"model\.second"):
        check_found([some, none], {"first": [finite], "second": lambda: [finite, nan], "last": [nan]})


@pytest.mark.filterwarnings("ignore:.*torch.jit:FutureWarning")
def test_a_trace_is_not_asked(model: nn.Module) -> None:
    """It follows one image, and what it records must not depend on whether something was found in that."""
    nan = torch.tensor([torch.nan])
    torch.jit.trace(lambda x: check_found([x[:0]], {"last": [nan]}) or x, torch.zeros(1, 4), check_trace=False)
