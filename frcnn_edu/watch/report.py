"""A run, or an evaluation, as one HTML file that needs no other files."""

import base64
import html
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from ..training import Evaluation, RunState, TrainConfig, duration
from ..training.details import Details, measure_details
from ..training.errors import KINDS
from ..training.files import write_text
from ..training.tables import alarms_line, name_of_image, not_measured, number
from ..viz.output import figure_to_png
from .curves import plot_losses, plot_metrics
from .errors import COLORS, MEANS, error_sheet, in_words, plot_errors
from .report_tables import LOOK_OF_TABLES, class_table, confusion_table, table

WORST = 8  # images
BY_THE_CLOCK = "With --minutes the learning rate falls with the clock, which also runs during an evaluation, so it is lower after one."
LONGEST_CAPTION = 40  # characters of a file's name below an image
LOOK = f"""
body {{ font: 15px/1.5 system-ui, sans-serif; color: #1f2328; background: #fff; max-width: 820px; margin: 2em auto; padding: 0 1em }}
h1 {{ margin-bottom: 0 }} h2 {{ margin-top: 2em }}
img {{ max-width: 100%; height: auto }}
.numbers {{ display: flex; flex-wrap: wrap; gap: .6em }} .numbers div {{ border: 1px solid #d5d9e0; border-radius: 6px; padding: .4em .9em }}
.numbers b {{ display: block; font-size: 22px }} .faint {{ color: #6b7280 }}
i {{ display: inline-block; width: .8em; height: .8em; border-radius: 2px; margin-right: .4em }}
{LOOK_OF_TABLES}"""
NUMBERS = {
    "AP": "AP 0.50:0.95", "AP50": "AP50", "AP75": "AP75", "AP_small": "AP, small", "AP_medium": "AP, medium",
    "AP_large": "AP, large", "AR100": "recall",
}  # fmt: skip


def write_report(
    path: str | Path,
    found: Evaluation,
    data: Any,
    config: TrainConfig | None,
    *,
    split: str,
    state: RunState | None = None,
    details: Details | None = None,
    model: str | None = None,
    source: str | None = None,
) -> None:
    """Write curves, average precision by class and size, the kinds of errors and the worst images to an HTML file.

    Args:
        found: what `evaluate` found on `data`, whose split is called `split`.
        state: state of the run, for its curves; None for an evaluation alone.
        config: configuration of the run that trained the model; None if there was no run.
        details: results at a score threshold; by default at 0.5.
        model, source: names of the model and of the data; by default as in `config`.
    """
    details = details or measure_details(found, data.classes)
    parts = [_numbers(found.metrics), *(f"<p>{html.escape(line)}.</p>" for line in not_measured(found))]
    if state is not None:
        parts += ["<h2>The run</h2>", _picture(plot_losses(state.history), "losses over the steps")]
        if config is not None and config.minutes is not None:
            parts.append(f'<p class="faint">{BY_THE_CLOCK}</p>')
        if all(epoch["AP"] is not None for epoch in state.epochs):
            parts.append(_picture(plot_metrics(state.epochs), "average precision over the epochs"))
    parts += _classes(found.metrics, details)
    parts += _worst_images(found, data, details)
    if config is not None:
        model, source = model or config.model, source or config.data
        parts.append(_settings(config))
    took = "" if state is None else f", {state.step} steps in {duration(state.seconds)}"
    measured = len(found.targets)
    what = f"{model} on {source}{took}; measured on {measured} image{'s' * (measured != 1)}, split {split!r}"
    page = (
        f'<!doctype html>\n<html lang="en"><meta charset="utf-8"><title>{html.escape(what)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{LOOK}</style>\n'
        f'<h1>Faster R-CNN</h1><p class="faint">{html.escape(what)}</p>\n' + "\n".join(parts) + "\n</html>\n"
    )
    write_text(path, page)


def _numbers(metrics: dict[str, Any]) -> str:
    tiles = [
        f'<div><b>{number(metrics[name])}</b><span class="faint">{title}</span></div>'
        for name, title in NUMBERS.items()
    ]
    meaning = "0 to 1, as COCO measures it; small: below 32² pixels, large: above 96²; –: no such object"
    return f'<div class="numbers">{"".join(tiles)}</div><p class="faint">{meaning}</p>'


def _classes(metrics: dict[str, Any], details: Details) -> list[str]:
    score = f"{details.score_threshold:g}"
    return [
        "<h2>Classes</h2>",
        f'<p class="faint">Precision, recall and F1 are of detections that score {score} or more; a detection is right if its '
        "IoU with an object of its class is 0.5 or more. “Best F1” is at the threshold beside it. "
        "–: nothing to measure, because there is no object of the class, or no detection.</p>",
        class_table(metrics, details),
        f"<p>{html.escape(alarms_line(details)).capitalize()}.</p>",
        f'<h2>Confusion matrix</h2><p class="faint">Objects (rows) by the class they are detected as (columns), at a '
        f"score of {score} or more. “No object left”: detections where there is no object, or of one already found. “Missed”: objects detected as no class at all; in the "
        "table of errors below, objects detected only as a different class are missed as well.</p>",
        confusion_table(details),
        f'<h2>Errors</h2><p class="faint">Detections that score {score} or more.</p>',
        _picture(
            plot_errors(details.counts, details.classes), "objects and detections of each class, by what became of them"
        ),
        _kinds_table(details),
        _meanings(),
    ]


def _kinds_table(details: Details) -> str:
    counts = details.counts
    rows = [
        [name, counts.objects[label], counts.missed[label], *(counts.kinds[kind][label] for kind in KINDS)]
        for label, name in enumerate(details.classes) if label in details.present
    ]  # fmt: skip
    return table(["class", "objects", "missed", *KINDS], rows)


def _meanings() -> str:
    items = [f'<tr><td><i style="background:{COLORS[kind]}"></i>{kind}</td><td style="text-align:left">{means}</td></tr>'
             for kind, means in MEANS.items()]  # fmt: skip
    return f"<p></p><table>{''.join(items)}</table>"


def _worst_images(found: Evaluation, data: Any, details: Details) -> list[str]:
    fates = details.fates
    worst = sorted(range(len(fates)), key=lambda i: -fates[i].errors)[:WORST]
    images = found.images(data, (i for i in worst if fates[i].errors))
    worst, indices = list(images), found.indices
    if not worst:
        return []
    files = [name_of_image(data, indices[i], found.targets[i]) for i in worst]
    sheet = error_sheet(
        list(images.values()), [found.detections[i] for i in worst], [found.targets[i] for i in worst],
        [fates[i] for i in worst], details.classes, names=[_caption(k, file) for k, file in enumerate(files, 1)],
    )  # fmt: skip
    items = [
        f"<li>{html.escape('/'.join(Path(file).parts[-2:]))}: {in_words(fates[i])}</li>"
        for i, file in zip(worst, files)
    ]
    listed = f"<ol>{''.join(items)}</ol>"
    return ["<h2>The worst images</h2>", _picture(sheet, "the images with the most errors, and their errors"), listed]


def _caption(place: int, file: str) -> str:
    """An image's place in the list and, where the figure's font has all of its characters, the end of its file's name."""
    name = Path(file).name
    in_the_font = all(ord(character) < 0x250 for character in name)  # Latin letters
    return f"{place}. {name[-LONGEST_CAPTION:]}" if in_the_font else f"{place}."


def _settings(config: TrainConfig) -> str:
    rows = [
        f"<tr><td>{html.escape(name)}</td><td>{html.escape(str(value))}</td></tr>"
        for name, value in config.to_dict().items()
    ]
    return f"<h2>Settings</h2><details><summary>all of them</summary><table>{''.join(rows)}</table></details>"


def _picture(figure: Figure, alt: str) -> str:
    encoded = base64.b64encode(figure_to_png(figure, colors=256)).decode()
    return (
        f'<p><img width="{round(figure.get_figwidth() * 100)}" alt="{alt}" src="data:image/png;base64,{encoded}"></p>'
    )
