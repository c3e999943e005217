"""The explorers as a program for a page: where it begins, and what Python computes for it."""

import importlib
import inspect
from dataclasses import fields
from functools import cache
from typing import Any

from frcnn_edu.lessons import explore
from frcnn_edu.lessons.board.explorer import Explorer
from frcnn_edu.lessons.board.scene import Picture, map_colours
from frcnn_edu.lessons.box_head.explorer.gallery import gallery
from frcnn_edu.lessons.box_head.explorer.seen import resized
from frcnn_edu.lessons.fpn.explorer.result import parts
from frcnn_edu.lessons.level_mapper.explorer.explorer import SIZES, pyramid
from frcnn_edu.lessons.story import story
from frcnn_edu.lessons.the_whole_network.explorer.explorer import EXPLORERS as STAGES
from frcnn_edu.lessons.your_own_data.explorer.photograph import photograph
from frcnn_edu.model.fast import run_as

from .reach import Program, reach
from .shipped import Shipment
from .units import Unit, read

#: Functions that run the network or read files. A page has their values, by what the JavaScript makes of the arguments.
GIVEN = {
    "frcnn_edu.lessons.story.story": "() => null",
    "frcnn_edu.lessons.your_own_data.explorer.photograph.photograph": "() => null",
    "frcnn_edu.lessons.board.scene.map_colours": "() => null",
    "frcnn_edu.lessons.fpn.explorer.result.parts": "(of) => of.trace",
    "frcnn_edu.lessons.level_mapper.explorer.explorer.pyramid": "(model, image, size) => $.pack(image, size)",
    "frcnn_edu.lessons.box_head.explorer.gallery.gallery": "(of) => of.trace",
    "frcnn_edu.lessons.box_head.explorer.seen.resized": "(seen, of) => seen",
    "frcnn_edu.lessons.box_head.explorer.seen.see": "(model, index) => index",  # never called: all images are known
}
#: What stands in the page instead of a class or a function.
INSTEAD = {
    "frcnn_edu.lessons.board.board.Board": "PageBoard",
    "frcnn_edu.lessons.board.language.control_in_language": "labelled",
    "frcnn_edu.words.words": "inPageLanguage",
}
#: Methods that only a notebook needs.
LEFT_OUT = {
    *(
        f"frcnn_edu.lessons.board.explorer.Explorer.{name}"
        for name in ("picture", "_ipython_display_", "formula", "words")
    ),
    *(f"frcnn_edu.lessons.board.explorer.Explorer.{name}" for name in ("complete", "_add_part", "_add_parts")),
    "frcnn_edu.model.rpn.RegionProposalNetwork.forward",
}
#: Calls that change nothing here: checks of arguments that Python has checked already, and what PyTorch's modules set up.
DROPPED = {"check_arguments", "nn.Module.__init__"}
#: Classes of objects that are shipped, beside those that the program names.
SHIPPED_CLASSES = (
    "frcnn_edu.lessons.box_head.explorer.gallery.Gallery",
    "frcnn_edu.model.rpn.RegionProposalNetwork",
    "frcnn_edu.model.roi_align.MultiScaleRoIAlign",
    "frcnn_edu.model.roi_heads.TwoMLPHead",
    "frcnn_edu.model.roi_heads.FastRCNNPredictor",
    "frcnn_edu.ops.matcher.Matcher",
    "frcnn_edu.ops.sampler.BalancedPositiveNegativeSampler",
)
#: Attributes that the page does not read, although others of the same name are read; and the large ones that come in a file of
#: their own because only one explorer needs them.
HEADS = ("box_head", "box_predictor")
UNUSED = {"Trace.pooled", *(f"RoIHeads.{name}" for name in HEADS)}
#: The files that an explorer needs before it can start, beside "story".
FILES = {"fpn_levels": ["parts"], "level_mapper": ["pyramid"], "detections": ["gallery"], "any_box": ["photograph"]}
#: The same inside another explorer, where it is about the course's own image.
FILES_INSIDE = {**FILES, "any_box": ["heads"]}


@cache
def explorers() -> dict[str, Explorer[Any, Any]]:
    """The explorers by name, in their first view."""
    return {name: make() for name, make in explore.EXPLORERS.items()}


def unit(key: str) -> Unit:
    """A unit by its module and name."""
    module, _, name = key.rpartition(".")
    return read(module).units[name]


def files_of(name: str) -> set[str]:
    """The files of data that an explorer may need, and those for the explorers that open inside it."""
    inside = STAGES if name == "whole_path" else {}
    return {"story", *FILES.get(name, ()), *(file for other in inside for file in FILES_INSIDE.get(other, ()))}


@cache
def program() -> Program:
    """All explorers' code, as far as a page needs it."""
    roots = [unit(f"{type(made).__module__}.{type(made).__name__}") for made in explorers().values()]
    roots.append(unit("frcnn_edu.lessons.board.formula.html"))
    shipped = [unit(key) for key in SHIPPED_CLASSES]
    made = reach(roots, {**GIVEN, **INSTEAD}.keys(), LEFT_OUT, DROPPED, shipped)
    made.attributes |= {field.name for field in fields(Picture)}  # which the board reads
    return made


@cache
def shipment() -> Shipment:
    """The values of the given functions."""
    made, of = Shipment(program(), UNUSED), story()
    known = gallery(of)
    values: list[tuple[str, Any, Any, Any]] = [
        ("story", story, None, of),
        ("story", map_colours, None, map_colours()),
        ("parts", parts, of.trace, parts(of)),
        *(("pyramid", pyramid, (of.image, size), pyramid(of.model, of.image, size)) for size in SIZES),
        ("gallery", gallery, of.trace, known),
        *(("gallery", resized, seen, resized(seen, of)) for seen in known.seen),
        ("photograph", photograph, None, photograph()),
    ]
    run_as(photograph().model, "textbook")  # whose classes are translated
    for file, function, key, value in values:
        name = inspect.unwrap(function).__name__
        made.file(file).give(f"{importlib.import_module(function.__module__).__name__}.{name}", key, value)
    made.file("heads").add(of.model.roi_heads, HEADS)  # for a box on the course's own image
    made.file("photograph").add(photograph().model.roi_heads, HEADS)
    return made
