import pytest
import torch
import torch.nn.functional as F

from frcnn_edu.lessons.why_it_is_fast.pictures import winograd as winograd_picture
from frcnn_edu.model.fast.winograd import conv3x3
from frcnn_edu.viz import sheet


def test_winograds_outputs_are_those_of_a_convolution() -> None:
    patch, kernel = torch.arange(36.0).view(6, 6) % 7, torch.tensor([[1.0, 2, 1], [3, -1, 2], [1, 1, -2]])
    expected = F.conv2d(patch[None, None], kernel[None, None])[0, 0]
    assert torch.allclose(conv3x3(patch[None, None], kernel[None, None], None)[0, 0, 1:-1, 1:-1], expected, atol=1e-4)
    written = [text.get_text() for text in winograd_picture.plot_winograd(patch, kernel).axes[0].texts]
    for value in expected.flatten().tolist():
        assert f"{value:.0f}".replace("-", "−") in written


@pytest.mark.parametrize(
    ("value", "text"),
    [(3.0, "3"), (-12.04, "−12"), (0.0, "0"), (-0.0, "0"), (4.4999, "4.5"), (-0.049, "−.05"), (1.25 + 1e-14, "1.2")],
)
def test_numbers_are_short(value: float, text: str) -> None:
    assert sheet.short_number(value) == text
