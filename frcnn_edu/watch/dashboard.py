"""A view of a run in a notebook: live, and afterwards with a slider that goes back."""

from collections.abc import Mapping, Sequence
from typing import Any

import ipywidgets
import torch
from matplotlib.figure import Figure
from torch import Tensor, nn

from ..training import Evaluation, RunState, duration
from ..viz import style as st
from ..viz.draw import detection_sheet, draw_detections, panels, ratio
from ..viz.output import figure_to_png
from .curves import plot_losses, plot_metrics


class Dashboard:
    """Losses, average precision, and what the model finds on some images, redrawn during `train`.

    Pass its `on_step` and `on_epoch` to `train`, and show `widget`. When the run is over, the slider goes back to what was
    found earlier. (Before that, the kernel is busy training.)

    Args:
        model: the model that is trained. Looking does not change it.
        images, targets, classes: the images to look at, with targets and classes as in a data set.
        redraw: steps between two figures of the losses.
        looks: steps between two looks at the images. The first is before the first step.
        score_threshold: detections that score less are not drawn.

    Attributes:
        found: {step: detections of each image}.
    """

    def __init__(
        self,
        model: nn.Module,
        images: Sequence[Tensor],
        targets: Sequence[Mapping[str, Any]],
        classes: Sequence[str],
        *,
        redraw: int = 20,
        looks: int = 60,
        score_threshold: float = 0.35,
    ) -> None:
        self.model, self.images, self.targets, self.classes = model, list(images), list(targets), classes
        self.redraw, self.looks, self.score_threshold = redraw, looks, score_threshold
        self.found: dict[int, list[dict[str, Tensor]]] = {}
        self.state = RunState()
        page = ipywidgets.Layout(width="800px")
        self.status = ipywidgets.HTML("not started")
        self.losses, self.metrics, self.sheet = (ipywidgets.Image(format="png", layout=page) for _ in range(3))
        self.moment = ipywidgets.SelectionSlider(
            options=[("0", 0)], description="after step", continuous_update=False, layout=page
        )
        self.moment.observe(lambda change: self._draw_sheet(), "value")
        self.widget = ipywidgets.VBox([self.status, self.losses, self.metrics, self.moment, self.sheet])
        self.look()

    def on_step(self, state: RunState) -> None:
        """Redraw what is due after this step."""
        self.state = state
        total = sum(values[-1] for name, values in state.history.items() if "loss" in name)
        self.status.value = f"step {state.step}, {duration(state.seconds)}: loss {total:.3f}"
        if state.step % self.redraw == 0:
            self.losses.value = figure_to_png(plot_losses(state.history))
        if state.step % self.looks == 0:
            self.look()

    def on_epoch(self, state: RunState, evaluation: Evaluation) -> None:
        """Redraw everything, including average precision."""
        self.state = state
        self.losses.value = figure_to_png(plot_losses(state.history))
        if all(epoch["AP"] is not None for epoch in state.epochs):
            self.metrics.value = figure_to_png(plot_metrics(state.epochs))
        self.look()

    @torch.no_grad()
    def look(self) -> None:
        """See what the model finds now."""
        training, device = self.model.training, next(self.model.parameters()).device
        self.model.eval()
        found = self.model([image.to(device) for image in self.images])
        self.model.train(training)
        self.found[self.state.step] = [{name: value.cpu() for name, value in each.items()} for each in found]
        self.moment.options = [(str(step), step) for step in self.found]
        if self.moment.value == self.state.step:
            self._draw_sheet()
        else:
            self.moment.value = self.state.step  # which draws it

    def over_time(self, image: int = 0, moments: int = 8) -> Figure:
        """One image at up to `moments` of the moments, spread over the run."""
        steps = list(self.found)
        chosen = sorted({steps[round(i * (len(steps) - 1) / max(moments - 1, 1))] for i in range(moments)})
        with st.style():
            figure, axes = panels([ratio(self.images[image])] * len(chosen), caption=0.2)
            for ax, step in zip(axes, chosen, strict=True):
                found = self.found[step][image]
                keep = found["scores"] >= self.score_threshold
                draw_detections(
                    self.images[image], found["boxes"][keep], found["labels"][keep], found["scores"][keep],
                    classes=self.classes, ground_truth=self.targets[image], ax=ax,
                )  # fmt: skip
                caption = f"after step {step}: {int(keep.sum())} detected"
                ax.text(0, -0.02, caption, transform=ax.transAxes, va="top", fontsize=7.3, color=st.MUTED)
        return figure

    def _draw_sheet(self) -> None:
        found = self.found[self.moment.value]
        figure = detection_sheet(self.images, found, self.targets, self.classes, score_threshold=self.score_threshold)
        self.sheet.value = figure_to_png(figure)
