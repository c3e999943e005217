"""Nearly all anchors are background, so training uses a small, balanced sample of them."""

import torch
from torch import Tensor

from ..checks.arguments import check_arguments


class BalancedPositiveNegativeSampler:
    """Samples a fixed number of candidates per image, at most `positive_fraction` of them positive.

    Args:
        batch_size_per_image: number of candidates sampled from each image: 256 in the RPN, 512 in the box head.
        positive_fraction: largest fraction of positives: 0.5 in the RPN, 0.25 in the box head. If there are too few
            positives, negatives fill the sample.

    Raises:
        TypeError, ValueError: an argument is not legal; the message names it.

    Source: Faster R-CNN, section 3.1.3; `torchvision/models/detection/_utils.py`.
    """

    def __init__(self, batch_size_per_image: int, positive_fraction: float) -> None:
        check_arguments(locals())  # a whole number of at least 1, and a number in 0…1
        self.batch_size_per_image = batch_size_per_image
        self.positive_fraction = positive_fraction  # an upper limit: an image often has fewer positives

    def __call__(self, matched_idxs: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        """Labels (N,) of each image (≥ 1 positive, 0 negative, −1 ignored) → masks of the sampled positives, negatives.

        Each mask is (N,) uint8, as in torchvision. Two calls of `randperm` per image, on the labels' device, choose first
        the positives, then the negatives.
        """
        positive_masks, negative_masks = [], []
        for labels in matched_idxs:
            # Ignored candidates (−1) are neither.
            positives, negatives = torch.where(labels >= 1)[0], torch.where(labels == 0)[0]
            # Often there are fewer positives than allowed. Negatives then fill the sample.
            num_positives = min(int(self.batch_size_per_image * self.positive_fraction), len(positives))
            num_negatives = min(self.batch_size_per_image - num_positives, len(negatives))
            positive_masks.append(_mask(labels, _choose(positives, num_positives)))
            negative_masks.append(_mask(labels, _choose(negatives, num_negatives)))
        return positive_masks, negative_masks


def _choose(candidates: Tensor, number: int) -> Tensor:
    """`number` of the candidates, chosen uniformly at random."""
    # `randperm` is called even for all or none, so that later random numbers equal torchvision's.
    return candidates[torch.randperm(len(candidates), device=candidates.device)[:number]]


def _mask(labels: Tensor, chosen: Tensor) -> Tensor:
    """(N,) uint8: 1 at the chosen indices."""
    return torch.zeros_like(labels, dtype=torch.uint8).index_fill(0, chosen, 1)
