"""`benchmark`: our detector beside torchvision's, in time, memory, synchronisations and kernels."""

import argparse
import dataclasses
import platform
import tempfile
from contextlib import nullcontext
from pathlib import Path

import torch
import torchvision

from ..benchmark import growth as growing
from ..benchmark.agreement import compare_in_float32, compare_in_float64
from ..benchmark.bench import Bench
from ..benchmark.counts import as_on_a_gpu, count
from ..benchmark.memory import fixed_bytes
from ..benchmark.models import NUM_CLASSES, images_of, make_pair
from ..benchmark.pairs import HEADING, interleave
from ..benchmark.realistic import make_targets
from ..benchmark.report import PEAK_HEADING, STEP_HEADING, Report
from ..benchmark.stages import Stages, inference_stages, pair_up, training_stages
from ..benchmark.steps import Step, proposals_of
from ..lessons import EXPLORER_NAMES

FLOAT64_SIZE, REALISTIC_SIZE = 128, 400  # pixels: large enough to compare on, and quick
USUAL_BOXES = 20  # per image, where their number is not what is measured


def run_benchmark(options: argparse.Namespace) -> None:
    """Compare our model with torchvision's."""
    if options.explorers is not None:
        explorers(options.explorers, Report(options.json))
        return
    if options.threads is not None:
        torch.set_num_threads(options.threads)
    report = Report(options.json)
    say_where(report)
    size = min(max(options.sizes), REALISTIC_SIZE)
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(*make_pair(size, images_of(size, 2)), options.repeats, Path(folder))
        compare(bench, options.sizes, report)
        whole_steps(bench, options, report)
        if options.stages:
            stages(bench, max(options.sizes), report)
        counts(bench, min(options.sizes), report)
        if options.growth:
            growth(bench, options.memory, report)


def explorers(names: list[str], report: Report) -> None:
    """Measure how quickly explorers respond, in JupyterLab in a real browser."""
    from ..benchmark.explorers import measure  # needs the packages of the extras "course" and "test"
    from ..notebook_checks.browser import find_browser

    if find_browser() is None:
        raise ValueError("--explorers needs a browser: install Chromium, or name one in the variable CHROMIUM")
    say_where(report)
    heading = f"{'':16}{'':16}{'events':>8}{'median':>9}{'95 of 100':>11}{'slowest':>9}"
    report.title("From an event to the new picture in the browser, in milliseconds", heading)
    for answers in measure(names or list(EXPLORER_NAMES)):
        report.add("explorers", dataclasses.asdict(answers))
        row = f"{answers.explorer:16}{answers.gesture:16}{len(answers.milliseconds):>8}{answers.median:>9.0f}"
        report.line(f"{row}{answers.percentile95:>11.0f}{max(answers.milliseconds):>9.0f}")


def say_where(report: Report) -> None:
    """Report the machine and the versions of the libraries."""
    where = {
        "system": f"{platform.system()} {platform.machine()}",
        "threads": torch.get_num_threads(),
        "Python": platform.python_version(),
        "torch": torch.__version__,
        "torchvision": torchvision.__version__,
    }
    report.add("where", where)
    report.line(", ".join(f"{name} {value}" for name, value in where.items()))


def compare(bench: Bench, sizes: list[int], report: Report) -> None:
    """Report what is compared, and how closely both agree."""
    report.line(
        "ResNet-50 with a pyramid, 91 classes, frozen BatchNorm, three trainable stages; both with the same random "
        "weights,\nscaled so that features, logits and deltas vary as much as those of a trained model."
    )
    differences = compare_in_float64(bench.ours, bench.theirs, FLOAT64_SIZE)
    found = dataclasses.asdict(differences)
    report.add("float64", {"size": FLOAT64_SIZE} | found)
    largest = ", ".join(f"{name} {value:.0e}" for name, value in found.items() if name != "detections")
    report.line(
        f"float64, {FLOAT64_SIZE} px: the same {differences.detections} detections; largest differences: {largest}"
    )
    for size in sizes:
        bench.resize(size)
        images = images_of(size, 1)
        same, total = compare_in_float32(bench.ours, bench.theirs, images)
        proposals = len(proposals_of(bench.theirs, images)[0])
        report.add("float32", {"size": size, "same": same, "detections": total, "proposals": proposals})
        report.line(f"float32, {size} px: {same} of {total} detections the same; NMS leaves {proposals} proposals")


def whole_steps(bench: Bench, options: argparse.Namespace, report: Report) -> None:
    """Measure detecting and training for every size, batch and number of boxes."""
    heading = STEP_HEADING + (PEAK_HEADING if options.memory else "")
    every = [(size, batch) for size in options.sizes for batch in options.batch_sizes]
    report.title("Detecting", heading)
    for size, batch in every:
        step = Step(size, batch)
        report.step("inference", step, bench.seconds(step), bench.peaks(step) if options.memory else None)

    report.title("A training step: forward, backward, update", heading)
    for step in (Step(size, batch, boxes) for size, batch in every for boxes in options.boxes):
        report.step("training", step, bench.seconds(step), bench.peaks(step) if options.memory else None)
    if options.memory:
        fixed = fixed_bytes(bench.ours)
        report.add("fixed", {"bytes": fixed})
        report.line(f"Weights, gradients and momentum are {fixed / 1e6:.0f} MB of each, whatever the images.")


def stages(bench: Bench, size: int, report: Report) -> None:
    """Time each stage, for one image of the largest size."""
    bench.resize(size)
    images = images_of(size, 1)
    targets = make_targets(images, [USUAL_BOXES], NUM_CLASSES)

    def table(section: str, title: str, ours: Stages, theirs: Stages) -> None:
        report.title(f"{title}: one image of {size} px", f"{'':20}{HEADING}")
        for name, our_call, their_call in pair_up(ours, theirs):
            seconds = interleave(our_call, their_call, bench.repeats)
            report.row(section, {"stage": name}, f"{name:20}", seconds)

    table("inference_stages", "Stages of detecting", *(inference_stages(model, images) for model in bench.both))
    title = f"Stages of training, forward and backward, {USUAL_BOXES} boxes"
    table("training_stages", title, *(training_stages(model, images, targets) for model in bench.both))
    bench.tidy()


def counts(bench: Bench, size: int, report: Report) -> None:
    """Count synchronisations and kernels of a step on two images, on this CPU and as they would be on a GPU."""
    report.title(
        f"Synchronisations and kernels: two images of {size} px, {USUAL_BOXES} boxes each; training without the update",
        f"{'':24}{'our synchronisations':>22}{'torchvision':>13}{'our kernels':>14}{'torchvision':>13}",
    )
    bench.resize(size)
    for step, way in ((step, way) for step in (Step(size, 2), Step(size, 2, USUAL_BOXES)) for way in ("CPU", "GPU")):
        calls = [step.of(model, update=False) for model in bench.both]
        with as_on_a_gpu() if way == "GPU" else nullcontext():
            for call in calls:
                call()  # fills what is cached between steps
            ours, theirs = (count(call) for call in calls)
        what = "inference" if step.boxes is None else "training"
        report.add("counts", {"step": what, "way": way, "ours": ours.to_dict(), "torchvision": theirs.to_dict()})
        label = f"{what}, {'on a CPU' if way == 'CPU' else 'as on a GPU'}"
        report.line(
            f"{label:24}{ours.synchronisations:>22}{theirs.synchronisations:>13}{ours.kernels:>14,}{theirs.kernels:>13,}"
        )
    bench.tidy()


def growth(bench: Bench, memory: bool, report: Report) -> None:
    """Measure how time and memory grow."""
    peak_heading = PEAK_HEADING if memory else ""
    for boxes, what in ((None, "detecting"), (growing.BOXES_EACH, "a training step")):
        report.title(f"Growth of {what}: with the image, then with the batch", STEP_HEADING + peak_heading)
        for step in growing.growing_steps(boxes):
            report.step("growth", step, bench.seconds(step), bench.peaks(step) if memory else None)

    size = growing.SIZES[-1]
    report.title(f"Growth of matching anchors, {size} px: with the boxes", f"{'boxes':>20}{HEADING}{peak_heading}")
    for boxes in growing.BOXES:
        peaks = growing.matching_peaks(size, boxes) if memory else None
        report.row("matching", {"boxes": boxes}, f"{boxes:>20}", growing.matching_seconds(bench, size, boxes), peaks)

    title = f"Growth of RoIAlign and box head, {growing.ROIS_AT} px, detecting: with the proposals"
    report.title(title, f"{'proposals':>20}{HEADING}{peak_heading}")
    for number in growing.ROIS:
        peaks = growing.roi_peaks(number) if memory else None
        report.row("rois", {"proposals": number}, f"{number:>20}", growing.roi_seconds(bench, number), peaks)
