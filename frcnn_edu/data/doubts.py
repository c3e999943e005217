"""What is probably wrong with a data set, in sentences to read before spending hours on training."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torchvision.ops import box_iou

from .collecting import Record
from .exposure import exposure
from .findings import in_words
from .images import load_image
from .names import readable
from .splits import spread
from .unreadable import ImageFileError

MOST_DETECTIONS = 100  # per image: the default `box_detections_per_img`, and the largest of COCO's maxDets
ALIKE = 0.9  # IoU of two boxes that are probably one object
HEAD = 1 << 16  # bytes that are compared first, before whole files
MOST_COMPARED = 2000  # objects per image, up to which all pairs are compared

Odd = dict[str, dict[str, list[str]]]  # names of images, by split and by what is odd


def doubts(datasets: Mapping[str, Any]) -> list[str]:
    """Return sentences on what is probably wrong but would go unnoticed; no image is decoded.

    Args:
        datasets: data sets by split; those without image files, such as shapes, are skipped.
    """
    read = {split: data for split, data in datasets.items() if hasattr(data, "records")}
    about_one = (without_any_object, emptied, box_format, many_objects, overlapping)
    sentences = [
        f"{split}: {sentence}" for split, data in read.items() for tell in about_one for sentence in tell(data)
    ]
    return [*sentences, *similar_class_names(read), *same_images(read)]


def check_objects(data: Any, split: str, what_for: str) -> None:
    """Make sure that at least one object counts.

    Args:
        what_for: the end of the message, such as "to learn from".

    Raises:
        ValueError: there is none; the message gives the first finding as the reason.
    """
    for reason in why_without_objects(data) if hasattr(data, "records") else ():
        raise ValueError(f"split {split!r} has no object {what_for}: {reason}")


def without_any_object(data: Any) -> Iterator[str]:
    """A sentence if no object that counts is left."""
    yield from (f"no object to train or evaluate on: {reason}" for reason in why_without_objects(data))


def emptied(data: Any) -> Iterator[str]:
    """Images whose objects were all refused: they would count as images without objects, which they are not."""
    names = [readable(record.path.name) for record in data.records if record.refused and not record.boxes]
    if names and len(names) < len(data.records):
        which = "1 image has" if len(names) == 1 else f"{len(names)} images have"
        objects = "its objects" if len(names) == 1 else "their objects"
        yield (
            f"{which} lost all {objects}, because none can be used, and would count as without objects: "
            f"correct the annotations, or remove {'it' if len(names) == 1 else 'them'} (such as {names[0]})"
        )


def why_without_objects(data: Any) -> Iterator[str]:
    """The reason, if all annotated objects were refused or are to be ignored; nothing if an object is left."""
    ignored = sum(sum(record.iscrowd) for record in data.records)
    if sum(len(record.boxes) for record in data.records) > ignored:
        return
    if ignored:
        yield f"all {ignored} objects are to be ignored (iscrowd or difficult)"
        return
    reasons = [what for what in data.findings.left_out if "image" not in what.split()[0]]
    reasons += [what for what in data.findings.noted if what.startswith("boxes")]
    places = {**data.findings.left_out, **data.findings.noted}
    yield in_words({reasons[0]: places[reasons[0]]}) if reasons else "nothing is annotated"


def box_format(data: Any) -> Iterator[str]:
    """A sentence if boxes look like those of a different format."""
    if sentence := data.box_numbers.doubt():
        yield sentence


def many_objects(data: Any) -> Iterator[str]:
    """Images with more objects than are detected or counted."""
    counts = [len(record.boxes) - sum(record.iscrowd) for record in data.records]
    many = [count for count in counts if count > MOST_DETECTIONS]
    if many:
        yield (
            f"{_images(len(many))} more than {MOST_DETECTIONS} objects, up to {max(many)}: only the "
            f"{MOST_DETECTIONS} best detections per image are kept (box_detections_per_img) and counted (COCO's maxDets)"
        )


def overlapping(data: Any) -> Iterator[str]:
    """Pairs of boxes that agree to within a few pixels, of one class or of two."""
    same, other = Counter[str](), Counter[str]()
    for record in data.records:
        if 1 < len(record.boxes) <= MOST_COMPARED:
            boxes, labels = torch.tensor(record.boxes), torch.tensor(record.labels)
            first, second = (box_iou(boxes, boxes).triu(diagonal=1) >= ALIKE).nonzero(as_tuple=True)
            equal = int((labels[first] == labels[second]).sum())
            same[record.path.name] += equal
            other[record.path.name] += len(first) - equal
    for counts, what in ((same, "of the same class"), (other, "of different classes")):
        if total := counts.total():
            names = [readable(name) for name, count in counts.items() if count][:3]
            pairs = f"{total} pair{'s' * (total > 1)} of boxes"
            yield f"{pairs} {what} with an IoU of at least {ALIKE}: one object annotated twice? ({', '.join(names)})"


def odd_exposures(odd: Odd, looked_at: Mapping[str, int]) -> Iterator[str]:
    """Images that are damaged, or black, white or of one colour once they are loaded.

    Args:
        odd: names of the images, by split and by what is odd.
        looked_at: number of images loaded, by split.
    """
    for split, kinds in odd.items():
        for what, names in kinds.items():
            verb = "is" if len(names) == 1 else "are"
            yield f"{split}: {len(names)} of the {looked_at[split]} images checked {verb} {what}, such as {readable(names[0])}"


def look_at_some(datasets: Mapping[str, Any], count: int = 16) -> Iterator[str]:
    """Load a few images of each split, spread over it, and report those that are damaged, black, white or one colour."""
    odd: Odd = {}
    looked_at: dict[str, int] = {}
    for split, data in datasets.items():
        if not hasattr(data, "records"):
            continue
        chosen = spread(len(data), count)
        odd[split], looked_at[split] = defaultdict(list), len(chosen)
        for record in (data.records[i] for i in chosen):
            try:
                what = exposure(load_image(record.path, record.upright))
            except ImageFileError:  # damaged in the middle
                what = "damaged"
            if what is not None:
                odd[split][what].append(record.path.name)
    return odd_exposures(odd, looked_at)


def similar_class_names(datasets: Mapping[str, Any]) -> Iterator[str]:
    """Class names that differ only in case, spaces, underscores or hyphens, in one split or in two."""
    names: dict[str, dict[str, None]] = defaultdict(dict)  # ordered sets
    for data in datasets.values():
        for name in [*data.classes, *data.findings.noted.get("boxes of other classes left out", ())]:
            plain = "".join(character for character in name.casefold() if character not in " _-")
            names[plain][name] = None
    for spellings in names.values():
        if len(spellings) > 1:
            yield f"class names that differ only in spelling: {' and '.join(map(repr, spellings))}"


def same_images(datasets: Mapping[str, Any]) -> Iterator[str]:
    """Images that are in two splits or twice in one: the same file, a copy of it, or a copy changed by augmentation."""
    places = [(split, record) for split, data in datasets.items() for record in data.records]
    told: set[tuple[str, str]] = set()
    kinds = (
        ("is in {} as well", "are in {} as well", _grouped(places, lambda record: record.path)),
        ("is a copy of an image of {}", "are copies of images of {}", _copies(places)),
        (
            "is an augmented copy of an image of {}",
            "are augmented copies of images of {}",
            _grouped(places, _before_augmentation),
        ),
    )
    for one, several, groups in kinds:
        for (first, second), pairs in _pairs(groups, told).items():
            original, copy = (readable(record.path.name) for record in pairs[0])
            what = f"1 image {one}" if len(pairs) == 1 else f"{len(pairs)} images {several}"
            example = copy if original == copy else f"{copy} ({original})"
            yield f"{second}: {what.format(first if first != second else 'the same split')}, such as {example}"


Place = tuple[str, Record]


def _pairs(groups: list[list[Place]], told: set[tuple[str, str]]) -> dict[tuple[str, str], list[tuple[Record, Record]]]:
    """For each pair of splits, images of the second that share a group with one of the first, if not reported yet."""
    pairs: dict[tuple[str, str], list[tuple[Record, Record]]] = defaultdict(list)
    for (split, first), *others in groups:
        for other_split, other in others:
            key = (f"{other_split} {other.path}", f"{split} {first.path}")
            if key not in told:
                told.add(key)
                pairs[split, other_split].append((first, other))
    return pairs


def _grouped(places: Sequence[Place], key: Any) -> list[list[Place]]:
    groups: dict[Any, list[Place]] = defaultdict(list)
    for place in places:
        if (value := key(place[1])) is not None:
            groups[value].append(place)
    return [group for group in groups.values() if len(group) > 1]


def _before_augmentation(record: Record) -> str | None:
    """Tools name their augmented copies of a.jpg a_jpg.rf.1f0e….jpg."""
    before, mark, _ = record.path.name.partition(".rf.")
    return before if mark else None


def _copies(places: Sequence[Place]) -> list[list[Place]]:
    """Different files with the same content: compared by size first, then by their beginning, then from end to end."""
    unique = list({record.path: (split, record) for split, record in reversed(places)}.values())[::-1]
    groups = _grouped(unique, lambda record: _size(record.path))
    for length in (HEAD, -1):
        groups = [
            same for group in groups for same in _grouped(group, lambda record, n=length: _digest(record.path, n))
        ]
    return groups


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None


def _digest(path: Path, length: int) -> bytes | None:
    try:
        with open(path, "rb") as file:
            return hashlib.sha1(file.read(length), usedforsecurity=False).digest()
    except OSError:
        return None


def _images(count: int) -> str:
    return f"{count} image has" if count == 1 else f"{count} images have"
