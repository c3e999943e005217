"""Json files of annotation tools: whose they are, and what is in them."""

import json
import re
from pathlib import Path
from typing import Any

HEAD = 1 << 16  # bytes in which every tool has said enough
JSON_KINDS = {
    "coco": "COCO's",
    "labelme": "labelme's",
    "via": "the VGG Image Annotator's",
    "label_studio": "Label Studio's",
}


def json_kind(file: Path) -> str | None:
    """Which tool's json a file seems to be, by its first 64 KiB: a key of `JSON_KINDS`, or None."""
    try:
        with open(file, "rb") as content:
            head = content.read(HEAD).decode("utf-8-sig", errors="replace").lstrip()
    except OSError:
        return None

    def has(*keys: str, value: str = "") -> bool:
        return any(re.search(rf'"{key}"\s*:\s*{value}', head) for key in keys)

    if head.startswith("["):
        labels = has("rectanglelabels", "polygonlabels", "ellipselabels", "labels", "original_width")
        return "label_studio" if (has("data", value=r"\{") and has("annotations", "completions")) or labels else None
    if not head.startswith("{"):
        return None
    if has("shapes", value=r"\[") and has("imagePath", "version", "flags", "imageHeight"):
        return "labelme"
    if has("_via_settings", "_via_img_metadata", "region_attributes", "regions"):
        return "via"
    return "coco" if has("images", "annotations", "categories", value=r"\[") else None


def read_json(file: Path) -> Any:
    """What a json file holds.

    Raises:
        ValueError: it cannot be read as json; names it.
    """
    try:
        return json.loads(file.read_bytes().decode("utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise ValueError(f"cannot read {file} as json: {error}") from error
