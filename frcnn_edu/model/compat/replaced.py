"""Detects monkey-patched functions of torchvision: this package has its own versions, so the patch would have no effect.

Code written for torchvision installs a custom loss or NMS by assigning to torchvision's modules and classes. Replacing a
function of this package has an effect. Replacing one of torchvision's would silently do nothing, so it raises an error.
"""

import os
from functools import cache
from importlib import import_module
from inspect import isfunction
from pathlib import Path
from typing import Any

import torch
import torchvision

_THEIRS, _OURS = "torchvision.models.detection", "frcnn_edu.model"
_IN_BOTH_STAGES = (f"{_OURS}.rpn", f"{_OURS}.roi_heads")
_BOXES = ("batched_nms", "box_iou", "clip_boxes_to_image", "remove_small_boxes")

#: Functions: the module in which a user would replace it, its name, and the modules of this package
#: in which a replacement has an effect.
FUNCTIONS: list[tuple[str, str, tuple[str, ...]]] = [
    (f"{_THEIRS}.roi_heads", "fastrcnn_loss", (f"{_OURS}.roi_heads", "frcnn_edu.ops.losses")),
    (f"{_THEIRS}.rpn", "concat_box_prediction_layers", (f"{_OURS}.rpn",)),
    (f"{_THEIRS}.transform", "resize_boxes", (f"{_OURS}.transform",)),
    ("torchvision.ops.boxes", "nms", ("frcnn_edu.ops.boxes",)),
    *(("torchvision.ops.boxes", name, _IN_BOTH_STAGES) for name in _BOXES),
    *(("frcnn_edu.ops.boxes", name, _IN_BOTH_STAGES) for name in _BOXES),
]
#: Classes whose methods can be replaced, in torchvision and here.
CLASSES = {
    (f"{_THEIRS}.generalized_rcnn", f"{_OURS}.generalized_rcnn"): ("GeneralizedRCNN",),
    (f"{_THEIRS}.transform", f"{_OURS}.transform"): ("GeneralizedRCNNTransform",),
    (f"{_THEIRS}.rpn", f"{_OURS}.rpn"): ("RegionProposalNetwork", "RPNHead"),
    (f"{_THEIRS}.roi_heads", f"{_OURS}.roi_heads"): ("RoIHeads",),
    (f"{_THEIRS}.faster_rcnn", f"{_OURS}.roi_heads"): ("TwoMLPHead", "FastRCNNPredictor"),
    (f"{_THEIRS}.anchor_utils", f"{_OURS}.anchors"): ("AnchorGenerator",),
    (f"{_THEIRS}._utils", "frcnn_edu.ops"): ("BoxCoder", "Matcher", "BalancedPositiveNegativeSampler"),
    ("torchvision.ops", _OURS): ("MultiScaleRoIAlign", "FeaturePyramidNetwork"),
}
_LIBRARIES = tuple(f"{Path(file).parent}{os.sep}" for file in (torchvision.__file__, Path(__file__).parents[1]))


def check_nothing_is_replaced_in_vain() -> None:
    """Checks that each function that has been replaced in torchvision has been replaced here as well.

    Raises:
        RuntimeError: one has not; the message says where to replace it.
    """
    if torch.compiler.is_compiling():
        return
    for theirs, name, ours in _places():
        if _is_replaced(theirs, name) and not any(_is_replaced(place, name) for place in ours):
            raise RuntimeError(
                f"{_path(theirs)}.{name} has been replaced, but the models of frcnn_edu do not use it: replace "
                f"{name} in {' or in '.join(map(_path, ours))}, instead or as well"
            )


@cache
def _places() -> list[tuple[Any, str, tuple[Any, ...]]]:
    """Modules and classes in torchvision, names of functions in them, and where to replace these here."""
    places = [(import_module(there), name, tuple(map(import_module, here))) for there, name, here in FUNCTIONS]
    for (there, here), names in CLASSES.items():
        for name in names:
            theirs, ours = (getattr(import_module(module), name) for module in (there, here))
            common = {method for method in vars(theirs).keys() & vars(ours).keys() if isfunction(vars(theirs)[method])}
            common.discard("__repr__")
            places += [(theirs, method, (ours,)) for method in sorted(common)]
    return places


def _is_replaced(owner: Any, name: str) -> bool:
    """Whether the code of a function is in the files of neither library."""
    code = getattr(getattr(owner, name), "__code__", None)
    return code is None or not code.co_filename.startswith(_LIBRARIES)


def _path(owner: Any) -> str:
    """The name of a module, or of a class with its module."""
    return f"{owner.__module__}.{owner.__qualname__}" if isinstance(owner, type) else owner.__name__
