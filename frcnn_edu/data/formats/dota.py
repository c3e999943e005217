"""DOTA: a text file for each aerial image, one line per object: a rotated box's four corners, class and difficulty."""

from pathlib import Path

from ..findings import Findings
from ..splits import set_apart
from .annotated import NO_CLASS_NAME, Item, Reading, class_name, is_number
from .folders import child, folders_in
from .layout import Format, Layout, Part, arranged, listing
from .text_labels import TextLabels
from .turned import around_points

HEADINGS = ("imagesource:", "gsd:")  # where the image is from, and how many metres a pixel is


def recognise(path: Path) -> Layout | None:
    """A folder with labelTxt/ and images/, as in DOTA and Roboflow's "oriented bounding boxes"; otherwise None."""
    return LINES.recognise(path, DOTA) or _in_split_folders(path)


def _in_split_folders(path: Path) -> Layout | None:
    """train/labelTxt/ and the like: Roboflow adds a data.yaml, as if the labels were YOLO's."""
    inside = [folder for folder in folders_in(path) if child(folder, LINES.folders)]
    layouts = {folder: layout for folder in inside if (layout := LINES.recognise(folder, DOTA))}
    wholes = {folder: layout.whole for folder, layout in layouts.items() if layout.whole is not None}
    splits, aside = set_apart(wholes)
    if not splits:
        return None
    parts = {split: wholes[folder] for split, folder in splits.items()}
    names = listing(f"{folder.name}/" for folder in splits.values())
    return arranged(path, DOTA, layouts[splits[next(iter(splits))]].how, parts, f"the folders {names}", aside=aside)


def read(part: Part, findings: Findings) -> Reading:
    """The images of a folder of labels, with the upright boxes around the rotated ones."""
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
    if not (name := class_name(" ".join(rest))):
        return Item("", problem=NO_CLASS_NAME)
    try:
        box, remark = around_points([*zip(numbers[::2], numbers[1::2])])
    except ValueError:
        return Item(name, problem="boxes refused, not eight numbers")
    return Item(name, box, difficult, remark=remark)


LINES = TextLabels(("labeltxt", "annfiles"), ("images",), _is_object, _item)
DOTA = Format("DOTA", read)
