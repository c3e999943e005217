"""`check-data`: what is wrong with a data set, what is in it, and whether anchors fit it."""

import argparse
import dataclasses
import warnings
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from torch import Tensor

from ..data import existing_splits, open_dataset
from ..data.doubts import check_objects
from ..data.findings import Findings, Places, in_words
from ..data.names import readable
from ..data.records import TooFewImagesError
from ..data.sources import SHAPES, layout_of
from ..data.unlisted import unlisted_images
from ..model import MODELS, AnchorGenerator
from ..training import TrainConfig, build_model, default_config, pick_device
from ..training.anchor_fit import REACHED
from ..training.data_report import WORTH_IT, DataReport, describe_data, unreached
from .recognised import ONE_IMAGE, recognised

MOST_CLASSES = 100  # rows of the table
MOST_DRAWN = 12  # images
FEW = 0.1  # anchors are fine if fewer of the objects than this share are out of reach


def run_check_data(options: argparse.Namespace) -> None:
    """Report on a data set, in words and figures."""
    datasets, findings = open_splits(options.data, options.split, options.images)
    print(recognised(options.data, options.images, datasets), end="\n\n")
    config = model_config(options)
    model: Any = build_model(config, len(next(iter(datasets.values())).classes), pretrained=False)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="PIL")  # the table contains what it warns of
        report = describe_data(datasets, model.eval(), progress=True)
    report.findings.merge(findings)
    for lines in (
        doubt_lines(report.doubts),
        finding_lines(report.findings),
        count_lines(report),
        size_lines(report, config),
        anchor_lines(report, config),
    ):
        if lines:
            print("\n".join(lines), end="\n\n")
    draw_report(options.out, report, datasets, readable(Path(options.data).resolve().name))
    if options.strict and report.findings.left_out:
        raise ValueError(f"{options.data} cannot be used with --strict: {in_words(report.findings.left_out)}")
    for split, dataset in datasets.items():
        check_objects(dataset, split, "to learn from" if split == "train" else "to measure")


def open_splits(source: str, asked: list[str] | None, images: str | None = None) -> tuple[dict[str, Any], Findings]:
    """Open the splits asked for, or all there are, with the classes of the first; also return which cannot be opened."""
    splits, findings = asked or existing_splits(source, images), Findings()
    datasets: dict[str, Any] = {}
    errors: list[ValueError] = []
    for split in splits:
        classes = next(iter(datasets.values())).classes if datasets else None
        try:
            datasets[split] = open_dataset(source, split, classes=classes, images=images)
        except ValueError as error:
            errors.append(error)
            if not isinstance(error, TooFewImagesError):
                findings.leave_out("splits that cannot be used", split)
    if not datasets:
        raise errors[0]
    if any(isinstance(reason, TooFewImagesError) for reason in errors):
        findings.note(ONE_IMAGE, readable(Path(source).name))
    for reason in (reason for reason in errors if not isinstance(reason, TooFewImagesError)):
        print(f"a split cannot be used: {reason}\n")
    if asked is None and source != SHAPES:
        for path in unlisted_images(layout_of(source, images), datasets):
            findings.note("images that are in no split", path.name)
    return datasets, findings


def draw_report(out: Path, report: DataReport, datasets: Mapping[str, Any], title: str) -> None:
    """Write the figures: counts and sizes, and some images of each split with their boxes."""
    from ..viz import save_figure
    from ..viz.annotations import chosen_images, draw_annotations
    from ..watch.data_picture import draw_data_report

    figures = {"data.png": draw_data_report(report, title)}
    images, targets, captions = [], [], []
    for split, dataset in datasets.items():
        for index in chosen_images(dataset, max(3, MOST_DRAWN // len(datasets) // 3 * 3)):
            with suppress(ValueError):  # damaged: it is in the table
                image, target = dataset[index]
                images.append(image)
                targets.append(target)
                captions.append(f"{split}: {image_name(dataset, index)}, objects: {len(target['labels'])}")
    if images:
        figures["images.png"] = draw_annotations(images, targets, captions, report.classes)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph")  # of a script that the font lacks; the table has the names
        paths = [str(save_figure(figure, free_name(out / name))) for name, figure in figures.items()]
    print(f"figures: {', '.join(paths)}")


def image_name(dataset: Any, index: int) -> str:
    """The name of an image: that of its file, if it has one."""
    records = getattr(dataset, "records", None)
    return f"image {index}" if records is None else readable(records[index].path.name, 30)


def model_config(options: argparse.Namespace) -> TrainConfig:
    """The configuration with which `train` would begin on this data."""
    name = options.model or ("small" if pick_device(None).type == "cpu" else "resnet50_fpn")
    config = default_config(name, options.data)
    sizes = {key: getattr(options, key) for key in ("min_size", "max_size") if getattr(options, key) is not None}
    return dataclasses.replace(config, model_args=config.model_args | sizes)


def free_name(path: Path) -> Path:
    """The path, or the first of data-2.png, data-3.png, … that does not exist yet."""
    free, number = path, 2
    while free.exists():
        free, number = path.with_name(f"{path.stem}-{number}{path.suffix}"), number + 1
    return free


def doubt_lines(sentences: list[str]) -> list[str]:
    """What is probably wrong, before anything else."""
    return (
        ["probably wrong; look at it before training", *(f"  ! {sentence}" for sentence in sentences)]
        if sentences
        else []
    )


def finding_lines(findings: Findings) -> list[str]:
    """A table: kind of finding, count, first places."""
    kinds = {"cannot be used": findings.left_out, "repaired": findings.repaired, "worth knowing": findings.noted}
    short = [len(what) for places in kinds.values() for what in places if len(what) <= MOST_LETTERS]
    width = max([*short, len("cannot be used")]) + 2
    lines: list[str] = []
    for title, places in kinds.items():
        heading = f"{title:<{width}}{'count':>7}  where"
        lines += [heading, *_places(places, width)] if places else [f"{title}: nothing"]
    return lines


MOST_LETTERS = 68  # of a finding in the same line as its count


def _places(places: Places, width: int) -> list[str]:
    lines: list[str] = []
    for what, where in sorted(places.items(), key=lambda item: -item[1].total()):
        if len(what) > MOST_LETTERS:  # a reason with advice: on a line of its own
            lines.append(f"  {what}")
        named = ", ".join(list(where)[:3]) + (", …" if len(where) > 3 else "")
        lines.append(f"{'  ' + what if len(what) <= MOST_LETTERS else '':<{width}}{where.total():>7}  {named}")
    return lines


def count_lines(report: DataReport) -> list[str]:
    """A table: images and objects of each class, by split."""
    splits, counts = list(report.images), report.counts

    def row(name: str, values: list[int]) -> str:
        return f"{readable(name, 40):<42}" + "".join(f"{value:>10,}" for value in values)

    lines = [f"{'':<42}" + "".join(f"{split:>10}" for split in splits)]
    lines += [row("images", list(report.images.values())), row("  without objects", list(report.empty.values()))]
    lines.append(row("objects", counts.sum(dim=1).tolist()))
    order = counts.sum(dim=0)[1:].argsort(descending=True, stable=True) + 1
    lines += [row(f"  {report.classes[i]}", counts[:, i].tolist()) for i in order[:MOST_CLASSES].tolist()]
    if len(order) > MOST_CLASSES:
        lines.append(
            row(f"  {len(order) - MOST_CLASSES} more classes", counts[:, order[MOST_CLASSES:]].sum(1).tolist())
        )
    if any(report.ignored.values()):
        lines.append(row("to be ignored (crowds, difficult ones)", list(report.ignored.values())))
    return lines


def size_lines(report: DataReport, config: TrainConfig) -> list[str]:
    """How large objects are, in the files and for the model, and which level each is read from."""
    if not len(report.labels):
        return ["no object to measure"]
    resized = (report.boxes[:, 2:] - report.boxes[:, :2]).prod(dim=1).sqrt()
    return [
        f"{'objects, square root of the area in pixels':<42}" + "".join(f"{name:>10}" for name in QUANTILES),
        f"{'  in the files':<42}" + _quantiles(report.sides),
        f"{f'  as {config.model} resizes them':<42}" + _quantiles(resized),
        "read from level  "
        + "  ".join(f"{name} {100 * share:.1f} %" for name, share in zip(report.level_names, report.level_shares)),
    ]


QUANTILES = {"smallest": 0.0, "10 %": 0.1, "median": 0.5, "90 %": 0.9, "largest": 1.0}


def _quantiles(values: Tensor) -> str:
    ordered = values.sort().values
    return "".join(f"{float(ordered[round(q * (len(values) - 1))]):>10.1f}" for q in QUANTILES.values())


def anchor_lines(report: DataReport, config: TrainConfig) -> list[str]:
    """The share of objects that no anchor reaches, and the Python line for anchors that reach more."""
    count = len(report.labels)
    if not count:
        return []
    title = f"objects that no anchor reaches, of {count:,}"
    lines = [
        f"{title:<42}{f'IoU {REACHED}':>10}{'IoU 0.7':>10}",
        _reach_row(f"  anchors of {config.model}", report.reach),
    ]
    if report.fitted is None or report.fitted_reach is None:
        none_better = f"none were found that reach {100 * WORTH_IT:.0f} % more of the objects"
        if unreached(report.reach) < FEW:
            return [*lines, f"The anchors of {config.model} are fine here: {none_better}."]
        advice = "Are the boxes right? If so, make the images larger for the model: --min-size, --max-size."
        return [*lines, f"The anchors of {config.model} do not fit here, and {none_better}. {advice}"]
    used = {**config.model_args, "rpn_anchor_generator": as_python(report.fitted)}
    call = ", ".join([f"num_classes={len(report.classes)}", *(f"{name}={value}" for name, value in used.items())])
    return [
        *lines,
        _reach_row("  suggested anchors", report.fitted_reach),
        "To use them, in Python:",
        "    import frcnn_edu",
        f"    model = frcnn_edu.{MODELS[config.model].__name__}({call})",
    ]


def _reach_row(name: str, reach: Tensor) -> str:
    shares = "".join(f"{f'{100 * unreached(reach, iou):.1f} %':>10}" for iou in (REACHED, 0.7))
    return f"{name:<42}{shares}"


def as_python(anchors: AnchorGenerator) -> str:
    """The expression that makes these anchors."""
    ratios = f"({anchors.aspect_ratios[0]},) * {len(anchors.sizes)}"
    return f"frcnn_edu.AnchorGenerator(sizes={anchors.sizes}, aspect_ratios={ratios})"
