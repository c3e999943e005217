"""Where do numbers stop being numbers? NaN looks like "nothing found": it is neither above a threshold nor below it.

NaN in one map of a pyramid is the worst kind: what is read from the other maps is found as ever.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import torch
from torch import Tensor

Returned: TypeAlias = Iterable[Tensor] | Callable[[], Iterable[Tensor]]


def check_proposals(
    proposals: Sequence[Tensor], batch: Tensor, maps: Sequence[Tensor], objectness: Tensor, deltas: Tensor
) -> None:
    """`check_found` for what an RPN made of the batch (N, C, H, W), the backbone's maps, and its head's logits and deltas.

    Boxes alone do not tell here: of NaN in one map nothing is proposed, and of the others all. So the sum of the head's numbers is
    asked as well: NaN anywhere makes it NaN. That is less than a thousandth of a detection, and one synchronisation with a GPU.
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
    """`check_found` for what the RoI heads made of the backbone's maps, the pooled features, and logits and deltas."""
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
    """Make sure that no boxes are missing because of NaN.

    Args:
        found: boxes of each image, (K, 4).
        stages: what each stage returned, in the order of the data, by the stage's name in the model; a function that returns
            it is called only if the last has NaN.
        enough: whether boxes in each image are a sign that all is well.

    Raises:
        ValueError: the last stage has NaN, or infinity; the message names the first stage that has.
    """
    if torch.compiler.is_compiling() or torch.jit.is_tracing():
        return
    if all(len(boxes) > 0 for boxes in found) and enough():
        return
    *_, last = stages.values()
    # Minus infinity is legal at the end: as a logit it rules a class out.
    if all(bool((x < torch.inf).all()) for x in _tensors(last)):
        return
    first = next(name for name, x in stages.items() if not all(bool(each.isfinite().all()) for each in _tensors(x)))
    why = (
        "an image has such values, or image_std is too small"
        if first == "transform"
        else "its weights are damaged or have diverged, or its precision is too low; "
        "[name for name, x in model.state_dict().items() if not x.isfinite().all()] lists such weights"
    )
    raise ValueError(
        f"objects cannot be detected: what model.{first} returns is NaN or infinite, which no stage before it is: {why}"
    )


def _sum(*tensors: Tensor) -> Tensor:
    """The sum of all numbers, in float32 at least: in half precision it might overflow."""
    return torch.stack([x.sum(dtype=torch.promote_types(x.dtype, torch.float32)) for x in tensors]).sum()


def _tensors(tensors: Returned) -> Iterable[Tensor]:
    return tensors() if callable(tensors) else tensors
