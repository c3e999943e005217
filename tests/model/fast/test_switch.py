"""The shelf: each class gives what the textbook's gives, and the switch leaves everything else as it is."""

import copy
import inspect
import io
import pickle
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torchvision.ops import Conv2dNormActivation

import frcnn_edu
from frcnn_edu import FrozenBatchNorm2d, ImageList, run_as, set_exact
from frcnn_edu.benchmark.realistic import make_images, make_realistic, make_targets
from frcnn_edu.model.backbone import BackboneWithFPN, IntermediateLayerGetter, freeze_resnet
from frcnn_edu.model.fast import MODES, SWAPS
from frcnn_edu.model.resnet import BasicBlock, Bottleneck, ResNet, Stage

TEXTBOOK = [row[0] for row in SWAPS]
MAP_SIZES = ((24, 32), (12, 16), (6, 8), (3, 4), (2, 2))
IMAGE_SIZES = [(96, 128), (90, 100)]

# How far the fast classes may be from the textbook's in float32, as a part of the largest number; in float64 it is 1e-10.
BOUNDS = {
    BackboneWithFPN: 5e-5,
    IntermediateLayerGetter: 5e-5,
    Bottleneck: 2e-5,
    BasicBlock: 2e-5,
    Conv2dNormActivation: 2e-5,
    frcnn_edu.RegionProposalNetwork: 2e-5,
    frcnn_edu.MultiScaleRoIAlign: 1e-5,
}


# --- something to do for each class --------------------------------------------------------------------------------


def numbers(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def lively_norms(module: nn.Module) -> nn.Module:
    """Scales and shifts that change something."""
    for i, norm in enumerate(m for m in module.modules() if isinstance(m, FrozenBatchNorm2d)):
        size = len(norm.weight)
        norm.weight.copy_(numbers(size, seed=i) * 0.2 + 0.6)
        norm.bias.copy_(numbers(size, seed=i + 1) * 0.1)
        norm.running_mean.copy_(numbers(size, seed=i + 2) * 0.1)
        norm.running_var.copy_(numbers(size, seed=i + 3).abs() + 0.5)
    return module


def maps_of(channels: int, dtype: torch.dtype) -> dict[str, Tensor]:
    names = ("0", "1", "2", "3", "pool")
    return {name: numbers(2, channels, *size, seed=k).to(dtype) for k, (name, size) in enumerate(zip(names, MAP_SIZES))}


def some_boxes(count: int, seed: int, dtype: torch.dtype) -> Tensor:
    random = torch.rand(count, 4, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    corners, sides = random[:, :2] * 70, 2 + random[:, 2:] ** 2 * 40
    return torch.cat((corners, corners + sides), dim=1).to(dtype)


Scene = tuple[nn.Module, Callable[[nn.Module, torch.dtype], list[Tensor]]]


def mapping(module: nn.Module, channels: int, height: int, width: int) -> Scene:
    """A module that takes one map and returns one, or several by name."""

    def run(module: nn.Module, dtype: torch.dtype) -> list[Tensor]:
        x = numbers(2, channels, height, width).to(dtype).requires_grad_()
        y = module(x)
        outputs = list(y.values()) if isinstance(y, dict) else [y]
        return outputs + gradients(outputs, [x, *(p for p in module.parameters() if p.requires_grad)])

    return lively_norms(module), run


def gradients(outputs: list[Tensor], inputs: list[Tensor]) -> list[Tensor]:
    upstream = [numbers(*out.shape, seed=7).to(out.dtype) for out in outputs if out.requires_grad]
    found = torch.autograd.grad([o for o in outputs if o.requires_grad], inputs, upstream, allow_unused=True)
    return [gradient for gradient in found if gradient is not None]


def backbone() -> Scene:
    return mapping(slim_backbone((32, 64, 128, 128), 128), 3, 128, 128)


def slim_backbone(widths: tuple[int, int, int, int], out_channels: int) -> BackboneWithFPN:
    """ResNet-18 with fewer channels, frozen as one with pretrained weights is."""
    resnet = ResNet(BasicBlock, (2, 2, 2, 2), num_classes=None, norm_layer=FrozenBatchNorm2d, widths=widths)
    freeze_resnet(resnet, trainable_layers=3)
    return BackboneWithFPN(resnet, {f"layer{k}": str(k - 1) for k in range(1, 5)}, list(widths), out_channels)


def getter() -> Scene:
    """As VGG and a stem are: layers without a container, some with a norm."""
    layers = nn.Sequential(
        nn.Conv2d(3, 128, 3, 2, 1, bias=False), FrozenBatchNorm2d(128), nn.ReLU(), nn.Conv2d(128, 128, 3, padding=1),
        nn.ReLU(), nn.Conv2d(128, 16, 3, padding=1), FrozenBatchNorm2d(16),
    )  # fmt: skip
    return mapping(IntermediateLayerGetter(layers, {"2": "a", "4": "b", "6": "c"}), 3, 50, 44)


def stage() -> Scene:
    down = nn.Sequential(nn.Conv2d(64, 128, 1, bias=False), FrozenBatchNorm2d(128))
    blocks = [Bottleneck(128, 32, norm_layer=FrozenBatchNorm2d) for _ in range(4)]
    return mapping(Stage(Bottleneck(64, 32, 1, down, norm_layer=FrozenBatchNorm2d), *blocks), 64, 9, 7)


def bottleneck() -> Scene:
    down = nn.Sequential(nn.Conv2d(64, 512, 1, 2, bias=False), FrozenBatchNorm2d(512))
    return mapping(Bottleneck(64, 128, 2, down, norm_layer=FrozenBatchNorm2d), 64, 40, 42)


def basic_block() -> Scene:
    return mapping(BasicBlock(128, 128, norm_layer=FrozenBatchNorm2d), 128, 24, 22)


def conv_norm_activation() -> Scene:
    return mapping(Conv2dNormActivation(128, 128, 3, norm_layer=FrozenBatchNorm2d), 128, 24, 22)


def frozen_norm() -> Scene:
    return mapping(FrozenBatchNorm2d(8), 8, 5, 6)


def pyramid() -> Scene:
    def run(fpn: nn.Module, dtype: torch.dtype) -> list[Tensor]:
        sizes = ((32, 24, 25), (64, 12, 13), (48, 6, 7))
        x = {str(k): numbers(2, *size, seed=k).to(dtype).requires_grad_() for k, size in enumerate(sizes)}
        outputs = list(fpn(x).values())
        return outputs + gradients(outputs, [*x.values(), *fpn.parameters()])

    return frcnn_edu.FeaturePyramidNetwork([32, 64, 48], 64, frcnn_edu.LastLevelMaxPool()), run


def anchor_generator() -> Scene:
    def run(generator: nn.Module, dtype: torch.dtype) -> list[Tensor]:
        batch = ImageList(torch.zeros(2, 3, 96, 128, dtype=dtype), IMAGE_SIZES)
        return [
            *generator(batch, list(maps_of(1, dtype).values())),
            *generator(batch, list(maps_of(1, dtype).values())),
        ]

    return frcnn_edu.AnchorGenerator(((8,), (16,), (32,), (64,), (90,)), ((0.5, 1.0, 2.0),) * 5), run


def region_proposal_network() -> Scene:
    generator = frcnn_edu.AnchorGenerator(((8,), (16,), (32,), (64,), (90,)), ((0.5, 1.0, 2.0),) * 5)
    head = frcnn_edu.RPNHead(16, 3)
    for parameter in head.parameters():
        nn.init.normal_(parameter, std=0.3, generator=torch.Generator().manual_seed(parameter.numel()))
    limits = dict(training=200, testing=150), dict(training=120, testing=60)
    rpn = frcnn_edu.RegionProposalNetwork(generator, head, 0.7, 0.3, 64, 0.5, *limits, nms_thresh=0.7)

    def run(rpn: nn.Module, dtype: torch.dtype) -> list[Tensor]:
        batch = ImageList(torch.zeros(2, 3, 96, 128, dtype=dtype), IMAGE_SIZES)
        targets = [{"boxes": some_boxes(count, seed, dtype)} for seed, count in enumerate((5, 0))]
        results: list[Tensor] = []
        for training in (False, True):
            maps = {name: level.requires_grad_() for name, level in maps_of(16, dtype).items()}
            torch.manual_seed(0)
            proposals, losses = rpn.train(training)(batch, maps, targets)
            results += [*proposals, *losses.values()]
        return results + gradients(list(losses.values()), [*maps.values(), *rpn.parameters()])

    return rpn, run


def roi_align() -> Scene:
    def run(pool: nn.Module, dtype: torch.dtype) -> list[Tensor]:
        maps = {name: level.requires_grad_() for name, level in maps_of(6, dtype).items()}
        boxes = [some_boxes(40, 3, dtype), some_boxes(25, 5, dtype)]
        pooled = [pool(maps, boxes, IMAGE_SIZES), pool({"0": maps["0"]}, boxes, IMAGE_SIZES)]
        return pooled + gradients(pooled, [level for name, level in maps.items() if name != "pool"])

    return frcnn_edu.MultiScaleRoIAlign(["0", "1", "2", "3"], 7, 2, canonical_scale=45), run


def roi_heads() -> Scene:
    torch.manual_seed(0)
    pool = frcnn_edu.MultiScaleRoIAlign(["0", "1", "2", "3"], 3, 2, canonical_scale=45)
    head, predictor = frcnn_edu.TwoMLPHead(6 * 9, 20), frcnn_edu.FastRCNNPredictor(20, 5)
    heads = frcnn_edu.RoIHeads(pool, head, predictor, 0.5, 0.5, 24, 0.25, None, 0.1, 0.5, 30)

    def run(heads: nn.Module, dtype: torch.dtype) -> list[Tensor]:
        maps = maps_of(6, dtype)
        proposals = [some_boxes(80, 3, dtype), some_boxes(60, 5, dtype)]
        targets = [{"boxes": some_boxes(n, s, dtype), "labels": torch.arange(n) % 4 + 1} for s, n in enumerate((6, 0))]
        detections, _ = heads.eval()(maps, proposals, IMAGE_SIZES)
        results = [value for found in detections for value in found.values()]
        torch.manual_seed(0)
        samples = heads.train().select_training_samples(list(proposals), targets)
        torch.manual_seed(0)
        losses = list(heads(maps, proposals, IMAGE_SIZES, targets)[1].values())
        return [
            *results,
            *(tensor for kind in samples for tensor in kind),
            *losses,
            *gradients(losses, list(heads.parameters())),
        ]

    return heads, run


def helper(thing: Any, run: Callable[[Any, torch.dtype], list[Tensor]]) -> Scene:
    """Not a module itself, but an attribute of one."""
    owner = nn.Module()
    owner.helper = thing
    return owner, lambda owner, dtype: run(owner.helper, dtype)


def box_coder() -> Scene:
    def run(coder: Any, dtype: torch.dtype) -> list[Tensor]:
        references, boxes = (
            [some_boxes(9, 1, dtype), some_boxes(4, 2, dtype)],
            [some_boxes(9, 3, dtype), some_boxes(4, 4, dtype)],
        )
        deltas = coder.encode(references, boxes)
        return [*deltas, coder.decode(torch.cat(deltas).repeat(1, 3), boxes)]

    return helper(frcnn_edu.BoxCoder((10.0, 9.0, 5.0, 3.0)), run)


def matcher() -> Scene:
    def run(matcher: Any, dtype: torch.dtype) -> list[Tensor]:
        gt_boxes, candidates = some_boxes(7, 1, dtype), some_boxes(300, 2, dtype)
        results = [matcher(frcnn_edu.box_iou(gt_boxes, candidates))]
        return (
            results * 2 if type(matcher) is frcnn_edu.Matcher else [*results, matcher.match_boxes(gt_boxes, candidates)]
        )

    return helper(frcnn_edu.Matcher(0.6, 0.2, allow_low_quality_matches=True), run)


def sampler() -> Scene:
    def run(sampler: Any, dtype: torch.dtype) -> list[Tensor]:
        torch.manual_seed(3)
        labels = [numbers(count, seed=count).mul(2).round().clamp(-1, 1).to(dtype) for count in (60, 300)]
        positives, negatives = sampler(labels)
        return [*positives, *negatives, torch.get_rng_state()]

    return helper(frcnn_edu.BalancedPositiveNegativeSampler(32, 0.25), run)


SCENES: dict[type, Callable[[], Scene]] = {
    BackboneWithFPN: backbone,
    IntermediateLayerGetter: getter,
    Stage: stage,
    Bottleneck: bottleneck,
    BasicBlock: basic_block,
    Conv2dNormActivation: conv_norm_activation,
    FrozenBatchNorm2d: frozen_norm,
    frcnn_edu.FeaturePyramidNetwork: pyramid,
    frcnn_edu.AnchorGenerator: anchor_generator,
    frcnn_edu.RegionProposalNetwork: region_proposal_network,
    frcnn_edu.MultiScaleRoIAlign: roi_align,
    frcnn_edu.RoIHeads: roi_heads,
    frcnn_edu.BoxCoder: box_coder,
    frcnn_edu.Matcher: matcher,
    frcnn_edu.BalancedPositiveNegativeSampler: sampler,
}


def only(module: nn.Module, row: tuple[type, type, type], mode: str) -> nn.Module:
    """The module with this row's class exchanged, and no other."""
    module = copy.deepcopy(module)
    for part in module.modules():
        for thing in (part, *vars(part).values()):
            if type(thing) is row[0]:
                thing.__class__ = row[MODES.index(mode)]
    return module


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=["float32", "float64"])
@pytest.mark.parametrize("mode", ["exact", "fast"])
@pytest.mark.parametrize("row", SWAPS, ids=lambda row: row[0].__name__)
def test_each_class_gives_what_its_textbook_gives(row: tuple[type, type, type], mode: str, dtype: torch.dtype) -> None:
    """Outputs and gradients; to the last bit, or up to rounding. Together with all other classes of its mode, too."""
    torch.manual_seed(0)
    module, run = SCENES[row[0]]()
    module = module.to(dtype)
    expected = run(copy.deepcopy(module), dtype)
    for other in (only(module, row, mode), run_as(copy.deepcopy(module), mode)):
        found = run(other, dtype)
        assert len(found) == len(expected) > 0
        for one, wanted in zip(found, expected):
            assert one.dtype == wanted.dtype
            assert one.shape == wanted.shape
            if mode == "exact" or (row[1] is row[2] and other is not module and not wanted.is_floating_point()):
                assert torch.equal(one, wanted)
            else:
                bound = 1e-10 if dtype == torch.float64 else BOUNDS.get(row[0], 2e-5)
                largest = wanted[wanted.isfinite()].abs().max().item() if wanted.numel() else 0.0
                torch.testing.assert_close(one, wanted, rtol=0, atol=bound * max(1.0, largest))


@pytest.mark.parametrize("row", [row for row in SWAPS if row[1] is row[2]], ids=lambda row: row[0].__name__)
def test_a_class_that_serves_two_modes_is_exact(row: tuple[type, type, type]) -> None:
    torch.manual_seed(0)
    module, run = SCENES[row[0]]()
    module = module.float()
    expected, found = run(copy.deepcopy(module), torch.float32), run(only(module, row, "fast"), torch.float32)
    assert all(map(torch.equal, found, expected))


def test_there_is_something_to_do_for_each_row_and_a_bound_for_each_class_that_rounds() -> None:
    assert list(SCENES) == TEXTBOOK
    assert set(BOUNDS) == {row[0] for row in SWAPS if row[1] is not row[2]}
    for textbook, *others in SWAPS:
        for other in others:
            assert issubclass(other, textbook)
            assert inspect.signature(other) == inspect.signature(textbook)
            assert other.__module__.startswith("frcnn_edu.model.fast.") or other is textbook


# --- the switch ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def frozen_resnet() -> nn.Module:
    """A slim backbone, small images, realistic weights."""
    torch.manual_seed(0)
    backbone = slim_backbone((16, 32, 64, 64), 32)
    settings = dict(min_size=64, max_size=96, rpn_post_nms_top_n_train=60, box_batch_size_per_image=16)
    model = frcnn_edu.FasterRCNN(backbone, 5, **settings)
    make_realistic(model, IMAGES)
    return model


IMAGES = make_images((64, 80), (70, 60))
TARGETS = make_targets(IMAGES, (4, 2), 5)


def classes_of(model: nn.Module) -> Iterator[type]:
    for module in model.modules():
        yield type(module)
        yield from (type(value) for value in vars(module).values())


@pytest.mark.parametrize("mode", MODES)
def test_all_classes_of_the_table_are_exchanged(mode: str, frozen_resnet: nn.Module) -> None:
    model = run_as(copy.deepcopy(frozen_resnet), mode)
    column, used = MODES.index(mode), set(classes_of(model))
    for row in SWAPS:
        if row[0] is not Bottleneck:  # which a ResNet-18 has not
            assert row[column] in used
        assert not used & (set(row) - {row[column]})


def test_a_model_is_made_fast_or_exact() -> None:
    for exact, mode in ((False, "fast"), (True, "exact")):
        model = frcnn_edu.fasterrcnn_small_fpn(exact=exact)
        assert list(classes_of(model)) == list(classes_of(run_as(copy.deepcopy(model), mode)))
        assert list(classes_of(set_exact(copy.deepcopy(model), not exact))) != list(classes_of(model))


def step(model: nn.Module) -> dict[str, Tensor]:
    torch.manual_seed(1)
    model.train().zero_grad()
    losses = model(IMAGES, TARGETS)
    sum(losses.values()).backward()
    return {name: loss.detach() for name, loss in losses.items()}


def test_there_and_back_nothing_else_changes(frozen_resnet: nn.Module) -> None:
    model = copy.deepcopy(frozen_resnet)
    optimizer = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], 0.0, momentum=0.9)
    calls: list[str] = []
    model.rpn.register_forward_hook(lambda *call: calls.append("rpn"))
    model.roi_heads.box_predictor.register_forward_pre_hook(lambda *call: calls.append("predictor"))
    parameters, keys = list(map(id, model.parameters())), list(model.state_dict())
    results = {}
    for mode in ("textbook", "fast", "exact", "textbook", "fast"):
        run_as(model, mode)
        results.setdefault(mode, []).append(step(model))
        optimizer.step()
        assert list(map(id, model.parameters())) == parameters
        assert list(model.state_dict()) == keys
    assert calls == ["rpn", "predictor"] * 5
    assert len(optimizer.state) == sum(p.requires_grad for p in model.parameters())
    assert all(state["momentum_buffer"].abs().sum() > 0 for state in optimizer.state.values())
    assert results["textbook"][0] == results["textbook"][1] == results["exact"][0]
    assert results["fast"][0] == results["fast"][1]
    for name, loss in results["fast"][0].items():
        assert loss.item() == pytest.approx(results["exact"][0][name].item(), rel=1e-3)


@pytest.mark.parametrize("mode", MODES)
def test_copies_and_pickles_run_as_the_original(mode: str, frozen_resnet: nn.Module) -> None:
    model = run_as(copy.deepcopy(frozen_resnet), mode).eval()
    with torch.no_grad():
        expected = model(IMAGES)
    buffer = io.BytesIO()
    torch.save(model, buffer)
    buffer.seek(0)
    others = (
        copy.deepcopy(model),
        pickle.loads(pickle.dumps(model)),
        torch.load(buffer, weights_only=False),
    )
    for other in others:
        assert list(classes_of(other)) == list(classes_of(model))
        with torch.no_grad():
            found = other(IMAGES)
        assert all(torch.equal(a[name], b[name]) for a, b in zip(found, expected) for name in b)


def test_a_subclass_and_a_custom_part_are_never_exchanged() -> None:
    class OwnHeads(frcnn_edu.RoIHeads):
        pass

    class OwnBlock(BasicBlock):
        pass

    class OwnMatcher(frcnn_edu.Matcher):
        pass

    model = frcnn_edu.fasterrcnn_small_fpn()
    model.roi_heads.__class__ = OwnHeads
    model.rpn.proposal_matcher.__class__ = OwnMatcher
    model.backbone.body["layer1"][0].__class__ = OwnBlock
    custom = nn.Sequential(nn.Conv2d(3, 8, 1), nn.BatchNorm2d(8), nn.ReLU())
    model.custom = custom
    for mode in MODES:
        run_as(model, mode)
        assert type(model.roi_heads) is OwnHeads
        assert type(model.rpn.proposal_matcher) is OwnMatcher
        assert type(model.backbone.body["layer1"][0]) is OwnBlock
        assert list(map(type, custom.modules())) == [nn.Sequential, nn.Conv2d, nn.BatchNorm2d, nn.ReLU]
        assert {type(m) for m in model.modules() if isinstance(m, nn.Conv2d)} == {nn.Conv2d}


def test_a_method_wrapped_in_one_mode_goes_on_to_work_in_the_others() -> None:
    model = frcnn_edu.fasterrcnn_small_fpn().eval()
    image, calls = torch.rand(3, 64, 64), Counter()

    def wrap(thing: Any, name: str) -> None:
        method = getattr(thing, name)
        setattr(thing, name, lambda *args: calls.update([name]) or method(*args))

    with torch.inference_mode():
        (expected,) = run_as(model, "textbook")([image])
        run_as(model, "fast")
        wrap(model.roi_heads, "postprocess_detections")
        wrap(model.backbone.body["layer1"][0], "forward")
        for mode in ("fast", "textbook", "exact", "fast"):
            (found,) = run_as(model, mode)([image])
            torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)
    assert calls == {"postprocess_detections": 4, "forward": 4}


def test_torchvisions_model_stays_torchvisions() -> None:
    from torchvision.models.detection import fasterrcnn_resnet50_fpn

    with torch.device("meta"):
        model = fasterrcnn_resnet50_fpn(weights=None, weights_backbone=None)
    before = [cls for cls in classes_of(model) if cls is not Conv2dNormActivation]
    run_as(model, "fast")
    assert [cls for cls in classes_of(model) if not issubclass(cls, Conv2dNormActivation)] == before


def test_a_mode_that_does_not_exist() -> None:
    with pytest.raises(ValueError, match="there is no mode 'quick'; choose one of textbook, exact, fast"):
        run_as(nn.ReLU(), "quick")
