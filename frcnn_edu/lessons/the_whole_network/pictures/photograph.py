"""A photograph of the real world, and what a detector finds in it: the figure that opens notebook 00."""

from collections.abc import Mapping

import torch
from matplotlib.figure import Figure
from torch import Tensor

from frcnn_edu.catalogue import COINS_WEIGHTS
from frcnn_edu.lessons.your_own_data import coins
from frcnn_edu.ops import box_iou
from frcnn_edu.training import load_model
from frcnn_edu.viz import style as st
from frcnn_edu.viz.draw import WIDTH, draw_boxes, ratio, show_image
from frcnn_edu.viz.sheet import Page

SCORE = 0.5  # detections that score less are not drawn
FITS = 0.5  # the least IoU with which a coin counts as found


def draw_found(image: Tensor, detections: Mapping[str, Tensor]) -> Figure:
    """The photograph of the coins with the boxes of the detections and the number of coins found; the held-out row is marked.

    Args:
        image: `coins.photograph()`.
        detections: boxes (N, 4) xyxy in pixels of the image and scores (N,), as the model returns them.
    """
    keep = detections["scores"] >= SCORE
    boxes, scores = detections["boxes"][keep], detections["scores"][keep]
    found = found_coins(boxes)
    new = slice(6 * coins.TRAINING_ROWS, None)  # the coins that training did not see
    left, top, wide, border = 0.0, 0.36, 6.5, coins.ROW_EDGES[coins.TRAINING_ROWS]
    scale = wide / image.shape[-1]  # inches a pixel
    with st.style():
        page = Page(top + wide * ratio(image))
        page.text(
            left, 0.07, f"{len(boxes)} detections, {int(found.sum())} of {len(found)} coins found", fontsize=11, fontweight="bold"
        )  # fmt: skip
        ax = page.panel(left, top, wide, wide * ratio(image))
        show_image(ax, image)
        draw_boxes(ax, boxes, st.DETECTION, linewidth=1.6)
        ax.axhline(border, color=st.PAPER, linewidth=1.0, linestyle=(0, (5, 4)))
        known = f"{int(found[: new.start].sum())} of {new.start}\n\npieces of these rows\nwere in the training\nimages"
        unseen = f"{int(found[new].sum())} of {len(found[new])}\n\nnever seen\nin training"
        for first, last, text in ((0, border, known), (border, image.shape[1], unseen)):
            begin, end = top + scale * first + 0.06, top + scale * last - 0.06
            page.sheet.plot([left + wide + 0.1] * 2, [begin, end], color=st.MUTED, linewidth=1.4)
            count, rest = text.split("\n\n")
            page.text(left + wide + 0.2, begin, count, fontsize=11, fontweight="bold")
            page.text(left + wide + 0.2, begin + 0.25, rest, fontsize=8.4, linespacing=1.3)
        lowest = f"each score at\nleast {float(scores.min()):.2f}" if len(scores) else "no detection"
        page.text(WIDTH - 1.3, page.height - 0.06, lowest, fontsize=8.4, linespacing=1.3, color=st.MUTED, va="bottom")
    return page.figure


def found_coins(boxes: Tensor) -> Tensor:
    """For each of the 24 coins whether one of the boxes (N, 4) fits it: (24,) bool."""
    return (box_iou(coins.coin_boxes(), boxes) >= FITS).any(dim=1)


def photograph() -> Figure:
    """The photograph of the coins with what the shipped detector of coins finds."""
    image = coins.photograph()
    model, _, _ = load_model(COINS_WEIGHTS)
    with torch.no_grad():
        (detections,) = model([image])
    return draw_found(image, detections)
