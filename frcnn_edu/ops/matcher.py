"""Matching: which ground-truth box does each anchor, or each proposal, belong to?"""

from torch import Tensor

from ..checks.arguments import check_arguments
from ..checks.rules import fraction


class Matcher:
    """Assigns a ground-truth box, background or "ignored" to each candidate box (Faster R-CNN, section 3.1.2).

    Args:
        high_threshold: lowest IoU with the best ground truth at which a candidate is matched (foreground).
        low_threshold: IoU below which a candidate is background; candidates in between are ignored.
        allow_low_quality_matches: whether the candidates that overlap some ground truth most are matched, too, however
            low their IoU is. Without them, an object that no anchor fits would have no positive anchor.

    Raises:
        TypeError, ValueError: an argument is not legal; the message names it.

    Source: `torchvision/models/detection/_utils.py`.
    """

    BELOW_LOW_THRESHOLD = -1
    BETWEEN_THRESHOLDS = -2

    def __init__(self, high_threshold: float, low_threshold: float, allow_low_quality_matches: bool = False) -> None:
        # Both must be in 0…1, the high one not below the low one.
        check_arguments(locals(), high_threshold=fraction, low_threshold=fraction)
        self.high_threshold = high_threshold
        self.low_threshold = low_threshold
        self.allow_low_quality_matches = allow_low_quality_matches

    def __call__(self, match_quality_matrix: Tensor) -> Tensor:
        """IoU (M ground truths, N candidates) → (N,) int64: the ground truth's index, or −1 background, −2 ignored.

        Raises:
            ValueError: M or N is 0 (an image without objects is handled before matching).
        """
        if match_quality_matrix.numel() == 0:
            raise ValueError(
                "matching needs at least one ground-truth box and one candidate, got a matrix of shape "
                f"{tuple(match_quality_matrix.shape)}"
            )
        best_iou, best_gt = match_quality_matrix.max(dim=0)  # (N,) each; of equal values, the first
        matches = best_gt.clone()
        # Every candidate has a best ground truth, but few overlap it enough to be matched.
        matches[best_iou < self.high_threshold] = self.BETWEEN_THRESHOLDS
        matches[best_iou < self.low_threshold] = self.BELOW_LOW_THRESHOLD
        if self.allow_low_quality_matches:
            self.set_low_quality_matches_(matches, best_gt, match_quality_matrix)
        return matches

    def set_low_quality_matches_(self, matches: Tensor, all_matches: Tensor, match_quality_matrix: Tensor) -> None:
        """Restores, in place, the matches of all candidates that are the best for some ground truth, ties included.

        Args:
            matches: (N,), after the thresholds. all_matches: (N,), before them. match_quality_matrix: (M, N).
        """
        best_of_each_gt = match_quality_matrix.max(dim=1, keepdim=True).values  # (M, 1)
        restored = (match_quality_matrix == best_of_each_gt).any(dim=0)  # (N,)
        # A restored candidate gets the ground truth that *it* overlaps most, which may differ from
        # the one for which it was restored.
        matches[restored] = all_matches[restored]
