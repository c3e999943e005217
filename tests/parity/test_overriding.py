"""What a user overrides counts: the same override in torchvision's model and in ours, in each of its modes.

In float64, so that a difference is a difference and not rounding.
"""

import copy
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
import torchvision.models.detection.roi_heads
import torchvision.ops
from cases import CASES
from test_surgery import SURGERY
from torch import Tensor, nn
from torch.nn.utils import parametrizations, prune
from twins import OURS, THEIRS, detect, make_images, make_targets, small_fpn, train_step, twins

import frcnn_edu
from frcnn_edu import run_as
from frcnn_edu.benchmark.agreement import with_labels_of_dtype
from frcnn_edu.model.fast import MODES

IMAGES = [image.double() for image in make_images((64, 80), (70, 60))]
TARGETS = [{**t, "boxes": t["boxes"].double()} for t in make_targets(IMAGES, (4, 3), 7)]
pytestmark = pytest.mark.slow  # five models for each override

SETTINGS = dict(
    min_size=64, max_size=96, rpn_post_nms_top_n_train=60, rpn_post_nms_top_n_test=60, box_batch_size_per_image=24
)


@pytest.fixture(scope="module")
def pair() -> tuple[nn.Module, nn.Module]:
    ours, theirs = (model.double() for model in twins(small_fpn, [image.float() for image in IMAGES], **SETTINGS))
    return ours, theirs


@pytest.fixture(scope="module")
def plain(pair: tuple[nn.Module, nn.Module]) -> list[Any]:
    """What comes of it if nobody overrides anything."""
    return results(copy.deepcopy(pair[0]))


def results(model: nn.Module) -> list[Any]:
    """Detections, losses and gradients; and what the override notes."""
    detections, proposals, _ = detect(model, IMAGES)
    losses, gradients, training_proposals, _ = train_step(model, IMAGES, TARGETS)
    found = [value for image in detections for value in image.values()]
    return [*found, *proposals, *training_proposals, losses, gradients]


def assert_agree(ours: Any, theirs: Any, where: str) -> None:
    if isinstance(theirs, dict):
        assert ours.keys() == theirs.keys(), where
        for key in theirs:
            assert_agree(ours[key], theirs[key], f"{where}, {key}")
    elif isinstance(theirs, list):
        assert len(ours) == len(theirs), where
        for one, other in zip(ours, theirs):
            assert_agree(one, other, where)
    else:
        scale = max(1e-3, theirs.abs().max().item()) if theirs.numel() else 1.0
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-9 * scale, msg=lambda message: f"{where}: {message}")


# --- overrides: each takes a model and its library ------------------------------------------------------------------

Override = Callable[[nn.Module, Any, pytest.MonkeyPatch], None]
OVERRIDES: dict[str, Override] = {}


def override(apply: Override) -> Override:
    OVERRIDES[apply.__name__] = apply
    return apply


def method(path: str, name: str, change: Callable[[Any], Any]) -> None:
    """Three overrides of one method: in a subclass, on the object, and on the class."""

    def owner_of(model: nn.Module) -> Any:
        return model.get_submodule(path)

    def textbook(lib: Any) -> type:
        return {"rpn": lib.RegionProposalNetwork, "roi_heads": lib.RoIHeads, "roi_heads.box_roi_pool": lib.MultiScaleRoIAlign,
                "rpn.anchor_generator": lib.AnchorGenerator}[path]  # fmt: skip

    def in_a_subclass(model: nn.Module, lib: Any, patch: pytest.MonkeyPatch) -> None:
        base = textbook(lib)

        def changed(self: Any, *args: Any) -> Any:
            return change(getattr(base, name)(self, *args))

        owner_of(model).__class__ = type("Mine", (base,), {name: changed})

    def on_the_object(model: nn.Module, lib: Any, patch: pytest.MonkeyPatch) -> None:
        owner = owner_of(model)
        original = getattr(owner, name)
        setattr(owner, name, lambda *args: change(original(*args)))

    def on_the_class(model: nn.Module, lib: Any, patch: pytest.MonkeyPatch) -> None:
        original = getattr(textbook(lib), name)
        patch.setattr(textbook(lib), name, lambda self, *args: change(original(self, *args)))

    for apply in (in_a_subclass, on_the_object, on_the_class):
        OVERRIDES[f"{name}, {apply.__name__.replace('_', ' ')}"] = apply


def fewer(proposals: tuple[list[Tensor], list[Tensor]]) -> tuple[list[Tensor], list[Tensor]]:
    return tuple([tensor[::2] for tensor in image] for image in proposals)  # type: ignore[return-value]


def all_background(result: tuple[list[Tensor], list[Tensor]]) -> tuple[list[Tensor], list[Tensor]]:
    return [torch.where(torch.arange(len(label)) % 5 == 0, 0.0, label) for label in result[0]], result[1]


def twice_and_thrice(result: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    return 2 * result[0], 3 * result[1]


method("rpn", "filter_proposals", fewer)
method("rpn", "assign_targets_to_anchors", all_background)
method("rpn", "compute_loss", twice_and_thrice)
method("rpn", "_get_top_n_idx", lambda index: index[:, ::3])
method("rpn", "post_nms_top_n", lambda number: number // 2)
method("roi_heads", "postprocess_detections", lambda found: tuple([x[:3] for x in image] for image in found))
method("roi_heads", "select_training_samples", lambda samples: tuple([x[::2] for x in kind] for kind in samples))
method("roi_heads", "add_gt_proposals", lambda proposals: [boxes[5:] for boxes in proposals])
method("roi_heads", "assign_targets_to_proposals", lambda r: (r[0], [label.clamp(max=2) for label in r[1]]))
method("roi_heads", "subsample", lambda sampled: [index[:7] for index in sampled])
method("roi_heads.box_roi_pool", "forward", lambda pooled: pooled * 2)
method("rpn.anchor_generator", "grid_anchors", lambda anchors: [level + 1 for level in anchors])


@override
def the_loss_function_of_the_box_head(model: nn.Module, lib: Any, patch: pytest.MonkeyPatch) -> None:
    """As a focal loss is put in, with torchvision."""
    module = frcnn_edu.model.roi_heads if lib is OURS else torchvision.models.detection.roi_heads
    original = module.fastrcnn_loss
    patch.setattr(module, "fastrcnn_loss", lambda *args: twice_and_thrice(original(*args)))


@override
def another_similarity_for_matching(model: nn.Module, lib: Any, patch: pytest.MonkeyPatch) -> None:
    model.rpn.box_similarity = lambda gt, boxes: torchvision.ops.generalized_box_iou(gt, boxes).clamp(min=0)


@override
def another_box_coder(model: nn.Module, lib: Any, patch: pytest.MonkeyPatch) -> None:
    coder = model.roi_heads.box_coder
    model.roi_heads.box_coder = SimpleNamespace(
        encode=lambda gt, boxes: [deltas / 2 for deltas in coder.encode(gt, boxes)],
        decode=lambda deltas, boxes: coder.decode(2 * deltas, boxes),
    )


@override
def another_matcher(model: nn.Module, lib: Any, patch: pytest.MonkeyPatch) -> None:
    class Stricter:
        BELOW_LOW_THRESHOLD, BETWEEN_THRESHOLDS = -1, -2

        def __init__(self, matcher: Any) -> None:
            self.matcher = matcher

        def __call__(self, iou: Tensor) -> Tensor:
            return self.matcher(iou * 0.9)

    for part in (model.rpn, model.roi_heads):
        part.proposal_matcher = Stricter(part.proposal_matcher)


@override
def low_quality_matches_of_the_matcher(model: nn.Module, lib: Any, patch: pytest.MonkeyPatch) -> None:
    model.rpn.proposal_matcher.set_low_quality_matches_ = lambda *args: None


@override
def another_sampler(model: nn.Module, lib: Any, patch: pytest.MonkeyPatch) -> None:
    def every_third(labels: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        third = [torch.arange(len(label)) % 3 == 0 for label in labels]
        return [(l >= 1) for l in labels], [(l == 0) & t for l, t in zip(labels, third)]  # noqa: E741

    model.rpn.fg_bg_sampler = every_third


def hook(path: str) -> None:
    def hooked(model: nn.Module, lib: Any, patch: pytest.MonkeyPatch) -> None:
        def change(module: nn.Module, inputs: Any, output: Any) -> Any:
            module.calls = getattr(module, "calls", 0) + 1
            return [x * 0.5 for x in output[0]], output[1] if isinstance(output, tuple) else output * 0.5

        def change_map(module: nn.Module, inputs: Any, output: Any) -> Any:
            return output * 0.5

        model.get_submodule(path).register_forward_hook(change if path == "rpn.head" else change_map)

    OVERRIDES[f"a hook on {path}"] = hooked


for path in (
    "rpn.head", "rpn.head.conv", "rpn.head.conv.0", "rpn.head.conv.0.0", "rpn.head.cls_logits", "rpn.head.bbox_pred",
    "backbone.fpn.inner_blocks.0", "backbone.fpn.layer_blocks.1.0", "backbone.body.layer3.0.conv2", "roi_heads.box_roi_pool",
):  # fmt: skip
    hook(path)


@override
def a_hook_on_the_gradient_of_a_head(model: nn.Module, lib: Any, patch: pytest.MonkeyPatch) -> None:
    model.rpn.head.cls_logits.register_full_backward_hook(lambda module, given, got: (given[0] * 3,))


@override
def a_hook_before_a_convolution(model: nn.Module, lib: Any, patch: pytest.MonkeyPatch) -> None:
    model.rpn.head.conv[0][0].register_forward_pre_hook(lambda module, inputs: (inputs[0] * 2,))


@override
def a_pruned_convolution(model: nn.Module, lib: Any, patch: pytest.MonkeyPatch) -> None:
    prune.l1_unstructured(model.rpn.head.conv[0][0], "weight", 0.4)
    prune.l1_unstructured(model.rpn.head.cls_logits, "weight", 0.3)


@override
def a_weight_normed_convolution(model: nn.Module, lib: Any, patch: pytest.MonkeyPatch) -> None:
    parametrizations.weight_norm(model.rpn.head.conv[0][0])


@override
def another_activation_in_the_head(model: nn.Module, lib: Any, patch: pytest.MonkeyPatch) -> None:
    model.rpn.head.conv[0][1] = nn.SiLU()


@override
def a_convolution_with_a_stretched_kernel(model: nn.Module, lib: Any, patch: pytest.MonkeyPatch) -> None:
    conv = model.rpn.head.conv[0][0]
    conv.dilation, conv.padding = (2, 2), (2, 2)


@override
def a_replaced_forward(model: nn.Module, lib: Any, patch: pytest.MonkeyPatch) -> None:
    """As libraries that move weights between devices do it."""
    conv = model.rpn.head.conv[0][0]
    original = conv.forward
    conv.forward = lambda x: original(x) * 0.5


@override
def a_custom_head(model: nn.Module, lib: Any, patch: pytest.MonkeyPatch) -> None:
    class Head(lib.RPNHead):
        def forward(self, x: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
            logits, deltas = super().forward(x)
            return [level * 2 for level in logits], deltas

    model.rpn.head.__class__ = Head


@pytest.mark.parametrize("name", OVERRIDES)
def test_an_override_counts_as_in_torchvision(
    name: str, pair: tuple[nn.Module, nn.Module], plain: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, theirs = (copy.deepcopy(model) for model in pair)
    OVERRIDES[name](theirs, THEIRS, monkeypatch)
    with_labels_of_dtype(theirs, torch.float64)
    expected = results(theirs)
    with pytest.raises(AssertionError):
        assert_agree(plain, expected, "without the override")  # it does change something
    for before, after in (("textbook", "textbook"), ("exact", "exact"), ("textbook", "fast")):
        model = copy.deepcopy(ours)
        with pytest.MonkeyPatch.context() as patch:
            run_as(model, before)
            OVERRIDES[name](model, OURS, patch)
            run_as(model, after)
            assert_agree(results(model), expected, f"{before}, the override, {after}")


@pytest.mark.parametrize("mode", MODES)
def test_a_loss_on_the_heads_maps_gets_its_gradient(mode: str, pair: tuple[nn.Module, nn.Module]) -> None:
    gradients = []
    for model in (run_as(copy.deepcopy(pair[0]), mode), copy.deepcopy(pair[1])):
        maps: list[Tensor] = []
        model.rpn.head.register_forward_hook(lambda head, inputs, output, maps=maps: maps.extend(output[0] + output[1]))
        torch.manual_seed(0)
        model.train()(IMAGES, TARGETS)
        sum(level.square().mean() for level in maps).backward()
        gradients.append({name: p.grad for name, p in model.named_parameters() if p.grad is not None})
    assert {"rpn.head.conv.0.0.weight", "rpn.head.bbox_pred.bias"} <= gradients[1].keys()
    assert_agree(*gradients, mode)


def test_the_page_counts_what_is_compared() -> None:
    page = (Path(__file__).parents[2] / "docs" / "same_numbers.md").read_text(encoding="utf-8").replace("\n", " ")
    assert f"for {len(CASES)} whole models" in page
    assert f"with {len(OVERRIDES)} overrides and with {len(SURGERY)} operations" in page
