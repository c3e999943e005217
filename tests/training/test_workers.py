"""A data set that loading processes cannot be given is named before they start."""

import multiprocessing
import sys
from dataclasses import replace
from types import FunctionType, ModuleType
from typing import Any

import pytest
import torch
from stand_ins import OneWeight, Squares

from frcnn_edu.training import TrainConfig, evaluate
from frcnn_edu.training.loading import load_batches
from frcnn_edu.training.workers import check_workers_can_see

CPU = torch.device("cpu")


@pytest.fixture(params=["spawn", "forkserver"])
def _anew(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes are started as where they are not forked."""
    monkeypatch.setattr(
        multiprocessing, "get_context", lambda: multiprocessing.context._concrete_contexts[request.param]
    )


@pytest.fixture
def _notebook(monkeypatch: pytest.MonkeyPatch) -> None:
    """The program began without a file."""
    monkeypatch.setitem(sys.modules, "__main__", ModuleType("__main__"))


def defined_in_a_cell(thing: Any) -> Any:
    thing.__module__ = "__main__"
    setattr(sys.modules["__main__"], thing.__name__, thing)
    thing.__qualname__ = thing.__name__
    return thing


def twice(image: Any, target: Any) -> Any:
    return image * 2, target


def in_a_cell(kind: str) -> tuple[Any, str]:
    """A data set that needs what a cell defines, and the name of that."""
    if kind == "class":
        return defined_in_a_cell(type("Mine", (Squares,), {}))(), "Mine"
    function = FunctionType(twice.__code__, globals(), "flipped")
    return Squares(transforms=defined_in_a_cell(function)), "flipped"


@pytest.mark.parametrize("kind", ["class", "function"])
@pytest.mark.usefixtures("_anew", "_notebook")
def test_what_a_cell_defines_cannot_be_seen(kind: str, config: TrainConfig) -> None:
    data, name = in_a_cell(kind)
    message = rf"^workers=2, but .* cannot import {name}, which is defined in a notebook cell .*: put it in a file .*, or use workers=0$"
    with pytest.raises(ValueError, match=message):
        load_batches(data, replace(config, workers=2), 0, CPU)
    with pytest.raises(ValueError, match=message):
        evaluate(OneWeight(), data, device=CPU, workers=2)
    load_batches(data, replace(config, workers=0), 0, CPU)


@pytest.mark.usefixtures("_anew")
def test_what_has_no_name_cannot_be_sent() -> None:
    with pytest.raises(ValueError, match=r"^workers=1, but the data set cannot be sent .*lambda.*or use workers=0$"):
        check_workers_can_see(Squares(transforms=lambda image, target: (image, target)), 1)


@pytest.mark.usefixtures("_anew")
def test_what_a_file_defines_can() -> None:
    """Its tensors are not looked at: what is large need not be copied for the question."""

    class Unwilling(torch.Tensor):
        def __reduce_ex__(self, protocol: Any) -> Any:
            raise AssertionError("was copied")

    data = Squares(transforms=twice)
    data.images = torch.rand(3, 4).as_subclass(Unwilling)  # type: ignore[attr-defined]
    check_workers_can_see(data, 2)


@pytest.mark.usefixtures("_notebook")
def test_a_fork_has_all_that_its_parent_has(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(multiprocessing, "get_context", lambda: multiprocessing.context._concrete_contexts["fork"])
    check_workers_can_see(in_a_cell("class")[0], 2)
