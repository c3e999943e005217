"""Reads weight files of this package and of other tools without running any code in them."""

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

# Keys under which training scripts save weights: torchvision's, detectron2's, Lightning's and those
# in PyTorch's tutorials.
KEYS = ("model", "state_dict", "model_state_dict", "model_state", "net", "network", "weights", "params")
# Prefixes of all names: DistributedDataParallel, Lightning, Fabric and custom wrappers add them.
WRAPPERS = {"module", "model", "_forward_module", "net", "network", "detector"}
COMPILED = "_orig_mod."  # added by torch.compile, perhaps to a part only
CLASSES = ("classes", "class_names", "names", "categories")  # keys for class names
_ZIP, _PICKLE = b"PK\x03\x04", b"\x80"  # first bytes of files since and before PyTorch 1.6


def read_weights(file: Path) -> tuple[dict[str, Tensor], list[str] | None]:
    """The weights in a file, and its class names if it contains them.

    The file is a `.safetensors` file, or was written by `torch.save` and contains tensors by name, at the top level or under
    one of KEYS. A prefix that all names share is removed if it is one of WRAPPERS. Everything else in the file (options, an
    optimizer's state, objects of another program) is ignored, and none of its code is run.

    Raises:
        ValueError: the file is damaged, would unpack to more than its own size, or contains no weights.
    """
    if file.suffix == ".safetensors":
        weights, metadata = read_safetensors(file)
        if "classes" in metadata and metadata.get("format", "").startswith(
            "frcnn_edu"
        ):  # in other files it may mean something else
            return _unwrap(weights), _class_names({"classes": read_json(file, metadata, "classes")})
        return _unwrap(weights), None
    content = unpack(file, others=True)
    if isinstance(content, StandIn):
        raise ValueError(
            f"{file} contains a pickled object ({type(content).__name__}), which cannot be restored without running its code; "
            "save the model's state_dict() instead"
        )
    found = _find_weights(content)
    if found is None:
        keys = f"; it has {plain(', '.join(map(str, content)))}" if isinstance(content, Mapping) and content else ""
        raise ValueError(
            f"{file} does not contain a state dict (tensors by name), neither at the top level nor under one of the keys "
            f"{', '.join(KEYS)}{keys}"
        )
    return _unwrap(found), _class_names(content)


def read_safetensors(file: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The tensors in a `.safetensors` file by name, and its metadata.

    Raises:
        ValueError: the file is damaged.
    """
    try:
        with safe_open(file, framework="pt") as opened:
            names = opened.keys()
            return {name: opened.get_tensor(name) for name in names}, opened.metadata() or {}
    except (SafetensorError, OSError) as error:
        raise ValueError(
            f"{file} cannot be read as safetensors: it is truncated, damaged or of another format"
        ) from error


def read_json(file: Path, metadata: Mapping[str, str], key: str) -> Any:
    """One entry of a file's metadata, parsed as JSON.

    Raises:
        ValueError: the entry is missing, is not JSON, or is nested too deeply.
    """
    if key not in metadata:
        raise ValueError(f"{file} has no {key!r} in its metadata")
    try:
        return json.loads(metadata[key])
    except (ValueError, RecursionError) as error:
        what = "is nested too deeply" if isinstance(error, RecursionError) else "is not JSON"
        raise ValueError(f"{file}: {key!r} in its metadata {what}") from error


def unpack(file: Path, *, others: bool = False, checksums: bool = False, what: str = "weights") -> Any:
    """Loads a file of `torch.save` onto the CPU without running any code in it.

    Args:
        others: whether the file may contain objects of other programs, such as the options of a training script. Each is
            replaced by a `StandIn`.
        checksums: whether to verify checksums. PyTorch itself never does, and can be told not to write them.
        what: description of the expected content, for errors.

    Raises:
        ValueError: the file cannot be read; the message says why. `CodeInFileError` if reading it would need to run code.
    """
    with open(file, "rb") as opened:
        start = opened.read(4)
    try:
        if start == _ZIP:
            _check_archive(file, checksums)
        with warnings.catch_warnings(), safe_globals(_stand_ins(file, start) if others else []):
            warnings.simplefilter("ignore")  # the next line fails if it matters
            return torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:  # an invalid file can raise anything
        reason = _reason(file, start, error)
        kind = CodeInFileError if "more than tensors" in reason else ValueError
        raise kind(f"{file} cannot be read as {what}: {reason}") from error


class CodeInFileError(ValueError):
    """A file contains more than tensors and plain values."""


class StandIn:
    """A placeholder for an object of another program: it accepts any arguments and does nothing."""

    def __new__(cls, *args: Any) -> "StandIn":
        return super().__new__(cls)

    def __init__(self, *args: Any) -> None:
        pass

    def __setstate__(self, state: Any) -> None:
        pass


class ArchiveError(ValueError):
    """An archive is damaged or malicious; the message says why."""


def _check_archive(file: Path, checksums: bool) -> None:
    """PyTorch does not compress: an archive that would unpack to more than its own size was made to exhaust memory."""
    with zipfile.ZipFile(file) as archive:
        unpacked, packed = sum(entry.file_size for entry in archive.infolist()), file.stat().st_size
        if unpacked > packed:
            raise ArchiveError(
                f"its {packed / 1e6:,.1f} MB would unpack to {unpacked / 1e6:,.0f}; PyTorch does not compress"
            )
        damaged = archive.testzip() if checksums else None
    if damaged is not None:
        raise ArchiveError(f"it is damaged: the checksum of {damaged} is wrong")


def _stand_ins(file: Path, start: bytes) -> list[Any]:
    """A placeholder class for each name in the file that refers to code, in the form that `safe_globals` accepts."""
    names = get_unsafe_globals_in_checkpoint(file) if start == _ZIP else ["argparse.Namespace"]
    return [(_stand_in(name.rpartition(".")[2]), name) for name in names]


def _stand_in(name: str) -> type:
    if name.lower().endswith("dict"):  # such as a defaultdict: PyTorch fills only plain ones
        return type(name, (), {"__new__": lambda cls, *args: OrderedDict()})
    return type(name, (StandIn,), {})


def _reason(file: Path, start: bytes, error: Exception) -> str:
    """A short explanation of why a file cannot be read."""
    if isinstance(error, ArchiveError):
        return str(error)
    if not start:
        return "it is empty"
    if start != _ZIP and not start.startswith(_PICKLE):
        return "it is not a PyTorch file"
    if isinstance(error, zipfile.BadZipFile):
        return "it is truncated or damaged"
    if start != _ZIP:
        return "it is damaged, or contains more than tensors"
    try:
        code = sorted(get_unsafe_globals_in_checkpoint(file))
    except Exception as why:  # this function may fail in the same way
        if "torchscript" in str(why):
            return "it is a TorchScript archive; save a state_dict() instead"
        protocol = _pickle_protocol(file)
        return f"it was saved with pickle_protocol={protocol}; save it without" if protocol > 2 else "it is damaged"
    return f"it contains more than tensors ({plain(', '.join(code))}); no code is run" if code else "it is damaged"


def _pickle_protocol(file: Path) -> int:
    """The pickle protocol of an archive; PyTorch reads only protocol 2 without running code."""
    with suppress(Exception), zipfile.ZipFile(file) as archive:  # the file may be damaged in any way
        (pickled,) = [name for name in archive.namelist() if name.endswith("/data.pkl")]
        return archive.read(pickled)[1]
    return 2


def plain(text: str, longest: int = 100) -> str:
    """Text from a file, made safe to print on one line of a terminal."""
    return shorten("".join(letter if letter.isprintable() else "�" for letter in text), longest, placeholder=" …")


def _find_weights(content: Any, depth: int = 3) -> Mapping[str, Tensor] | None:
    """The tensors by name in the content of a file, at the top level or under one of KEYS."""
    if not isinstance(content, Mapping) or not content or depth == 0:
        return None
    if all(isinstance(name, str) and isinstance(value, Tensor) for name, value in content.items()):
        return content
    inside = (_find_weights(content[key], depth - 1) for key in KEYS if key in content)
    return next((found for found in inside if found is not None), None)


def _unwrap(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The same weights under the model's own names, without prefixes."""
    weights = {name.replace(COMPILED, ""): value for name, value in weights.items()}
    if "n_averaged" in weights and len(weights) > 1:  # AveragedModel's counter
        del weights["n_averaged"]
    while len(outer := {name.partition(".")[0] for name in weights}) == 1 and outer <= WRAPPERS:
        weights = {name.partition(".")[2]: value for name, value in weights.items()}
    return weights


def _class_names(content: Any) -> list[str] | None:
    """The class names in a checkpoint: a list of strings, or a dict such as {0: …, 1: …}."""
    for key in CLASSES:
        names = content.get(key)
        if isinstance(names, Mapping) and all(isinstance(number, int) for number in names):
            names = [names[number] for number in sorted(names)]
        if isinstance(names, list | tuple) and names and all(isinstance(name, str) for name in names):
            return list(names)
    return None
