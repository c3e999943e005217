"""Json files of annotation tools: which tool wrote them, and what is in them."""

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

from .foreign_formats import format_of

HEAD = 1 << 16  # bytes that identify the files of nearly every tool
MOST = 1 << 26  # bytes that are read if they do not: a long description, or an image within the json, may come first
JSON_KINDS = {
    "coco": "COCO's",
    "labelme": "labelme's",
    "via": "the VGG Image Annotator's",
    "label_studio": "Label Studio's",
}
DECODER = json.JSONDecoder()
BREAKS = (ValueError, IndexError, RecursionError)  # what is raised if a text is damaged or breaks off
_NEXT = re.compile(r"\s*,?\s*")
_COLON = re.compile(r"\s*:\s*")


def json_kind(file: Path) -> str | None:
    """Which tool's json a file seems to be: a key of `JSON_KINDS`, or None.

    The beginning decides, or else the top-level keys of the whole file. Every format calls this; the result is cached
    until the file changes, so that this is quick in a folder of many files.
    """
    try:
        found = file.stat()
    except (OSError, ValueError):
        return None
    return _kind_of(file, found.st_size, found.st_mtime_ns)


@lru_cache(maxsize=1 << 17)
def _kind_of(file: Path, size: int, changed: int) -> str | None:  # size and changed are part of the cache's key
    text = beginning(file, HEAD)
    if format_of(".json", text) is not None:
        return None
    kind = _kind(text)
    if kind is None and text.startswith(("{", "[")) and size > HEAD:
        kind = _kind(beginning(file, MOST))
    return (_kind_by_look(text) if kind is None else kind) or None


def beginning(file: Path, length: int = -1) -> str:
    """The first bytes of a file as text, or all of them, without spaces in front; empty if it cannot be read.

    The encoding is one of those that json may have; characters that are damaged, or cut off, are replaced.
    """
    try:
        with open(file, "rb") as content:
            return _decoded(content.read(length), errors="replace").lstrip()
    except (OSError, ValueError):
        return ""


def first_keys(file: Path) -> dict[str, str]:
    """The top-level keys in the beginning of a json object, each with the first character of its value."""
    text, found = beginning(file, HEAD), dict[str, str]()
    with suppress(*BREAKS):
        for key, place in _top_keys(text):
            found[key] = text[place]
    return found


def read_json(file: Path) -> Any:
    """What a json file holds, in any of the encodings that json may have: UTF-8, or UTF-16, which PowerShell writes.

    Raises:
        ValueError: it cannot be read as json; the message names it.
    """
    try:
        return json.loads(_decoded(file.read_bytes()))
    except (OSError, ValueError, RecursionError) as error:
        raise ValueError(f"cannot read {file} as json: {error}") from error


def _decoded(content: bytes, errors: str = "strict") -> str:
    return content.decode(json.detect_encoding(content), errors)


def _kind(text: str) -> str | None:
    """The kind of a json text; "" if it is none of them, None if the text breaks off, or is damaged, too early."""
    if text.startswith("["):
        return "label_studio" if _is_label_studio(text) else None
    seen: dict[str, str] = {}  # the top-level keys, each with the first character of its value
    try:
        for key, place in _top_keys(text):
            seen[key] = text[place]
            if seen.get("shapes") == "[" and seen.keys() & {"imagePath", "imageData", "version", "flags"}:
                return "labelme"
            if key in ("_via_settings", "_via_img_metadata") or _is_via_entry(text, place):
                return "via"
            if key in ("images", "annotations", "categories") and seen[key] == "[":
                return "coco"
    except BREAKS:
        return None
    return ""


def _top_keys(text: str) -> Iterator[tuple[str, int]]:
    """The keys of a json object, with the places where their values begin; raises one of `BREAKS` if it breaks off."""
    if not text.startswith("{"):
        return
    place = _after(_NEXT, text, 1)
    while text[place] != "}":
        key, place = DECODER.raw_decode(text, place)
        place = _after(_COLON, text, place)
        yield str(key), place
        place = _after(_NEXT, text, DECODER.raw_decode(text, place)[1])


def _after(pattern: re.Pattern[str], text: str, place: int) -> int:
    """The end of what is expected at a place; ValueError if it is not there."""
    if (found := pattern.match(text, place)) is None:
        raise ValueError(f"expected {pattern.pattern} at character {place}")
    return found.end()


def _is_via_entry(text: str, place: int) -> bool:
    """Whether an image with its regions begins here; exports of only the annotations have them under any key."""
    if text[place] != "{":
        return False
    try:
        return {"filename", "regions"} <= DECODER.raw_decode(text, place)[0].keys()
    except (ValueError, RecursionError):  # it may have very many regions
        return all(re.search(rf'"{name}"\s*:', text[place : place + HEAD]) for name in ("filename", "regions"))


def _is_label_studio(text: str) -> bool:
    tasks = all(re.search(look, text) for look in (r'"data"\s*:\s*\{', r'"(?:annotations|completions)"\s*:'))
    results = r'"(?:rectanglelabels|polygonlabels|ellipselabels|brushlabels|original_width)"\s*:'
    return tasks or bool(re.search(results, text)) or bool(re.search(r'"labels"\s*:\s*\[\s*"', text))


def _kind_by_look(head: str) -> str | None:
    """A guess at what a damaged file was, so that its reader can say what is wrong with it."""

    def has(*keys: str, value: str = "") -> bool:
        return any(re.search(rf'"{key}"\s*:\s*{value}', head) for key in keys)

    if not head.startswith("{"):
        return None
    if has("shapes", value=r"\[") and has("imagePath", "version", "flags", "imageHeight"):
        return "labelme"
    if has("_via_settings", "_via_img_metadata", "region_attributes", "regions"):
        return "via"
    return "coco" if has("images", "annotations", "categories", value=r"\[") else None
