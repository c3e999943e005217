"""Objects and tensors that a page is given: what Python computed once, so that the page does not need the network's convolutions."""

import json
from collections.abc import Iterable, Set
from typing import Any

import torch
from torch import Tensor, nn

from .reach import Program

DTYPES = {
    torch.float32: "float32",
    torch.float64: "float64",
    torch.int64: "int64",
    torch.bool: "bool",
    torch.uint8: "uint8",
}

#: The file that is loaded before all others.
ALWAYS = "story"


class Shipment:
    """Files of objects and tensors that refer to each other. Each thing is in the first file that needs it.

    Args:
        program: tells which classes the page has, and which attributes it reads: others are not shipped.
        unused: attributes of classes that the page does not read although others have the same name, as "Class.attribute".
    """

    def __init__(self, program: Program, unused: Set[str]) -> None:
        self.program, self.unused = program, unused
        self.classes = {unit.value: unit.key for unit in program.units.values() if isinstance(unit.value, type)}
        self.classes[nn.Linear] = "torch.nn.Linear"
        self.numbers: dict[int, int] = {}  # id of an object or tensor → its number
        self.homes: dict[int, str] = {}  # its number → the file that it is in
        self.kept: list[Any] = []  # so that no id is given twice
        self.files: dict[str, File] = {}

    def file(self, name: str) -> "File":
        """A file by its name; it is begun when it is first asked for."""
        return self.files.setdefault(name, File(self, name))

    def number(self, thing: Any, file: str) -> tuple[int, bool]:
        """The number of an object or tensor that a file refers to, and whether it is new.

        Raises:
            ValueError: it is in a file that the page may not have loaded.
        """
        if id(thing) in self.numbers:
            number = self.numbers[id(thing)]
            if self.homes[number] not in (file, ALWAYS):
                raise ValueError(
                    f"{file} refers to a {type(thing).__name__} in {self.homes[number]}, which may not be loaded"
                )
            return number, False
        self.kept.append(thing)
        number = self.numbers[id(thing)] = len(self.numbers)
        self.homes[number] = file
        return number, True


class File:
    """One file: its objects, and its tensors one after another in one piece of memory."""

    def __init__(self, shipment: Shipment, name: str) -> None:
        self.shipment, self.name = shipment, name
        self.tensors: list[Any] = []
        self.objects: list[Any] = []
        self.given: list[Any] = []
        self.data = bytearray()

    def give(self, function: str, key: Any, value: Any) -> None:
        """The value of a given function for one key."""
        self.given.append([function, self.value(key), self.value(value)])

    def add(self, thing: Any, names: Iterable[str]) -> None:
        """Attributes of an object that is in another file without them."""
        fields = {name: self.value(getattr(thing, name)) for name in names}
        number, is_new = self.shipment.number(thing, self.name)
        if is_new:
            raise ValueError(f"{self.name} adds to a {type(thing).__name__} that no file contains")
        self.objects.append([number, self.shipment.classes.get(type(thing), ""), fields])

    def content(self) -> str:
        """Everything but the memory."""
        return json.dumps(
            {"tensors": self.tensors, "objects": self.objects, "given": self.given}, separators=(",", ":")
        )

    def value(self, thing: Any) -> Any:
        """A value as the page reads it (ship.js).

        Raises:
            TypeError: a kind of value that a page cannot have.
        """
        match thing:
            case None | bool() | str() | int():
                return thing
            case float():
                return thing
            case Tensor():
                return ["tensor", self._tensor(thing)]
            case tuple() | torch.Size():
                return ["tuple", *map(self.value, thing)]
            case list():
                return ["list", *map(self.value, thing)]
            case dict():
                return ["dict", *([self.value(key), self.value(entry)] for key, entry in thing.items())]
        if (callable(thing) and not hasattr(thing, "__dict__")) or isinstance(thing, torch.dtype | torch.device):
            raise TypeError(f"{thing!r} cannot be shipped")
        return ["object", self._object(thing)]

    def _tensor(self, tensor: Tensor) -> int:
        number, is_new = self.shipment.number(tensor, self.name)
        if is_new:
            self.data += bytes(-len(self.data) % 8)
            self.tensors.append([number, DTYPES[tensor.dtype], list(tensor.shape), len(self.data)])
            values = tensor.detach().cpu().contiguous()
            self.data += (values.to(torch.int32) if tensor.dtype == torch.int64 else values).numpy().tobytes()
        return number

    def _object(self, thing: Any) -> int:
        number, is_new = self.shipment.number(thing, self.name)
        if is_new:
            place = len(self.objects)
            self.objects.append(None)  # so that the objects inside come after it
            fields = {name: self.value(entry) for name, entry in self._fields(thing)}
            self.objects[place] = [number, self.shipment.classes.get(type(thing), ""), fields]
        return number

    def _fields(self, thing: Any) -> Iterable[tuple[str, Any]]:
        """The attributes of an object that the page reads; of a module of PyTorch also its parameters and the modules in it."""
        entries = dict(vars(thing))
        if isinstance(thing, nn.Module):
            entries |= {**dict(thing.named_children()), **dict(thing.named_parameters(recurse=False))}
        for name, entry in entries.items():
            # The page's own layer reads its weight and its bias.
            read = name in (("weight", "bias") if isinstance(thing, nn.Linear) else self.shipment.program.attributes)
            if read and f"{type(thing).__name__}.{name}" not in self.shipment.unused:
                yield name, entry
