"""Watching a run: its curves and reports, the errors of its model, its data set at a glance."""

from .curves import plot_losses, plot_metrics, plot_runs

__all__ = ["plot_losses", "plot_metrics", "plot_runs"]
