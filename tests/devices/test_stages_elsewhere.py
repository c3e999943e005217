"""Each stage on a device that is not the CPU: it mixes nothing, and leaves what it makes there.

Proved on the pretended device of ``elsewhere.py``, which computes with values: sampling, NMS and the lengths that follow from
them as well as convolutions. ``test_fake_tensors.py`` asks PyTorch's own fake tensors about those stages that need no values.
"""

import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from elsewhere import Elsewhere, MixedDevices, elsewhere, left_on_the_cpu
from stages import INSIDE, batch_on, nms_of_known_groups, small_model, stages
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves

import frcnn_edu
from frcnn_edu import run_as
from frcnn_edu.model.fast import MODES, cache
from frcnn_edu.model.transform import ImageList
from frcnn_edu.ops.boxes import _nms_group_by_group, batched_nms

PACKAGE = Path(frcnn_edu.__file__).parent


def check(made: Any) -> None:
    """All tensors of a result are elsewhere."""
    values = [value.tensors if isinstance(value, ImageList) else value for value in tree_leaves(made)]
    tensors = [value for value in values if isinstance(value, Tensor)]
    assert tensors
    for tensor in tensors:
        assert isinstance(tensor, Elsewhere), f"of shape {tuple(tensor.shape)} on the CPU"


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", ["cuda", "mps"])
def test_every_stage(name: str, mode: str) -> None:
    model = run_as(small_model(), mode)
    with elsewhere(name) as device:
        of_model = stages(model.to(device), *batch_on(device))
        assert list(of_model) == list(INSIDE)
        for stage, run in of_model.items():
            try:
                check(run())
            except Exception as error:
                error.add_note(f"in the stage {stage}")
                raise


@pytest.mark.slow
@pytest.mark.parametrize("stage", INSIDE)
def test_a_tensor_left_on_the_cpu_is_seen(stage: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model = small_model()
    with elsewhere("cuda") as device:
        run = stages(model.to(device), *batch_on(device))[stage]
        owner, name = INSIDE[stage][0](model), INSIDE[stage][1]
        monkeypatch.setattr(owner, name, left_on_the_cpu(getattr(owner, name)))
        cache._CACHES.clear()
        with pytest.raises((MixedDevices, AssertionError), match="on the CPU"):
            check(run())


class Places(TorchFunctionMode):
    """Collects the lines of the package that name a device; at one of them the device is forgotten."""

    def __init__(self, forget: str | None = None) -> None:
        super().__init__()
        self.forget = forget
        self.seen: dict[str, None] = {}

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        frame = sys._getframe(1)
        file = Path(frame.f_code.co_filename)
        named = "device" in kwargs or (func is Tensor.to and any(isinstance(a, torch.device) for a in args))
        if named and file.is_relative_to(PACKAGE):
            place = f"{file.relative_to(PACKAGE)}:{frame.f_lineno}"
            self.seen[place] = None
            if place == self.forget:
                kwargs.pop("device", None)
                args = [a for a in args if not isinstance(a, torch.device)]
        return func(*args, **kwargs)


def run_model(mode: str, forget: str | None = None) -> list[str]:
    """Trains and detects; the lines that named a device."""
    model = run_as(small_model(), mode)
    with elsewhere("cuda") as device:
        model.to(device)
        images, targets = batch_on(device)
        places = Places(forget)
        with places:
            losses = model.train()(images, targets)
            sum(losses.values()).backward()
            detections = model.eval()(images)
            boxes, scores, labels = (detections[0][name] for name in ("boxes", "scores", "labels"))
            kept = [
                _nms_group_by_group(boxes, scores, labels, 0.5),
                nms_of_known_groups(boxes.repeat(9, 1), scores.repeat(9)),
            ]
            none_kept = batched_nms(boxes[:0], boxes[:0, 0], labels[:0], 0.5)
            check([losses, detections, *kept, none_kept])
    return list(places.seen)


FILES = {
    "textbook": {"model/transform.py", "model/roi_heads.py", "model/anchors.py", "ops/box_coder.py", "ops/sampler.py"},
    "fast": {"model/transform.py", "model/fast/rpn.py", "model/fast/roi_heads.py", "model/fast/boxes.py"},
}


@pytest.mark.slow
@pytest.mark.parametrize("mode", FILES)
def test_each_line_that_names_a_device_is_needed(mode: str) -> None:
    """Forget it there, and the check fails."""
    places = run_model(mode)
    assert {place.split(":")[0] for place in places} >= FILES[mode]
    assert [place for place in places if not is_noticed(mode, place)] == []


def is_noticed(mode: str, place: str) -> bool:
    try:
        run_model(mode, forget=place)
    except (MixedDevices, AssertionError):
        return True
    except RuntimeError as error:
        return "same device" in str(error)  # PyTorch's own words, where it looks before ours do
    return False
