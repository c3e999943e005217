"""Checkers of notebook 02: what a cell sees, the weights of a bottleneck, frozen BatchNorm."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from frcnn_edu.lessons.checking import checker, expect, expect_shape
from frcnn_edu.model import FrozenBatchNorm2d

Layer = tuple[int, int, int]  # kernel size, stride, padding


def _seen(cell: int, layers: Sequence[Layer]) -> tuple[int, int]:
    """First and last pixel that a cell depends on, by experiment: gradients through averages in one dimension."""
    margin = 600  # so that no border cuts the field; a multiple of every stride below
    x = torch.zeros(1, 1, 1600, dtype=torch.float64, requires_grad=True)
    stride = 1
    y = x
    for kernel, step, padding in layers:
        y = nn.functional.avg_pool1d(y, kernel, step, padding)
        stride *= step
    (gradient,) = torch.autograd.grad(y[0, 0, cell + margin // stride], x)
    pixels = gradient[0, 0].nonzero().flatten()
    return int(pixels[0]) - margin, int(pixels[-1]) - margin


@checker
def pixels_seen(answer: Callable[[int, Sequence[Layer]], tuple[int, int]]) -> str:
    """`answer(cell, layers)` returns the first and the last pixel that a cell of the last map depends on, in one dimension."""
    stem = [(7, 2, 3), (3, 2, 1)]
    cases = [(2, [(3, 2, 1), (3, 2, 1)]), (5, [(3, 1, 1)]), (10, stem), (4, [*stem, (1, 1, 0), (3, 2, 1), (3, 1, 1)])]
    cases += [(3, [(2, 2, 0), (5, 1, 2)])]
    with torch.enable_grad():
        wanted = [_seen(cell, layers) for cell, layers in cases]
    for (cell, layers), (first, last) in zip(cases, wanted):
        given = answer(cell, list(layers))
        expect(
            isinstance(given, tuple | list) and len(given) == 2, f"The answer should be a pair, but it is {given!r}."
        )
        given = given[0], given[1]
        said = f"For cell {cell} after layers {layers}, you say {given}"
        stride = torch.tensor([step for _, step, _ in layers]).prod().item()
        expect(
            given == (first, last) or given != (cell * stride, (cell + 1) * stride - 1),
            f"{said}. These are the pixels that the cell stands for, as many as its stride. It sees more, because each window reaches further.",
        )
        size = last - first + 1
        expect(
            given[1] - given[0] != size or given[1] == last,
            f"{said}, which is one pixel too many. A window of k cells ends k − 1 cells after its first.",
        )
        expect(
            given != _back(cell, [(kernel, step, 0) for kernel, step, _ in layers]) or given == (first, last),
            f"{said}. You left out the padding, because of which the first window begins before the first pixel.",
        )
        expect(
            given != _back(cell, layers[::-1]) or given == (first, last),
            f"{said}. You walk through the layers from the first to the last. On the way from the cell back to the pixels, the last comes first.",
        )
        expect(given == (first, last), f"{said}. It is {(first, last)}, as gradients through such layers show.")
    return "However many layers with kernel size 3 and padding 1 you stack, the field stays centred on the cell's first pixel."


def _back(cell: int, layers: Sequence[Layer]) -> tuple[int, int]:
    first = last = cell
    for kernel, step, padding in reversed(layers):
        first, last = first * step - padding, last * step - padding + kernel - 1
    return first, last


@checker
def bottleneck_weights(answer: Callable[[int], int]) -> str:
    """`answer(channels)` counts the convolution weights of a bottleneck that takes and returns `channels` channels."""
    from torchvision.models.resnet import Bottleneck

    for channels in (256, 512, 2048):
        with torch.device("meta"):
            block = Bottleneck(channels, channels // 4)
        wanted = sum(parameter.numel() for parameter in block.parameters() if parameter.dim() == 4)
        given, narrow = answer(channels), channels // 4
        said = f"For {channels} channels, you count {given:,} weights"
        expect(
            given != 9 * channels * channels and given != 2 * 9 * channels * channels,
            f"{said}. The 3×3 convolution works on a quarter of the channels. That is what the 1×1 convolution before it is for.",
        )
        expect(
            given != 2 * channels * narrow + narrow * narrow,
            f"{said}. A 3×3 convolution has nine weights for each pair of channels.",
        )
        expect(
            given != channels * narrow + 9 * narrow * narrow,
            f"{said}. The last 1×1 convolution, which restores the number of channels, is missing.",
        )
        expect(
            given != wanted + 2 * narrow + channels,
            f"{said}. But there are no biases, because the BatchNorm after each convolution has a shift of its own.",
        )
        expect(
            given == wanted,
            f"{said}. There are {wanted:,}: a 1×1 convolution to a quarter of the channels, a 3×3 on these, and a 1×1 back.",
        )
    return "There are 17 weights for every 16 pairs of channels. A single 3×3 convolution on all channels would have more than eight times as many."


@checker
def scale_and_shift(answer: Callable[[nn.BatchNorm2d], tuple[Tensor, Tensor]]) -> str:
    """`answer(batch_norm)` returns the number by which the layer multiplies each channel in evaluation mode, and the one that it adds."""
    generator = torch.Generator().manual_seed(0)
    for eps in (1e-5, 0.1):
        norm = nn.BatchNorm2d(6, eps=eps).eval()
        for tensor, low in ((norm.weight, 0.5), (norm.bias, -1.0), (norm.running_mean, -2.0), (norm.running_var, 0.1)):
            assert tensor is not None
            tensor.data = low + 2 * torch.rand(6, generator=generator)
        frozen = FrozenBatchNorm2d(6, eps=eps)
        frozen.load_state_dict(norm.state_dict())
        scale, shift = frozen.scale_and_shift()
        given = answer(norm)
        expect(isinstance(given, tuple | list) and len(given) == 2, "The answer should be a pair: scale and shift.")
        mine, added = given[0].detach(), given[1].detach()
        expect_shape(mine, (6,), "The scale")
        expect_shape(added, (6,), "The shift")
        mean, variance = frozen.running_mean, frozen.running_var
        likely = {
            "The running variance is not yet a standard deviation: take its square root.": frozen.weight
            / (variance + eps),
            "Add eps to the variance, inside the square root.": frozen.weight / (variance.sqrt() + eps),
            "The scale lacks eps. With a small variance, it would explode.": frozen.weight * variance.rsqrt(),
            "The scale lacks the layer's own weight (γ).": (variance + eps).rsqrt(),
        }
        right = torch.allclose(mine, scale, rtol=1e-6)
        for words, values in likely.items():
            expect(right or not torch.allclose(mine, values, rtol=1e-6), words)
        expect(right, f"The scale should be {scale.tolist()}, but it is {mine.tolist()}.")
        slips = {
            "The mean is subtracted before scaling, so in the shift, it is scaled, too.": frozen.bias - mean,
            "The shift should subtract the scaled mean; yours adds it.": frozen.bias + mean * scale,
            "The shift lacks the layer's own bias (β).": -mean * scale,
        }
        for words, values in slips.items():
            expect(not torch.allclose(added, values, rtol=1e-5, atol=1e-6), words)
        expect(
            torch.allclose(added, shift, rtol=1e-5, atol=1e-6),
            f"The shift should be {shift.tolist()}, but it is {added.tolist()}.",
        )
    return "The layer multiplies each channel by one number and adds another, so it can be folded into the convolution before it."
