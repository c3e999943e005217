import os
import pickle
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import EpsImagePlugin, Image, ImageFile

from frcnn_edu.data import IMAGE_SUFFIXES, images, load_image
from frcnn_edu.data.images import FORMATS, check_end, image_size
from frcnn_edu.data.unreadable import ImageFileError, unreadable

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)


def corners(image: torch.Tensor) -> list[tuple[int, ...]]:
    """The colours of the top left and right, bottom left and right pixels."""
    return [tuple((255 * image[:, y, x]).round().int().tolist()) for y in (0, -1) for x in (0, -1)]


@pytest.fixture
def four_colours() -> Image.Image:
    image = Image.new("RGB", (6, 4), WHITE)
    for x, y, colour in ((0, 0, RED), (3, 0, GREEN), (0, 2, BLUE)):
        image.paste(colour, (x, y, x + 3, y + 2))
    return image


@pytest.mark.parametrize("suffix", ["png", "bmp", "tiff", "gif"])
def test_plain_files(four_colours: Image.Image, tmp_path: Path, suffix: str) -> None:
    four_colours.save(tmp_path / f"a.{suffix}")
    image = load_image(tmp_path / f"a.{suffix}")
    assert image.shape == (3, 4, 6)
    assert image.dtype == torch.float32
    assert image.is_contiguous()
    assert corners(image) == [RED, GREEN, BLUE, WHITE]


@pytest.mark.parametrize(
    ("orientation", "expected"),
    [
        (1, [RED, GREEN, BLUE, WHITE]),
        (2, [GREEN, RED, WHITE, BLUE]),
        (3, [WHITE, BLUE, GREEN, RED]),
        (4, [BLUE, WHITE, RED, GREEN]),
        (5, [RED, BLUE, GREEN, WHITE]),
        (6, [BLUE, RED, WHITE, GREEN]),
        (7, [WHITE, GREEN, BLUE, RED]),
        (8, [GREEN, WHITE, RED, BLUE]),
    ],
)
def test_exif_orientation(four_colours: Image.Image, tmp_path: Path, orientation: int, expected: list) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    four_colours.save(tmp_path / "a.png", exif=exif)
    image = load_image(tmp_path / "a.png")
    assert corners(image) == expected
    assert image_size(tmp_path / "a.png") == (image.shape[2], image.shape[1])
    assert corners(load_image(tmp_path / "a.png", upright=False)) == [RED, GREEN, BLUE, WHITE]
    assert image_size(tmp_path / "a.png", upright=False) == (6, 4)


def test_a_tiff_is_turned_in_any_case(four_colours: Image.Image, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    four_colours.save(tmp_path / "a.tiff", exif=exif)
    for upright in (True, False):
        image = load_image(tmp_path / "a.tiff", upright)
        assert corners(image) == [BLUE, RED, WHITE, GREEN]
        assert image_size(tmp_path / "a.tiff", upright) == (image.shape[2], image.shape[1]) == (4, 6)


@pytest.mark.parametrize("orientation", [0, 9, 77])
def test_an_orientation_that_exif_does_not_know(four_colours: Image.Image, tmp_path: Path, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    four_colours.save(tmp_path / "a.png", exif=exif)
    assert corners(load_image(tmp_path / "a.png")) == [RED, GREEN, BLUE, WHITE]
    assert image_size(tmp_path / "a.png") == (6, 4)


def test_broken_exif_data_cost_no_image(four_colours: Image.Image, tmp_path: Path) -> None:
    four_colours.save(tmp_path / "a.webp", lossless=True, exif=b"no TIFF header in here")
    with Image.open(tmp_path / "a.webp") as file, pytest.raises(SyntaxError):
        file.getexif()
    assert corners(load_image(tmp_path / "a.webp")) == [RED, GREEN, BLUE, WHITE]
    assert image_size(tmp_path / "a.webp") == (6, 4)


def test_the_suffix_says_nothing(four_colours: Image.Image, tmp_path: Path) -> None:
    four_colours.save(tmp_path / "a.jpg", format="png")
    assert corners(load_image(tmp_path / "a.jpg")) == [RED, GREEN, BLUE, WHITE]


def test_a_file_that_would_be_a_huge_image_is_refused(
    make_image: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_image(tmp_path / "a.png")
    monkeypatch.setattr(
        Image, "MAX_IMAGE_PIXELS", 40 * 30 // 2 - 1
    )  # it warns from here on, refuses from twice as much
    for read in (load_image, image_size):
        with pytest.raises(
            ValueError, match=r"a\.png.*1,200 pixels, more than the 1,198 that Pillow opens: make it sm"
        ):
            read(path)


def test_grey_is_repeated(tmp_path: Path) -> None:
    values = np.arange(12, dtype=np.uint8).reshape(3, 4) * 20
    Image.fromarray(values).save(tmp_path / "a.png")
    image = load_image(tmp_path / "a.png")
    for channel in image:
        assert torch.equal((channel * 255).round(), torch.from_numpy(values).float())


def test_one_bit(tmp_path: Path) -> None:
    Image.new("1", (5, 4), 1).save(tmp_path / "a.png")
    assert torch.equal(load_image(tmp_path / "a.png"), torch.ones(3, 4, 5))


def test_sixteen_bit_grey_keeps_its_precision(tmp_path: Path) -> None:
    values = np.array([[0, 1, 255, 256], [1000, 30000, 65534, 65535]], dtype=np.uint16)
    for suffix in ("png", "tiff"):
        Image.fromarray(values).save(tmp_path / f"a.{suffix}")
        image = load_image(tmp_path / f"a.{suffix}")
        assert image.shape == (3, 2, 4)
        assert torch.allclose(image[1] * 65535, torch.from_numpy(values.astype(np.float32)))
        assert torch.equal(image[0], image[2])


def test_a_palette_with_a_transparent_colour(four_colours: Image.Image, tmp_path: Path) -> None:
    indexed = four_colours.quantize(4)
    indexed.save(tmp_path / "opaque.png")
    assert corners(load_image(tmp_path / "opaque.png")) == [RED, GREEN, BLUE, WHITE]
    indexed.save(tmp_path / "clear.png", transparency=indexed.getpixel((0, 0)))
    assert corners(load_image(tmp_path / "clear.png")) == [WHITE, GREEN, BLUE, WHITE]


def test_transparency_lies_on_white(tmp_path: Path) -> None:
    pixels = np.zeros((2, 2, 4), dtype=np.uint8)
    pixels[:, :, 0] = 255
    pixels[:, :, 3] = [[255, 128], [51, 0]]
    Image.fromarray(pixels).save(tmp_path / "a.png")
    assert corners(load_image(tmp_path / "a.png")) == [RED, (255, 127, 127), (255, 204, 204), WHITE]
    Image.fromarray(pixels).convert("LA").save(tmp_path / "grey.png")
    assert corners(load_image(tmp_path / "grey.png"))[3] == WHITE


def test_cmyk_and_animation(four_colours: Image.Image, tmp_path: Path) -> None:
    four_colours.convert("CMYK").save(tmp_path / "a.tiff")
    assert corners(load_image(tmp_path / "a.tiff")) == [RED, GREEN, BLUE, WHITE]
    blank = Image.new("RGB", (6, 4))
    four_colours.save(tmp_path / "a.gif", save_all=True, append_images=[blank])
    assert corners(load_image(tmp_path / "a.gif")) == [RED, GREEN, BLUE, WHITE]


def test_every_suffix_of_the_formats_that_are_tried_is_looked_for() -> None:
    Image.init()
    of_pillow = {suffix for suffix, name in Image.registered_extensions().items() if name in FORMATS}
    assert of_pillow <= set(IMAGE_SUFFIXES)
    assert {".jfif", ".jpe", ".avif", ".jp2", ".mpo"} <= of_pillow
    refused = set(Image.OPEN) - set(FORMATS)
    assert refused <= {"EPS", "IPTC", "BUFR", "GRIB", "HDF5", "MPEG", "WMF", "FPX", "MIC"}


@pytest.mark.parametrize(
    "suffix", [".jfif", ".jpe", ".jp2", ".mpo", ".avif", ".tga", ".ppm", ".qoi", ".pcx", ".sgi", ".dds", ".dib"]
)
def test_less_common_formats(four_colours: Image.Image, tmp_path: Path, suffix: str) -> None:
    file_format = Image.registered_extensions()[suffix]
    if file_format not in Image.SAVE:
        pytest.skip(f"this Pillow was built without {file_format}")
    large = four_colours.resize((96, 64), Image.Resampling.NEAREST)
    large.save(tmp_path / f"a{suffix}", file_format)
    found, expected = corners(load_image(tmp_path / f"a{suffix}")), [RED, GREEN, BLUE, WHITE]
    assert all(abs(a - b) <= 12 for one, other in zip(found, expected) for a, b in zip(one, other)), found
    check_end(tmp_path / f"a{suffix}")


def test_no_file_starts_ghostscript(four_colours: Image.Image, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(EpsImagePlugin, "Ghostscript", lambda *args, **kwargs: pytest.fail("started"))
    monkeypatch.setattr(subprocess, "Popen", lambda *args, **kwargs: pytest.fail("started"))
    for name in ("a.jpg", "a.eps"):
        four_colours.save(tmp_path / name, "EPS")
        for read in (load_image, image_size, check_end):
            with pytest.raises(ValueError, match=r"it is PostScript \(EPS\)"):
                read(tmp_path / name)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_named_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.jpg")
    for read in (load_image, image_size, check_end):
        with pytest.raises(ValueError, match=r"a\.jpg as an image: it is a named pipe, not a file"):
            read(tmp_path / "a.jpg")


@pytest.mark.parametrize(
    "error", [RuntimeError("Failed to decode"), AttributeError("x"), NotImplementedError(), MemoryError()], ids=repr
)
def test_whatever_a_decoder_raises_names_the_file(
    make_image: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(self: Image.Image) -> None:
        raise error

    path = make_image(tmp_path / "a.png")
    monkeypatch.setattr(ImageFile.ImageFile, "load", fail)
    with pytest.raises(ImageFileError, match=r"cannot read .*a\.png as an image: ") as caught:
        load_image(path)
    assert caught.value.reason
    assert str(caught.value).endswith(caught.value.reason)


def test_an_error_travels_between_processes() -> None:
    error = pickle.loads(pickle.dumps(unreadable("a.jpg", "the file is empty")))
    assert (type(error), str(error), error.reason) == (
        ImageFileError, "cannot read a.jpg as an image: the file is empty", "the file is empty"
    )  # fmt: skip
    assert str(ImageFileError(str(error))) == str(error)  # as torch's loader makes it again


@pytest.mark.parametrize("damage", ["cut off", "text", "empty", "missing", "a folder"])
def test_what_cannot_be_read_is_named(make_image, tmp_path: Path, damage: str) -> None:
    path = make_image(tmp_path / "some photo.jpg", width=200, height=200)
    if damage == "cut off":
        path.write_bytes(path.read_bytes()[:2000])
    elif damage == "text":
        path.write_text("not a photograph")
    elif damage == "empty":
        path.write_bytes(b"")
    else:
        path.unlink()
        if damage == "a folder":
            path.mkdir()
    reason = {"cut off": "ends too soon", "text": "not an image", "missing": "no such file", "a folder": "is a folder"}
    for read in (load_image, check_end, *[image_size] * (damage != "cut off")):  # then its header is whole
        with pytest.raises(ValueError, match=rf"some photo\.jpg as an image: .*{reason.get(damage, damage)}"):
            read(path)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"%PDF-1.7 ...", "it is a PDF document"),
        (b"\n<!DOCTYPE html><html><body>404", "it is a web page"),
        (b"\xef\xbb\xbf<HTML>", "it is a web page"),
        (b"<svg xmlns=", "it is an SVG drawing"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:", "git lfs pull"),
        (b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic", "HEIC, which Pillow reads only with .*: convert it"),
        (b"\x89PNG\r\n\x1a\n and no more", "damaged, or ends too soon"),
        (b"II*\x00\x08\x00\x00\x00\x00\x00", "a TIFF with a kind of pixels"),
        (b"plain text", "it is not an image of a kind that Pillow reads"),
    ],
    ids=lambda value: (
        value[:12].decode("latin-1").encode("unicode_escape").decode() if isinstance(value, bytes) else ""
    ),
)
@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow's, of TIFFs
def test_what_a_file_is_instead(tmp_path: Path, content: bytes, reason: str) -> None:
    (tmp_path / "a.jpg").write_bytes(content)
    with pytest.raises(ValueError, match=reason):
        load_image(tmp_path / "a.jpg")


def test_no_name_reaches_a_terminal_as_it_is(tmp_path: Path) -> None:
    for name in ("\x1b[31mred.jpg", "two\nlines.jpg", "half \udcff.jpg"):
        with pytest.raises(ValueError) as caught:
            load_image(tmp_path / name)
        assert str(caught.value).isprintable()
        assert "there is no such file" in str(caught.value)
    with pytest.raises(ValueError, match=r"a{100,}… as an image: file name too long"):
        load_image("a" * 5000)
    with pytest.raises(ValueError, match="embedded null"):
        load_image("a\0b")


def test_a_damaged_png_is_named(make_image, tmp_path: Path) -> None:
    path = make_image(tmp_path / "a.png", width=100, height=100)
    content = bytearray(path.read_bytes())
    content[200:400] = bytes(200)
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"a\.png"):
        load_image(path)


@pytest.mark.parametrize("file_format", ["jpeg", "png", "webp", "tiff", "gif", "bmp"])
@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow's, of TIFFs
def test_a_file_that_ends_too_soon_is_named(tmp_path: Path, file_format: str) -> None:
    path = tmp_path / "some photo.jpg"
    noise = np.random.default_rng(0).integers(0, 255, (50, 60, 3), dtype=np.uint8)
    Image.fromarray(noise).save(path, file_format)
    check_end(path)
    content = path.read_bytes()
    for part in (0.95, 0.5, 0.2):
        path.write_bytes(content[: int(part * len(content))])
        with pytest.raises(ValueError, match=r"some photo\.jpg"):
            check_end(path)
    for length in range(20, len(content), 101):  # wherever it is cut: what passes can be loaded
        path.write_bytes(content[:length])
        try:
            check_end(path)
        except ValueError:
            continue
        load_image(path)


def test_what_comes_after_the_end_does_not_matter(make_image, tmp_path: Path) -> None:
    for path in (make_image(tmp_path / "a.jpg"), make_image(tmp_path / "a.png")):
        with path.open("ab") as file:
            file.write(b"and what the camera has to say")
        check_end(path)
        load_image(path)


def test_the_end_of_a_photograph_is_seen_without_decoding_it(make_image, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(images, "load_image", lambda path: pytest.fail("decoded"))
    for name in ("a.jpg", "a.png"):
        check_end(make_image(tmp_path / name))
