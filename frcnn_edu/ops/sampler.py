"""Nearly every anchor is background. Learn from a small, balanced sample of them instead of from all."""

from collections.abc import Callable

import torch
from torch import Tensor

from .indices import indices_where


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

        Each mask is (N,) uint8, as torchvision has it.
        """
        positives, negatives = (
            [torch.zeros_like(labels, dtype=torch.uint8).index_fill_(0, i, 1) for labels, i in zip(matched_idxs, drawn)]
            for drawn in self.draw(matched_idxs)
        )
        return positives, negatives

    def draw(self, matched_idxs: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        """The same as indices, ascending: those of the drawn positives, and of the drawn negatives, of each image.

        Uses two `randperm` an image, on the labels' device: first positives, then negatives.
        """
        candidates = indices_where([labels >= 1 for labels in matched_idxs] + [labels == 0 for labels in matched_idxs])
        drawn = [self._draw(*pair) for pair in zip(candidates, candidates[len(matched_idxs) :])]
        return [positives for positives, _ in drawn], [negatives for _, negatives in drawn]

    def _draw(self, positives: Tensor, negatives: Tensor) -> tuple[Tensor, Tensor]:
        num_positives = min(int(self.batch_size_per_image * self.positive_fraction), len(positives))
        num_negatives = min(self.batch_size_per_image - num_positives, len(negatives))
        return _choose(positives, num_positives), _choose(negatives, num_negatives)


def _choose(candidates: Tensor, number: int) -> Tensor:
    order = torch.randperm(len(candidates), device=candidates.device)
    return candidates[order[:number]].sort().values


def draw(sampler: Callable, labels: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
    """Indices of drawn positives and negatives by our sampler, or by one of another make, which returns masks."""
    if isinstance(sampler, BalancedPositiveNegativeSampler):
        return sampler.draw(labels)
    positive_masks, negative_masks = sampler(labels)
    indices = indices_where([*positive_masks, *negative_masks])
    return indices[: len(labels)], indices[len(labels) :]
