"""ResNet, the usual bottom-up pathway: a stem, then four stages of residual blocks, each stage at half the resolution."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from ..checks.arguments import check_arguments
from ..checks.rules import count, maker_of_layers, optional

NormLayer = Callable[..., nn.Module]


class BasicBlock(nn.Module):
    """relu(x + two 3×3 convolutions of x): the block of ResNet-18 and 34.

    Args:
        inplanes: channels of the input.
        planes: channels of the output.
        stride: stride of the first convolution; 2 halves the map.
        downsample: module that adapts the shortcut if size or channels change.
        groups, base_width: must be 1 and 64; ResNeXt and Wide ResNet have no basic blocks.
        norm_layer: normalisation after each convolution.

    Raises:
        TypeError, ValueError: an argument is not legal; the message names it.

    Source: Deep Residual Learning for Image Recognition (He et al. 2015), figure 5; `torchvision/models/resnet.py`.
    """

    expansion = 1  # output channels / planes

    def __init__(
        self,
        inplanes: int,
        planes: int,
        stride: int = 1,
        downsample: nn.Module | None = None,
        groups: int = 1,
        base_width: int = 64,
        norm_layer: NormLayer = nn.BatchNorm2d,
    ) -> None:
        super().__init__()
        check_arguments(locals(), norm_layer=maker_of_layers)
        if groups != 1 or base_width != 64:
            raise ValueError(
                f"a BasicBlock has groups=1 and base_width=64, got groups={groups}, base_width={base_width}"
            )
        self.conv1 = conv3x3(inplanes, planes, stride)  # changes the size if stride is 2
        self.bn1 = norm_layer(planes)
        self.relu = nn.ReLU(inplace=True)  # used twice: it has no weights
        self.conv2 = conv3x3(planes, planes)
        self.bn2 = norm_layer(planes)
        self.downsample = downsample
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        """(N, inplanes, H, W) → (N, planes, H / stride, W / stride)."""
        out = self.relu(self.bn1(self.conv1(x)))  # (N, planes, H / stride, W / stride)
        out = self.bn2(self.conv2(out))  # no ReLU yet: what is added to x may be negative
        # The block learns what to add to x. Adding nothing is easy, so extra blocks do no harm.
        out += x if self.downsample is None else self.downsample(x)
        return self.relu(out)


class Bottleneck(nn.Module):
    """relu(x + 1×1, 3×3, 1×1 convolutions of x): the block of ResNet-50 and deeper.

    The expensive 3×3 convolution works on a quarter of the channels.

    Args:
        inplanes: channels of the input.
        planes: a quarter of the channels of the output.
        stride: stride of the 3×3 convolution; 2 halves the map. (The paper puts it in the first 1×1; torchvision moved it.)
        downsample: module that adapts the shortcut if size or channels change.
        groups, base_width: used by ResNeXt and Wide ResNet; 1 and 64 in ResNet.
        norm_layer: normalisation after each convolution.

    Raises:
        TypeError, ValueError: an argument is not legal; the message names it.

    Source: Deep Residual Learning for Image Recognition (He et al. 2015), figure 5; `torchvision/models/resnet.py`.
    """

    expansion = 4  # output channels / planes

    def __init__(
        self,
        inplanes: int,
        planes: int,
        stride: int = 1,
        downsample: nn.Module | None = None,
        groups: int = 1,
        base_width: int = 64,
        norm_layer: NormLayer = nn.BatchNorm2d,
    ) -> None:
        super().__init__()
        check_arguments(locals(), norm_layer=maker_of_layers)
        width = int(planes * (base_width / 64.0)) * groups  # planes itself in a ResNet
        self.conv1 = conv1x1(inplanes, width)  # reduces the channels
        self.bn1 = norm_layer(width)
        self.conv2 = conv3x3(width, width, stride, groups)  # mixes neighbouring cells
        self.bn2 = norm_layer(width)
        self.conv3 = conv1x1(width, planes * self.expansion)  # restores the channels
        self.bn3 = norm_layer(planes * self.expansion)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = downsample
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        """(N, inplanes, H, W) → (N, 4·planes, H / stride, W / stride)."""
        out = self.relu(self.bn1(self.conv1(x)))  # (N, planes, H, W)
        out = self.relu(self.bn2(self.conv2(out)))  # (N, planes, H / stride, W / stride)
        out = self.bn3(self.conv3(out))  # (N, 4·planes, H / stride, W / stride)
        out += x if self.downsample is None else self.downsample(x)
        return self.relu(out)


class Stage(nn.Sequential):
    """Residual blocks one after another, on maps of one size: conv2_x … conv5_x of the paper, layer1 … layer4 here."""


class ResNet(nn.Module):
    """A residual network that classifies images; detectors use all of it except the last two layers.

    Args:
        block: `BasicBlock` or `Bottleneck`.
        layers: number of blocks in each of the four stages.
        num_classes: number of outputs of the classifier; None omits it.
        groups, width_per_group: used by ResNeXt and Wide ResNet.
        norm_layer: normalisation after each convolution.
        widths: `planes` of each stage.

    Raises:
        TypeError, ValueError: an argument is not legal; the message names it.

    Source: Deep Residual Learning for Image Recognition (He et al. 2015), table 1; `torchvision/models/resnet.py`.
    """

    def __init__(
        self,
        block: type[BasicBlock] | type[Bottleneck],
        layers: Sequence[int],
        num_classes: int | None = 1000,
        groups: int = 1,
        width_per_group: int = 64,
        norm_layer: NormLayer = nn.BatchNorm2d,
        widths: Sequence[int] = (64, 128, 256, 512),
    ) -> None:
        super().__init__()
        check_arguments(locals(), norm_layer=maker_of_layers, num_classes=optional(count))
        self.inplanes = widths[0]
        # The stem: (N, 3, H, W) → (N, 64, H / 4, W / 4). Large maps are expensive, so the first two
        # layers make them small. The convolution needs no bias, because bn1 has one.
        self.conv1 = nn.Conv2d(3, self.inplanes, kernel_size=7, stride=2, padding=3, bias=False)
        self.bn1 = norm_layer(self.inplanes)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)  # the stride is now 4

        # Each stage halves the map and doubles its channels; the first keeps the size, because the
        # stem has already reduced it. The maps are C2 … C5.
        settings: dict[str, Any] = dict(groups=groups, base_width=width_per_group, norm_layer=norm_layer)
        self.layer1 = self._make_stage(block, widths[0], layers[0], stride=1, **settings)  # stride 4
        self.layer2 = self._make_stage(block, widths[1], layers[1], stride=2, **settings)  # stride 8
        self.layer3 = self._make_stage(block, widths[2], layers[2], stride=2, **settings)  # stride 16
        self.layer4 = self._make_stage(block, widths[3], layers[3], stride=2, **settings)  # stride 32
        if num_classes is not None:  # averaging discards positions, so a detector omits these two
            self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
            self.fc = nn.Linear(self.inplanes, num_classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                # He initialisation, variance 2 / (outputs · kernel): gradients keep their scale.
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def _make_stage(
        self, block: type[BasicBlock] | type[Bottleneck], planes: int, blocks: int, stride: int, **settings: Any
    ) -> Stage:
        """Residual blocks; only the first may change the size and the number of channels."""
        channels, downsample = planes * block.expansion, None
        # If x does not have the shape of the sum, a 1×1 convolution adapts it.
        if stride != 1 or self.inplanes != channels:
            downsample = nn.Sequential(conv1x1(self.inplanes, channels, stride), settings["norm_layer"](channels))
        first = block(self.inplanes, planes, stride, downsample, **settings)
        self.inplanes = channels  # input channels of the following blocks
        return Stage(first, *(block(channels, planes, **settings) for _ in range(blocks - 1)))

    def forward(self, x: Tensor) -> Tensor:
        """Images (N, 3, H, W) → logits (N, num_classes)."""
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))  # (N, 64, H / 4, W / 4)
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))  # (N, 512 · expansion, H / 32, W / 32)
        return self.fc(torch.flatten(self.avgpool(x), 1))  # averaged over all positions


def conv3x3(in_channels: int, out_channels: int, stride: int = 1, groups: int = 1) -> nn.Conv2d:
    """A 3×3 convolution that keeps the size, or halves it; without a bias, because the norm that follows has one."""
    return nn.Conv2d(in_channels, out_channels, kernel_size=3, stride=stride, padding=1, groups=groups, bias=False)


def conv1x1(in_channels: int, out_channels: int, stride: int = 1) -> nn.Conv2d:
    """A 1×1 convolution: it mixes the channels of each cell, and no cells with each other."""
    return nn.Conv2d(in_channels, out_channels, kernel_size=1, stride=stride, bias=False)


#: torchvision's ResNets: block, layers, and the settings of ResNeXt and Wide ResNet.
RESNETS: dict[str, tuple[type[BasicBlock] | type[Bottleneck], tuple[int, ...], dict[str, Any]]] = {
    "resnet18": (BasicBlock, (2, 2, 2, 2), {}),
    "resnet34": (BasicBlock, (3, 4, 6, 3), {}),
    "resnet50": (Bottleneck, (3, 4, 6, 3), {}),
    "resnet101": (Bottleneck, (3, 4, 23, 3), {}),
    "resnet152": (Bottleneck, (3, 8, 36, 3), {}),
    "resnext50_32x4d": (Bottleneck, (3, 4, 6, 3), {"groups": 32, "width_per_group": 4}),
    "resnext101_32x8d": (Bottleneck, (3, 4, 23, 3), {"groups": 32, "width_per_group": 8}),
    "resnext101_64x4d": (Bottleneck, (3, 4, 23, 3), {"groups": 64, "width_per_group": 4}),
    "wide_resnet50_2": (Bottleneck, (3, 4, 6, 3), {"width_per_group": 128}),
    "wide_resnet101_2": (Bottleneck, (3, 4, 23, 3), {"width_per_group": 128}),
}


def resnet(name: str, norm_layer: NormLayer = nn.BatchNorm2d) -> ResNet:
    """A ResNet by its name in torchvision, with random weights.

    Raises:
        ValueError: there is no ResNet of this name.
    """
    if name not in RESNETS:
        raise ValueError(f"there is no ResNet {name!r}; choose one of {', '.join(RESNETS)}")
    block, layers, settings = RESNETS[name]
    return ResNet(block, layers, norm_layer=norm_layer, **settings)


class SlimResNet(ResNet):
    """A ResNet-18 for small images and a CPU: the same blocks and names, fewer channels, no classifier.

    Args:
        layers: number of blocks in each stage.
        widths: number of channels of each stage.
    """

    def __init__(self, layers: tuple[int, ...] = (2, 2, 2, 2), widths: tuple[int, ...] = (32, 64, 96, 128)) -> None:
        super().__init__(BasicBlock, layers, num_classes=None, widths=widths)
