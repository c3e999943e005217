"""XML files from anywhere: read in the encoding they declare, and refused if they declare entities."""

import re
from pathlib import Path
from xml.etree import ElementTree

_DECLARED = re.compile(rb"""^\s*<\?xml[^>]*?encoding\s*=\s*["']([A-Za-z0-9._-]+)["']""")
_EXPAT_KNOWS = ("utf-8", "utf-16", "iso-8859-1", "us-ascii")


class _RefuseDoctype(ElementTree.TreeBuilder):
    def doctype(self, *declaration: str | None) -> None:
        raise ValueError("it has a document type declaration (DOCTYPE), which an annotation does not need")


def parse_xml(path: Path) -> ElementTree.Element:
    """The root of an XML file that is well-formed and declares no entities; anything else is a ValueError naming it.

    The text is decoded as the file declares it, also with encodings that Python's XML parser does not know, such as
    gb2312 and Shift_JIS.
    """
    try:
        content = path.read_bytes()
        parser = ElementTree.XMLParser(target=_RefuseDoctype())
        parser.feed(_decoded(content))
        return parser.close()
    except (ElementTree.ParseError, ValueError, LookupError, OSError) as error:
        raise ValueError(f"cannot use the annotation {path}: {error}") from error


def _decoded(content: bytes) -> str | bytes:
    declared = _DECLARED.match(content)
    encoding = declared[1].decode("ascii") if declared else ""
    # Chinese Windows calls GBK by the name of the standard that GBK extends.
    encoding = "gb18030" if encoding.lower() in ("gb2312", "gbk") else encoding
    return content.decode(encoding) if encoding and encoding.lower() not in _EXPAT_KNOWS else content
