"""The same examples on every run for hypothesis, and where the strategies of tests/ops are found."""

import sys
from pathlib import Path

from hypothesis import settings

sys.path.append(str(Path(__file__).parents[2] / "ops"))
settings.register_profile("frcnn_edu", derandomize=True, deadline=None, max_examples=60)
settings.load_profile("frcnn_edu")
