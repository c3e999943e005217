"""The promises that the repository as a whole makes: style, types, layers, and a README that tells the truth."""

import ast
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "frcnn_edu"
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = {
    path.relative_to(ROOT).as_posix(): path for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
}


@pytest.mark.parametrize(
    "command",
    [["ruff", "check", "."], ["ruff", "format", "--check", "."], pytest.param(["mypy"], marks=pytest.mark.slow)],
    ids=["ruff check", "ruff format", "mypy"],
)
def test_lint_and_types(command: list[str]) -> None:
    result = subprocess.run([sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr


def imported_by(source: str, folder: tuple[str, ...]) -> set[str]:
    """Top folders of frcnn_edu that a file in ``folder`` with this source imports from."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = folder[: len(folder) - node.level + 1]
            modules = [node.module] if node.module else [alias.name for alias in node.names]
            names |= {".".join((*base, module)) for module in modules}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    return {name.split(".")[1] for name in names if name.startswith("frcnn_edu.")}


ALLOWED = {
    "checks": {"checks"},
    "ops": {"ops", "checks"},
    "model": {"model", "ops", "checks"},
    "data": {"data"},
    "training": {"training", "data", "model", "ops"},
    "viz": {"viz", "training", "model", "ops", "data"},
    "watch": {"watch", "viz", "training"},
    "lessons": {"lessons", "watch", "viz", "training", "model", "ops", "data", "benchmark"},
    "benchmark": {"benchmark", "notebook_checks", "training", "model", "ops", "checks", "data"},
    "notebook_checks": {"notebook_checks", "training"},
    "course": {"notebook_checks"},
    "site": {"site", "lessons", "notebook_checks", "languages", "model"},
    "languages": {"languages", "notebook_checks", "training"},
    "experiments": {"viz", "watch", "training", "model", "ops", "data"},
}
ANYWHERE = {
    "catalogue",
    "exceptions",
    "extras",
    "lazy",
    "words",
}  # files of the package itself, which import nothing but each other


@pytest.mark.parametrize("layer", ALLOWED)
def test_imports_go_one_way(layer: str) -> None:
    for file in sorted((PACKAGE / layer).rglob("*.py")):
        folders = imported_by(file.read_text(encoding="utf-8"), file.relative_to(ROOT).parts[:-1])
        assert folders <= ALLOWED[layer] | ANYWHERE, f"{file.relative_to(ROOT)} imports {folders}"


@pytest.mark.parametrize("file", sorted(ANYWHERE))
def test_what_all_import_imports_nothing(file: str) -> None:
    assert imported_by((PACKAGE / f"{file}.py").read_text(encoding="utf-8"), ("frcnn_edu",)) <= ANYWHERE


def test_imported_by_sees_every_kind_of_import() -> None:
    source = (
        "from ..viz import draw\nfrom .boxes import nms\nimport frcnn_edu.data.voc\nfrom frcnn_edu.training import x\n"
    )
    assert imported_by(source, ("frcnn_edu", "ops")) == {"viz", "ops", "data", "training"}


def test_the_map_names_what_exists() -> None:
    block = re.search(r"```text\n(.*?)```", PAGES["docs/map.md"].read_text(encoding="utf-8"), re.DOTALL)
    assert block, "docs/map.md has no map"
    folders: list[str] = []
    listed = set()
    for line in block[1].splitlines():
        name = line.split()[0] if line.strip() else ""
        depth = (len(line) - len(line.lstrip())) // 2
        folders = folders[:depth]
        path = "/".join([*folders, name.rstrip("/")])
        if name.endswith("/"):
            folders.append(name.rstrip("/"))
        if name:
            listed.add(path)
            assert (ROOT / path).exists(), f"the map names {path}, which does not exist"
    for folder in ("model", "ops"):  # the textbook, file by file
        for file in sorted((PACKAGE / folder).glob("[!_]*.py")):
            assert file.relative_to(ROOT).as_posix() in listed, f"the map leaves out {file.relative_to(ROOT)}"
    for place in sorted(path for path in PACKAGE.iterdir() if path.is_dir() or not path.name.startswith("_")):
        if place.name not in ("__pycache__", "course", "py.typed"):  # course: an old name, for one more version
            assert place.relative_to(ROOT).as_posix() in listed, f"the map leaves out {place.relative_to(ROOT)}"


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    text = PAGES[page].read_text(encoding="utf-8")
    for target in re.findall(r"\]\((?!https?:)([^)#]+)|src=\"([^\"]+)\"", text):
        place = PAGES[page].parent / "".join(target)
        assert place.exists(), f"{page} links to {''.join(target)}, which does not exist"


def test_the_readme_is_short_and_leads_to_every_page() -> None:
    assert len(README.split()) <= 2000
    for page in PAGES:
        assert page == "README.md" or f"]({page})" in README, f"README.md does not link to {page}"


def test_every_requirement_is_pinned_and_has_a_reason() -> None:
    for line in (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            assert re.match(r"(\S+==\S+|-e \.)\s+# \S", line), line


def test_each_test_file_has_a_name_of_its_own() -> None:
    """Pytest imports them by name: of two that are called alike it refuses the second."""
    names = Counter(path.name for path in (ROOT / "tests").rglob("*.py") if path.name != "conftest.py")
    assert [name for name, count in names.items() if count > 1] == []
