"""How the network writes a box down: as the difference to a box that it already has."""

import math

import torch
from torch import Tensor


class BoxCoder:
    """Turns boxes into deltas relative to anchors or proposals, and back (R-CNN, appendix C).

    `dx, dy` move the centre, in units of the reference's width and height; `dw, dh` are the logarithms of the
    change of size. `weights` = (wx, wy, ww, wh) multiply them, so that all four have about unit variance.

    Args:
        weights: (1, 1, 1, 1) in the RPN, (10, 10, 5, 5) in the box head.
        bbox_xform_clip: upper limit of dw and dh when decoding, so that exp() cannot overflow; log(1000 / 16).
    """

    def __init__(
        self, weights: tuple[float, float, float, float], bbox_xform_clip: float = math.log(1000.0 / 16)
    ) -> None:
        self.weights = weights
        self.bbox_xform_clip = bbox_xform_clip

    def encode(self, reference_boxes: list[Tensor], proposals: list[Tensor]) -> list[Tensor]:
        """Deltas that lead from each proposal to its reference box; one (N, 4) tensor an image in, and out."""
        boxes_per_image = [len(boxes) for boxes in reference_boxes]
        deltas = self.encode_single(torch.cat(reference_boxes), torch.cat(proposals))
        return list(deltas.split(boxes_per_image))

    def encode_single(self, reference_boxes: Tensor, proposals: Tensor) -> Tensor:
        """Deltas from `proposals` (N, 4) to `reference_boxes` (N, 4) → (N, 4)."""
        wx, wy, ww, wh = self.weights
        x, y, w, h = _centres_and_sizes(proposals)
        gt_x, gt_y, gt_w, gt_h = _centres_and_sizes(reference_boxes)
        dx = wx * (gt_x - x) / w
        dy = wy * (gt_y - y) / h
        dw = ww * torch.log(gt_w / w)
        dh = wh * torch.log(gt_h / h)
        return torch.stack((dx, dy, dw, dh), dim=1)

    def decode(self, rel_codes: Tensor, boxes: list[Tensor]) -> Tensor:
        """Applies deltas to boxes: (N, 4·K) deltas, one (Nᵢ, 4) tensor an image → (N, K, 4).

        K is 1 in the RPN and the number of classes in the box head, where every class moves the box in its own way.
        """
        return self.decode_single(rel_codes.flatten(1), torch.cat(boxes)).unflatten(1, (-1, 4))

    def decode_single(self, rel_codes: Tensor, boxes: Tensor) -> Tensor:
        """Applies deltas (N, 4·K) to boxes (N, 4) → (N, 4·K)."""
        wx, wy, ww, wh = self.weights
        x, y, w, h = (value[:, None] for value in _centres_and_sizes(boxes.to(rel_codes.dtype)))  # each (N, 1)
        dx = rel_codes[:, 0::4] / wx  # (N, K)
        dy = rel_codes[:, 1::4] / wy
        dw = (rel_codes[:, 2::4] / ww).clamp(max=self.bbox_xform_clip)
        dh = (rel_codes[:, 3::4] / wh).clamp(max=self.bbox_xform_clip)

        centre_x, centre_y = dx * w + x, dy * h + y
        half_w, half_h = 0.5 * (dw.exp() * w), 0.5 * (dh.exp() * h)
        corners = (centre_x - half_w, centre_y - half_h, centre_x + half_w, centre_y + half_h)
        return torch.stack(corners, dim=2).flatten(1)  # (N, K, 4) → (N, 4·K)


def _centres_and_sizes(boxes: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """(N, 4) → centre x, centre y, width, height, each (N,)."""
    sizes = boxes[:, 2:] - boxes[:, :2]
    centres = boxes[:, :2] + 0.5 * sizes
    (x, y), (width, height) = centres.unbind(dim=1), sizes.unbind(dim=1)
    return x, y, width, height
