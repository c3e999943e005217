"""How a scene travels to the page: plain values, and one piece of memory for all its tensors."""

import hashlib
from typing import Any

import torch
from torch import Tensor

from .formula import html
from .scene import Picture, Scene


class Pack:
    """Arrays one after another in one piece of memory: a page receives them in one message and views each at its offset."""

    def __init__(self) -> None:
        self.data = bytearray()

    def add(self, values: Tensor, dtype: torch.dtype) -> list[int]:
        """The offset of the array in bytes, and its number of elements. Their size, 1 or 4 bytes, follows from its name."""
        place = [len(self.data), values.numel()]
        self.data += values.detach().to("cpu", dtype).contiguous().numpy().tobytes()
        self.data += bytes(-len(self.data) % 4)
        return place


def message(scene: Scene) -> tuple[dict[str, Any], dict[str, Any]]:
    """The scene as plain values and one piece of memory, "data"; and its pictures to be kept, likewise."""
    pack, kept, places = Pack(), Pack(), {}
    panels = []
    for panel in scene.panels:
        layers = []
        for layer in panel.layers:
            if isinstance(layer, Picture) and layer.keep:
                name = hashlib.sha256(layer.pixels.numpy().tobytes() + bytes(layer.pixels.shape[0])).hexdigest()[:16]
                if name not in places:
                    places[name] = _plain(layer, kept)["pixels"]
                layers.append({"kind": "Picture", "extent": layer.extent, "smooth": layer.smooth, "name": name})
            else:
                layers.append(_plain(layer, pack))
        axes = {
            side: axis and _plain(axis, pack) for side, axis in (("x_axis", panel.x_axis), ("y_axis", panel.y_axis))
        }
        panels.append({**_plain(panel, pack), **axes, "layers": layers})
    handles = [{**vars(handle), "box": handle.box.tolist()} for handle in scene.handles]
    formula = [html(line) for line in scene.formula]
    content = {"height": scene.height, "panels": panels, "handles": handles, "formula": formula}
    words = html(scene.words)
    return {**content, "words": words, "data": bytes(pack.data)}, {"places": places, "data": bytes(kept.data)}


def _plain(thing: Any, pack: Pack) -> dict[str, Any]:
    """A dataclass as a dict; a tensor becomes its place in the pack: float32, ids as int32, pixels as RGBA bytes."""
    content: dict[str, Any] = {"kind": type(thing).__name__}
    for name, value in vars(thing).items():
        if name == "pixels":
            opaque = torch.full((*value.shape[:2], 1), 255, dtype=torch.uint8)
            start, _ = pack.add(torch.cat((value, opaque), dim=2), torch.uint8)  # (H, W, 4)
            content[name] = [start, *value.shape[:2]]
        elif isinstance(value, Tensor):
            content[name] = pack.add(value, torch.int32 if name == "ids" else torch.float32)
            if name == "points":
                content["shape"] = list(value.shape)
        elif name == "values":
            content[name] = {key: pack.add(column, torch.float32) for key, column in value.items()}
        elif name not in ("layers", "x_axis", "y_axis"):
            content[name] = list(value) if isinstance(value, tuple | list | range) else value
            if name == "shape":
                content["mark"] = content.pop("shape")
    return content
