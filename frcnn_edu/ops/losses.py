"""The four losses of Faster R-CNN: two for the RPN, two for the box head (Faster R-CNN, equation 1)."""

import torch
import torch.nn.functional as F
from torch import Tensor

# The point where smooth L1 changes from a parabola to a line. Box deltas are small: with the usual
# 1, nearly all of them would be on the parabola.
BETA = 1 / 9


def rpn_loss(
    objectness: Tensor, labels: Tensor, pred_bbox_deltas: Tensor, regression_targets: Tensor
) -> tuple[Tensor, Tensor]:
    """Objectness loss and box loss of the sampled anchors of the whole batch.

    Args:
        objectness: logits of all sampled anchors, (S,).
        labels: 1 for positive, 0 for negative anchors, (S,) float.
        pred_bbox_deltas, regression_targets: predicted and target deltas of the positive anchors, (P, 4).

    The box loss sums over positives but divides by *all* sampled anchors, so that an image with few positives
    does not dominate.
    """
    box_loss = F.smooth_l1_loss(pred_bbox_deltas, regression_targets, beta=BETA, reduction="sum") / len(objectness)
    return F.binary_cross_entropy_with_logits(objectness, labels), box_loss


def fastrcnn_loss(
    class_logits: Tensor, box_regression: Tensor, labels: list[Tensor], regression_targets: list[Tensor]
) -> tuple[Tensor, Tensor]:
    """Classification loss and box loss of the sampled proposals of the whole batch.

    Args:
        class_logits: (N, C). box_regression: (N, 4·C), of which only the four of the true class are trained.
        labels: (Nᵢ,) int64 for each image, 0 is background. regression_targets: (Nᵢ, 4) for each image.
    """
    all_labels = torch.cat(labels)  # (N,)
    targets = torch.cat(regression_targets)
    classification_loss = F.cross_entropy(class_logits, all_labels)

    # Background has no box, and for an object only the deltas of the true class have a target.
    positives = torch.where(all_labels > 0)[0]
    deltas_per_class = box_regression.unflatten(1, (-1, 4))  # (N, 4·C) → (N, C, 4)
    box_loss = F.smooth_l1_loss(
        deltas_per_class[positives, all_labels[positives]], targets[positives], beta=BETA, reduction="sum"
    )
    # Divided by all sampled proposals, because otherwise a batch's only positive would weigh as much as all
    # the positives of another batch together.
    return classification_loss, box_loss / all_labels.numel()
