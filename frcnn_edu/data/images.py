"""Reads photographs as they come: sideways, grey, 16-bit, with a palette or transparent."""

import os
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

ORIENTATION_TAG = 0x0112  # of EXIF; 5 to 8 lie on their side
ENDS = {b"\xff\xd8": b"\xff\xd9", b"\x89PNG": b"IEND\xaeB`\x82"}  # with what JPEG and PNG begin and end

# What Pillow raises for a damaged file depends on the format.
UNREADABLE = (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError)


def load_image(path: str | Path, upright: bool = True) -> Tensor:
    """Read an image file as float32 RGB (3, H, W) in 0–1.

    It is turned the way its EXIF orientation says, or left as stored if not `upright` (but a TIFF is always turned).
    Grey values are repeated over the three channels, 16-bit ones are scaled to 0–1 in full precision; transparent
    pixels are laid on white; of an animation the first frame is taken.

    Raises:
        ValueError: the file cannot be read as an image; names it.
    """
    try:
        with Image.open(path) as file:
            image = ImageOps.exif_transpose(file) if upright else file
            if image.mode.startswith("I"):  # 16-bit grey, which convert("RGB") would clip at 255
                grey = torch.from_numpy(np.asarray(image).astype(np.float32)) / 65535  # (H, W)
                return grey.clamp(0, 1).expand(3, -1, -1).contiguous()
            if image.has_transparency_data:
                image = image.convert("RGBA")
                image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
            pixels = np.array(image.convert("RGB"))  # (H, W, 3) uint8
    except UNREADABLE as error:
        raise ValueError(f"cannot read {path} as an image: {error}") from error
    return torch.from_numpy(pixels).permute(2, 0, 1).contiguous() / 255


def image_size(path: str | Path, upright: bool = True) -> tuple[int, int]:
    """The (width, height) in pixels that `load_image` will give, read from the file's header alone.

    Raises:
        ValueError: the file cannot be read as an image; names it.
    """
    try:
        with Image.open(path) as file:
            width, height = file.size
            if file.format == "TIFF":  # Pillow turns these by itself, and has their size already turned
                return width, height
            sideways = upright and file.getexif().get(ORIENTATION_TAG) in (5, 6, 7, 8)
            return (height, width) if sideways else (width, height)
    except UNREADABLE as error:
        raise ValueError(f"cannot read {path} as an image: {error}") from error


def check_end(path: str | Path) -> None:
    """Make sure that an image file does not end too soon, as an interrupted download or copy does.

    The last bytes of a JPEG or PNG tell. One with other bytes at its end (some cameras append things) and files of other
    formats are decoded.

    Raises:
        ValueError: the file cannot be read as an image to its end; names it.
    """
    with open(path, "rb") as file:
        begin = file.read(4)
        file.seek(-min(8, file.seek(0, os.SEEK_END)), os.SEEK_END)
        end = file.read()
    if not any(begin.startswith(first) and end.endswith(last) for first, last in ENDS.items()):
        load_image(path)
