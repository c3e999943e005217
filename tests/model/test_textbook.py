"""Does the textbook read like one? It is short where the paper is short, says why, and knows nothing of speed."""

import ast
import inspect
import io
import re
import textwrap
import tokenize
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import frcnn_edu
from frcnn_edu import FeaturePyramidNetwork, Matcher, RegionProposalNetwork

PACKAGE = Path(frcnn_edu.__file__).parent
FILES = sorted([*PACKAGE.glob("model/*.py"), *PACKAGE.glob("ops/*.py")])
# What happens to an image, stage by stage; the other files put models together, and read and write them.
STAGES = [
    "transform",
    "resnet",
    "fpn",
    "frozen_batch_norm",
    "anchors",
    "rpn",
    "roi_align",
    "roi_heads",
    "generalized_rcnn",
]
OPS = ["boxes", "box_coder", "matcher", "sampler", "losses"]


def lines(source: str) -> tuple[set[int], set[int]]:
    """Which lines have code, and which have a comment, beside code or alone; docstrings are neither."""
    docstrings: set[int] = set()
    for node in ast.walk(ast.parse(source)):
        body = getattr(node, "body", None)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None:
            docstrings |= set(range(body[0].lineno, body[0].end_lineno + 1))  # type: ignore[index]
    code, comments = set(), set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            comments.add(token.start[0])
        elif token.type in (tokenize.NAME, tokenize.OP, tokenize.NUMBER, tokenize.STRING):
            code |= set(range(token.start[0], token.end[0] + 1))
    return code - docstrings, comments


def body(function: Callable[..., Any]) -> str:
    """The source of a function below its signature."""
    source = textwrap.dedent(inspect.getsource(function))
    (definition,) = ast.parse(source).body
    assert isinstance(definition, ast.FunctionDef)
    return "\n".join(source.splitlines()[definition.body[0].lineno - 1 :])


def test_the_stages_say_why() -> None:
    """One line in four has a comment: a shape, or a reason."""
    code, comments = 0, 0
    for file in [
        *(PACKAGE / "model" / f"{name}.py" for name in STAGES),
        *(PACKAGE / "ops" / f"{name}.py" for name in OPS),
    ]:
        with_code, with_comment = lines(file.read_text(encoding="utf-8"))
        code, comments = code + len(with_code), comments + len(with_comment)
        assert len(with_comment) >= 0.2 * len(with_code), file.name
    assert comments >= 0.25 * code


def test_lines_are_counted() -> None:
    source = '"""Not counted."""\n\n# why\nx = [  # what\n    1,\n]\n\n\ndef f():\n    """Not\n    counted."""\n'
    code, comments = lines(source)
    assert (code, comments) == ({4, 5, 6, 9}, {3, 4})


def test_the_region_proposal_network_fits_in_fifteen_lines() -> None:
    code, _ = lines(textwrap.dedent(body(RegionProposalNetwork.forward)))
    assert len(code) <= 15


def test_the_pyramid_and_the_matcher_say_what_the_papers_say() -> None:
    assert "lateral + F.interpolate(top_down" in inspect.getsource(FeaturePyramidNetwork.forward)
    steps = re.findall(r"# (\d)\. ", inspect.getsource(RegionProposalNetwork.filter_proposals))
    assert steps == list("1234567")  # as notebook 09 counts them
    code, _ = lines(textwrap.dedent(body(Matcher.__call__)))
    assert len(code) <= 12


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}/{file.name}")
def test_nothing_is_there_for_speed(file: Path) -> None:
    if file.name in ("export.py", "timm_backbone.py", "weights.py", "checks.py"):  # which compute nothing
        return
    source = file.read_text(encoding="utf-8")
    for word in (
        "non_blocking",
        "is_compiling",
        "is_exporting",
        "memory_format",
        "channels_last",
        "cache",
        "utils.checkpoint",
        "out=",
    ):
        assert not re.search(rf"\b{re.escape(word)}", source), f"{file.name} has {word!r}"
    assert not re.search(r"\.(add|sub|mul|div|clamp)_\(", source), f"{file.name} writes over a tensor"


def test_the_textbook_knows_nothing_of_the_shelf() -> None:
    """But for one line of `FasterRCNN`."""
    shelf = r"^\s*(from \S*\bfast\b\S* import|from \S+ import .*\bfast\b|import \S*\bfast\b)"
    importing = {file.name for file in FILES if re.search(shelf, file.read_text(encoding="utf-8"), re.MULTILINE)}
    assert importing == {"faster_rcnn.py"}
    assert len(re.findall(r"run_as\(self", (PACKAGE / "model" / "faster_rcnn.py").read_text(encoding="utf-8"))) == 1
