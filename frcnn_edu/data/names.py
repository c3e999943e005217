"""Names of classes, and of files that annotations name."""

import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path, PureWindowsPath

HEIC_SUFFIXES = (".heic", ".heif", ".hif")  # from phones; Pillow reads them only with a plug-in
#: Suffixes of the image files that are looked for in folders: all that Pillow has for the formats of `images.FORMATS`,
#: and HEIC's, so that such images are reported.
IMAGE_SUFFIXES = (
    *HEIC_SUFFIXES,
    ".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".apng", ".webp", ".tif", ".tiff", ".gif", ".bmp", ".dib", ".avif",
    ".avifs", ".jp2", ".j2k", ".j2c", ".jpc", ".jpf", ".jpx", ".pbm", ".pgm", ".ppm", ".pnm", ".pfm", ".qoi", ".tga",
    ".icb", ".vda", ".vst", ".sgi", ".rgb", ".rgba", ".bw", ".pcx", ".dcx", ".psd", ".dds", ".fit", ".fits", ".ico",
    ".icns", ".cur", ".ras", ".xbm", ".xpm", ".blp", ".fli", ".flc", ".ftc", ".ftu", ".gbr", ".im", ".msp", ".pcd", ".pxr",
)  # fmt: skip


def clean_name(text: str) -> str:
    """A name in one spelling: composed characters (NFC: é is one, not e and an accent), spaces only single and inside.

    Raises:
        ValueError: it contains characters that cannot be written, such as half of a surrogate pair.
    """
    name = " ".join(unicodedata.normalize("NFC", text).split())
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in name):
        raise ValueError(f"a name must be plain text; got {text!r}")
    return name


def readable(text: str, longest: int = 80) -> str:
    """Make any text fit for one line of a terminal; it is cut off after `longest` characters."""
    plain = "".join(character if character.isprintable() else "�" for character in text)
    return plain if len(plain) <= longest else f"{plain[: longest - 1]}…"


def counted(number: int, what: str) -> str:
    """ "1 image", "2 boxes", "3,000 images"."""
    return f"{number:,} {what}{'' if number == 1 else 'es' if what[-1] in 'sx' else 's'}"


def leaves_folder(name: str) -> bool:
    """Whether a file name points out of its folder, on any system: absolute, with a drive, or with `..` in it."""
    path = PureWindowsPath(name)  # handles both kinds of slashes, and drives
    return bool(path.anchor) or ".." in path.parts


def find_file(folder: Path, name: str) -> Path | None:
    """The file of that name in a folder; None if there is none, or the name leaves the folder.

    Both spellings of accents are tried, because file systems and json files differ, and a slash for a backslash.
    """
    if leaves_folder(name):
        return None
    accents = (name, unicodedata.normalize("NFC", name), unicodedata.normalize("NFD", name))
    for spelling in dict.fromkeys([*accents, *(each.replace("\\", "/") for each in accents)]):
        try:
            if (folder / spelling).is_file():
                return folder / spelling
        except (OSError, ValueError):  # no file system accepts such a name: too long, or with a zero byte
            return None
    return None


def without_heic(paths: Sequence[Path]) -> list[Path]:
    """The files of one image, without HEIC files if it also exists in the format it was converted to."""
    others = [path for path in paths if path.suffix.lower() not in HEIC_SUFFIXES]
    return others or [*paths]


def class_names(names: Iterable[str]) -> tuple[str, ...]:
    """Class names with "background" in front, as label 0.

    Raises:
        ValueError: there is no name, or one occurs twice.
        TypeError: one string instead of several.
    """
    if isinstance(names, str):
        raise TypeError(f"classes must be a sequence of names; got the string {names!r}")
    found = ("background", *(name for i, name in enumerate(names) if not (i == 0 and name == "background")))
    twice = sorted(name for name, count in Counter(found).items() if count > 1)
    if twice:
        raise ValueError(f"class names must be unique, and label 0 is the background; got {', '.join(twice)} twice")
    if len(found) == 1:
        raise ValueError("classes must have at least one name besides the background")
    return found


def choose_classes(
    source: str | Path, found: Sequence[str], wanted: Sequence[str] | None, reason: str = ""
) -> tuple[str, ...]:
    """The `wanted` class names, or all those `found` in a source, with "background" in front.

    Args:
        reason: why nothing was found, if that is known.

    Raises:
        ValueError: nothing was found, or none of the wanted classes.
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
    """A file name with composed characters (NFC), because file systems and archives write accents differently."""
    return unicodedata.normalize("NFC", name)


def folded(name: str) -> str:
    """A file name for comparisons that ignore case and the spelling of accents."""
    return composed(name).casefold()


def without_converted(paths: Iterable[Path]) -> list[Path]:
    """Image files, without HEIC files that have a converted file of the same name beside them."""
    paths = [*paths]
    heic = {path for path in paths if path.suffix.lower() in HEIC_SUFFIXES}
    others = {(path.parent, folded(path.stem)) for path in paths if path not in heic} if heic else set()
    return [path for path in paths if path not in heic or (path.parent, folded(path.stem)) not in others]
