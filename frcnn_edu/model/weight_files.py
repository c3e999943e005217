"""Files of weights, of this package and of other tools, read without running anything that is in them."""

import json
import warnings
import zipfile
from collections import OrderedDict
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from textwrap import shorten
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor
from torch.serialization import get_unsafe_globals_in_checkpoint, safe_globals

# Under which key a training script saves its weights: torchvision's and detectron2's, Lightning's, PyTorch's tutorials'.
KEYS = ("model", "state_dict", "model_state_dict", "model_state", "net", "network", "weights", "params")
# What stands before every name: of DistributedDataParallel, of Lightning's modules, of Fabric, of one's own wrappers.
WRAPPERS = {"module", "model", "_forward_module", "net", "network", "detector"}
COMPILED = "_orig_mod."  # … of torch.compile, which may have wrapped a part only
CLASSES = ("classes", "class_names", "names", "categories")  # where the names of the classes may be
_ZIP, _PICKLE = b"PK\x03\x04", b"\x80"  # how a file of PyTorch's begins, today's and those from before version 1.6


def read_weights(file: Path) -> tuple[dict[str, Tensor], list[str] | None]:
    """The weights in a file, and the names of its classes if it tells them.

    A `.safetensors` file; or what `torch.save` wrote: the tensors by name, alone or under one of KEYS. A prefix that all
    names share is taken off if it is one of WRAPPERS. Anything else in the file (options, an optimizer, objects of another
    program) is passed over, and no code is run for it.

    Raises:
        ValueError: the file is damaged, unpacks to more than it is, or holds no weights.
    """
    if file.suffix == ".safetensors":
        weights, metadata = read_safetensors(file)
        if "classes" in metadata and metadata.get("format", "").startswith(
            "frcnn_edu"
        ):  # others mean other things by it
            return _unwrap(weights), _class_names({"classes": read_json(file, metadata, "classes")})
        return _unwrap(weights), None
    content = unpack(file, others=True)
    if isinstance(content, StandIn):
        raise ValueError(
            f"{file} holds a whole object ({type(content).__name__}), which only running its code could restore; "
            "save the model's state_dict() instead"
        )
    found = _find_weights(content)
    if found is None:
        keys = f"; it has {plain(', '.join(map(str, content)))}" if isinstance(content, Mapping) and content else ""
        raise ValueError(
            f"{file} does not hold a state dict (tensors by name), neither alone nor under one of the keys "
            f"{', '.join(KEYS)}{keys}"
        )
    return _unwrap(found), _class_names(content)


def read_safetensors(file: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The tensors of a `.safetensors` file by name, and its metadata.

    Raises:
        ValueError: it is damaged.
    """
    try:
        with safe_open(file, framework="pt") as opened:
            names = opened.keys()
            return {name: opened.get_tensor(name) for name in names}, opened.metadata() or {}
    except (SafetensorError, OSError) as error:
        raise ValueError(
            f"{file} cannot be read as safetensors: it ends too soon, is damaged or something else"
        ) from error


def read_json(file: Path, metadata: Mapping[str, str], key: str) -> Any:
    """One entry of a file's metadata, which is JSON.

    Raises:
        ValueError: it is missing, is no JSON, or is nested too deeply.
    """
    if key not in metadata:
        raise ValueError(f"{file} has no {key!r} in its metadata")
    try:
        return json.loads(metadata[key])
    except (ValueError, RecursionError) as error:
        what = "is nested too deeply" if isinstance(error, RecursionError) else "is no JSON"
        raise ValueError(f"{file}: {key!r} in its metadata {what}") from error


def unpack(file: Path, *, others: bool = False, checksums: bool = False, what: str = "weights") -> Any:
    """What `torch.save` put into a file, on the CPU; no code in it is run.

    Args:
        others: whether it may hold objects of other programs, such as the options of a training script. A `StandIn` takes
            the place of each.
        checksums: whether to compare them. PyTorch can be told to leave them out, and compares them never.
        what: what it should be, for errors.

    Raises:
        ValueError: it cannot be read, and why; as `CodeInFileError` where only code could read it.
    """
    with open(file, "rb") as opened:
        start = opened.read(4)
    try:
        if start == _ZIP:
            _check_archive(file, checksums)
        with warnings.catch_warnings(), safe_globals(_stand_ins(file, start) if others else []):
            warnings.simplefilter("ignore")  # what PyTorch warns of fails a line later
            return torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:  # bytes that are no weights make the reader fail in any way at all
        reason = _reason(file, start, error)
        kind = CodeInFileError if "more than tensors" in reason else ValueError
        raise kind(f"{file} cannot be read as {what}: {reason}") from error


class CodeInFileError(ValueError):
    """A file with more than tensors and plain values in it."""


class StandIn:
    """In the place of an object of another program: it takes anything, and does nothing."""

    def __new__(cls, *args: Any) -> "StandIn":
        return super().__new__(cls)

    def __init__(self, *args: Any) -> None:
        pass

    def __setstate__(self, state: Any) -> None:
        pass


class ArchiveError(ValueError):
    """An archive that is not what it says; the message says why."""


def _check_archive(file: Path, checksums: bool) -> None:
    """PyTorch compresses nothing: an archive that would unpack to more than its own size was made to fill the memory."""
    with zipfile.ZipFile(file) as archive:
        unpacked, packed = sum(entry.file_size for entry in archive.infolist()), file.stat().st_size
        if unpacked > packed:
            raise ArchiveError(
                f"its {packed / 1e6:,.1f} MB would unpack to {unpacked / 1e6:,.0f}; PyTorch packs nothing"
            )
        damaged = archive.testzip() if checksums else None
    if damaged is not None:
        raise ArchiveError(f"it is damaged: {damaged} does not have its checksum")


def _stand_ins(file: Path, start: bytes) -> list[Any]:
    """A class for each name in the file that stands for code, in the form that `safe_globals` takes."""
    names = get_unsafe_globals_in_checkpoint(file) if start == _ZIP else ["argparse.Namespace"]
    return [(_stand_in(name.rpartition(".")[2]), name) for name in names]


def _stand_in(name: str) -> type:
    if name.lower().endswith("dict"):  # a defaultdict, or a dict with attributes: PyTorch fills plain ones only
        return type(name, (), {"__new__": lambda cls, *args: OrderedDict()})
    return type(name, (StandIn,), {})


def _reason(file: Path, start: bytes, error: Exception) -> str:
    """In a few words, why a file cannot be read."""
    if isinstance(error, ArchiveError):
        return str(error)
    if not start:
        return "it is empty"
    if start != _ZIP and not start.startswith(_PICKLE):
        return "it is not a file of PyTorch's"
    if isinstance(error, zipfile.BadZipFile):
        return "it ends too soon, or is damaged"
    if start != _ZIP:
        return "it is damaged, or holds more than tensors"
    try:
        code = sorted(get_unsafe_globals_in_checkpoint(file))
    except Exception as why:  # this reader is as easily lost
        if "torchscript" in str(why):
            return "it is a TorchScript archive; save a state_dict() instead"
        protocol = _pickle_protocol(file)
        return f"it was saved with pickle_protocol={protocol}; save it without" if protocol > 2 else "it is damaged"
    return f"it holds more than tensors ({plain(', '.join(code))}), which is not run" if code else "it is damaged"


def _pickle_protocol(file: Path) -> int:
    """In which of pickle's protocols an archive is written; PyTorch reads 2 without running code."""
    with suppress(Exception), zipfile.ZipFile(file) as archive:  # it may be damaged in any way
        (pickled,) = [name for name in archive.namelist() if name.endswith("/data.pkl")]
        return archive.read(pickled)[1]
    return 2


def plain(text: str, longest: int = 100) -> str:
    """Text from a file, fit for one line of a terminal."""
    return shorten("".join(letter if letter.isprintable() else "�" for letter in text), longest, placeholder=" …")


def _find_weights(content: Any, depth: int = 3) -> Mapping[str, Tensor] | None:
    """The tensors by name in what a file holds: the whole, or what is under one of KEYS."""
    if not isinstance(content, Mapping) or not content or depth == 0:
        return None
    if all(isinstance(name, str) and isinstance(value, Tensor) for name, value in content.items()):
        return content
    inside = (_find_weights(content[key], depth - 1) for key in KEYS if key in content)
    return next((found for found in inside if found is not None), None)


def _unwrap(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The same under the names that the model itself gives them."""
    weights = {name.replace(COMPILED, ""): value for name, value in weights.items()}
    if "n_averaged" in weights and len(weights) > 1:  # AveragedModel counts beside its `module`
        del weights["n_averaged"]
    while len(outer := {name.partition(".")[0] for name in weights}) == 1 and outer <= WRAPPERS:
        weights = {name.partition(".")[2]: value for name, value in weights.items()}
    return weights


def _class_names(content: Any) -> list[str] | None:
    """The names of the classes in a checkpoint: a list of text, or a dict that begins {0: …}."""
    for key in CLASSES:
        names = content.get(key)
        if isinstance(names, Mapping) and all(isinstance(number, int) for number in names):
            names = [names[number] for number in sorted(names)]
        if isinstance(names, list | tuple) and names and all(isinstance(name, str) for name in names):
            return list(names)
    return None
