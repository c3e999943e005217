"""A run, or an evaluation, as one HTML file that needs nothing beside it."""

import base64
import html
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from ..training import Evaluation, RunState, TrainConfig, duration
from ..training.errors import KINDS, Tally, judge, tally
from ..training.files import write_text
from ..viz.output import figure_to_png
from .curves import plot_losses, plot_metrics
from .errors import COLORS, MEANS, error_sheet, plot_errors

WORST = 8  # images
LOOK = """
body { font: 15px/1.5 system-ui, sans-serif; color: #1f2328; background: #fff; max-width: 820px; margin: 2em auto; padding: 0 1em }
h1 { margin-bottom: 0 } h2 { margin-top: 2em }
img { max-width: 100%; height: auto }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: 13px }
td, th { padding: .25em .7em; border-bottom: 1px solid #d5d9e0; text-align: right } td:first-child, th:first-child { text-align: left }
.numbers { display: flex; flex-wrap: wrap; gap: .6em } .numbers div { border: 1px solid #d5d9e0; border-radius: 6px; padding: .4em .9em }
.numbers b { display: block; font-size: 22px } .faint { color: #6b7280 } .wide { overflow-x: auto }
i { display: inline-block; width: .8em; height: .8em; border-radius: 2px; margin-right: .4em }
"""
NUMBERS = {
    "AP": "AP 0.50:0.95", "AP50": "AP50", "AP75": "AP75", "AP_small": "AP, small", "AP_medium": "AP, medium",
    "AP_large": "AP, large", "AR100": "recall",
}  # fmt: skip


def write_report(
    path: str | Path,
    found: Evaluation,
    data: Any,
    config: TrainConfig,
    *,
    split: str,
    state: RunState | None = None,
    score_threshold: float = 0.5,
) -> None:
    """Write curves, average precision by class and size, the kinds of errors and the worst images to an HTML file.

    Args:
        found: what `evaluate` found on `data`, whose split is called `split`.
        state: of the run, for its curves; None: an evaluation alone.
        score_threshold: detections that score less are not judged.
    """
    classes: Sequence[str] = data.classes
    fates = [
        judge(detections, target, score_threshold=score_threshold)
        for detections, target in zip(found.detections, found.targets, strict=True)
    ]
    counts = tally(fates, found.detections, found.targets, len(classes))
    worst = sorted(range(len(fates)), key=lambda i: -fates[i].errors)[:WORST]
    worst = [i for i in worst if fates[i].errors]
    parts = [_numbers(found.metrics)]
    if state is not None:
        parts += ["<h2>The run</h2>", _picture(plot_losses(state.history), "losses over the steps")]
        if all(epoch["AP"] is not None for epoch in state.epochs):
            parts.append(_picture(plot_metrics(state.epochs), "average precision over the epochs"))
    parts += [
        "<h2>Classes and errors</h2>",
        f'<p class="faint">Detections that score {score_threshold:g} or more.</p>',
        _picture(plot_errors(counts, classes), "objects and detections of each class, by what became of them"),
        _class_table(counts, found.metrics, classes),
        _meanings(),
    ]
    if worst:
        sheet = error_sheet(
            [data[i][0] for i in worst], [found.detections[i] for i in worst], [found.targets[i] for i in worst],
            [fates[i] for i in worst], classes,
        )  # fmt: skip
        parts += ["<h2>The worst images</h2>", _picture(sheet, "the images with the most errors, and their errors")]
    parts.append(_settings(config))
    took = "" if state is None else f", {state.step} steps in {duration(state.seconds)}"
    what = f"{config.model} on {config.data}{took}; measured on {len(data)} images, split {split!r}"
    page = (
        f'<!doctype html>\n<html lang="en"><meta charset="utf-8"><title>{html.escape(what)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{LOOK}</style>\n'
        f'<h1>Faster R-CNN</h1><p class="faint">{html.escape(what)}</p>\n' + "\n".join(parts) + "\n</html>\n"
    )
    write_text(path, page)


def _numbers(metrics: dict[str, Any]) -> str:
    tiles = [
        f'<div><b>{_percent(metrics[name])}</b><span class="faint">{title}</span></div>'
        for name, title in NUMBERS.items()
    ]
    return f'<div class="numbers">{"".join(tiles)}</div><p class="faint">per cent, as COCO measures it; small: below 32² pixels, large: above 96²</p>'


def _class_table(counts: Tally, metrics: dict[str, Any], classes: Sequence[str]) -> str:
    head = ["class", "AP", "objects", "missed", *KINDS]
    rows = [
        [
            html.escape(name), _percent(metrics["per_class"].get(name)), counts.objects[label], counts.missed[label],
            *(counts.kinds[kind][label] for kind in KINDS),
        ]
        for label, name in enumerate(classes) if label > 0
    ]  # fmt: skip
    lines = ["".join(f"<th>{title}</th>" for title in head)]
    lines += ["".join(f"<td>{cell}</td>" for cell in row) for row in rows]
    return f'<div class="wide"><table>{"".join(f"<tr>{line}</tr>" for line in lines)}</table></div>'


def _meanings() -> str:
    items = [f'<tr><td><i style="background:{COLORS[kind]}"></i>{kind}</td><td style="text-align:left">{means}</td></tr>'
             for kind, means in MEANS.items()]  # fmt: skip
    return f"<p></p><table>{''.join(items)}</table>"


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


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.1f}"
