"""The two models agree; a model that differs is found out."""

import copy

import pytest
import torch
from torch import nn

from frcnn_edu.benchmark.agreement import Disagreement, compare_in_float32, compare_in_float64, found_again
from frcnn_edu.benchmark.counts import as_on_a_gpu, count
from frcnn_edu.benchmark.models import images_of, make_pair
from frcnn_edu.benchmark.realistic import make_targets
from frcnn_edu.benchmark.stages import inference_stages, pair_up, standing_in, training_stages
from frcnn_edu.benchmark.steps import Step, proposals_of

SIZE = 64

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def pair() -> tuple[nn.Module, nn.Module]:
    return make_pair(SIZE, images_of(SIZE, 2))


def test_there_is_something_to_compare(pair) -> None:
    for model in pair:
        assert not any(isinstance(module, nn.BatchNorm2d) for module in model.modules())
        frozen = [name for name, weight in model.named_parameters() if not weight.requires_grad]
        assert frozen
        assert all(name.startswith(("backbone.body.conv1", "backbone.body.layer1")) for name in frozen)
        assert all(len(boxes) > 300 for boxes in proposals_of(model, images_of(SIZE, 2)))


def test_both_agree(pair) -> None:
    differences = compare_in_float64(*pair, SIZE)
    assert differences.detections == 200
    assert differences.boxes < 1e-8
    same, total = compare_in_float32(*pair, images_of(SIZE, 1))
    assert total == 100
    assert same >= 95


def test_other_weights_are_found_out(pair) -> None:
    ours, theirs = copy.deepcopy(pair[0]), pair[1]
    with torch.no_grad():
        ours.roi_heads.box_predictor.bbox_pred.bias.add_(0.5)
    with pytest.raises(Disagreement, match=r"in float64 \w+ differ by up to|the detected classes differ"):
        compare_in_float64(ours, theirs, SIZE)
    with pytest.raises(Disagreement, match="of torchvision's 100 detections are among ours"):
        compare_in_float32(ours, theirs, images_of(SIZE, 1))


def test_found_again_needs_class_place_and_score() -> None:
    def detection(box: list[float], label: int, score: float) -> dict[str, torch.Tensor]:
        return {"boxes": torch.tensor([box]), "labels": torch.tensor([label]), "scores": torch.tensor([score])}

    expected = detection([0.0, 0, 100, 100], 3, 0.5)
    assert found_again(detection([0.0, 0, 100, 100.5], 3, 0.5005), expected) == 1
    assert found_again(detection([0.0, 0, 100, 100.5], 4, 0.5005), expected) == 0
    assert found_again(detection([0.0, 0, 100, 102.0], 3, 0.5005), expected) == 0
    assert found_again(detection([0.0, 0, 100, 100.5], 3, 0.5020), expected) == 0


def test_the_stages_have_the_same_names_and_run(pair) -> None:
    images = images_of(SIZE, 1)
    targets = make_targets(images, [3], 91)
    for make in (
        lambda model: inference_stages(model, images),
        lambda model: training_stages(model, images, targets),
    ):
        stages = [make(model) for model in pair]
        assert list(stages[0]) == list(stages[1])
        for _, ours, theirs in pair_up(*stages):
            ours()
            theirs()


def test_the_stages_of_a_model_end_in_its_detections(pair) -> None:
    images = images_of(SIZE, 1)
    for model in pair:
        boxes, scores, labels = inference_stages(model, images)["detections"]()
        with torch.no_grad():
            (expected,) = model(images)
        assert torch.equal(labels[0], expected["labels"])
        assert torch.equal(scores[0], expected["scores"])
        assert torch.equal(boxes[0], expected["boxes"])


def test_a_stand_in_leaves_no_trace(pair) -> None:
    rpn = pair[0].rpn
    head = rpn.head
    with standing_in(rpn, head=5):
        assert rpn.head("anything") == 5
    assert rpn.head is head


def test_on_a_gpu_there_are_fewer_synchronisations_and_the_same_detections(pair) -> None:
    steps = [Step(SIZE, 1).of(model) for model in pair]
    before = [step()[0] for step in steps]
    as_on_cpu = [count(step) for step in steps]
    with as_on_a_gpu():
        inside = [step()[0] for step in steps]
        on_gpu = [count(step) for step in steps]
    for found, expected in zip(inside, before):
        assert found_again(found, expected) >= 95
    for few, many in zip(on_gpu, as_on_cpu):
        assert few.synchronisations < many.synchronisations
        assert few.synchronisations_by_name["nms"] == 2  # of proposals and of detections
    assert [count(step) for step in steps] == as_on_cpu  # no trace is left
