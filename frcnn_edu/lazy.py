"""Packages that import a name when it is first used, so that `--help` need not wait for PyTorch.

Such a package lists its imports below `if TYPE_CHECKING:` in its `__init__.py`. Editors and mypy follow them as usual. At run
time the block is read instead of run, and each name is imported on demand (PEP 562), so every name is written down once.
"""

import ast
import importlib
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from .extras import explained


def lazily(package: str, file: str) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """The functions `__getattr__` and `__dir__` of a package that imports its names on demand.

    No name may also be that of a module in the package, because importing the module would replace it.

    Args:
        package, file: the package's `__name__` and `__file__`.
    """
    homes = homes_of(Path(file))

    def get(name: str) -> Any:
        if name not in homes and (name.startswith("_") or find_spec(f"{package}.{name}") is None):
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        try:
            if homes.get(name, ".") == ".":  # a module itself
                return importlib.import_module(f".{name}", package)
            return getattr(importlib.import_module(homes[name], package), name)
        except ModuleNotFoundError as error:
            raise explained(error) from error

    def names() -> list[str]:
        return sorted({*vars(sys.modules[package]), *homes})

    return get, names


def public_names(file: str) -> list[str]:
    """The `__all__` of such a package: what it imports from its modules, without the modules themselves."""
    return [name for name, home in homes_of(Path(file)).items() if home != "."]


def homes_of(init: Path) -> dict[str, str]:
    """Where the names below `if TYPE_CHECKING:` in an `__init__.py` come from: {"ops": ".", "nms": ".ops"}."""
    homes: dict[str, str] = {}
    for block in ast.parse(init.read_text(encoding="utf-8")).body:
        if isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING":
            for statement in block.body:
                if isinstance(statement, ast.ImportFrom):
                    names = [alias.name for alias in statement.names]
                    if names == ["*"]:
                        names = exported_by(init.parent.joinpath(*str(statement.module).split("."), "__init__.py"))
                    homes |= dict.fromkeys(names, f".{statement.module or ''}")
    return homes


def exported_by(init: Path) -> list[str]:
    """The `__all__` of a package, a plain list in its `__init__.py`, without importing it."""
    for statement in ast.parse(init.read_text(encoding="utf-8")).body:
        if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == "__all__":
            return ast.literal_eval(statement.value)
    raise ImportError(f"{init} has no __all__; list the names that the package exports in it")
