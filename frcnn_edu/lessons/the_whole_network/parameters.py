"""The table of all parameters of `FasterRCNN`: its defaults, and what the course's small model has instead.

`python -m frcnn_edu.lessons.the_whole_network.parameters` writes it to docs/parameters.md.
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from frcnn_edu.lessons import LESSONS, notebook_name
from frcnn_edu.model import (
    AnchorGenerator,
    BackboneWithFPN,
    FasterRCNN,
    FastRCNNPredictor,
    GeneralizedRCNNTransform,
    MultiScaleRoIAlign,
    RPNHead,
    TwoMLPHead,
    fasterrcnn_resnet50_fpn,
    fasterrcnn_small_fpn,
)
from frcnn_edu.model.fast import run_as


@dataclass(frozen=True)
class Parameter:
    """One parameter of the constructor.

    Attributes:
        name: as in the signature.
        default: as in the signature; a default of None is followed by the full model's value.
        small: its value in the small model.
        notebook: number of the notebook that explains it.
        meaning: what it sets, in a few words.
    """

    name: str
    default: str
    small: str
    notebook: int
    meaning: str


#: What a parameter means, the lesson that explains it, and where a built model keeps its value.
KNOWN: dict[str, tuple[str, str, Callable[[Any], Any]]] = {
    "backbone": ("network that returns the feature maps", "backbone", lambda m: m.backbone),
    "num_classes": (
        "number of classes, including the background", "box_head", lambda m: m.roi_heads.box_predictor.cls_score.out_features,
    ),
    "min_size": ("length of the shorter side, in pixels", "transform", lambda m: m.transform.min_size[-1]),
    "max_size": ("upper limit for the longer side, in pixels", "transform", lambda m: m.transform.max_size),
    "image_mean": ("mean of each channel, which is subtracted", "transform", lambda m: m.transform.image_mean),
    "image_std": ("standard deviation of each channel, by which the channel is divided", "transform", lambda m: m.transform.image_std),
    "rpn_anchor_generator": ("module that generates anchors of the given sizes and ratios", "base_anchors", lambda m: m.rpn.anchor_generator),
    "rpn_head": ("module that predicts the objectness and deltas of each anchor", "rpn_head", lambda m: m.rpn.head),
    "rpn_pre_nms_top_n_train": (
        "boxes per level that enter NMS, in training", "proposals", lambda m: m.rpn._pre_nms_top_n["training"],
    ),
    "rpn_pre_nms_top_n_test": (
        "boxes per level that enter NMS, in inference", "proposals", lambda m: m.rpn._pre_nms_top_n["testing"],
    ),
    "rpn_post_nms_top_n_train": (
        "proposals per image, in training", "proposals", lambda m: m.rpn._post_nms_top_n["training"],
    ),
    "rpn_post_nms_top_n_test": (
        "proposals per image, in inference", "proposals", lambda m: m.rpn._post_nms_top_n["testing"],
    ),
    "rpn_nms_thresh": ("IoU above which NMS removes a box", "proposals", lambda m: m.rpn.nms_thresh),
    "rpn_fg_iou_thresh": (
        "lowest IoU that makes an anchor positive", "iou_labeling", lambda m: m.rpn.proposal_matcher.high_threshold,
    ),
    "rpn_bg_iou_thresh": (
        "IoU below which an anchor is negative", "iou_labeling", lambda m: m.rpn.proposal_matcher.low_threshold,
    ),
    "rpn_batch_size_per_image": (
        "anchors per image in the loss", "iou_labeling", lambda m: m.rpn.fg_bg_sampler.batch_size_per_image,
    ),
    "rpn_positive_fraction": (
        "largest fraction of positives among them", "iou_labeling", lambda m: m.rpn.fg_bg_sampler.positive_fraction,
    ),
    "rpn_score_thresh": ("probability below which a proposal is dropped", "proposals", lambda m: m.rpn.score_thresh),
    "box_roi_pool": ("module that pools the 7×7 features of each proposal (RoIAlign)", "roi_align", lambda m: m.roi_heads.box_roi_pool),
    "box_head": ("module that contains the two fully connected layers", "box_head", lambda m: m.roi_heads.box_head),
    "box_predictor": ("module that predicts class logits and deltas", "box_head", lambda m: m.roi_heads.box_predictor),
    "box_score_thresh": (
        "score that a detection has to exceed", "box_head", lambda m: m.roi_heads.score_thresh,
    ),
    "box_nms_thresh": ("IoU above which NMS removes a detection", "box_head", lambda m: m.roi_heads.nms_thresh),
    "box_detections_per_img": ("detections per image", "box_head", lambda m: m.roi_heads.detections_per_img),
    "box_fg_iou_thresh": (
        "lowest IoU that makes a proposal positive", "losses", lambda m: m.roi_heads.proposal_matcher.high_threshold,
    ),
    "box_bg_iou_thresh": (
        "IoU below which a proposal is negative", "losses", lambda m: m.roi_heads.proposal_matcher.low_threshold,
    ),
    "box_batch_size_per_image": (
        "proposals per image in the loss", "losses", lambda m: m.roi_heads.fg_bg_sampler.batch_size_per_image,
    ),
    "box_positive_fraction": (
        "largest fraction of positives among them", "losses", lambda m: m.roi_heads.fg_bg_sampler.positive_fraction,
    ),
    "bbox_reg_weights": ("weights of the box head's deltas", "box_coding", lambda m: m.roi_heads.box_coder.weights),
    "exact": ("whether results are bit for bit torchvision's", "why_it_is_fast", lambda m: False),
    "size_divisible": ("number of which the sides of a batch are multiples", "transform", lambda m: m.transform.size_divisible),
    "fixed_size": ("(width, height) of every resized image", "transform", lambda m: m.transform.fixed_size),
    "_skip_resize": ("whether resizing is skipped in training", "transform", lambda m: m.transform._skip_resize),
}  # fmt: skip


def parameters() -> list[Parameter]:
    """Every parameter of `FasterRCNN`, and then those that it hands to `GeneralizedRCNNTransform`."""
    with torch.device("meta"):  # no weights are needed to read settings
        full = run_as(fasterrcnn_resnet50_fpn(weights=None, weights_backbone=None), "textbook")
        small = run_as(fasterrcnn_small_fpn(), "textbook")
    rows = []
    for name, default in defaults().items():
        meaning, lesson, value = KNOWN[name]
        written = "required" if default is inspect.Parameter.empty else f"`{default}`"
        if default is None and value(full) is not None:
            written += f": {describe(value(full))}"
        rows.append(Parameter(name, written, describe(value(small)), LESSONS.index(lesson), meaning))
    return rows


def defaults() -> dict[str, Any]:
    """The default of each parameter, `inspect.Parameter.empty` if there is none."""
    mine = inspect.signature(FasterRCNN.__init__).parameters
    handed_on = inspect.signature(GeneralizedRCNNTransform.__init__).parameters
    named = {name: parameter.default for name, parameter in mine.items() if name not in ("self", "kwargs")}
    return named | {name: parameter.default for name, parameter in handed_on.items() if name not in (*named, "self")}


def describe(value: Any) -> str:
    """A value, or a part of a model, in a few words."""
    if isinstance(value, AnchorGenerator):
        sizes = ", ".join("/".join(map(str, level)) for level in value.sizes)
        return f"sizes {sizes}; ratios {', '.join(map(str, value.aspect_ratios[0]))}"
    if isinstance(value, MultiScaleRoIAlign):
        rows, columns = value.output_size
        return f"{rows}×{columns}, sampling ratio {value.sampling_ratio}, canonical scale {value.canonical_scale}"
    if isinstance(value, RPNHead):
        return f"{value.cls_logits.in_channels} channels, {value.cls_logits.out_channels} anchors per cell"
    if isinstance(value, TwoMLPHead):
        return f"{value.fc6.in_features} → {value.fc6.out_features} → {value.fc7.out_features}"
    if isinstance(value, FastRCNNPredictor):
        return f"{value.cls_score.in_features} → {value.cls_score.out_features} logits, {value.bbox_pred.out_features} deltas"
    if isinstance(value, BackboneWithFPN):
        return f"a ResNet with an FPN, {value.out_channels} channels"
    if isinstance(value, list | tuple):
        return ", ".join(f"{number:g}" for number in value)
    return str(value)


def markdown(to_notebook: str = "../notebooks/") -> str:
    """The table in Markdown; `to_notebook` is the path from its page to the folder of the notebooks."""
    lines = ["| parameter | meaning | default | small model | notebook |", "|---|---|---|---|---|"]
    for row in parameters():
        link = f"[{row.notebook:02d}]({to_notebook}{notebook_name(LESSONS[row.notebook])})"
        lines.append(f"| `{row.name}` | {row.meaning} | {row.default} | {row.small} | {link} |")
    return "\n".join(lines)


PAGE = """# The parameters of `FasterRCNN`

This table lists every argument of the constructor, what it means, its default, its value in the small model of the course
(`fasterrcnn_small_fpn`), and the notebook that explains it. If the default is `None`, the table also gives the value in the full
model (`fasterrcnn_resnet50_fpn`). The last rows are keyword arguments that the constructor hands to `GeneralizedRCNNTransform`.
Names and defaults are torchvision's, except for `exact`.

{table}

This page is written by `python -m frcnn_edu.lessons.the_whole_network.parameters`.
"""


def page() -> str:
    """The text of docs/parameters.md."""
    return PAGE.format(table=markdown())


if __name__ == "__main__":
    Path("docs/parameters.md").write_text(page(), encoding="utf-8")
