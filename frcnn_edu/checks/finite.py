"""Finds the stage where NaN begins. NaN looks like "nothing found", because it is neither above nor below a threshold.

NaN in a single map of the pyramid is the worst case, because objects are still found in the other maps.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import torch
from torch import Tensor

Returned: TypeAlias = Iterable[Tensor] | Callable[[], Iterable[Tensor]]


def check_proposals(
    proposals: Sequence[Tensor], batch: Tensor, maps: Sequence[Tensor], objectness: Tensor, deltas: Tensor
) -> None:
    """`check_found` for an RPN: the batch (N, C, H, W), the backbone's maps, and its head's logits and deltas.

    The boxes alone are not enough here: if one map has NaN, there are still proposals from the others. So the sum of the
    head's outputs is checked, too, since NaN anywhere makes it NaN. That takes less than a thousandth of a detection's time,
    and one synchronisation with a GPU.
    """
    stages: dict[str, Returned] = {"transform": [batch], "backbone": maps, "rpn.head": [objectness, deltas]}
    check_found(proposals, stages, enough=lambda: not bool(_sum(objectness, deltas).isnan()))


def check_detections(
    roi_heads: Any,
    boxes: Sequence[Tensor],
    features: Mapping[str, Tensor],
    pooled: Tensor,
    logits: Tensor,
    deltas: Tensor,
) -> None:
    """`check_found` for the RoI heads: the backbone's maps, the pooled features, and the logits and deltas."""
    stages: dict[str, Returned] = {
        "backbone": features.values(),
        "roi_heads.box_roi_pool": [pooled],
        "roi_heads.box_head": lambda: [roi_heads.box_head(pooled)],
        "roi_heads.box_predictor": [logits, deltas],
    }
    check_found(boxes, stages)


def check_found(
    found: Sequence[Tensor], stages: Mapping[str, Returned], enough: Callable[[], bool] = lambda: True
) -> None:
    """Checks that no boxes are missing because of NaN.

    Args:
        found: boxes of each image, (K, 4).
        stages: outputs of each stage, in order, by its name in the model. A function that returns them is called only if the
            last stage has NaN.
        enough: function that says whether boxes in every image prove that there is no NaN.

    Raises:
        ValueError: the last stage returned NaN or infinity; the message names the first stage that did.
    """
    if torch.compiler.is_compiling() or torch.jit.is_tracing():
        return
    if all(len(boxes) > 0 for boxes in found) and enough():
        return
    *_, last = stages.values()
    # Minus infinity is legal at the end: as a logit it excludes a class.
    if all(bool((x < torch.inf).all()) for x in _tensors(last)):
        return
    first = next(name for name, x in stages.items() if not all(bool(each.isfinite().all()) for each in _tensors(x)))
    why = (
        "an image contains such values, or image_std is too small"
        if first == "transform"
        else "its weights are damaged or have diverged, or its precision is too low; "
        "[name for name, x in model.state_dict().items() if not x.isfinite().all()] lists such weights"
    )
    raise ValueError(
        f"objects cannot be detected: the output of model.{first} contains NaN or infinity, unlike any stage before it: {why}"
    )


def _sum(*tensors: Tensor) -> Tensor:
    """The sum of all numbers, at least in float32: in half precision it might overflow."""
    return torch.stack([x.sum(dtype=torch.promote_types(x.dtype, torch.float32)) for x in tensors]).sum()


def _tensors(tensors: Returned) -> Iterable[Tensor]:
    return tensors() if callable(tensors) else tensors
