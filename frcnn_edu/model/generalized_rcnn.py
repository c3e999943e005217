"""The whole network in one forward pass: transform → backbone → RPN → RoI heads → boxes mapped back."""

from collections.abc import Sequence

from torch import Tensor, nn
from torchvision.models.detection.generalized_rcnn import GeneralizedRCNN as TorchvisionGeneralizedRCNN

from ..checks.arguments import check_arguments
from ..checks.parts import check_features, classes_of
from ..checks.rules import part
from .checks import check_batch
from .compat.custom_parts import dtype_of, normalisation_of
from .compat.replaced import check_nothing_is_replaced_in_vain
from .compat.tracing import check_not_traced, refuse_to_script
from .transform import GeneralizedRCNNTransform, Target


# It is a subclass only so that `isinstance` checks for torchvision's class pass. All the code that
# runs is here.
class GeneralizedRCNN(TorchvisionGeneralizedRCNN):
    """A two-stage detector, made of four interchangeable parts.

    Args:
        backbone: batch (N, C, H, W) → feature maps by name, or a single map.
        rpn: feature maps → proposals.
        roi_heads: feature maps and proposals → detections.
        transform: images → batch, and boxes back to the original images.
    """

    def __init__(
        self, backbone: nn.Module, rpn: nn.Module, roi_heads: nn.Module, transform: GeneralizedRCNNTransform
    ) -> None:
        nn.Module.__init__(self)
        check_arguments(locals(), backbone=part, rpn=part, roi_heads=part, transform=part)
        self.transform = transform
        self.backbone = backbone
        self.rpn = rpn
        self.roi_heads = roi_heads

    def forward(
        self, images: Sequence[Tensor], targets: Sequence[Target] | None = None
    ) -> dict[str, Tensor] | list[dict[str, Tensor]]:
        """Losses in training, detections in evaluation.

        Args:
            images: float tensors (3, H, W) in 0–1, of any sizes; or one tensor (N, 3, H, W).
            targets: for each image `boxes`, (N, 4) float xyxy in pixels of the image as given, and `labels`,
                (N,) int64 in 1 … num_classes − 1 (0 is the background). Required in training. An image without
                objects is legal: it has `boxes` (0, 4) and `labels` (0,).

        Returns:
            In training `loss_objectness`, `loss_rpn_box_reg`, `loss_classifier` and `loss_box_reg`.
            In evaluation for each image `boxes` (K, 4), `labels` (K,) and `scores` (K,), best first.

        Raises:
            ValueError, TypeError: an image or a target is not as described, or a part does not fit its input; the
                message names it.
            ValueError: in evaluation, nothing is found in an image because of NaN; the message names the stage.
        """
        if isinstance(images, Tensor) and images.ndim == 4:  # one tensor (N, 3, H, W)
            images = list(images)
        self._check(images, targets)  # before anything is computed
        original_sizes = [(image.shape[-2], image.shape[-1]) for image in images]
        # Stage 1, transform: images of any size become one batch (N, 3, H, W), and boxes are scaled.
        batch, targets = self.transform(images, targets)
        # Stages 2 and 3, backbone and FPN: feature maps at several resolutions, (N, C, Hᵢ, Wᵢ) by name.
        features = self.backbone(batch.tensors)
        if isinstance(features, Tensor):  # a backbone without a pyramid
            features = {"0": features}
        check_features(features)
        # Stages 4 to 6, RPN: where objects are, regardless of class: (Nᵢ, 4) for each image.
        proposals, rpn_losses = self.rpn(batch, features, targets)
        # Stages 7 to 9, RoI heads: what each object is, and where exactly.
        detections, roi_losses = self.roi_heads(features, proposals, batch.image_sizes, targets)
        if self.training:
            return {**roi_losses, **rpn_losses}
        # Stage 10: boxes are mapped back to the original sizes of the images.
        return self.transform.postprocess(detections, batch.image_sizes, original_sizes)

    def _check(self, images: Sequence[Tensor], targets: Sequence[Target] | None) -> None:
        check_not_traced(images)
        check_nothing_is_replaced_in_vain()
        mean, std = normalisation_of(self.transform, images)
        parameter = next(self.parameters(), None)  # None in the replicas of DataParallel
        check_batch(
            images,
            targets,
            training=self.training,
            num_classes=classes_of(getattr(self.roi_heads, "box_predictor", None)),  # if None: from the logits
            channels=len(mean) if len(mean) > 1 else None,  # one number is used for all channels
            device=parameter.device if parameter is not None else None,
            dtype=dtype_of(self, images),
            normalised=not any(mean) and all(value == 1 for value in std),
        )

    __prepare_scriptable__ = refuse_to_script  # torch.jit.script calls this first
