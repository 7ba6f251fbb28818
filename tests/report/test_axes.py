from __future__ import annotations

import pytest

from medcnn.report.axes import Axis, axis
from medcnn.report.baseline import Baseline


def block(low: float | None, value: float | None, high: float | None) -> dict[str, float | None]:
    return {"accuracy_low": low, "accuracy": value, "accuracy_high": high}


def test_an_axis_holds_every_interval_between_round_ends():
    assert axis([block(0.712, 0.84, 0.9), block(0.81, 0.95, 0.993)], "accuracy") == Axis(0.7000000000000001, 1.0)


def test_figures_without_a_value_leave_the_axis_alone():
    shared = axis([block(None, None, None), block(0.5, 0.5, 0.5)], "accuracy")
    assert shared.low <= 0.5 < shared.high
    assert axis([], "accuracy") == Axis(0, 1)


def test_what_needs_no_image_is_on_the_axis_unless_it_lies_far_below():
    blocks = [block(0.7, 0.84, 0.9), block(0.81, 0.95, 1.0)]
    assert axis(blocks, "accuracy", Baseline("accuracy", 0.55)).holds(0.55)
    assert not axis(blocks, "accuracy", Baseline("accuracy", 0.25)).holds(0.25)


@pytest.mark.parametrize(
    ("shared", "ticks"),
    [(Axis(0.65, 1), [0.7, 0.8, 0.9, 1.0]), (Axis(0, 1), [0, 0.5, 1]), (Axis(0, 0.05), [0, 0.02, 0.04])],
)
def test_ticks_are_round_and_few(shared: Axis, ticks: list[float]):
    assert shared.ticks == ticks


def test_a_value_lies_in_proportion():
    assert [Axis(0.5, 1).at(value) for value in (0.5, 0.75, 1)] == ["0.00%", "50.00%", "100.00%"]
