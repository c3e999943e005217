"""Nearly every anchor is background. Learn from a small, balanced sample of them instead of from all."""

import torch
from torch import Tensor


class BalancedPositiveNegativeSampler:
    """Draws a fixed number of candidates an image, at most `positive_fraction` of them positive.

    Args:
        batch_size_per_image: candidates drawn from each image: 256 in the RPN, 512 in the box head.
        positive_fraction: 0.5 in the RPN, 0.25 in the box head. Too few positives are made up for by negatives.
    """

    def __init__(self, batch_size_per_image: int, positive_fraction: float) -> None:
        self.batch_size_per_image = batch_size_per_image
        self.positive_fraction = positive_fraction

    def __call__(self, matched_idxs: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        """Labels (N,) of each image (≥ 1 positive, 0 negative, −1 ignored) → masks of the drawn positives, negatives.

        Each mask is (N,) uint8. Uses two `randperm` an image, on the labels' device: first positives, then negatives.
        """
        masks = [self._sample(labels) for labels in matched_idxs]
        return [positive for positive, _ in masks], [negative for _, negative in masks]

    def _sample(self, labels: Tensor) -> tuple[Tensor, Tensor]:
        positives = torch.where(labels >= 1)[0]
        negatives = torch.where(labels == 0)[0]
        num_positives = min(int(self.batch_size_per_image * self.positive_fraction), len(positives))
        num_negatives = min(self.batch_size_per_image - num_positives, len(negatives))
        return _draw(positives, num_positives, labels), _draw(negatives, num_negatives, labels)


def _draw(candidates: Tensor, number: int, labels: Tensor) -> Tensor:
    """A uint8 mask over `labels` that is 1 at `number` of the `candidates`, drawn at random."""
    drawn = candidates[torch.randperm(len(candidates), device=candidates.device)[:number]]
    mask = torch.zeros_like(labels, dtype=torch.uint8)
    mask[drawn] = 1
    return mask
