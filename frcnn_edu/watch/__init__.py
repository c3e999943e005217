"""Watching a run: its curves and reports, the errors of its model, its data set at a glance."""

from ..lazy import lazily
from .curves import plot_losses, plot_metrics, plot_runs

__all__ = ["plot_losses", "plot_metrics", "plot_runs"]

__getattr__, _ = lazily(__name__, __file__)  # modules are imported when used; an error names a missing package
