"""Files as no tool writes them, for hypothesis to draw: changed bytes, and odd values in JSON.

The variable FUZZ sets how many cases each test tries: `FUZZ=20000 python -m pytest tests/data/test_fuzz.py`.
"""

import json
import os
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

fuzz = settings(
    deadline=None, max_examples=int(os.environ.get("FUZZ", "30")), suppress_health_check=[HealthCheck.too_slow]
)


def damaged(content: bytes) -> st.SearchStrategy[bytes]:
    """The content with bytes changed, a part cut out, and a part put in somewhere."""
    place = st.integers(0, len(content))

    def change(flips: list[tuple[int, int]], cut: tuple[int, int], where: int, more: bytes) -> bytes:
        result = bytearray(content)
        for at, value in flips:
            result[at % len(result)] = value
        result[where:where] = more
        if sum(cut) % 3 == 0:
            del result[min(cut) : max(cut)]
        return bytes(result)

    flips = st.lists(st.tuples(place, st.integers(0, 255)), max_size=8)
    return st.builds(change, flips, st.tuples(place, place), place, st.binary(max_size=6))


def odd_json(content: Any, values: st.SearchStrategy[Any]) -> st.SearchStrategy[str]:
    """Nested lists and dicts as JSON, in which up to three values are others."""
    changes = st.lists(st.tuples(st.sampled_from(_places(content)[1:]), values), min_size=1, max_size=3)

    def change(drawn: list[tuple[tuple[Any, ...], Any]]) -> str:
        result = json.loads(json.dumps(content))
        for path, value in drawn:
            inner = result
            try:
                for key in path[:-1]:
                    inner = inner[key]
                inner[path[-1]] = value
            except (LookupError, TypeError):
                pass  # an earlier change has taken that place away
        return json.dumps(result)

    return changes.map(change)


def _places(content: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths to everything in nested lists and dicts."""
    inside = content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    return [path, *(place for key, value in inside for place in _places(value, (*path, key)))]
