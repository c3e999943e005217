import numpy as np
import pytest
from scenes import history

from frcnn_edu.viz import output
from frcnn_edu.watch import curves


def test_loss_curves_are_the_losses() -> None:
    given_history = history()
    axes = curves.plot_losses(given_history).axes
    total, objectness = axes[0].lines[0].get_ydata(), axes[2].lines[0].get_ydata()
    assert np.allclose(objectness, given_history["loss_objectness"])
    assert np.allclose(total, [(1 + 2 + 3 + 4) / (1 + 0.1 * step) for step in range(200)])
    assert axes[2].get_title(loc="left").startswith("objectness")


def test_one_step_and_zero_losses_are_legal() -> None:
    for steps in (1, 3):
        flat = history(steps) | {name: [0.0] * steps for name in ("loss_box_reg", "loss_rpn_box_reg")}
        output.figure_to_png(curves.plot_losses(flat), dpi=40)


def test_a_history_with_gaps_is_refused() -> None:
    with pytest.raises(ValueError, match="'lr': 3"):
        curves.plot_losses(history(5) | {"lr": [0.0] * 3})
    with pytest.raises(ValueError, match="non-empty"):
        curves.plot_losses(history(0))


def test_smoothing_keeps_a_constant_and_skips_nan() -> None:
    assert np.allclose(curves.smoothed(np.full(300, 2.5)), 2.5)
    values = np.full(300, 2.5)
    values[100] = np.nan
    assert np.allclose(curves.smoothed(values), 2.5)


@pytest.mark.parametrize("last", [1, 2, 7, 40])
def test_epochs_are_whole_numbers(last: int) -> None:
    rows = [{"epoch": float(epoch), "AP": 0.1, "AP50": 0.2, "AP75": 0.05} for epoch in range(1, last + 1)]
    ax = curves.plot_metrics(rows).axes[0]
    low, high = ax.get_xlim()
    ticks = [tick for tick in ax.get_xticks() if low <= tick <= high]
    assert len(ticks) >= 2
    assert all(tick == round(tick) for tick in ticks)


def test_metric_curves() -> None:
    ax = curves.plot_metrics([{"epoch": e, "AP": 0.1 * e, "AP50": 0.2 * e, "AP75": 0.05 * e} for e in (1, 2)]).axes[0]
    assert [line.get_label() for line in ax.lines] == ["AP50  0.400", "AP75  0.100", "AP  0.200"]
    with pytest.raises(ValueError, match="at least one"):
        curves.plot_metrics([])
