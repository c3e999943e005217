"""Figures of notebook 02: which parts are trained, and what eps does to a frozen BatchNorm."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import torch
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import Tensor

from frcnn_edu.model import FasterRCNN, FrozenBatchNorm2d, resnet_fpn_backbone
from frcnn_edu.viz import style as st
from frcnn_edu.viz.draw import WIDTH
from frcnn_edu.viz.sheet import Page

PARTS = ("conv1", "layer1", "layer2", "layer3", "layer4", "FPN", "heads")


@cache
def trained_tensors() -> list[dict[str, tuple[int, int]]]:
    """For `trainable_layers` 0…5: (trained tensors, all tensors) of each part of `fasterrcnn_resnet50_fpn`."""
    table = []
    for layers in range(6):
        with torch.device("meta"):
            backbone = resnet_fpn_backbone(
                backbone_name="resnet50", weights=None, norm_layer=FrozenBatchNorm2d, trainable_layers=layers
            )
            model = FasterRCNN(backbone, num_classes=91)
        counts = dict.fromkeys(PARTS, (0, 0))
        for name, parameter in model.named_parameters():
            words = name.split(".")
            part = words[2] if words[:2] == ["backbone", "body"] else "FPN" if words[0] == "backbone" else "heads"
            trained, all_of_them = counts[part]
            counts[part] = trained + int(parameter.requires_grad), all_of_them + 1
        table.append(counts)
    return table


def plot_freezing(table: Sequence[Mapping[str, tuple[int, int]]]) -> Figure:
    """Which parts are trained (filled) and which are frozen (hatched), a row for each number of trainable layers."""
    column, tall = (WIDTH - 2.5) / len(PARTS), 0.36
    with st.style():
        page = Page(0.72 + tall * len(table))
        page.text(0.1, 0.36, "trainable_layers", fontsize=8.5, color=st.MUTED)
        page.text(WIDTH - 0.1, 0.36, "trained tensors", fontsize=8.5, color=st.MUTED, ha="right")
        for index, part in enumerate(PARTS):
            x = 1.3 + index * column
            page.text(x + column / 2, 0.36, part, fontsize=9, ha="center", fontweight="bold")
        for row, counts in enumerate(table):
            y = 0.62 + row * tall
            page.text(0.6, y + tall / 2, str(row), fontsize=10, va="center", fontweight="bold")
            for index, part in enumerate(PARTS):
                trained, count = counts[part]
                x = 1.3 + index * column
                look: dict[str, Any] = {"edgecolor": st.PAPER, "linewidth": 2.0}
                if trained:
                    page.sheet.add_patch(Rectangle((x, y), column, tall, facecolor=st.FOREGROUND, **look))
                else:
                    page.sheet.add_patch(Rectangle((x, y), column, tall, facecolor=st.FAINT, hatch="////", **look))
                page.text(
                    x + column / 2, y + tall / 2, str(trained) if trained else f"{count} frozen", ha="center", va="center",
                    fontsize=8.5, color="#ffffff" if trained else st.INK,
                    **({} if trained else {"bbox": {"facecolor": st.FAINT, "edgecolor": "none", "pad": 1.5}}),
                )  # fmt: skip
            total = sum(trained for trained, _ in counts.values())
            page.text(WIDTH - 0.45, y + tall / 2, str(total), fontsize=10, va="center", ha="right", fontweight="bold")
    return page.figure


def plot_eps(variances: Tensor, eps: float) -> Figure:
    """How a wrong eps changes a channel's scale, by the channel's variance; and the variances in a trained backbone.

    Args:
        variances: (C,) running variances.
    """
    values = torch.logspace(-7, 3, 200)
    with st.style():
        figure = Figure(figsize=(WIDTH, 2.7))
        ax = figure.add_axes((0.09, 0.2, 0.88, 0.68))
        ax.semilogx(values.tolist(), (values / (values + eps)).sqrt().tolist(), color=st.FOREGROUND, linewidth=2.4)
        ax.plot([eps], [0.5**0.5], "o", color=st.INK)
        ax.annotate(
            f"variance = eps = {eps:g}:\n{0.5**0.5:.2f} of the scale", (eps, 0.5**0.5), (12, -4),
            textcoords="offset points", va="top", fontsize=8.5, linespacing=1.3,
        )  # fmt: skip
        counts = torch.histc(variances.log10(), 50, -7, 3)
        edges = torch.logspace(-7, 3, 51)[:-1]
        heights = (0.45 * counts / counts.max()).tolist()
        ax.fill_between(edges.tolist(), heights, step="post", color=st.STAGES["backbone"], alpha=0.5, linewidth=0)
        ax.text(
            variances.median().item(), 0.5, f"the {len(variances)} channels\nof the small model", ha="center", fontsize=8.5, linespacing=1.3,
            color=st.STAGES["backbone"],
        )  # fmt: skip
        ax.set(
            xlim=(1e-7, 1e3), ylim=(0, 1.06), xlabel="running variance of a channel",
            title=f"scale with eps {eps:g} / scale with eps 0",
        )  # fmt: skip
    return figure
