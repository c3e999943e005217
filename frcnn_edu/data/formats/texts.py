"""Text files in the encodings that editors and shells write."""

import codecs
from pathlib import Path

_MARKS = {
    codecs.BOM_UTF32_LE: "utf-32", codecs.BOM_UTF32_BE: "utf-32", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16",
}  # fmt: skip  # UTF-32's mark begins with UTF-16's


def encoding_of(file: Path) -> str:
    """The encoding that a file's first bytes declare: UTF-16, which PowerShell and Excel write, or else UTF-8.

    Raises:
        OSError: it cannot be opened.
    """
    with open(file, "rb") as content:
        begin = content.read(4)
    return next((encoding for mark, encoding in _MARKS.items() if begin.startswith(mark)), "utf-8-sig")


def text_of(file: Path) -> str:
    """What a text file holds.

    Raises:
        ValueError: it cannot be read as text; the message names it.
    """
    try:
        return file.read_text(encoding=encoding_of(file))
    except (OSError, ValueError) as error:
        raise ValueError(f"cannot read {file} as text: {error}") from error


def read_lines(file: Path) -> list[str]:
    """The lines of a text file that hold something.

    Raises:
        ValueError: it is not text.
    """
    return [line.strip() for line in text_of(file).splitlines() if line.strip()]
