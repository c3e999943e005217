"""A 3×3 convolution with a quarter of the multiplications."""

from collections.abc import Iterator
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

# Four neighbouring outputs of a convolution with three weights take 12 multiplications. Multiplying
# two polynomials with 3 and 4 coefficients takes only 6: their product is determined by its values
# at 6 points (0, 1, -1, 2, -2 and infinity). A convolution is the transpose of that operation and
# takes as many, with the transposed matrices: WEIGHT evaluates, INPUT is a transposed
# interpolation, and OUTPUT a transposed evaluation. In two dimensions, 4×4 outputs take 36
# multiplications instead of 144.
INPUT = torch.tensor(
    [[4, 0, -5, 0, 1, 0],
     [0, -4, -4, 1, 1, 0],
     [0, 4, -4, -1, 1, 0],
     [0, -2, -1, 2, 1, 0],
     [0, 2, -1, -2, 1, 0],
     [0, 4, 0, -5, 0, 1]], dtype=torch.float64
)  # fmt: skip
WEIGHT = torch.tensor(
    [[6, 0, 0],
     [-4, -4, -4],
     [-4, 4, -4],
     [1, 2, 4],
     [1, -2, 4],
     [0, 0, 24]], dtype=torch.float64
) / 24  # fmt: skip
OUTPUT = torch.tensor(
    [[1, 1, 1, 1, 1, 0],
     [0, 1, -1, 2, -2, 0],
     [0, 1, 1, 4, 4, 0],
     [0, 1, -1, 8, -8, 1]], dtype=torch.float64
)  # fmt: skip

TILES_AT_ONCE = 256  # few enough for the intermediate values to fit into the CPU's caches


def conv3x3(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """`F.conv2d(x, weight, bias, padding=1)` for weights (O, C, 3, 3), up to rounding: 1e-5 of the largest output.

    The output is divided into tiles of 4×4. Each needs a 6×6 patch of the input, which is transformed into 36 values; for
    each of them the convolution is a matrix product. Both gradients are computed in the same way. The output is
    channels-last in memory, and the input should be, too.

    Source: Lavin and Gray, Fast Algorithms for Convolutional Neural Networks (2016), F(4×4, 3×3).
    """
    return _Winograd.apply(x, weight, bias)


class _Winograd(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(x, weight)
        return convolve(x, transform_weight(weight), bias)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
        (gradient,), (x, weight) = gradients, ctx.saved_tensors
        wanted = ctx.needs_input_grad
        of_x = of_weight = of_bias = None
        with torch.autocast(weight.device.type, enabled=False):  # as in the forward pass
            if wanted[1]:
                of_weight = weight_gradient(x, gradient)
            del x  # free this map before allocating the next
            if wanted[0]:
                # The gradient of the input is a convolution with the flipped weights.
                turned = weight.flip(2, 3).transpose(0, 1)
                of_x = convolve(gradient, transform_weight(turned), None)
            if wanted[2]:
                of_bias = gradient.sum(dim=(0, 2, 3))
        return of_x, of_weight, of_bias


def transform_weight(weight: Tensor) -> Tensor:
    """The 36 values of each 3×3 kernel: (O, C, 3, 3) → (36, C, O)."""
    values = _both_axes(WEIGHT, weight) @ weight.permute(2, 3, 1, 0).reshape(9, -1)
    return values.view(36, weight.shape[1], weight.shape[0])


def convolve(x: Tensor, transformed_weight: Tensor, bias: Tensor | None) -> Tensor:
    """x (N, C, H, W) with weights (36, C, O) → (N, O, H, W)."""
    n, _, height, width = x.shape
    out_channels = transformed_weight.shape[2]
    y = torch.empty((n, out_channels, height, width), dtype=x.dtype, device=x.device, memory_format=torch.channels_last)
    cells = y.permute(0, 2, 3, 1)  # (N, H, W, O)
    from_values = _both_axes(OUTPUT, x)  # (16, 36)
    for image, rows, values in _strips_of_values(x):
        products = values @ transformed_weight  # (36, tiles, O)
        tiles = (from_values @ products.flatten(1)).view(4, 4, -1, -(-width // 4), out_channels)
        tiles = tiles.permute(2, 0, 3, 1, 4).flatten(2, 3).flatten(0, 1)  # (rows of tiles · 4, columns · 4, O)
        cells[image, rows] = tiles[: rows.stop - rows.start, :width]
    if bias is not None:
        cells += bias
    return y


def weight_gradient(x: Tensor, gradient: Tensor) -> Tensor:
    """The gradient of the weights, (O, C, 3, 3), from that of the outputs, (N, O, H, W)."""
    width, channels = x.shape[3], gradient.shape[1]
    gradient = gradient.permute(0, 2, 3, 1)
    of_values = x.new_zeros(36, x.shape[1], channels)
    to_values = _both_axes(OUTPUT, x).T  # (36, 16): `convolve` transposed, step by step
    for image, rows, values in _strips_of_values(x):
        strip = gradient[image, rows]
        strip = F.pad(strip, (0, 0, 0, -width % 4, 0, -len(strip) % 4))
        tiles = strip.view(len(strip) // 4, 4, -1, 4, channels).permute(1, 3, 0, 2, 4).reshape(16, -1)  # (16, tiles·O)
        of_products = (to_values @ tiles).view(36, -1, channels)
        of_values.baddbmm_(values.transpose(1, 2), of_products)
    of_kernel = _both_axes(WEIGHT, x).T @ of_values.flatten(1)  # (9, C·O)
    return of_kernel.view(3, 3, -1, channels).permute(3, 2, 0, 1)


def _strips_of_values(x: Tensor) -> Iterator[tuple[int, slice, Tensor]]:
    """The 36 values of each patch of the padded map, a few rows of tiles at a time: image, rows, (36, tiles, C)."""
    n, channels, height, width = x.shape
    columns = -(-width // 4)
    to_values = _both_axes(INPUT, x)  # (36, 36)
    x = x.permute(0, 2, 3, 1)
    step = 4 * max(1, TILES_AT_ONCE // columns)
    for image in range(n):
        for first in range(0, height, step):
            end = min(first + step, height)
            rows = x[image, max(first - 1, 0) : end + 1]
            above = int(first == 0)
            below = 4 * -((first - end) // 4) + 2 - above - len(rows)
            strip = F.pad(rows, (0, 0, 1, 4 * columns + 1 - width, above, below))
            patches = strip.unfold(0, 6, 4).unfold(1, 6, 4)  # (rows of tiles, columns, C, 6, 6)
            values = to_values @ patches.permute(3, 4, 0, 1, 2).reshape(36, -1)
            yield image, slice(first, end), values.view(36, -1, channels)


def _both_axes(matrix: Tensor, like: Tensor) -> Tensor:
    """The matrix that applies `matrix` to the columns of a flattened patch and then to its rows."""
    return torch.kron(matrix, matrix).to(like)
