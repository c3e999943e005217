"""Read images as they come: sideways, grey, 16-bit, with a palette or transparent."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from .deep_pixels import DEEP_MODES, scale_deep_pixels
from .unreadable import ImageFileError, check_is_file, unreadable

#: The decoders that are tried, by Pillow's names: all that decode pixels themselves. Pillow's others are left out: EPS
#: starts Ghostscript, IPTC opens its content with any decoder, and BUFR, GRIB, HDF5, MPEG and WMF need a handler. HEIF
#: is available if the plug-in pillow-heif is registered.
FORMATS = (
    "AVIF", "BLP", "BMP", "CUR", "DCX", "DDS", "DIB", "FITS", "FLI", "FTEX", "GBR", "GIF", "HEIF", "ICNS", "ICO", "IM", "IMT",
    "JPEG", "JPEG2000", "MCIDAS", "MPO", "MSP", "PCD", "PCX", "PIXAR", "PNG", "PPM", "PSD", "QOI", "SGI", "SPIDER",
    "SUN", "TGA", "TIFF", "WEBP", "XBM", "XPM", "XVTHUMB",
)  # fmt: skip
ORIENTATION_TAG, BITS_TAG = 0x0112, 0x0102  # Orientation of EXIF, BitsPerSample of TIFF
TURN = Image.Transpose
#: The operation that makes an image upright, by its EXIF orientation; 1 is upright.
UPRIGHT = {
    2: TURN.FLIP_LEFT_RIGHT, 3: TURN.ROTATE_180, 4: TURN.FLIP_TOP_BOTTOM, 5: TURN.TRANSPOSE, 6: TURN.ROTATE_270,
    7: TURN.TRANSVERSE, 8: TURN.ROTATE_90,
}  # fmt: skip
ON_ITS_SIDE = (5, 6, 7, 8)
ENDS = {b"\xff\xd8": b"\xff\xd9", b"\x89PNG": b"IEND\xaeB`\x82"}  # how JPEG and PNG files begin and end


def load_image(path: str | Path, upright: bool = True) -> Tensor:
    """Read an image file as float32 RGB (3, H, W) in 0–1.

    It is rotated as its EXIF orientation says, or left as stored if not `upright` (but a TIFF is always rotated).
    Grey values are repeated over the three channels, 16-bit ones are scaled to 0–1 in full precision (for other
    deep pixels see `scale_deep_pixels`); transparent pixels are composited on white; of an animation, the first frame
    is used.

    Raises:
        ImageFileError: a ValueError; the file cannot be read as an image. The message names it and the reason.
    """
    with _opened(path) as file:
        file.load()
        image = _turned(file) if upright else file
        if image.mode in DEEP_MODES:  # which convert("RGB") would clip at 255
            return _deep_grey(path, image, _declared_bits(file))
        if image.has_transparency_data:
            image = image.convert("RGBA")
            image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
        pixels = np.array(image.convert("RGB"))  # (H, W, 3) uint8
    return torch.from_numpy(pixels).permute(2, 0, 1).contiguous() / 255


def image_size(path: str | Path, upright: bool = True) -> tuple[int, int]:
    """The (width, height) in pixels that `load_image` will give, read from the file's header alone.

    Raises:
        ImageFileError: as `load_image`.
    """
    with _opened(path) as file:
        width, height = file.size
        return (height, width) if upright and _orientation(file) in ON_ITS_SIDE else (width, height)


def check_end(path: str | Path) -> None:
    """Make sure that an image file is not truncated, as an interrupted download or copy is.

    The last bytes of a JPEG or PNG show it. If they are different (some cameras append data), and for other formats,
    the file is decoded.

    Raises:
        ImageFileError: the file cannot be read as an image to its end; the message names it.
    """
    check_is_file(path)
    try:
        with open(path, "rb") as file:
            begin = file.read(4)
            file.seek(-min(8, file.seek(0, os.SEEK_END)), os.SEEK_END)
            end = file.read()
    except OSError as error:
        raise unreadable(path, error) from error
    if not any(begin.startswith(first) and end.endswith(last) for first, last in ENDS.items()):
        load_image(path)


@contextmanager
def _opened(path: str | Path) -> Iterator[Image.Image]:
    """Open an image file; any error in the block becomes an `ImageFileError` that names it."""
    try:
        check_is_file(path)
        with Image.open(path, formats=_formats()) as file:
            yield file
    except ImageFileError:
        raise
    except Exception as error:  # a decoder may raise anything for a damaged file, even RuntimeError
        raise unreadable(path, error) from error


def _formats() -> tuple[str, ...]:
    """Those of `FORMATS` that this Pillow was built with, or that a plug-in has registered."""
    Image.init()
    return tuple(name for name in FORMATS if name in Image.OPEN)


def _orientation(file: Image.Image) -> int:
    """The orientation of an image in EXIF's numbers: 1 is upright."""
    if file.format == "TIFF":  # Pillow rotates these itself, and gives the size after rotation
        return 1
    if file.format == "PNG":  # its EXIF data may follow the pixels; damaged pixels must not pass for damaged EXIF
        file.load()
    try:
        value = file.getexif().get(ORIENTATION_TAG)
        return value if value in UPRIGHT else 1
    except Exception:  # Pillow may raise anything for broken EXIF data, which is no reason to lose the image
        return 1


def _turned(file: Image.Image) -> Image.Image:
    turn = UPRIGHT.get(_orientation(file))
    return file if turn is None else file.transpose(turn)


def _declared_bits(file: Image.Image) -> int | None:
    """The bits per grey value, if the file declares them; only a TIFF may have anything but 8, 16 or 32."""
    declared = getattr(file, "tag_v2", {}).get(BITS_TAG)
    return int(declared[0]) if declared else None


def _deep_grey(path: str | Path, image: Image.Image, bits: int | None) -> Tensor:
    try:
        grey = torch.from_numpy(scale_deep_pixels(np.asarray(image), image.mode, bits))  # (H, W)
    except ValueError as error:  # not damage: the message is the whole reason
        raise unreadable(path, str(error)) from error
    return grey.expand(3, -1, -1).contiguous()
