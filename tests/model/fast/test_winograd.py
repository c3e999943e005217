import pytest
import torch
import torch.nn.functional as F
from box_strategies import seeds
from hypothesis import given
from hypothesis import strategies as st

from frcnn_edu.model.fast import winograd
from frcnn_edu.model.fast.winograd import conv3x3, transform_weight


@given(
    st.tuples(st.integers(1, 3), *[st.integers(1, 9)] * 2, *[st.integers(1, 21)] * 2),
    st.booleans(),
    st.integers(1, 9),
    seeds(),
)
def test_it_is_a_convolution(sizes: tuple[int, ...], with_bias: bool, tiles_at_once: int, seed: int) -> None:
    """Batches, channels, maps whose sides are no multiples of 4, any number of strips; gradients too."""
    n, channels, out_channels, height, width = sizes
    generator = torch.Generator().manual_seed(seed)
    shapes = [(n, channels, height, width), (out_channels, channels, 3, 3)] + [(out_channels,)] * with_bias
    inputs = [torch.randn(s, dtype=torch.float64, generator=generator).requires_grad_() for s in shapes]
    upstream = torch.randn(n, out_channels, height, width, dtype=torch.float64, generator=generator)
    results = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(winograd, "TILES_AT_ONCE", tiles_at_once)
        for y in (conv3x3(*inputs, *[None] * (not with_bias)), F.conv2d(*inputs, padding=1)):
            results.append([y, *torch.autograd.grad(y, inputs, upstream)])
    for one, other in zip(*results, strict=True):
        assert one.shape == other.shape
        assert torch.allclose(one, other, rtol=0, atol=1e-10)


@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
def test_float32_is_off_by_rounding(memory_format: torch.memory_format) -> None:
    torch.manual_seed(0)
    x = torch.randn(1, 256, 61, 150).to(memory_format=memory_format).requires_grad_()
    weight = (torch.randn(256, 256, 3, 3) / 48).requires_grad_()  # outputs of standard deviation 1
    y, expected = conv3x3(x, weight, None), F.conv2d(x, weight, padding=1)
    assert y.dtype == torch.float32
    assert y.is_contiguous(memory_format=torch.channels_last)
    upstream = torch.randn_like(y)
    pairs = zip(torch.autograd.grad(y, [x, weight], upstream), torch.autograd.grad(expected, [x, weight], upstream))
    for one, other in [(y, expected), *pairs]:  # 1e-5, 1e-5 and 2e-5 seen
        assert (one - other).abs().max() <= 1e-4 * other.abs().max()


def test_only_the_gradients_asked_for_are_computed() -> None:
    x, weight = torch.randn(1, 3, 8, 8), torch.randn(4, 3, 3, 3, requires_grad=True)
    conv3x3(x, weight, None).sum().backward()
    assert weight.grad is not None
    assert not conv3x3(x, weight.detach(), None).requires_grad


def test_weights_keep_their_precision() -> None:
    for dtype in (torch.float32, torch.float64):
        assert transform_weight(torch.zeros(5, 4, 3, 3, dtype=dtype)).shape == (36, 4, 5)
        assert transform_weight(torch.zeros(5, 4, 3, 3, dtype=dtype)).dtype == dtype
