import pytest
import torch

from frcnn_edu import FasterRCNN, fasterrcnn_small_fpn
from frcnn_edu.model.rpn import concat_box_prediction_layers
from frcnn_edu.viz.trace import Trace, trace


@pytest.fixture(scope="module")
def model() -> FasterRCNN:
    torch.manual_seed(0)
    return fasterrcnn_small_fpn(box_score_thresh=0.0, exact=True).eval()


@pytest.fixture(scope="module")
def way(model: FasterRCNN) -> Trace:
    return trace(model, torch.rand(3, 180, 240, generator=torch.Generator().manual_seed(1)))


def test_a_trace_ends_with_the_models_answer(model: FasterRCNN, way: Trace) -> None:
    with torch.no_grad():
        answer = model([way.image])[0]
    assert len(answer["boxes"]) > 0
    assert answer.keys() == way.detections.keys()
    assert all(torch.equal(answer[name], way.detections[name]) for name in answer)


@torch.no_grad()
def test_each_stage_leads_to_the_next(model: FasterRCNN, way: Trace) -> None:
    batch, _ = model.transform([way.image])
    assert torch.equal(batch.tensors, way.batch.tensors)
    bottom_up = model.backbone.body(batch.tensors)
    assert all(torch.equal(bottom_up[key], way.bottom_up[key]) for key in ("0", "1", "2", "3"))
    assert list(way.pyramid) == ["0", "1", "2", "3", "pool"]

    counts = [len(level) for level in way.anchors]
    assert counts == [level[0].numel() for level in way.objectness]
    logits, deltas = concat_box_prediction_layers(way.objectness, way.deltas)
    moved = model.rpn.box_coder.decode(deltas, [torch.cat(way.anchors)]).view(1, -1, 4)
    proposals, _ = model.rpn.filter_proposals(moved, logits, batch.image_sizes, counts)
    assert torch.equal(proposals[0], way.proposals)

    assert len(way.levels) == len(way.pooled) == len(way.proposals)
    class_logits, box_deltas = model.roi_heads.box_predictor(model.roi_heads.box_head(way.pooled))
    assert torch.equal(class_logits, way.class_logits)
    assert torch.equal(box_deltas, way.box_deltas)
    assert torch.equal(way.resized_detections["scores"], way.detections["scores"])


def test_tracing_leaves_the_model_as_it_was(model: FasterRCNN, way: Trace) -> None:
    assert not any(module._forward_hooks for module in model.modules())
    model.train()
    try:
        trace(model, way.image)
        assert model.training
        assert model.rpn.training
        with pytest.raises(TypeError):
            trace(model, torch.zeros(3, 128, 160, dtype=torch.uint8))
        assert model.training
        assert not any(module._forward_hooks for module in model.modules())
    finally:
        model.eval()
