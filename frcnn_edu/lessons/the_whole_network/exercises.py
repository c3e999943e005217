"""Checkers for notebook 00: where the weights are, and which anchor a detection comes from."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from frcnn_edu.lessons.checking import checker, expect
from frcnn_edu.lessons.story import source, story
from frcnn_edu.model import FasterRCNN, fasterrcnn_small_fpn
from frcnn_edu.ops import clip_boxes_to_image
from frcnn_edu.viz.trace import moved_anchors


@checker
def weights_of(function: Callable[[FasterRCNN], dict[str, int]]) -> str:
    """`function(model)` returns the number of weights in each of the model's four parts, by the name of the part."""
    with torch.random.fork_rng(devices=[]):
        models = [story().model, fasterrcnn_small_fpn(num_classes=3)]
    for model in models:
        answer = function(model)
        parts = dict(model.named_children())
        expect(
            isinstance(answer, dict),
            f"The answer should be a dictionary, but yours is of type {type(answer).__name__}.",
        )
        missing = sorted(set(parts) - set(answer))
        expect(
            not missing,
            f"{', '.join(missing)} is missing: a part without weights has 0." if missing == ["transform"] else
            f"The answer should have the keys {', '.join(parts)}; missing: {', '.join(missing)}.",
        )  # fmt: skip
        for name, part in parts.items():
            right, number = sum(p.numel() for p in part.parameters()), answer[name]
            if number == right:
                continue
            expect(
                number != len(list(part.parameters())),
                f"{name}: {number} is the number of tensors. Count the elements of each of them.",
            )
            expect(
                number != sum(value.numel() for value in part.state_dict().values()),
                f"{name}: your {number} includes the statistics of BatchNorm, which are in the state dict but are not weights: "
                "no gradient changes them.",
            )
            expect(False, f"{name} has {right} weights, but you count {number}.")
    return "Four of the ten stages have weights. The backbone and the FPN are both in backbone, the RPN head is in rpn, and the box head is in roi_heads."


@checker
def winner_of(function: Callable[[Tensor, Tensor, Tensor, Tensor], int]) -> str:
    """`function(detection, refined, proposals, decoded)` returns the index of the anchor that the detection comes from."""
    seen, model, size = story().trace, story().model, story().trace.batch.image_sizes[0]
    coder: Any = model.roi_heads.box_coder
    decoded = moved_anchors(seen, model)  # (A, 4)
    found = seen.resized_detections
    for index in range(7):  # the detections of the seven objects
        box, label = found["boxes"][index], int(found["labels"][index])
        of_class = coder.decode(seen.box_deltas, [seen.proposals])[:, label]
        refined = clip_boxes_to_image(of_class, size)  # (N, 4)
        proposal = int((refined - box).abs().amax(dim=1).argmin())
        right = source(story(), proposal)
        answer: Any = function(box.clone(), refined.clone(), seen.proposals.clone(), decoded.clone())
        expect(
            isinstance(answer, int | Tensor) and not isinstance(answer, bool),
            f"The index should be a whole number, but yours is of type {type(answer).__name__}.",
        )
        expect(
            not isinstance(answer, Tensor) or answer.numel() == 1,
            "The answer should be one index, but yours has several elements.",
        )
        number = int(answer)
        if number == right:
            continue
        name = f"Detection {index} comes from anchor {right}, but you say {number}."
        expect(
            number != proposal,
            f"{name} That is the index of its proposal. Go one step further, from the proposal to the anchor.",
        )
        expect(
            number != int((decoded - box).abs().amax(dim=1).argmin()),
            f"{name} You compare the detection with the decoded anchors, but the box head has moved the box since. "
            "Find its proposal first.",
        )
        expect(False, name)
    return (
        "NMS chooses boxes and changes none, so every detection can be traced back. "
        "Only two of these seven detections come from the anchor that fits their object best."
    )
