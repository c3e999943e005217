"""How a box is encoded: as the difference from a reference box, an anchor or a proposal."""

import math

import torch
from torch import Tensor

from ..checks.arguments import box_weights, check_arguments
from ..checks.rules import not_negative_or_infinite


class BoxCoder:
    """Turns boxes into deltas relative to anchors or proposals, and back (R-CNN, appendix C).

    `dx, dy` move the centre, in units of the reference's width and height; `dw, dh` are the logarithms of the
    factors by which the size changes. `weights` = (wx, wy, ww, wh) multiply them, so that all four have about unit variance.

    Args:
        weights: (1, 1, 1, 1) in the RPN, (10, 10, 5, 5) in the box head.
        bbox_xform_clip: upper limit of dw and dh in decoding, so that exp() cannot overflow; log(1000 / 16).

    Raises:
        TypeError, ValueError: an argument is not legal; the message names it.
    """

    def __init__(
        self, weights: tuple[float, float, float, float], bbox_xform_clip: float = math.log(1000.0 / 16)
    ) -> None:
        check_arguments(locals(), weights=box_weights, bbox_xform_clip=not_negative_or_infinite)
        self.weights = weights
        self.bbox_xform_clip = bbox_xform_clip

    def encode(self, reference_boxes: list[Tensor], proposals: list[Tensor]) -> list[Tensor]:
        """Deltas that lead from each proposal to its reference box; one (N, 4) tensor per image, in and out."""
        # All images at once, and split again afterwards.
        boxes_per_image = [len(boxes) for boxes in reference_boxes]
        deltas = self.encode_single(torch.cat(reference_boxes), torch.cat(proposals))
        return list(deltas.split(boxes_per_image))

    def encode_single(self, reference_boxes: Tensor, proposals: Tensor) -> Tensor:
        """Deltas from `proposals` (N, 4) to `reference_boxes` (N, 4) → (N, 4)."""
        weights_xy, weights_wh = self._weights(proposals)
        xy, wh = _centres_and_sizes(proposals)  # (N, 2) each
        gt_xy, gt_wh = _centres_and_sizes(reference_boxes)
        # In units of the anchor's or proposal's size, so that deltas do not depend on the scale.
        dxy = weights_xy * (gt_xy - xy) / wh
        # A logarithm: doubling and halving are equally far from 0, and every real number decodes to
        # a positive size.
        dwh = weights_wh * torch.log(gt_wh / wh)
        return torch.cat((dxy, dwh), dim=1)

    def decode(self, rel_codes: Tensor, boxes: list[Tensor]) -> Tensor:
        """Applies deltas to boxes: (N, 4·K) deltas, one (Nᵢ, 4) tensor per image → (N, K, 4).

        K is 1 in the RPN and the number of classes in the box head, where every class moves the box in its own way.
        """
        return self.decode_single(rel_codes.flatten(1), torch.cat(boxes)).unflatten(1, (-1, 4))

    def decode_single(self, rel_codes: Tensor, boxes: Tensor) -> Tensor:
        """Applies deltas (N, 4·K) to boxes (N, 4) → (N, 4·K)."""
        weights_xy, weights_wh = self._weights(rel_codes)
        # (N, 1, 2) each.
        xy, wh = (value[:, None] for value in _centres_and_sizes(boxes.to(rel_codes.dtype)))
        deltas = rel_codes.unflatten(1, (-1, 4))  # (N, K, 4)
        dxy = deltas[..., :2] / weights_xy
        # An extreme prediction must not give an infinite box. (No lower limit: exp(−∞) = 0.)
        dwh = (deltas[..., 2:] / weights_wh).clamp(max=self.bbox_xform_clip)

        # The inverse of `encode_single`, line by line.
        centres = dxy * wh + xy  # (N, K, 2)
        halves = 0.5 * (dwh.exp() * wh)
        return torch.cat((centres - halves, centres + halves), dim=2).flatten(1)

    def _weights(self, like: Tensor) -> tuple[Tensor, Tensor]:
        """(wx, wy) and (ww, wh), each of shape (2,)."""
        weights = torch.tensor(self.weights, dtype=like.dtype, device=like.device)
        return weights[:2], weights[2:]


def _centres_and_sizes(boxes: Tensor) -> tuple[Tensor, Tensor]:
    """(N, 4) → centres and sizes, (N, 2) each."""
    sizes = boxes[:, 2:] - boxes[:, :2]
    return boxes[:, :2] + 0.5 * sizes, sizes
