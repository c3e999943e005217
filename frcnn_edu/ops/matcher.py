"""Which ground-truth box is each anchor, or each proposal, responsible for?"""

from collections.abc import Callable, Iterable

import torch
from torch import Tensor

from .boxes import box_iou

# A table of IoUs is worked through in pieces of at most so many numbers, 8 MB: few enough to stay near the processor,
# whatever the number of objects.
MOST_IOUS = 2**21


class Matcher:
    """Gives each candidate box a ground-truth box, or says that it has none (Faster R-CNN, section 3.1.2).

    Args:
        high_threshold: candidates whose best IoU is at least this are matched (foreground).
        low_threshold: candidates whose best IoU is below this are background; those in between are ignored.
        allow_low_quality_matches: also match, for each ground truth, the candidates that overlap it best, however
            little that is: otherwise an object that no anchor fits would never be learnt.
    """

    BELOW_LOW_THRESHOLD = -1
    BETWEEN_THRESHOLDS = -2

    def __init__(self, high_threshold: float, low_threshold: float, allow_low_quality_matches: bool = False) -> None:
        if low_threshold > high_threshold:
            raise ValueError(f"low_threshold {low_threshold} is above high_threshold {high_threshold}")
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
        return self._match([match_quality_matrix])

    def match_boxes(self, truth: Tensor, candidates: Tensor) -> Tensor:
        """The same from the boxes, (M, 4) and (N, 4), without ever holding more than `MOST_IOUS` of their IoUs.

        (Or one row of them, if that is more.)
        """
        rows = max(1, MOST_IOUS // len(candidates))
        return self._match(box_iou(some, candidates) for some in truth.split(rows))

    def _match(self, pieces: Iterable[Tensor]) -> Tensor:
        """Rows of the matrix, some at a time: what is asked of it can be asked row by row."""
        pieces = iter(pieces)
        best_iou, best_truth, restored, truths = self._look_at(next(pieces))
        for iou in pieces:
            iou_here, truth_here, restored_here, truths_here = self._look_at(iou)
            better = iou_here > best_iou  # of equals the first stays
            best_iou = torch.where(better, iou_here, best_iou)
            best_truth = torch.where(better, truth_here + truths, best_truth)
            restored = restored | restored_here
            truths += truths_here

        matches = best_truth
        if self.low_threshold < self.high_threshold:
            matches = matches.masked_fill(best_iou < self.high_threshold, self.BETWEEN_THRESHOLDS)
        matches = matches.masked_fill(best_iou < self.low_threshold, self.BELOW_LOW_THRESHOLD)
        if self.allow_low_quality_matches:
            # Each restored candidate gets the ground truth *it* overlaps most, which may be another than the one
            # that asked for it.
            matches = torch.where(restored, best_truth, matches)
        return matches

    def _look_at(self, iou: Tensor) -> tuple[Tensor, Tensor, Tensor, int]:
        """IoU of some M ground truths with the N candidates → for each candidate its best IoU and ground truth, (N,), and
        whether it is the best of one of them, ties included; and M.
        """
        best_iou, best_truth = iou.max(dim=0)
        if not self.allow_low_quality_matches:
            return best_iou, best_truth, torch.tensor(False), len(iou)
        restored = (iou == iou.max(dim=1, keepdim=True).values).any(dim=0)
        return best_iou, best_truth, restored, len(iou)


def match_boxes(matcher: Callable[[Tensor], Tensor], truth: Tensor, candidates: Tensor) -> Tensor:
    """Matches boxes by a `Matcher`, or by one of another make, which wants the whole matrix of IoUs."""
    if isinstance(matcher, Matcher):
        return matcher.match_boxes(truth, candidates)
    return matcher(box_iou(truth, candidates))
