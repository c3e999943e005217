"""Why a file cannot be used as an image: in a few plain words, with a remedy if there is one."""

import re
import stat
from pathlib import Path

from PIL import Image

from .names import readable

#: First bytes of files that are often named .jpg but are not images: failed downloads, drawings, containers.
OTHER_KINDS = {
    b"%!PS": "PostScript (EPS), a drawing, not a raster image",
    b"\xc5\xd0\xd3\xc6": "PostScript (EPS), a drawing, not a raster image",
    b"%PDF": "a PDF document",
    b"<svg": "an SVG drawing",
    b"<?xml": "XML",
    b"<!doctype html": "a web page, probably from a failed download",
    b"<html": "a web page, probably from a failed download",
    b"version https://git-lfs": "a Git LFS pointer: git lfs pull fetches the image itself",
    b"PK\x03\x04": "a ZIP archive",
    b"\x1f\x8b": "compressed with gzip",
    b"\x89HDF": "HDF5",
    b"\x93NUMPY": "a NumPy array",
}
#: First bytes of raster images: such a file is of the right kind, but damaged or unusual.
RASTER = (b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"BM", b"RIFF", b"\x00\x00\x00\x0cjP", b"\xff\x4f\xff\x51")
TIFF = (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")
HEIC = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1")  # brands after "ftyp"


class ImageFileError(ValueError):
    """An image file that cannot be used.

    Attributes:
        reason: why, without the file's name, such as "the file is empty"; fit for one line of a terminal.
    """

    def __init__(self, message: str, reason: str = "") -> None:
        super().__init__(message)
        self.reason = reason or message


def unreadable(path: str | Path, why: str | Exception) -> ImageFileError:
    """The error for a file, from a reason in words or from the exception that reading it raised."""
    reason = why if isinstance(why, str) else reason_of(path, why)
    return ImageFileError(f"cannot read {readable(str(path), 300)} as an image: {reason}", reason)


def check_is_file(path: str | Path) -> None:
    """Make sure that there is a file and it is not empty; reading a named pipe would never end.

    Raises:
        ImageFileError: there is none, or it is a folder, a pipe, a device, or empty.
    """
    try:
        found = Path(path).stat()
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the name
        raise unreadable(path, error if isinstance(error, OSError) else str(error)) from error
    if stat.S_ISDIR(found.st_mode):
        raise unreadable(path, "it is a folder")
    if stat.S_ISFIFO(found.st_mode):
        raise unreadable(path, "it is a named pipe, not a file")
    if not stat.S_ISREG(found.st_mode):
        raise unreadable(path, "it is a device or a socket, not a file")
    if found.st_size == 0:
        raise unreadable(path, "the file is empty")


def reason_of(path: str | Path, error: Exception) -> str:
    """In a few words, what an error raised while reading an image file says about the file."""
    if isinstance(error, Image.DecompressionBombError):
        return _too_large(str(error))
    if isinstance(error, Image.UnidentifiedImageError):
        return _foreign(path)
    if isinstance(error, FileNotFoundError):
        return "there is no such file"
    if isinstance(error, PermissionError):
        return "there is no permission to read it"
    if isinstance(error, MemoryError):
        return "there is not enough memory for it"
    if isinstance(error, OSError) and error.errno is not None:  # of the system: a name too long, a broken disk
        return readable((error.strerror or str(error)).lower(), 120)
    words = " ".join(str(error).split())
    if "truncated" in words.lower():
        return "the file ends too soon"
    return f"the file is damaged, or of a kind that Pillow does not decode ({readable(words or type(error).__name__, 120)})"


def _too_large(words: str) -> str:
    way_out = "make it smaller, cut it into tiles, or raise PIL.Image.MAX_IMAGE_PIXELS in Python"
    numbers = [int(number) for number in re.findall(r"\d+", words)]
    if len(numbers) != 2:  # Pillow has changed its wording
        return f"more pixels than Pillow opens: {way_out}"
    pixels, most = (f"{number / 1e6:,.0f} million" if number >= 1e6 else f"{number:,}" for number in numbers)
    return f"{pixels} pixels, more than the {most} that Pillow opens: {way_out}"


def _foreign(path: str | Path) -> str:
    """What a file that no decoder accepts seems to be."""
    with open(path, "rb") as file:
        begin = file.read(64)
    if begin[4:8] == b"ftyp" and begin[8:12] in HEIC:
        return "HEIC, which Pillow reads only with the plug-in pillow-heif: convert it to JPEG or PNG"
    if begin.startswith(TIFF):
        return (
            "the file is damaged, or a TIFF with a kind of pixels that Pillow does not read: save it with 8 or 16 bits"
        )
    if begin.startswith(RASTER) or begin[4:8] == b"ftyp":
        return "the file is damaged, or ends too soon"
    text = begin.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    for start, kind in OTHER_KINDS.items():
        if begin.startswith(start) or text.startswith(start.lower()):
            return f"it is {kind}"
    return "it is not an image of a kind that Pillow reads"
