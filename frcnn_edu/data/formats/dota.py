"""DOTA: a text file for each aerial image, with the four corners of a turned box, class and difficulty, a line an object."""

from pathlib import Path

from ..findings import Findings
from ..names import clean_name
from ..splits import by_split
from .annotated import Item, Reading, around, number
from .folders import child, folders_in
from .layout import Format, Layout, Part, arranged, listing
from .text_labels import TextLabels, is_number

HEADINGS = ("imagesource:", "gsd:")  # where the image is from, and how many metres a pixel is


def recognise(path: Path) -> Layout | None:
    """A folder with labelTxt/ and images/, as DOTA and Roboflow's "oriented bounding boxes" have them; None if it is none."""
    return LINES.recognise(path, DOTA) or _in_split_folders(path)


def _in_split_folders(path: Path) -> Layout | None:
    """train/labelTxt/ and the like: Roboflow puts a data.yaml beside them, as if the labels were YOLO's."""
    for found in by_split(folder for folder in folders_in(path) if child(folder, LINES.folders)).values():
        layouts = {split: layout for split, folder in found.items() if (layout := LINES.recognise(folder, DOTA))}
        parts = {split: layout.whole for split, layout in layouts.items() if layout.whole is not None}
        if parts:
            names = listing(f"{found[split].name}/" for split in parts)
            return arranged(path, DOTA, next(iter(layouts.values())).how, parts, f"the folders {names}")
    return None


def read(part: Part, findings: Findings) -> Reading:
    """The images of a folder of labels, with the upright boxes around the turned ones."""
    return LINES.read(part, findings)


def _is_object(line: str) -> bool:
    words = line.split()
    return len(words) > 8 and all(map(is_number, words[:8])) and not is_number(words[8])


def _item(line: str) -> Item | None:
    if line.lower().startswith(HEADINGS):
        return None
    words = line.split()
    numbers, rest = words[:8], words[8:]
    difficult = len(rest) > 1 and rest[-1].isdecimal() and rest.pop() != "0"  # there may be several degrees of it
    try:
        name = clean_name(" ".join(rest))
    except ValueError:
        name = ""
    if not name:
        return Item("", problem="boxes refused, no class name")
    try:
        points = [*zip(map(number, numbers[::2]), map(number, numbers[1::2]))]
        x0, y0, x1, y1 = box = around(points)
    except ValueError:
        return Item(name, problem="boxes refused, not eight numbers")
    turned = any(x not in (x0, x1) or y not in (y0, y1) for x, y in points)
    return Item(name, box, difficult, remark="boxes around turned boxes" if turned else "")


LINES = TextLabels(("labeltxt", "annfiles"), ("images",), _is_object, _item)
DOTA = Format("DOTA", read)
