"""Python values as JavaScript: plain ones are written out, tensors and objects go into a file of data."""

import json
import math
from typing import Any

PLAIN = (int, float, str, bool, type(None))


def is_plain(value: Any) -> bool:
    """Whether a value can be written out: numbers, texts, and tuples, lists and dicts of these."""
    if isinstance(value, tuple | list):
        return type(value) in (tuple, list) and all(map(is_plain, value))
    if isinstance(value, dict):
        return all(is_plain(key) and is_plain(entry) for key, entry in value.items())
    return isinstance(value, PLAIN)


def literal(value: Any) -> str:
    """A plain value in JavaScript. A tuple is a frozen array, as it cannot be changed either."""
    match value:
        case None:
            return "null"
        case _ if value is ...:
            return "$.Ellipsis"
        case bool():
            return str(value).lower()
        case float() if math.isinf(value) or math.isnan(value):
            return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
        case int() | float():
            return repr(value).removesuffix(".0")
        case str():
            return json.dumps(value, ensure_ascii=False)
        case tuple():
            return f"$.pack({', '.join(map(literal, value))})"
        case list():
            return f"[{', '.join(map(literal, value))}]"
        case dict():
            return f"$.dict([{', '.join(f'[{literal(key)}, {literal(entry)}]' for key, entry in value.items())}])"
    raise TypeError(f"{value!r} cannot be written out as JavaScript")
