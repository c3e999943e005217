"""`train`: what is printed and drawn during a run and at its end."""

from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any

from ..data.splits import spread
from ..training import Evaluation, RunState, TrainConfig, duration
from ..training.model_file import read_metrics
from ..training.run_folder import BEST, METRICS, MODEL

if TYPE_CHECKING:
    from ..watch.tensorboard import TensorBoard


def epoch_line(state: RunState) -> str:
    """One line about the last evaluation."""
    last = state.epochs[-1]
    scores = "  ".join(
        f"{name} {'–' if last[name] is None else f'{last[name]:.3f}'}" for name in ("AP", "AP50", "AP75")
    )
    recent = slice(-20, None)
    total = sum(sum(values[recent]) / len(values[recent]) for name, values in state.history.items() if "loss" in name)
    return (
        f"epoch {last['epoch']:5.2f}  step {state.step:6d}  {duration(state.seconds):>12}  loss {total:.3f}  {scores}"
    )


def open_board(out: Path, step: int) -> "TensorBoard":
    """A TensorBoard in the run folder, which continues after the steps already taken."""
    from ..watch.tensorboard import TensorBoard

    return TensorBoard(out / "tensorboard", step)


def draw_run(
    out: Path,
    state: RunState,
    found: Evaluation,
    data: Any,
    config: TrainConfig,
    split: str,
    board: "TensorBoard | None" = None,
    count: int = 12,
) -> None:
    """Draw the curves, the detections on some validation images, spread over the data, and the report.

    Images that have disappeared since they were measured are left out; everything else is drawn.
    """
    from ..viz import detection_sheet, save_figure
    from ..watch import plot_losses, plot_metrics

    figures, sheet = {"losses.png": plot_losses(state.history)}, None
    if images := found.images(data, spread(len(found.targets), count)):
        detections, targets = ([each[i] for i in images] for each in (found.detections, found.targets))
        sheet = detection_sheet(list(images.values()), detections, targets, data.classes)
        figures["detections.png"] = sheet
    if all(epoch["AP"] is not None for epoch in state.epochs):
        figures["average_precision.png"] = plot_metrics(state.epochs)
    for name, figure in figures.items():
        save_figure(figure, out / name)
    report_run(out / "report.html", state, found, data, config, split)
    if board is not None:
        board.on_epoch(state, found, sheet)


def report_run(path: Path, state: RunState, found: Evaluation, data: Any, config: TrainConfig, split: str) -> None:
    """Write the run as one HTML file."""
    from ..watch.report import write_report

    write_report(path, found, data, config, split=split, state=state)


def about_unreadable(state: RunState) -> str:
    """A line on the images that could not be read during the run; empty if all could be."""
    if not state.unreadable:
        return ""
    return (
        f"note     images that could not be read: {len(state.unreadable)} ({METRICS} names them); in training others took "
        "their place, in evaluations they were left out\n"
    )


def about_best(out: Path, state: RunState) -> str:
    """Lines on which evaluation was the best, and where its model is; empty if no evaluation gave a number."""
    best, last = read_metrics(out / BEST), state.epochs[-1]
    if best is None:
        return ""
    line = f"best     epoch {best['epoch']:.2f}, AP {best['AP']:.3f}: {out / BEST}"
    if best["step"] == last["step"]:
        return f"{line} (the last, as in {MODEL})\n"
    ap = "–" if last["AP"] is None else f"{last['AP']:.3f}"
    return (
        f"{line}\nlast     epoch {last['epoch']:.2f}, AP {ap}: {out / MODEL}\n"
        f"to use the best:  python -m frcnn_edu detect --checkpoint {quote(str(out / BEST))} IMAGE\n"
    )
