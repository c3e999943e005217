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
        lengths = [len(labels) for labels in matched_idxs]
        nobody = matched_idxs[0].new_zeros(sum(lengths), dtype=torch.uint8)
        positives, negatives = (nobody.index_fill(0, torch.cat(drawn), 1) for drawn in self.draw(matched_idxs))
        return list(positives.split(lengths)), list(negatives.split(lengths))

    def draw(self, matched_idxs: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        """The drawn positives of each image and the drawn negatives, in random order.

        They are indices into the one list of all images' candidates. Uses two `randperm` an image, on the labels' device:
        first positives, then negatives.
        """
        labels = torch.cat(matched_idxs)
        masks = torch.stack((labels >= 1, labels == 0))
        candidates = indices_where(masks, [len(in_image) for in_image in matched_idxs])
        drawn = [self._draw(*pair) for pair in zip(*candidates)]
        return [positives for positives, _ in drawn], [negatives for _, negatives in drawn]

    def _draw(self, positives: Tensor, negatives: Tensor) -> tuple[Tensor, Tensor]:
        num_positives = min(int(self.batch_size_per_image * self.positive_fraction), len(positives))
        num_negatives = min(self.batch_size_per_image - num_positives, len(negatives))
        return _choose(positives, num_positives), _choose(negatives, num_negatives)


def _choose(candidates: Tensor, number: int) -> Tensor:
    return candidates[torch.randperm(len(candidates), device=candidates.device)[:number]]


def draw(sampler: Callable, labels: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
    """`sampler.draw(labels)` by our sampler, or by one of another make, which returns masks."""
    if isinstance(sampler, BalancedPositiveNegativeSampler):
        return sampler.draw(labels)
    masks = torch.stack([torch.cat(list(of_each_image)) for of_each_image in sampler(labels)])
    positives, negatives = indices_where(masks, [len(in_image) for in_image in labels])
    return positives, negatives
