"""Checks a constructor's arguments: an error names the argument, the legal values, and the value given.

A detector has about thirty settings. With most wrong values it still runs, but learns nothing or finds nothing.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from .rules import (
    Check,
    at_least,
    by_mode,
    classes,
    count,
    each,
    finite,
    flag,
    fraction,
    kind_of_block,
    layer_names,
    maker_of_layers,
    mean_of_images,
    not_negative,
    one_or_each,
    optional,
    part,
    positive,
    positive_or_infinite,
    short,
    std_of_images,
    whole,
)
from .warn import warn

box_weights = each(positive, length=4)

#: Checks by the name of the argument, which means the same in every constructor.
CHECKS: dict[str, Check] = {
    # transform
    "min_size": one_or_each(positive),
    "max_size": positive_or_infinite,
    "image_mean": each(mean_of_images),
    "image_std": each(std_of_images),
    "size_divisible": count,
    "fixed_size": optional(each(count, length=2)),
    "_skip_resize": flag,
    # anchors
    "sizes": each(one_or_each(positive)),
    "aspect_ratios": each(one_or_each(positive)),
    # both stages
    "fg_iou_thresh": fraction,
    "bg_iou_thresh": fraction,
    "batch_size_per_image": count,
    "positive_fraction": fraction,
    "nms_thresh": fraction,
    "score_thresh": fraction,
    # the first stage; FasterRCNN has an argument for each mode
    "pre_nms_top_n": by_mode(count),
    "post_nms_top_n": by_mode(count),
    **{f"{when}_nms_top_n_{mode}": count for when in ("pre", "post") for mode in ("train", "test")},
    "anchor_generator": optional(part),
    "head": optional(part),
    # the second stage
    "detections_per_img": count,
    "bbox_reg_weights": optional(box_weights),
    "roi_pool": optional(part),
    "predictor": optional(part),
    "num_classes": optional(classes),
    # layers
    "in_channels": count,
    "out_channels": count,
    "in_channels_list": each(count),
    "num_anchors": count,
    "conv_depth": at_least(0),
    "representation_size": count,
    "num_features": count,
    "eps": not_negative,
    "norm_layer": optional(maker_of_layers),
    "return_layers": optional(layer_names),
    # ResNet
    "block": kind_of_block,
    **{name: each(count, length=4) for name in ("layers", "widths")},
    "downsample": optional(part),
    **dict.fromkeys(("inplanes", "planes", "stride", "groups", "base_width", "width_per_group"), count),
    # RoIAlign
    "featmap_names": each(lambda name, value: None),
    "output_size": one_or_each(count, length=2),
    "sampling_ratio": whole,  # below 1 the kernel chooses
    "canonical_scale": positive,
    "canonical_level": finite,
    # flags
    **dict.fromkeys(("allow_low_quality_matches", "exact", "fpn", "progress"), flag),
}

#: Pairs of arguments of which the first must be at least the second.
ORDERED = [
    ("high_threshold", "low_threshold"),
    *((f"{stage}fg_iou_thresh", f"{stage}bg_iou_thresh") for stage in ("", "rpn_", "box_")),
]


def check_arguments(arguments: Mapping[str, Any], **checks: Check) -> None:
    """Checks the arguments of a constructor for which there is a check in `checks` or in `CHECKS`.

    Args:
        arguments: values by name, from `locals()` on the constructor's first line. The prefixes `rpn_` and `box_` of
            `FasterRCNN`'s arguments are ignored.
        checks: further checks by name; they take precedence over `CHECKS`.

    Raises:
        TypeError: a value has the wrong type.
        ValueError: a value is not legal, or two values contradict each other.
    """
    for name, value in arguments.items():
        check = checks.get(name) or CHECKS.get(name.removeprefix("rpn_").removeprefix("box_"))
        if check is not None:
            check(name, value)
    for high, low in ORDERED:
        if high in arguments and arguments[low] > arguments[high]:
            raise ValueError(f"{high} must be at least {low}, got {high}={arguments[high]} and {low}={arguments[low]}")
    if "image_mean" in arguments:
        _check_channels(arguments["image_mean"], arguments["image_std"])
    if arguments.get("return_layers") is not None and "in_channels_list" in arguments:
        _check_maps(arguments["return_layers"], arguments["in_channels_list"])
    if "size_divisible" in arguments:  # the transform, which receives FasterRCNN's sizes
        _warn_of_sizes(arguments["min_size"], arguments["max_size"])


def _check_channels(mean: Sequence[float], std: Sequence[float]) -> None:
    if len(mean) != len(std) and 1 not in (len(mean), len(std)):  # one number is used for all channels
        raise ValueError(
            f"image_mean and image_std must have a number for each channel, got {short(mean)} and {short(std)}"
        )


def _check_maps(return_layers: Mapping[str, str], in_channels_list: Sequence[int]) -> None:
    if len(return_layers) != len(in_channels_list):
        raise ValueError(
            f"in_channels_list must have a number for each map, got {short(in_channels_list)} for the "
            f"{len(return_layers)} of return_layers={short(return_layers)}"
        )


def _warn_of_sizes(min_size: float | Sequence[float], max_size: float) -> None:
    """Warns if the shorter side of an image can never have the requested length."""
    too_large = [size for size in (min_size if isinstance(min_size, Sequence) else [min_size]) if size > max_size]
    if too_large:
        warn(
            f"min_size={too_large[0]} is above max_size={max_size}: the longer side of every image becomes {max_size}, and "
            f"min_size has no effect. If that is what you want, set min_size={max_size}; otherwise increase max_size"
        )
