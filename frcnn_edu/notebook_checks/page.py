"""The old place of nbconvert's exporter `course`, which installations of before still name; it goes with version 0.2."""

from importlib import import_module
from typing import Any


def __getattr__(name: str) -> Any:
    # By name: `site` builds upon this package, not the other way round.
    return getattr(import_module("frcnn_edu.site.exporter"), name)
