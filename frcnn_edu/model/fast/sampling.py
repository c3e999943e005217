"""Sampling with one synchronisation for the whole batch."""

import torch
from torch import Tensor

from ...ops.sampler import BalancedPositiveNegativeSampler
from .indices import indices_where
from .plain import is_overridden


class ExactBalancedPositiveNegativeSampler(BalancedPositiveNegativeSampler):
    """The textbook's samples, from the same random numbers."""

    def __call__(self, matched_idxs: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        if is_overridden(self):
            return super().__call__(matched_idxs)
        lengths = [len(labels) for labels in matched_idxs]
        nobody = matched_idxs[0].new_zeros(sum(lengths), dtype=torch.uint8)
        positives, negatives = (nobody.index_fill(0, torch.cat(each), 1) for each in self.sample(matched_idxs))
        return list(positives.split(lengths)), list(negatives.split(lengths))

    def sample(self, matched_idxs: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        """The sampled positives of each image and the sampled negatives, in random order.

        They are indices into all candidates of the batch.
        """
        labels = torch.cat(matched_idxs).clamp(max=1)  # 1, 0 or −1
        # (2, candidates)
        masks = labels == torch.tensor([[1], [0]]).to(labels.device, non_blocking=True)
        candidates = indices_where(masks, [len(in_image) for in_image in matched_idxs])
        sampled = [self._sample(*pair) for pair in zip(*candidates)]
        return [positives for positives, _ in sampled], [negatives for _, negatives in sampled]

    def _sample(self, positives: Tensor, negatives: Tensor) -> tuple[Tensor, Tensor]:
        num_positives = min(int(self.batch_size_per_image * self.positive_fraction), len(positives))
        num_negatives = min(self.batch_size_per_image - num_positives, len(negatives))
        return _choose(positives, num_positives), _choose(negatives, num_negatives)


def _choose(candidates: Tensor, number: int) -> Tensor:
    return candidates[torch.randperm(len(candidates), device=candidates.device)[:number]]
