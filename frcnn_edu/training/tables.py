"""Measurements as tables to print; all rates are 0 to 1, as in the files, the curves and the papers."""

from collections.abc import Iterable, Sequence
from typing import Any

from ..data.names import readable
from .details import Details
from .evaluation import Evaluation

NOTHING = "–"
NO_OBJECT, MISSED = "no object left", "missed"  # the last row and the last column of a confusion matrix
LONGEST_NAME = 24
MOST_CLASSES = 10  # of which a matrix still fits a terminal


def coco_table(metrics: dict[str, Any]) -> str:
    """COCO's numbers, and average precision by class."""
    lines = [summary_table(metrics), "by class, AP 0.50:0.95"]
    width = max(len("medium objects"), *(len(name) for name in metrics["per_class"]))
    return "\n".join(lines + [_row(name, value, width) for name, value in metrics["per_class"].items()])


def summary_table(metrics: dict[str, Any]) -> str:
    """COCO's numbers for all classes together."""
    names = {"AP": "AP 0.50:0.95", "AP50": "AP50", "AP75": "AP75"}
    names |= {"AP_small": "small objects", "AP_medium": "medium objects", "AP_large": "large objects"}
    names |= {"AR100": "recall (AR100)"}
    rows = [_row(title, metrics[name], len("medium objects")) for name, title in names.items()]
    return "\n".join([f"average precision, 0 to 1 (COCO, boxes; {NOTHING}: no such object)", *rows])


def class_table(metrics: dict[str, Any], details: Details) -> str:
    """By class: AP, AP50, and precision, recall and F1 at a score threshold and where F1 is best."""
    head = ["by class", "AP", "AP50", "objects", "precision", "recall", "F1", "best F1", "at score"]
    names = details.classes
    rows = [[_short(names[label]), number(metrics["per_class"][names[label]]), *_cells(details, label)]
            for label in details.present]  # fmt: skip
    rows.append(["all together", number(metrics["AP"]), *_cells(details, 0)])
    lines = _aligned([head, *rows])
    lines.append(
        f"precision, recall, F1: of detections that score {details.score_threshold:g} or more, right at an IoU of 0.5 or more; "
        "all together: AP and AP50 are means over the classes, the rest counts each object once"
    )
    if any(NOTHING in row for row in rows):
        lines.append(f"{NOTHING}: nothing to measure: no object of the class in these images, or no detection")
    return "\n".join([*lines, *absent_line(details)])


def confusion_table(details: Details) -> str:
    """The confusion matrix; for more than 10 classes, the pairs that are most often confused."""
    matrix, names, present = details.confusion, details.classes, details.present
    if len(present) > MOST_CLASSES:
        pairs = confused_pairs(details)[:MOST_CLASSES]
        lines = [f"  {names[true]}, detected as {names[label]}: {count}" for true, label, count in pairs]
        return "\n".join(["most often confused (objects)", *(lines or ["  none"])])
    order = [*present, 0]
    head = ["confusion: object, detected as", *(_short(names[label], 10) for label in order[:-1]), MISSED]
    rows = [
        [_short(names[true]) if true else NO_OBJECT, *(str(int(matrix[true, label])) for label in order)]
        for true in order
    ]
    rows[-1][-1] = ""  # what is not there is not missed
    return "\n".join(_aligned([head, *rows]))


def confused_pairs(details: Details) -> list[tuple[int, int, int]]:
    """Class of the object, class of the detection, and how often, for each pair of two classes; the most frequent first."""
    matrix = details.confusion.clone()
    matrix[0] = matrix[:, 0] = 0
    matrix.fill_diagonal_(0)
    pairs = [(int(true), int(label), int(matrix[true, label])) for true, label in matrix.nonzero()]
    return sorted(pairs, key=lambda pair: -pair[2])


def alarms_line(details: Details) -> str:
    """False alarms in images without objects, in one line."""
    alarms = details.false_alarms
    if alarms.images == 0:
        return "false alarms on images without objects: there are no such images here"
    detections = f"{alarms.detections} detection{'' if alarms.detections == 1 else 's'}"
    images = f"{alarms.with_detections} of {alarms.images} such image{'' if alarms.images == 1 else 's'}"
    return f"false alarms on images without objects: {detections}, on {images}"


def not_measured(found: Evaluation) -> list[str]:
    """A line on the images that could not be read, with the first three reasons; no line if all could be."""
    reasons = list(found.not_measured.values())
    which = "1 image was" if len(reasons) == 1 else f"{len(reasons)} images were"
    some = "; ".join(readable(reason, 500) for reason in reasons[:3]) + ("; …" if len(reasons) > 3 else "")
    return [f"{which} not measured: {some}"] * bool(reasons)


def name_of_image(data: Any, index: int, target: dict[str, Any]) -> str:
    """The file of an image, in one line; for data that are not in files its number, `image_id`."""
    records = getattr(data, "records", None)
    return f"image {target['image_id']}" if records is None else readable(str(records[index].path), 300)


def number(value: float | None) -> str:
    """A rate with three decimals; a dash if there is nothing to measure."""
    return NOTHING if value is None else f"{value:.3f}"


def absent_line(details: Details) -> list[str]:
    """A line on the classes that have neither objects nor detections; no line if there are none."""
    absent = [name for label, name in enumerate(details.classes) if label and label not in details.present]
    some = ", ".join(absent[:MOST_CLASSES]) + (", …" if len(absent) > MOST_CLASSES else "")
    return [f"neither object nor detection: {len(absent)} of {len(details.classes) - 1} classes ({some})"] * bool(
        absent
    )


def _cells(details: Details, label: int) -> list[str]:
    """The numbers of a class, starting with AP50; for 0, those of all together."""
    curve = details.curves[label]
    point, best = curve.at(details.score_threshold), curve.best()
    rates = [point.precision, point.recall, point.f1, *((best.f1, best.score_threshold) if best else (None, None))]
    return [number(curve.ap50), str(curve.objects), *map(number, rates)]


def _short(name: str, longest: int = LONGEST_NAME) -> str:
    return name if len(name) <= longest else f"{name[: longest - 1]}…"


def _row(name: str, value: float | None, width: int) -> str:
    return f"  {name:<{width}} {number(value):>6}"


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows of cells as lines, below their head: the first column aligned to the left, the others to the right."""
    rows = [rows[0], *([f"  {first}", *others] for first, *others in rows[1:])]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]

    def line(cells: Iterable[str]) -> str:
        first, *others = (f"{cell:{'<' if k == 0 else '>'}{widths[k]}}" for k, cell in enumerate(cells))
        return "  ".join([first, *others]).rstrip()

    return [line(row) for row in rows]
