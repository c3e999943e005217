"""Every public constructor and builder, with legal arguments that a test may replace; and tiny parts for them."""

from typing import Any

import torch
from torch import Tensor, nn

import frcnn_edu
from frcnn_edu import FasterRCNN
from frcnn_edu import model as models


class Maps(nn.Module):
    """A backbone of one convolution: maps of strides 4, 8, …"""

    def __init__(self, names: tuple[str, ...] = ("0", "1", "2", "3", "pool"), channels: int = 8) -> None:
        super().__init__()
        self.names, self.out_channels = names, channels
        self.conv = nn.Conv2d(3, channels, 3, stride=4, padding=1)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        maps = [self.conv(x)]
        for _ in self.names[1:]:
            maps.append(nn.functional.max_pool2d(maps[-1], 1, 2))
        return dict(zip(self.names, maps))


def says_channels(out_channels: Any) -> nn.Module:
    backbone = Maps()
    backbone.out_channels = out_channels
    return backbone


class Predictor(nn.Module):
    """A custom predictor, which does not say for how many classes it is."""

    def __init__(self, classes: int, numbers: int, in_channels: int = 16) -> None:
        super().__init__()
        self.a, self.b = nn.Linear(in_channels, classes), nn.Linear(in_channels, numbers)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return self.a(x), self.b(x)


def detector(**arguments: Any) -> FasterRCNN:
    arguments = {"backbone": Maps(), "num_classes": 3, "min_size": 64, "max_size": 96, **arguments}
    return FasterRCNN(**arguments)


def box_stage(box_head: Any, box_predictor: Any, box_roi_pool: Any = None, **arguments: Any) -> FasterRCNN:
    """A detector with these parts; None: the default one."""
    classes = 3 if box_predictor is None else None
    return detector(
        num_classes=classes, box_roi_pool=box_roi_pool, box_head=box_head, box_predictor=box_predictor, **arguments
    )


def two_mlp_head(channels: int = 8, side: int = 7, outputs: int = 16) -> nn.Module:
    return frcnn_edu.TwoMLPHead(channels * side * side, outputs)


BOTH_STAGES: dict[str, Any] = dict(batch_size_per_image=16, positive_fraction=0.5, nms_thresh=0.7)
LEGAL: dict[Any, dict[str, Any]] = {
    FasterRCNN: dict(backbone=Maps(), num_classes=3, min_size=64, max_size=96),
    frcnn_edu.GeneralizedRCNNTransform: dict(min_size=64, max_size=96, image_mean=[0.5] * 3, image_std=[0.2] * 3),
    frcnn_edu.AnchorGenerator: dict(sizes=((8,), (16,)), aspect_ratios=((1.0,), (1.0,))),
    frcnn_edu.RPNHead: dict(in_channels=8, num_anchors=3),
    frcnn_edu.RegionProposalNetwork: dict(
        anchor_generator=frcnn_edu.AnchorGenerator(((8,),), ((1.0,),)), head=frcnn_edu.RPNHead(8, 1),
        fg_iou_thresh=0.7, bg_iou_thresh=0.3, pre_nms_top_n={"training": 20, "testing": 20},
        post_nms_top_n={"training": 20, "testing": 20}, **BOTH_STAGES,
    ),
    frcnn_edu.MultiScaleRoIAlign: dict(featmap_names=["0", "1"], output_size=7, sampling_ratio=2),
    frcnn_edu.LevelMapper: dict(k_min=2, k_max=5),
    frcnn_edu.TwoMLPHead: dict(in_channels=392, representation_size=16),
    frcnn_edu.FastRCNNPredictor: dict(in_channels=16, num_classes=3),
    frcnn_edu.RoIHeads: dict(
        box_roi_pool=frcnn_edu.MultiScaleRoIAlign(["0"], 7, 2), box_head=two_mlp_head(),
        box_predictor=frcnn_edu.FastRCNNPredictor(16, 3), fg_iou_thresh=0.5, bg_iou_thresh=0.5, bbox_reg_weights=None,
        score_thresh=0.05, detections_per_img=10, **BOTH_STAGES,
    ),
    frcnn_edu.GeneralizedRCNN: dict.fromkeys(("backbone", "rpn", "roi_heads", "transform"), nn.Identity()),
    frcnn_edu.BoxCoder: dict(weights=(1.0, 1.0, 1.0, 1.0)),
    frcnn_edu.Matcher: dict(high_threshold=0.7, low_threshold=0.3),
    frcnn_edu.BalancedPositiveNegativeSampler: dict(batch_size_per_image=16, positive_fraction=0.5),
    frcnn_edu.FeaturePyramidNetwork: dict(in_channels_list=[8, 16], out_channels=8),
    frcnn_edu.FrozenBatchNorm2d: dict(num_features=8),
    models.BackboneWithFPN: dict(
        backbone=models.SlimResNet(), return_layers={"layer1": "0", "layer2": "1"}, in_channels_list=[32, 64],
        out_channels=8,
    ),
    models.IntermediateLayerGetter: dict(model=models.SlimResNet(), return_layers={"layer1": "0"}),
    models.ResNet: dict(block=models.BasicBlock, layers=(1, 1, 1, 1), widths=(8, 8, 8, 8), num_classes=None),
    models.BasicBlock: dict(inplanes=8, planes=8),
    models.Bottleneck: dict(inplanes=8, planes=8),
    frcnn_edu.resnet_fpn_backbone: dict(backbone_name="resnet18", weights=None),
    models.mobilenet_backbone: dict(backbone_name="mobilenet_v3_small", weights=None, fpn=True),
    models.vgg_backbone: dict(backbone_name="vgg11", weights=None, fpn=True),
    frcnn_edu.fasterrcnn_small_fpn: dict(),
    frcnn_edu.fasterrcnn_resnet50_fpn: dict(weights_backbone=None),
    frcnn_edu.fasterrcnn_resnet50_fpn_v2: dict(weights_backbone=None),
    frcnn_edu.fasterrcnn_mobilenet_v3_large_fpn: dict(weights_backbone=None),
    frcnn_edu.fasterrcnn_mobilenet_v3_large_320_fpn: dict(weights_backbone=None),
}  # fmt: skip


def make(maker: Any, **arguments: Any) -> Any:
    """What a constructor or builder makes of its legal arguments and of these; without memory for weights."""
    with torch.device("meta"):
        return maker(**{**LEGAL[maker], **arguments})


def batch() -> tuple[list[Tensor], list[dict[str, Tensor]]]:
    """Two images, the first with objects of classes 1 and 2."""
    generator = torch.Generator().manual_seed(0)
    images = [torch.rand(3, 64, 80, generator=generator), torch.rand(3, 70, 60, generator=generator)]
    boxes, labels = torch.tensor([[4.0, 4, 40, 40], [10, 20, 60, 50]]), torch.tensor([1, 2])
    nothing = {"boxes": torch.zeros(0, 4), "labels": torch.zeros(0, dtype=torch.int64)}
    return images, [{"boxes": boxes, "labels": labels}, nothing]
