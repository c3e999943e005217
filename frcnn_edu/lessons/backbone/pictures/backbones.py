"""Figures of notebook 02: the maps that different backbones return."""

from collections.abc import Mapping
from functools import cache
from typing import Any

import torch
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import nn

from frcnn_edu.lessons.story import story
from frcnn_edu.model.backbone import mobilenet_backbone, vgg_backbone
from frcnn_edu.viz import style as st
from frcnn_edu.viz.draw import WIDTH
from frcnn_edu.viz.sheet import Page

from .networks import resnet50_backbone

Maps = list[tuple[int, int]]  # (stride, channels) of each map that a backbone returns


def backbone_maps(backbone: nn.Module, size: int = 256) -> Maps:
    """(stride, channels) of the maps that a backbone, with several maps or a single one, returns; run on the meta device."""
    with torch.no_grad():
        maps: Any = backbone(torch.zeros(1, 3, size, size, device="meta"))
    maps = maps if isinstance(maps, dict) else {"0": maps}
    return [(size // features.shape[-1], features.shape[1]) for features in maps.values()]


@cache
def known_backbones() -> dict[str, Maps]:
    """The maps of the backbones that the package builds."""
    with torch.device("meta"):
        mobile: Any = mobilenet_backbone(backbone_name="mobilenet_v3_large", weights=None, fpn=True)
        vgg: Any = vgg_backbone(weights=None, fpn=True)
        single = vgg_backbone(weights=None, fpn=False)
    slim = [(128 // features.shape[-2], features.shape[1]) for features in story().trace.bottom_up.values()]
    return {
        "ResNet-50": backbone_maps(resnet50_backbone()),
        "SlimResNet (small)": slim,
        "VGG-16 with FPN": backbone_maps(vgg.body),
        "VGG-16, single map": backbone_maps(single),
        "MobileNetV3 with FPN": backbone_maps(mobile.body),
    }


def plot_backbones(backbones: Mapping[str, Maps]) -> Figure:
    """The maps of different backbones: each square's area shows the number of channels, its column the stride."""
    strides = sorted({stride for maps in backbones.values() for stride, _ in maps})
    most = max(channels for maps in backbones.values() for _, channels in maps)
    column, tall = (WIDTH - 1.75) / len(strides), 0.72
    with st.style():
        page = Page(0.45 + tall * len(backbones))
        for index, stride in enumerate(strides):
            page.text(1.75 + index * column, 0.12, f"stride {stride}", fontsize=9, fontweight="bold")
        for row, (name, maps) in enumerate(backbones.items()):
            y = 0.45 + tall * row
            page.sheet.plot([0.1, WIDTH - 0.1], [y, y], color=st.FAINT, linewidth=0.8)
            page.text(0.1, y + tall / 2, name, va="center", fontsize=9)
            used: dict[int, float] = {}
            for stride, channels in maps:
                side = 0.6 * (channels / most) ** 0.5
                x = 1.75 + strides.index(stride) * column + used.get(stride, 0.0)
                color = st.LEVELS[f"P{stride.bit_length() - 1}"]
                page.sheet.add_patch(Rectangle((x, y + (tall - side) / 2), side, side, facecolor=color))
                page.text(x + side + 0.06, y + tall / 2, str(channels), va="center", fontsize=8.5)
                used[stride] = used.get(stride, 0.0) + side + 0.5
    return page.figure
