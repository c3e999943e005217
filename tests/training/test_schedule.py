from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from frcnn_edu.training import Clock, Processes, TrainConfig, lr_factor
from frcnn_edu.training import schedule as schedule_module

COSINE = TrainConfig(epochs=26, warmup_steps=10, warmup_factor=0.1)
MULTISTEP = replace(COSINE, schedule="multistep")


def test_warm_up_is_linear() -> None:
    assert [lr_factor(step, 0.0, COSINE) for step in (0, 5, 10, 11)] == pytest.approx([0.1, 0.55, 1.0, 1.0])


def test_cosine() -> None:
    shares = (0.0, 1 / 3, 0.5, 2 / 3, 1.0, 1.2)
    assert [lr_factor(99, share, COSINE) for share in shares] == pytest.approx([1, 0.75, 0.5, 0.25, 0, 0])


def test_multistep_cuts_at_the_published_epochs() -> None:
    factors = [lr_factor(99, epoch / 26, MULTISTEP) for epoch in (0, 15.99, 16, 21.99, 22, 26)]
    assert factors == pytest.approx([1, 1, 0.1, 0.1, 0.01, 0.01])


def test_no_warm_up() -> None:
    assert lr_factor(0, 0.0, replace(COSINE, warmup_steps=0)) == 1.0


@given(st.integers(0, 10_000), st.floats(0, 1), st.floats(0, 1), st.sampled_from((COSINE, MULTISTEP)))
def test_decay_never_rises_and_stays_in_range(step: int, a: float, b: float, config: TrainConfig) -> None:
    early, late = lr_factor(step, min(a, b), config), lr_factor(step, max(a, b), config)
    assert 0 <= late <= early <= 1


def test_clock_counts_steps() -> None:
    clock = Clock(replace(COSINE, epochs=4), steps_per_epoch=5)
    assert [clock.progress(step) for step in (0, 5, 20)] == [0, 0.25, 1]
    assert clock.worth_pausing(5)


def test_clock_keeps_time_for_the_last_evaluation(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(schedule_module.time, "monotonic", lambda: now)
    clock = Clock(replace(COSINE, epochs=None, minutes=2.0), steps_per_epoch=5, seconds=20.0)
    assert clock.progress(7) == pytest.approx(20 / 120)
    clock.reserve = 3.0
    now += 20  # 40 seconds: an evaluation now would take more than a tenth of what it follows
    clock.tick()
    assert not clock.worth_pausing(7)
    now += 10
    clock.tick()
    assert clock.progress(7) == pytest.approx(50 / 117)
    assert clock.seconds_left(7) == 70
    assert clock.worth_pausing(7)
    now += 66  # 116 seconds: an evaluation now would leave less than the last one needs
    clock.tick()
    assert not clock.worth_pausing(7)
    now += 1
    clock.tick()
    assert clock.progress(7) == pytest.approx(1)
    assert clock.worth_pausing(7)


def test_long_evaluation_leaves_half_of_the_budget_to_training() -> None:
    clock = Clock(replace(COSINE, epochs=None, minutes=1.0), steps_per_epoch=5)
    clock.reserve = 300.0
    assert 0 <= clock.progress(1) < 0.5


def test_several_processes_follow_the_clock_of_the_first() -> None:
    class OtherClock(Processes):
        def from_first(self, value: tuple[float, bool]) -> tuple[float, bool]:
            return 30.0, True

    clock = Clock(replace(COSINE, epochs=None, minutes=1.0), steps_per_epoch=5)
    assert clock.tick(OtherClock()) is True
    assert clock.progress(1) == 0.5
    assert clock.tick() is False
    assert clock.progress(1) < 0.5
