"""Figures of notebook 02: which cells resemble the one in the middle of an object."""

from collections.abc import Mapping

import torch
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from torch import Tensor, nn

from frcnn_edu.lessons.stages import frame
from frcnn_edu.viz import style as st
from frcnn_edu.viz.draw import draw_boxes, draw_ground_truth, panels, ratio, show_image

#: From transparent to opaque: what does not resemble the cell shows the image underneath.
ALIKE = LinearSegmentedColormap.from_list("alike", [st.FOREGROUND + "00", st.FOREGROUND + "ff"])


def similarity(features: Tensor, cell: tuple[int, int]) -> Tensor:
    """Cosine similarity of each cell's features to those of `cell` (row, column), after subtracting the average cell.

    Returns:
        (H, W), from −1 to 1.
    """
    centred = features[0] - features[0].mean(dim=(1, 2), keepdim=True)  # (C, H, W)
    return nn.functional.cosine_similarity(centred, centred[:, cell[0], cell[1], None, None], dim=0)


def plot_seen(picture: Tensor, bottom_up: Mapping[str, Tensor], box: Tensor) -> Figure:
    """Each map over the image: the bluer a cell, the more it resembles the outlined one in the middle of `box` (4,)."""
    height, width = picture.shape[-2:]
    x, y = ((box[:2] + box[2:]) / 2).tolist()
    with st.style():
        figure, axes = panels([ratio(picture)] * len(bottom_up), columns=2, title=0.25, gap=0.1)
        for index, (ax, (key, features)) in enumerate(zip(axes, bottom_up.items(), strict=True)):
            stride = width // features.shape[-1]
            row, column = int(y) // stride, int(x) // stride
            cell = torch.tensor([[column, row, column + 1, row + 1]]) * stride
            alike = similarity(features, (row, column)).clamp(min=0)
            show_image(ax, picture, dim=0.55)
            ax.imshow(alike.numpy(), cmap=ALIKE, vmin=0, vmax=1, extent=(0, width, height, 0))
            ax.set(xlim=(0, width), ylim=(height, 0))
            frame(ax, st.level_color(key))
            draw_ground_truth(ax, box[None])
            draw_boxes(ax, cell, st.FOCUS, linewidth=1.8)
            ax.set_title(f"C{2 + index}: similarity to the outlined cell", fontsize=9)
    return figure


def mean_similarity(features: Tensor, stride: int, boxes: Tensor, index: int) -> tuple[float, float, float]:
    """The mean similarity to the cell in the middle of one box: of the other cells in it, of cells in other boxes, and in none.

    Args:
        features: the map (1, C, H, W).
        stride: pixels that a cell stands for, in each direction.
        boxes: (N, 4) in pixels; a cell is in a box if its centre is.
        index: of the box in question.
    """
    x, y = ((boxes[index, :2] + boxes[index, 2:]) / 2).int().tolist()
    alike = similarity(features, (y // stride, x // stride))  # (H, W)
    rows, columns = ((torch.arange(count) + 0.5) * stride for count in alike.shape)
    x1, y1, x2, y2 = boxes.T[:, :, None, None]  # (N, 1, 1) each
    within = (columns > x1) & (columns < x2) & (rows[:, None] > y1) & (rows[:, None] < y2)  # (N, H, W)
    here, background = within[index], ~within.any(dim=0)
    others = ~here & ~background
    here[y // stride, x // stride] = False  # the cell itself
    own, other, none = (float(alike[part].mean()) for part in (here, others, background))
    return own, other, none
