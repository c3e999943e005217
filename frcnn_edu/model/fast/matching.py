"""Matching without storing the whole table of IoUs."""

from collections.abc import Iterable

import torch
from torch import Tensor

from ...ops.matcher import Matcher
from .boxes import box_iou

# A table of IoUs is processed in pieces of at most this many numbers (8 MB), small enough for the
# CPU's caches, whatever the number of objects.
MOST_IOUS = 2**21


class ExactMatcher(Matcher):
    """The textbook's matches; every reduction of the table of IoUs can be done row by row."""

    def match_boxes(self, gt_boxes: Tensor, candidates: Tensor) -> Tensor:
        """`matcher(box_iou(gt_boxes, candidates))` of boxes (M, 4) and (N, 4), never storing more than `MOST_IOUS` IoUs.

        (Or one row, if that is more.)
        """
        rows = max(1, MOST_IOUS // len(candidates))
        return self._match(box_iou(some, candidates) for some in gt_boxes.split(rows))

    def _match(self, pieces: Iterable[Tensor]) -> Tensor:
        """Matches from the table, given a few rows at a time."""
        pieces = iter(pieces)
        best_iou, best_gt, restored, gt_before = self._look_at(next(pieces))
        for iou in pieces:
            iou_here, gt_here, restored_here, number = self._look_at(iou)
            better = iou_here > best_iou  # ties keep the first
            best_iou = torch.where(better, iou_here, best_iou)
            best_gt = torch.where(better, gt_here + gt_before, best_gt)
            restored = restored | restored_here
            gt_before += number

        matches = best_gt
        if self.low_threshold < self.high_threshold:
            matches = matches.masked_fill(best_iou < self.high_threshold, self.BETWEEN_THRESHOLDS)
        matches = matches.masked_fill(best_iou < self.low_threshold, self.BELOW_LOW_THRESHOLD)
        return torch.where(restored, best_gt, matches) if self.allow_low_quality_matches else matches

    def _look_at(self, iou: Tensor) -> tuple[Tensor, Tensor, Tensor, int]:
        """IoU of some M ground truths with the N candidates → for each candidate its best IoU and ground truth, (N,), and
        whether it is the best candidate of any of them, ties included; and M.
        """
        best_iou, best_gt = iou.max(dim=0)
        if not self.allow_low_quality_matches:
            return best_iou, best_gt, torch.tensor(False), len(iou)
        restored = (iou == iou.max(dim=1, keepdim=True).values).any(dim=0)
        return best_iou, best_gt, restored, len(iou)
