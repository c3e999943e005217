"""Checks that the parts of a detector fit together, before a forward pass and during one."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torchvision.ops import Conv2dNormActivation

from .rules import count, part

# Words in PyTorch's errors if an input has the wrong number of channels.
MISFITS = ("shapes cannot be multiplied", "to have", "size mismatch")


# --- before a forward pass ----------------------------------------------------------------------------------------


def check_backbone(backbone: Any) -> int:
    """The number of channels of each map that a backbone returns, from its `out_channels`.

    Raises:
        TypeError: it is not a module, or `out_channels` is not a whole number.
        ValueError: `out_channels` is missing or less than 1.
    """
    if not hasattr(backbone, "out_channels"):
        raise ValueError(
            "the backbone needs an attribute out_channels: the number of channels of each map that it returns"
        )
    part("backbone", backbone)
    count("backbone.out_channels", backbone.out_channels)
    return int(backbone.out_channels)


def check_rpn_head(rpn_head: Any, anchor_generator: Any, out_channels: int) -> None:
    """Checks that an `RPNHead` accepts the backbone's maps and predicts a box for each anchor.

    Custom parts cannot be checked before a forward pass, here and below.
    """
    if not _is_known(rpn_head, "RPNHead"):
        return
    takes = _channels_taken(next(iter(rpn_head.conv.children()), rpn_head.cls_logits))
    if takes not in (None, out_channels):
        raise ValueError(
            f"rpn_head takes maps of {takes} channels, but the backbone's have {out_channels} (out_channels)"
        )
    if not _is_known(anchor_generator, "AnchorGenerator"):
        return
    anchors = anchor_generator.num_anchors_per_location()
    if set(anchors) != {rpn_head.cls_logits.out_channels}:
        raise ValueError(
            f"rpn_head is made for num_anchors={rpn_head.cls_logits.out_channels} at each location, but "
            f"rpn_anchor_generator has {anchors}, one number per map"
        )


def window_of(box_roi_pool: Any) -> tuple[int, int]:
    """Rows and columns of RoIAlign's output for a proposal."""
    if not hasattr(box_roi_pool, "output_size"):
        raise TypeError("box_roi_pool needs an attribute output_size, (rows, columns); or pass a box_head, too")
    rows, columns = box_roi_pool.output_size
    return rows, columns


def check_box_parts(box_roi_pool: Any, box_head: Any, box_predictor: Any, out_channels: int) -> None:
    """Checks that a `TwoMLPHead` accepts the pooled features, and a `FastRCNNPredictor` the head's output."""
    if not _is_known(box_head, "TwoMLPHead"):
        return
    takes, gives = getattr(box_head.fc6, "in_features", None), getattr(box_head.fc7, "out_features", None)
    if _is_known(box_roi_pool, "MultiScaleRoIAlign"):
        rows, columns = window_of(box_roi_pool)
        pooled = out_channels * rows * columns
        if takes not in (None, pooled):
            raise ValueError(
                f"box_head takes {takes} numbers for each proposal (in_channels), but box_roi_pool returns {pooled}: "
                f"{out_channels} channels (the backbone's) of {rows}×{columns} (output_size)"
            )
    if _is_known(box_predictor, "FastRCNNPredictor") and gives is not None:
        takes = getattr(box_predictor.cls_score, "in_features", None)
        if takes not in (None, gives):
            raise ValueError(
                f"box_head returns {gives} numbers for each proposal (representation_size), but the predictor takes {takes}: "
                f"pass box_predictor=FastRCNNPredictor({gives}, …) instead of num_classes"
            )


def _is_known(module: Any, name: str) -> bool:
    """Whether a module's forward pass is that of the class of this name, ours or torchvision's."""
    forward = getattr(type(module), "forward", None)
    ours_or_theirs = getattr(forward, "__module__", "").split(".")[0] in ("frcnn_edu", "torchvision")
    return ours_or_theirs and getattr(forward, "__qualname__", "") == f"{name}.forward"


def _channels_taken(block: Any) -> int | None:
    """The input channels of a convolution, or of a block that begins with one; None for other modules."""
    if isinstance(block, Conv2dNormActivation):
        block = block[0]
    return block.in_channels if isinstance(block, nn.Conv2d) else None


# --- in a forward pass --------------------------------------------------------------------------------------------


def check_features(features: Any) -> None:
    """Checks that a backbone returned maps by name."""
    if not isinstance(features, Mapping):
        raise TypeError(
            f"the backbone must return a map (N, C, H, W), or a dict of them by name, got {_kind(features)}"
        )
    if not features:
        raise ValueError("the backbone returned no map at all")
    for name, features_of_level in features.items():
        if not isinstance(features_of_level, Tensor) or features_of_level.ndim != 4:
            raise TypeError(
                f"the backbone's map {name!r} must be a tensor (N, C, H, W), got {_kind(features_of_level)}"
            )


def check_maps(maps: Mapping[str, Tensor], fpn: Any) -> None:
    """Make sure that a pyramid is made for the maps that it is about to get."""
    followed = torch.compiler.is_compiling() or torch.jit.is_tracing()
    if followed or not all(isinstance(features, Tensor) for features in maps.values()):
        return  # the code is followed, by PyTorch or by torch.fx, for maps whose shapes it need not know
    if len(maps) != len(fpn.inner_blocks):
        raise ValueError(
            f"the pyramid is made for {len(fpn.inner_blocks)} maps (in_channels_list), but the backbone below it returned "
            f"{len(maps)}: {list(maps)}"
        )
    for i, (name, features) in enumerate(maps.items()):
        takes = _channels_taken(fpn.inner_blocks[i])
        if takes not in (None, features.shape[1]):
            raise ValueError(
                f"in_channels_list[{i}] is {takes}, but the backbone's map {name!r} has {features.shape[1]} channels"
            )


def check_rpn_predictions(predictions: Any, levels: int) -> tuple[list[Tensor], list[Tensor]]:
    """What an RPN head returned, as logits and deltas with a map for each level."""
    pair = isinstance(predictions, tuple | list) and len(predictions) == 2
    if not pair or not all(isinstance(maps, tuple | list) and len(maps) == levels for maps in predictions):
        raise ValueError(
            f"model.rpn.head must return two lists, logits and deltas, with a map for each of the {levels} levels, got "
            f"{_kind(predictions)}"
        )
    logits, deltas = predictions
    return logits, deltas


@contextmanager
def fitting(name: str, given: Tensor) -> Iterator[None]:
    """What a part does inside; if PyTorch then finds that channels do not fit, a `ValueError` says which part it was."""
    try:
        yield
    except RuntimeError as error:
        message = str(error).splitlines()[0]
        if not any(words in message for words in MISFITS):
            raise
        raise ValueError(f"model.{name} does not fit its input, {_kind(given)}: {message}") from error


def classes_of(box_predictor: Any) -> int | None:
    """The number of classes of a predictor, from its layer `cls_score`; None if unknown."""
    return getattr(getattr(box_predictor, "cls_score", None), "out_features", None)


def check_predictions(
    predictions: Any, box_predictor: Any, targets: Sequence[Mapping[str, Tensor]] | None, used_by: Callable[..., Any]
) -> tuple[Tensor, Tensor]:
    """Checks and returns the predictions of a box predictor: logits (N, C) and deltas (N, 4·C).

    Args:
        targets: targets of each image, in training; labels must be less than C.
        used_by: function that uses the predictions. If it is custom, only their number is checked.

    Raises:
        ValueError: the predictions have wrong shapes, or a label belongs to no class.
    """
    if not isinstance(predictions, tuple | list) or len(predictions) != 2:
        raise ValueError(
            "model.roi_heads.box_predictor must return two tensors, logits (N, C) and deltas (N, 4·C), got "
            f"{_kind(predictions)}"
        )
    logits, deltas = predictions
    if getattr(used_by, "__module__", "").split(".")[0] != __name__.split(".")[0]:
        return logits, deltas
    if logits.ndim != 2 or deltas.shape != (logits.shape[0], 4 * logits.shape[1]):
        raise ValueError(
            "model.roi_heads.box_predictor must return logits (N, C) and deltas (N, 4·C), four for each class, got "
            f"{tuple(logits.shape)} and {tuple(deltas.shape)}"
        )
    if (
        targets is not None and classes_of(box_predictor) != logits.shape[1]
    ):  # otherwise labels have been checked with the batch
        _check_labels([target["labels"] for target in targets], logits.shape[1])
    return logits, deltas


def _check_labels(labels: Sequence[Tensor], num_classes: int) -> None:
    all_labels = torch.cat([*labels])
    if len(all_labels) == 0 or int(all_labels.max()) < num_classes:
        return
    i, n = next((i, int(of_image.argmax())) for i, of_image in enumerate(labels) if (of_image >= num_classes).any())
    raise ValueError(
        f"targets[{i}]['labels'][{n}] is {int(labels[i][n])}, but objects are 1 … {num_classes - 1} "
        f"(num_classes={num_classes}, by the logits of model.roi_heads.box_predictor); 0 is the background"
    )


def _kind(value: Any) -> str:
    if isinstance(value, Tensor):
        return f"a tensor of shape {tuple(value.shape)}"
    return "None" if value is None else f"a {type(value).__name__}"
