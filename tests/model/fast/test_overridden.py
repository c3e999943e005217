"""Whatever somebody puts in the place of a textbook's method or function is called in every mode, as often as in the textbook.

It may stand in the textbook's class, in that of the object, in a file, or on a single object.
"""

import sys
from collections import Counter
from functools import wraps
from inspect import isfunction, isroutine
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from frcnn_edu import FasterRCNN, run_as
from frcnn_edu.benchmark.realistic import make_images, make_realistic, make_targets
from frcnn_edu.model.backbone import BackboneWithFPN
from frcnn_edu.model.fast import MODES, SWAPS
from frcnn_edu.model.fast.plain import _AS_WRITTEN
from frcnn_edu.model.frozen_batch_norm import FrozenBatchNorm2d
from frcnn_edu.model.resnet import BasicBlock, Bottleneck, ResNet

pytestmark = pytest.mark.slow

SETTINGS = dict(
    num_classes=5, min_size=64, max_size=64, rpn_post_nms_top_n_train=30, rpn_post_nms_top_n_test=30,
    box_batch_size_per_image=16, box_score_thresh=0.01,
)  # fmt: skip
IMAGES = make_images((64, 64))
TARGETS = make_targets(IMAGES, (3,), 5)


def places() -> dict[str, tuple[Any, str]]:
    """All that a file of the textbook calls of itself and of others: name → the class or module, and its attribute."""
    found: dict[str, tuple[Any, str]] = {}
    for written in _AS_WRITTEN.values():
        cls, file = written.textbook, written.textbook.__module__
        ours = file.startswith("frcnn_edu")
        names = vars(cls).keys() & (written.of_textbook if ours else {"forward", "_conv_forward"})
        names = {name for name in names if isfunction(getattr(cls, name))}
        if cls is not nn.Sequential:  # of which others inherit
            names |= {"__call__"}
        found |= {f"{cls.__name__}.{name}": (cls, name) for name in sorted(names)}
        for name, values in written.files.items():
            functions = [key for key, value in values.items() if isroutine(value)]
            found |= {f"{name.removeprefix('frcnn_edu.')}.{key}": (sys.modules[name], key) for key in functions}
    return found


PLACES = places()
OF_OBJECTS = [
    name for name, (owner, attribute) in PLACES.items() if isinstance(owner, type) and attribute != "__call__"
]
Noted = Counter[str]


def note(patch: pytest.MonkeyPatch, owner: Any, attribute: str, key: str, noted: Noted) -> None:
    """Puts something of one's own there, which counts its calls."""
    original = getattr(owner, attribute)

    @wraps(original)
    def mine(*args: Any, **kwargs: Any) -> Any:
        noted[key] += 1
        return original(*args, **kwargs)

    patch.setattr(owner, attribute, mine)


def objects(model: nn.Module, cls: type) -> dict[str, Any]:
    """The model's objects of a class, modules and helpers, by their paths."""
    everything = {
        f"{path}.{name}": thing
        for path, module in model.named_modules()
        for name, thing in {"": module, **vars(module)}.items()
    }
    return {path: thing for path, thing in everything.items() if isinstance(thing, cls)}


def thin(block: type[BasicBlock] | type[Bottleneck], expansion: int) -> nn.Module:
    """A ResNet with few channels; its first stage has as many blocks as pay for fewer maps."""
    widths = (8, 8, 16, 16)
    resnet = ResNet(block, (4, 1, 1, 1), num_classes=None, norm_layer=FrozenBatchNorm2d, widths=widths)
    layers = {f"layer{k}": str(k - 1) for k in (1, 2, 3, 4)}
    return FasterRCNN(BackboneWithFPN(resnet, layers, [expansion * width for width in widths], 16), **SETTINGS)


def work(model: nn.Module) -> None:
    """A batch is detected on, and one is trained on."""
    model.roi_heads.box_roi_pool.scales = None  # which it works out once
    with torch.inference_mode():
        model.eval()(IMAGES)
    losses: dict[str, Tensor] = model.train()(IMAGES, TARGETS)
    sum(losses.values()).backward()  # type: ignore[union-attr]


Prepared = tuple[nn.Module, Noted]


def prepare(block: type[BasicBlock] | type[Bottleneck], expansion: int) -> Prepared:
    """A model, and how often the textbook calls what."""
    torch.manual_seed(0)
    model = run_as(thin(block, expansion), "textbook")
    make_realistic(model, IMAGES)
    noted: Noted = Counter()
    with pytest.MonkeyPatch.context() as patch:
        for name, (owner, attribute) in PLACES.items():
            note(patch, owner, attribute, name, noted)
        work(model)
    return model, noted


@pytest.fixture(scope="module")
def of_bottlenecks() -> Prepared:
    return prepare(Bottleneck, 4)


@pytest.fixture(scope="module")
def of_basic_blocks() -> Prepared:
    return prepare(BasicBlock, 1)


@pytest.mark.parametrize("name", PLACES)
def test_what_replaces_it_is_called_as_often(name: str, of_bottlenecks: Prepared, of_basic_blocks: Prepared) -> None:
    model, in_the_textbook = of_basic_blocks if name.startswith("BasicBlock") else of_bottlenecks
    for mode in ("exact", "fast") if in_the_textbook[name] else ():
        run_as(model, mode)
        noted: Noted = Counter()
        with pytest.MonkeyPatch.context() as patch:
            note(patch, *PLACES[name], name, noted)
            work(model)
        assert noted[name] == in_the_textbook[name], mode


@pytest.mark.parametrize("name", [name for name, (owner, _) in PLACES.items() if isinstance(owner, type)])
def test_what_replaces_it_on_the_objects_class_is_called_as_often(
    name: str, of_bottlenecks: Prepared, of_basic_blocks: Prepared
) -> None:
    cls, attribute = PLACES[name]
    for model, in_the_textbook in (of_bottlenecks, of_basic_blocks):
        for mode in ("exact", "fast") if in_the_textbook[name] else ():
            run_as(model, mode)
            classes = {type(thing) for thing in objects(model, cls).values()}
            noted: Noted = Counter()
            with pytest.MonkeyPatch.context() as patch:
                for each in {cls} if cls in classes else classes:  # of a class and its subclass, one
                    note(patch, each, attribute, name, noted)
                work(model)
            assert noted[name] == in_the_textbook[name], mode


@pytest.mark.parametrize("name", OF_OBJECTS)
def test_what_replaces_it_on_one_object_is_called_as_often(
    name: str, of_bottlenecks: Prepared, of_basic_blocks: Prepared
) -> None:
    cls, attribute = PLACES[name]
    for model, in_the_textbook in (of_bottlenecks, of_basic_blocks):
        found = objects(model, cls)
        calls = {}
        for mode in MODES if in_the_textbook[name] else ():
            run_as(model, mode)
            calls[mode] = calls_of_each(model, found, attribute)
        if calls:
            assert calls["exact"] == calls["fast"] == calls["textbook"]
            assert calls["textbook"].total() == in_the_textbook[name]


def calls_of_each(model: nn.Module, found: dict[str, Any], attribute: str) -> Noted:
    """How often each object's own method is called; every third has one at a time, so that its neighbours have none."""
    noted: Noted = Counter()
    for start in range(min(3, len(found))):
        with pytest.MonkeyPatch.context() as patch:
            for path in list(found)[start::3]:
                note(patch, found[path], attribute, path, noted)
            work(model)
    return noted


def test_the_textbook_calls_each_class(of_bottlenecks: Prepared, of_basic_blocks: Prepared) -> None:
    called = of_bottlenecks[1] + of_basic_blocks[1]
    own = [row[0].__name__ for row in SWAPS if "forward" in vars(row[0])]
    assert [name for name in own if not called[f"{name}.forward"]] == []
