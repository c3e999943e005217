"""Grey images of more than 8 bits: scaled where white is known, refused otherwise, and what can be told of dark ones."""

import struct
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from frcnn_edu.data import load_image
from frcnn_edu.data.exposure import exposure

RAMP = np.linspace(0, 1, 12 * 16).reshape(12, 16)  # from black to white


def saved(values: np.ndarray, path: Path) -> Path:
    Image.fromarray(values).save(path)
    return path


def write_12_bit_tiff(path: Path, values: np.ndarray) -> None:
    """Two grey values in three bytes, as a microscope's camera packs them; Pillow cannot write it."""
    pairs = values.reshape(-1, 2).astype(int).tolist()
    pixels = b"".join(bytes((a >> 4, (a & 15) << 4 | b >> 8, b & 255)) for a, b in pairs)
    tags = {256: values.shape[1], 257: values.shape[0], 258: 12, 259: 1, 262: 1, 273: 8, 277: 1, 278: values.shape[0],
            279: len(pixels)}  # fmt: skip
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    begin = struct.pack("<2sHI", b"II", 42, 8 + len(pixels))
    path.write_bytes(begin + pixels + struct.pack("<H", len(tags)) + entries + bytes(4))


@pytest.mark.parametrize(
    ("kind", "highest", "white"),
    [(np.uint16, 65535, 65535), (np.int32, 65535, 65535), (np.float32, 1, 1), (np.float32, 255, 255)],
    ids=["uint16", "int32", "float to 1", "float to 255"],
)
def test_where_white_is_known_values_are_scaled(tmp_path: Path, kind: type, highest: int, white: int) -> None:
    values = (highest * RAMP).astype(kind)
    image = load_image(saved(values, tmp_path / "a.tif"))
    assert (image.shape, image.dtype, image.is_contiguous()) == ((3, 12, 16), torch.float32, True)
    for channel in image:
        np.testing.assert_allclose(channel.numpy(), values / white, atol=1e-6)
    assert exposure(image) is None


def test_twelve_bits_that_a_tiff_declares(tmp_path: Path) -> None:
    values = (4095 * RAMP).round().astype(np.uint16)
    write_12_bit_tiff(tmp_path / "a.tif", values)
    np.testing.assert_allclose(load_image(tmp_path / "a.tif")[0].numpy(), values / 4095, atol=1e-6)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ((3900 * RAMP).astype(np.float32), "its pixels are floating point from 0 to 3900, expected 0 to 1 or 0 to 255"),
        ((RAMP - 0.5).astype(np.float32), "floating point from -0.5 to 0.5"),
        (np.where(RAMP < 0.5, np.nan, RAMP).astype(np.float32), "floating point from nan to nan"),
        (np.where(RAMP < 0.5, np.inf, RAMP).astype(np.float32), "floating point from 0.5.* to inf"),
        ((100_000 * RAMP).astype(np.int32), "its pixels are 32-bit integers from 0 to 100000, expected 0 to 65535"),
        ((1000 * RAMP - 500).astype(np.int32), "32-bit integers from -500 to 500"),
    ],
    ids=["float to 3900", "float below 0", "not a number", "infinite", "int32 to 100000", "int32 below 0"],
)
def test_what_else_there_is_is_refused_by_its_kind(tmp_path: Path, values: np.ndarray, words: str) -> None:
    with pytest.raises(ValueError, match=rf"a\.tif as an image: .*{words}.*: convert it to 8 or 16 bits"):
        load_image(saved(values, tmp_path / "a.tif"))


@pytest.mark.parametrize(("highest", "end"), [(255, 255), (900, 1023), (3755, 4095)])
def test_fewer_bits_than_sixteen_are_told(tmp_path: Path, highest: int, end: int) -> None:
    image = load_image(saved((highest * RAMP).astype(np.uint16), tmp_path / "a.png"))
    assert exposure(image) == f"nearly black, with 16-bit values that end at {end}"


def test_exposure() -> None:
    photograph = torch.rand(3, 40, 50, generator=torch.Generator().manual_seed(0))
    eight_bits = (255 * photograph).round() / 255
    assert exposure(photograph) is exposure(eight_bits) is None
    assert exposure(photograph / 20) == exposure((eight_bits * 12).round() / 255) == "nearly black"
    assert exposure(1 - photograph / 20) == "nearly white"
    assert exposure(torch.zeros(3, 4, 5)) == exposure(torch.full((3, 4, 5), 0.3)) == "of one colour"
    assert exposure((100 + (eight_bits > 0.5).float()) / 255) == "of one colour"  # a JPEG's grey
    assert exposure(torch.zeros(3, 0, 5)) is None
    hot = photograph / 20
    hot[:, 3, 4] = 1  # a single pixel of 2000 does not make it bright
    assert exposure(hot) == "nearly black"
    hot[:, :2] = 1
    assert exposure(hot) is None
