"""The tables of the HTML report."""

import html
from collections.abc import Iterable, Sequence
from typing import Any

from ..training.details import Details
from ..training.tables import MISSED, NO_OBJECT, absent_line, confused_pairs, number

LOOK_OF_TABLES = """
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: 13px }
td, th { padding: .25em .7em; border-bottom: 1px solid #d5d9e0; text-align: right } td:first-child, th:first-child { text-align: left }
.wide { overflow-x: auto }
"""
MOST_CLASSES = 30  # of which a matrix can still be read


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table of text and numbers, which may be wider than the page."""
    lines = ["".join(f"<th>{html.escape(title)}</th>" for title in head)]
    lines += ["".join(f"<td>{html.escape(str(cell))}</td>" for cell in row) for row in rows]
    return f'<div class="wide"><table>{"".join(f"<tr>{line}</tr>" for line in lines)}</table></div>'


def class_table(metrics: dict[str, Any], details: Details) -> str:
    """By class: AP, AP50, objects, and precision, recall and F1 at the score threshold and where F1 is best."""
    head = ["class", "AP", "AP50", "objects", "detections", "precision", "recall", "F1", "best F1", "at score"]
    rows: list[list[object]] = []
    for label in (*details.present, 0):
        curve, name = details.curves[label], details.classes[label] if label else "all together"
        ap = metrics["per_class"][name] if label else metrics["AP"]
        point, best = curve.at(details.score_threshold), curve.best()
        rates = [point.precision, point.recall, point.f1, *((best.f1, best.score_threshold) if best else (None, None))]
        rows.append([name, number(ap), number(curve.ap50), point.objects, point.detections, *map(number, rates)])
    absent = "".join(f'<p class="faint">{html.escape(line)}</p>' for line in absent_line(details))
    return table(head, rows) + absent


def confusion_table(details: Details) -> str:
    """The confusion matrix, fuller cells darker; for more than 30 classes, the pairs most often confused."""
    matrix, names, present = details.confusion, details.classes, details.present
    if len(present) > MOST_CLASSES:
        pairs = confused_pairs(details)[:MOST_CLASSES]
        return table(["object", "detected as", "how often"], [(names[t], names[d], count) for t, d, count in pairs])
    order = [*present, 0]
    totals = matrix.sum(dim=1).clamp(min=1).tolist()
    lines = ["".join(f"<th>{html.escape(title)}</th>" for title in ("", *(names[k] for k in order[:-1]), MISSED))]
    for true in order:
        cells = [f"<td>{html.escape(names[true] if true else NO_OBJECT)}</td>"]
        for label in order:
            count = int(matrix[true, label])
            shade = 0.6 * count / totals[true]
            text = "" if true == label == 0 else str(count)
            cells.append(f'<td style="background:rgba(0,119,187,{shade:.2f})">{text}</td>')
        lines.append("".join(cells))
    return f'<div class="wide"><table>{"".join(f"<tr>{line}</tr>" for line in lines)}</table></div>'
