"""Help and mistakes are answered without importing PyTorch, and the package imports no more than is used."""

import ast
import importlib
import json
import os
import pkgutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

import frcnn_edu
from frcnn_edu import data, lessons, model, ops, training
from frcnn_edu.catalogue import MODEL_NAMES, SHIPPED_WEIGHTS
from frcnn_edu.commands.options import COMMANDS
from frcnn_edu.lessons import explore
from frcnn_edu.model.builders import PUBLISHED

HELPS = [["--help"], *([command.name, "--help"] for command in COMMANDS)]
MISTAKES = [  # part of the message, command; in a folder with what `folder` puts there
    ("the following arguments are required: COMMAND", ""),
    ("invalid choice: 'paint'", "paint"),
    ("unrecognized arguments: --fast (python -m frcnn_edu train --help)", "train --fast"),
    ("unrecognized arguments: --batchsize 3; did you mean --batch-size?", "train --batchsize 3"),
    ("--images is the folder of a data set's images; shapes, which is built in, has no files", "train --images ."),
    ("invalid float value: 'much'", "train --lr much"),
    ("invalid choice: 'adam'", "train --optimizer adam"),
    ("--resume needs --out DIR", "train --resume"),
    ("there is no checkpoint none/checkpoint.pt", "train --resume --out none"),
    ("old already contains a run; add --resume", "train --out old"),
    ("there is no model 'large'; choose one of: small, resnet50_fpn", "train --model large"),
    ("old has files that are not an earlier site; give the name of a new or empty folder", "site --out old"),
    ("--out a.jpg is a file; give the name of a folder", "site --out a.jpg"),
    ("give --minutes or --epochs, not both", "train --minutes 1 --epochs 1"),
    ("--minutes is -1.0; expected a positive number", "train --minutes -1"),
    ("--lr is 0.0; expected a positive number", "train --lr 0"),
    ("--batch-size is 0; expected at least 1", "train --batch-size 0"),
    ("--batch-size 2 cannot be divided by 1 process × --accumulate=5", "train --model resnet50_fpn --accumulate 5"),
    ("--batch-size 4 cannot be divided by 1 process × --accumulate=5", "train --accumulate 5"),
    ("--batch-size 4 cannot be divided by 1 process × --accumulate=3", "train --batch-size 4 --accumulate 3"),
    ("--minutes is 0.0; expected a positive number", "train --resume --out old --minutes 0"),
    ("give --minutes or --epochs, not both", "train --resume --out old --minutes 1 --epochs 1"),
    ("--out a.jpg is a file; give the name of a folder", "train --out a.jpg"),
    ("--out a.jpg/run: a.jpg is a file, not a folder", "train --out a.jpg/run"),
    ("invalid value: 'tpu' (expected cuda, cuda:1, mps or cpu)", "train --device tpu"),
    ("--workers is -1; expected 0 or more", "train --workers -1"),
    ("--seed is -1; expected 0 or more", "train --seed -1"),
    ("--scale-jitter is (1.4, 0.7); expected (smallest, largest)", "train --scale-jitter 1.4 0.7"),
    ("--min-size 0: expected 1 or more", "train --min-size 0"),
    ("--trainable-backbone-layers -1: expected 0 or more", "train --model resnet50_fpn --trainable-layers -1"),
    (
        "--model 'small' has no pretrained backbone; leave --weights-backbone out, or",
        "train --model small --weights-backbone DEFAULT",
    ),
    (
        "model 'small' trains all its layers; leave --trainable-layers out",
        "train --model small --trainable-layers 1",
    ),
    ("--weights none.pth: there is no such file", "train --weights none.pth"),
    ("--weights-backbone runs/none: there is no such file", "train --weights-backbone runs/none"),
    ("no data set at 'nowhere'", "train --data nowhere"),
    ("has no split 'test'; it has train, val (Pascal VOC", "train --data voc --evaluate-on test"),
    ("there is no folder Annotations beside JPEGImages/", "train --data half"),
    ("has no split 'test'; it has train, val (COCO, train.json)", "train --data train.json --evaluate-on test"),
    ("has no split 'test'; it has train, val (Penn-Fudan", "train --data people --evaluate-on test"),
    ("alone: alone/PNGImages does not exist", "train --data alone"),
    ("--json empty is a folder; give the name of a file", "evaluate --json empty"),
    ("--report a.jpg/b.html: a.jpg is a file, not a folder", "evaluate --report a.jpg/b.html"),
    ("there is no checkpoint none.pt", "evaluate --checkpoint none.pt"),
    ("--batch-size is 0; expected at least 1", "evaluate --batch-size 0"),
    ("--score-threshold is -1.0; expected 0 to 1", "evaluate --score-threshold -1"),
    ("--max-detections 0: expected 1 or more", "evaluate --max-detections 0"),
    ("--weights needs --data", "evaluate --weights DEFAULT"),
    ("give --checkpoint or --weights, not both", "evaluate --weights DEFAULT --checkpoint a.jpg"),
    ("--weights none.pth: there is no such file", "evaluate --weights none.pth --data voc"),
    ("no data set at 'nowhere'", "evaluate --data nowhere"),
    ("has no split 'test'", "evaluate --data voc --split test"),
    ("the following arguments are required: IMAGE_OR_FOLDER", "detect"),
    ("there is no file or folder gone.jpg", "detect gone.jpg"),
    ("the folder empty holds no image", "detect empty"),
    ("--score-threshold is 3.0; expected 0 to 1", "detect --score-threshold 3 a.jpg"),
    ("--out a.jpg is a file; give the name of a folder", "detect a.jpg --out a.jpg"),
    ("a.png already exists; add --overwrite, or choose a different --out", "detect a.jpg --out ."),
    ("a drawing would overwrite the image a.png; choose a different --out", "detect a.png --out . --overwrite"),
    (
        "lessons/detections.json is a folder, but a file has to be written there",
        "detect a.jpg --out lessons --overwrite",
    ),
    ("--max-detections 0: expected 1 or more", "detect a.jpg --max-detections 0"),
    ("give --checkpoint or --weights, not both", "detect a.jpg --weights DEFAULT --checkpoint a.png"),
    ("--weights none.pth: there is no such file", "detect a.jpg --weights none.pth"),
    ("--classes needs --weights", "detect a.jpg --classes cat"),
    ("got cat twice", "detect a.jpg --weights DEFAULT --classes cat,cat"),
    ("there is no checkpoint none.pt", "detect a.jpg --checkpoint none.pt"),
    ("give --height and --width, or neither", "export --height 5"),
    ("--width -5: expected 1 or more", "export --height 5 --width -5"),
    ("--out empty is a folder; give the name of a file", "export --out empty"),
    ("there is no checkpoint none.pt", "export --checkpoint none.pt"),
    ("there is no file or folder gone.jpg", "export --images gone.jpg"),
    ("no data set at 'nowhere'", "check-data nowhere"),
    ("--max-size 0: expected 1 or more", "check-data voc --max-size 0"),
    ("there is no folder Annotations", "check-data half"),
    ("has no split 'test'; it has train, val (Pascal VOC", "check-data voc --split test"),
    ("--out a.jpg is a file; give the name of a folder", "check-data voc --out a.jpg"),
    ("--out a.jpg is a file; give the name of a folder", "figures --out a.jpg"),
    ("there is no model 'large'; choose one of: small, ", "check-data voc --model large"),
    ("there are no notebooks in ", "notebooks"),
    ("no notebook's name begins with '99'", "notebooks --folder lessons 99"),
    ("--json empty is a folder; give the name of a file", "benchmark --json empty"),
    ("--repeats 0: expected 1 or more", "benchmark --repeats 0"),
    ("--sizes 63: expected 64 or more", "benchmark --sizes 400 63"),
    ("--explorers rio_align: expected names from whole_path, fpn_levels", "benchmark --explorers rio_align"),
]
HEAVY = ("matplotlib", "ipywidgets", "anywidget", "pycocotools", "lightning_fabric", "timm", "IPython", "nbformat")
LAZY = {"frcnn_edu": frcnn_edu, "data": data, "training": training}

ANSWER = """
import contextlib, io, json, sys
from frcnn_edu import cli

answers = []
for command in json.load(sys.stdin):
    out, errors = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(errors):
        try:
            status = cli.main(command)
        except SystemExit as end:
            status = end.code
    answers.append((status, out.getvalue(), errors.getvalue(), "torch" in sys.modules))
json.dump(answers, sys.stdout)
"""


class Answer(NamedTuple):
    """How a command ended, what it said, and whether PyTorch was imported by then."""

    status: int
    out: str
    errors: str
    waited: bool


def in_a_new_process(code: str, given: str = "", folder: Path | None = None) -> str:
    """What the code prints in a Python that has imported nothing yet."""
    environment = os.environ | {"PYTHONPATH": str(Path(frcnn_edu.__file__).parent.parent), "COLUMNS": "200"}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, input=given, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the commands are run: a run, an image with its drawing, a notebook, and the outlines of data sets."""
    root = tmp_path_factory.mktemp("start")
    folders = "old empty lessons voc/JPEGImages voc/Annotations voc/ImageSets/Main half/JPEGImages people/PedMasks people/PNGImages alone/PedMasks lessons/detections.json"
    files = "old/metrics.json a.jpg a.png lessons/01.ipynb train.json voc/ImageSets/Main/train.txt voc/ImageSets/Main/val.txt"
    for name in folders.split():
        (root / name).mkdir(parents=True)
    for name in files.split():
        (root / name).touch()
    (root / "train.json").write_text('{"images": [], "annotations": [], "categories": []}')
    return root


@pytest.fixture(scope="module")
def answers(folder: Path) -> dict[str, Answer]:
    """The answers to all commands, one after another in one process."""
    commands = [*HELPS, *(command.split() for _, command in MISTAKES)]
    said = json.loads(in_a_new_process(ANSWER, json.dumps(commands), folder))
    return {" ".join(command): Answer(*answer) for command, answer in zip(commands, said, strict=True)}


@pytest.mark.parametrize("command", HELPS, ids=" ".join)
def test_help_needs_no_pytorch(answers: dict[str, Answer], command: list[str]) -> None:
    answer = answers[" ".join(command)]
    assert (answer.status, answer.errors, answer.waited) == (0, "", False)
    assert "example" in answer.out


def test_help_names_what_the_heavy_modules_know(answers: dict[str, Answer]) -> None:
    assert ", ".join(model.MODELS) in answers["train --help"].out
    assert tuple(model.MODELS) == tuple(PUBLISHED) == MODEL_NAMES
    assert training.SHIPPED == PUBLISHED["small"] == SHIPPED_WEIGHTS
    assert SHIPPED_WEIGHTS.is_file()


@pytest.mark.parametrize(("message", "command"), MISTAKES, ids=[command for _, command in MISTAKES])
def test_a_mistake_is_answered_without_pytorch(answers: dict[str, Answer], message: str, command: str) -> None:
    answer = answers[command]
    assert message in answer.errors
    assert (answer.status, answer.out, answer.waited) == (2, "", False)
    assert answer.errors.startswith("error: ")
    assert len(answer.errors.splitlines()) == 1


def test_several_processes_need_a_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    ((status, _, errors, waited),) = json.loads(in_a_new_process(ANSWER, json.dumps([["train"]])))
    assert (status, waited) == (2, False)
    assert "several processes need --out DIR" in errors


def test_importing_the_package_imports_little() -> None:
    code = f"""
import json, sys, frcnn_edu
first = "torch" in sys.modules
import frcnn_edu.model
json.dump([first, [name for name in {HEAVY} if name in sys.modules]], sys.stdout)
"""
    assert json.loads(in_a_new_process(code)) == [False, []]


@pytest.mark.parametrize("package", LAZY.values(), ids=LAZY)
def test_every_name_is_there_and_listed(package: object) -> None:
    names = package.__all__  # type: ignore[attr-defined]
    assert len(set(names)) == len(names) > 5
    assert set(names) <= set(dir(package))
    assert all(getattr(package, name) is not None for name in names)
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        package.nothing  # type: ignore[attr-defined]  # noqa: B018


def test_the_package_has_the_names_of_model_and_ops() -> None:
    names: dict = {}
    exec("from frcnn_edu import *", names)
    for part in (model, ops):
        for name in part.__all__:
            assert names[name] is getattr(frcnn_edu, name) is getattr(part, name)
    assert frcnn_edu.ops is ops
    assert frcnn_edu.training is training


def test_modules_are_attributes_as_of_any_package() -> None:
    code = "import frcnn_edu; print(frcnn_edu.training.engine.__name__, frcnn_edu.data.voc.__name__, frcnn_edu.cli.__name__)"
    assert in_a_new_process(code).split() == ["frcnn_edu.training.engine", "frcnn_edu.data.voc", "frcnn_edu.cli"]


def test_type_checkers_see_the_names() -> None:
    """A strict one takes `from .a import b` for private, and `from .a import b as b` for public."""
    (block,) = [part for part in ast.parse(Path(frcnn_edu.__file__).read_text()).body if isinstance(part, ast.If)]
    imported = [alias for line in block.body for alias in line.names if alias.name != "*"]  # type: ignore[attr-defined]
    assert [alias.name for alias in imported if alias.asname != alias.name] == []
    assert len(imported) > 5


@pytest.mark.parametrize("package", LAZY.values(), ids=LAZY)
def test_no_module_takes_the_place_of_a_name(package: object) -> None:
    """`from .evaluate import evaluate` would give the function or the module, whichever was imported last."""
    modules = {module.name for module in pkgutil.iter_modules(package.__path__)}  # type: ignore[attr-defined]
    assert not modules & set(package.__all__)  # type: ignore[attr-defined]


def test_explorers_are_those_of_their_lessons() -> None:
    assert [lesson for lesson in lessons.LESSONS if lesson in lessons.EXPLORER_OF] == list(lessons.EXPLORER_OF)
    assert tuple(explore.EXPLORERS) == lessons.EXPLORER_NAMES
    for lesson, name in lessons.EXPLORER_OF.items():
        (explorer,) = importlib.import_module(f"frcnn_edu.lessons.{lesson}.explorer").__all__
        assert explorer in explore.EXPLORERS[name].__code__.co_names
