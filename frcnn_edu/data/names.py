"""Names as they come: of classes, and of files that an annotation may name."""

import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path, PureWindowsPath

HEIC_SUFFIXES = (".heic", ".heif", ".hif")  # of telephones; Pillow reads them with a plug-in only
#: Of the image files that are looked for in folders: every one that Pillow has for the formats of `images.FORMATS`, and
#: HEIC's, so that such images are told of.
IMAGE_SUFFIXES = (
    *HEIC_SUFFIXES,
    ".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".apng", ".webp", ".tif", ".tiff", ".gif", ".bmp", ".dib", ".avif",
    ".avifs", ".jp2", ".j2k", ".j2c", ".jpc", ".jpf", ".jpx", ".pbm", ".pgm", ".ppm", ".pnm", ".pfm", ".qoi", ".tga",
    ".icb", ".vda", ".vst", ".sgi", ".rgb", ".rgba", ".bw", ".pcx", ".dcx", ".psd", ".dds", ".fit", ".fits", ".ico",
    ".icns", ".cur", ".ras", ".xbm", ".xpm", ".blp", ".fli", ".flc", ".ftc", ".ftu", ".gbr", ".im", ".msp", ".pcd", ".pxr",
)  # fmt: skip


def clean_name(text: str) -> str:
    """A name in one spelling: composed characters (NFC: é is one, not e and an accent), no spaces around, one between.

    Raises:
        ValueError: it has characters that cannot be written down, such as half of a surrogate pair.
    """
    name = " ".join(unicodedata.normalize("NFC", text).split())
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in name):
        raise ValueError(f"a name must be plain text; got {text!r}")
    return name


def readable(text: str, longest: int = 80) -> str:
    """A text fit for one line of a terminal, whatever it holds; its end is cut off after `longest` characters."""
    plain = "".join(character if character.isprintable() else "�" for character in text)
    return plain if len(plain) <= longest else f"{plain[: longest - 1]}…"


def counted(number: int, what: str) -> str:
    """ "1 image", "2 boxes", "3,000 images"."""
    return f"{number:,} {what}{'' if number == 1 else 'es' if what[-1] in 'sx' else 's'}"


def leaves_folder(name: str) -> bool:
    """Whether a file name points out of its folder, on any system: absolute, with a drive, or with `..` in it."""
    path = PureWindowsPath(name)  # knows both kinds of slashes, and drives
    return bool(path.anchor) or ".." in path.parts


def find_file(folder: Path, name: str) -> Path | None:
    """The file of that name in a folder; None if there is none, or the name leaves the folder.

    Both spellings of accents are tried, since file systems and json files differ in them, and a slash for a backslash.
    """
    if leaves_folder(name):
        return None
    accents = (name, unicodedata.normalize("NFC", name), unicodedata.normalize("NFD", name))
    for spelling in dict.fromkeys([*accents, *(each.replace("\\", "/") for each in accents)]):
        try:
            if (folder / spelling).is_file():
                return folder / spelling
        except (OSError, ValueError):  # no file system takes such a name: too long, or with a zero byte
            return None
    return None


def without_heic(paths: Sequence[Path]) -> list[Path]:
    """Files of one image without HEIC's where it is there in another format, too: as what it was converted to."""
    others = [path for path in paths if path.suffix.lower() not in HEIC_SUFFIXES]
    return others or [*paths]


def class_names(names: Iterable[str]) -> tuple[str, ...]:
    """Class names with "background" in front, where label 0 belongs.

    Raises:
        ValueError: none, or one twice.
        TypeError: one string instead of several.
    """
    if isinstance(names, str):
        raise TypeError(f"classes must be a sequence of names; got the string {names!r}")
    found = ("background", *(name for i, name in enumerate(names) if not (i == 0 and name == "background")))
    twice = sorted(name for name, count in Counter(found).items() if count > 1)
    if twice:
        raise ValueError(f"class names must differ and label 0 is the background; got {', '.join(twice)} twice")
    if len(found) == 1:
        raise ValueError("no class name besides the background")
    return found


def choose_classes(
    source: str | Path, found: Sequence[str], wanted: Sequence[str] | None, reason: str = ""
) -> tuple[str, ...]:
    """The `wanted` class names, or all those `found` in a source, with "background" in front.

    Args:
        reason: why nothing was found, if that is known.

    Raises:
        ValueError: nothing was found, or nothing of what is wanted.
    """
    if not found:
        raise ValueError(f"{source} has no objects with a class name" + (f": {reason}" if reason else ""))
    try:
        names = class_names(found if wanted is None else wanted)
    except ValueError as error:
        raise error if wanted is not None else ValueError(f"{source}: {error}") from error
    if not set(found) & set(names):
        raise ValueError(f"{source} has the classes {', '.join(found)}, none of {', '.join(names[1:])}")
    return names


def composed(name: str) -> str:
    """A file name with composed characters (NFC), since file systems and archives differ in how they write an accent."""
    return unicodedata.normalize("NFC", name)


def folded(name: str) -> str:
    """A file name as it is compared where neither the writing of accents nor upper and lower case matter."""
    return composed(name).casefold()


def without_converted(paths: Iterable[Path]) -> list[Path]:
    """Image files without those in HEIC beside which there is, under the same name, what they were converted to."""
    paths = [*paths]
    heic = {path for path in paths if path.suffix.lower() in HEIC_SUFFIXES}
    others = {(path.parent, folded(path.stem)) for path in paths if path not in heic} if heic else set()
    return [path for path in paths if path not in heic or (path.parent, folded(path.stem)) not in others]
