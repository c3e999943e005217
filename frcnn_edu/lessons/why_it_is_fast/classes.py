"""Excerpts of the textbook's classes and the fast ones, to read side by side."""

import ast
import inspect
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import frcnn_edu

PACKAGE = Path(frcnn_edu.__file__).parent

#: The notebook's ideas in each class, by the name of the textbook's class.
IDEAS = {
    "BackboneWithFPN": "5",
    "IntermediateLayerGetter": "4, 7",
    "Stage": "9",
    "Bottleneck": "4, 7",
    "BasicBlock": "4, 7",
    "Conv2dNormActivation": "4, 7",
    "FrozenBatchNorm2d": "cache",
    "FeaturePyramidNetwork": "9",
    "AnchorGenerator": "cache",
    "RegionProposalNetwork": "1, 6, 8",
    "MultiScaleRoIAlign": "3, 8",
    "RoIHeads": "1, 8",
    "BoxCoder": "8",
    "Matcher": "2",
    "BalancedPositiveNegativeSampler": "8",
}


def excerpt(function: Callable[..., Any], first: str = "", number: int | None = None) -> str:
    """Some lines of a function's source, below its name and file.

    Args:
        first: part of the first line to show; by default the first after the docstring.
        number: number of lines; by default all that follow.

    Raises:
        ValueError: no line contains `first`.
    """
    source = textwrap.dedent(inspect.getsource(function))
    lines = source.splitlines()
    definition: Any = ast.parse(source).body[0]
    statement = definition.body[0]
    has_docstring = ast.get_docstring(definition) is not None
    start = statement.end_lineno if has_docstring else statement.lineno - 1
    if first:
        start = next((index for index, line in enumerate(lines) if first in line), None)
        if start is None:
            raise ValueError(f"{function.__qualname__} has no line with {first!r}: look at its source and choose one")
    shown = lines[start:] if number is None else lines[start : start + number]
    file = Path(inspect.getfile(function))
    place = file.relative_to(PACKAGE).as_posix() if file.is_relative_to(PACKAGE) else file.name
    body = textwrap.indent(textwrap.dedent("\n".join(shown)).rstrip(), "    ")
    return f"{function.__qualname__}, {place}:\n{body}"
