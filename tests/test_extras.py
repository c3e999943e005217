"""A base install says which extra to install; an installed package brings the notebooks."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from frcnn_edu import cli
from frcnn_edu.extras import EXTRAS, NAMES_FOR_PIP, advice

ROOT = Path(__file__).parent.parent
WITHOUT = """
import sys
from importlib.abc import MetaPathFinder
from importlib.machinery import PathFinder

class Missing(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {missing}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Missing())
import importlib.util
found = importlib.util.find_spec
importlib.util.find_spec = lambda name, package=None: None if name.partition(".")[0] in {missing} else found(name, package)
"""


def test_extras_are_those_of_the_project() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    for extra, packages in EXTRAS.items():
        names = {re.split(r"[><=]", requirement)[0] for requirement in declared[extra]}
        assert {NAMES_FOR_PIP.get(package, package.replace("_", "-")) for package in packages} <= names


def test_advice() -> None:
    assert advice("nbformat", "torch", "nowhere_at_all") is None


@pytest.mark.parametrize(
    ("command", "packages"),
    [
        ("['notebooks']", "nbclient, nbformat, ipykernel, ipywidgets and anywidget"),
        ("['benchmark', '--explorers']", "nbclient"),
        ("['site']", "nbformat, sphinx, myst-parser, latex2mathml, ziamath, fonttools and polib"),
        ("['notebooks', '--extract']", "nbformat, polib, markdown-it-py, mdit-py-plugins and babel"),
        ("['export']", "onnx, onnxscript and onnxruntime"),
    ],
)
def test_a_command_names_what_it_lacks(command: str, packages: str, tmp_path: Path) -> None:
    missing = {package for packages in EXTRAS.values() for package in packages}
    code = WITHOUT.format(missing=missing) + f"from frcnn_edu import cli\nsys.exit(cli.main({command}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, env=environment())
    assert done.returncode == 2
    assert done.stderr.startswith(f"error: this needs {packages}")
    assert f"pip install {packages.partition(',')[0]}" in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.slow
def test_what_is_imported_later_names_its_extra(tmp_path: Path) -> None:
    missing = {package for packages in EXTRAS.values() for package in packages}
    code = (
        WITHOUT.format(missing=missing)
        + "import frcnn_edu\nfrcnn_edu.fasterrcnn_small_fpn\nfrom frcnn_edu.lessons import explore"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, env=environment())
    assert done.stderr.splitlines()[-1] == (
        "ModuleNotFoundError: this needs ipywidgets: pip install ipywidgets (in the extra 'course' of this package)"
    )


@pytest.mark.slow
def test_living_explorers_in_a_page_of_nbconvert_do_not_need_the_extra_of_the_site(tmp_path: Path) -> None:
    missing = {*EXTRAS["site"]} - {"fontTools"}  # which Matplotlib brings
    code = WITHOUT.format(missing=missing) + "import frcnn_edu.site.exporter, frcnn_edu.site.explorers"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, env=environment())
    assert done.returncode == 0, done.stderr


def environment() -> dict[str, str]:
    import os

    return os.environ | {"PYTHONPATH": str(ROOT)}


def test_notebooks_are_copied_and_nothing_is_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "course"
    assert cli.main(["notebooks", "--copy-to", str(target), "05", "06"]) == 0
    copied = sorted(path.relative_to(target).as_posix() for path in target.rglob("*") if path.is_file())
    assert [name for name in copied if "/" not in name] == ["05_stride_grid.ipynb", "06_rpn_head.ipynb", "sanitize.cfg"]
    assert any(name.startswith("solutions/05") for name in copied)
    first = target / "05_stride_grid.ipynb"
    assert first.read_bytes() == (ROOT / "notebooks" / first.name).read_bytes()
    first.write_text("mine")
    capsys.readouterr()
    assert cli.main(["notebooks", "--copy-to", str(target)]) == 0
    assert first.read_text() == "mine"
    assert f"; {len(copied)} that already existed were kept" in capsys.readouterr().out
    assert len(list(target.glob("*.ipynb"))) == len(list((ROOT / "notebooks").glob("*.ipynb")))


def test_notebooks_are_copied_in_another_language(tmp_path: Path) -> None:
    target = tmp_path / "course"
    assert cli.main(["notebooks", "--copy-to", str(target), "--language", "zh_CN", "05"]) == 0
    copied = {path.relative_to(target).as_posix() for path in target.rglob("*") if path.is_file()}
    name = "05_stride_grid.ipynb"
    assert copied == {name, f"deeper/{name}", f"solutions/{name}", "sanitize.cfg"}
    assert (target / name).read_bytes() == (ROOT / "notebooks" / "zh" / name).read_bytes()
