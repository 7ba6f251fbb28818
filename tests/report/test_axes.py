from __future__ import annotations

from medcnn.report.axes import Axis, axis


def block(low: float | None, value: float | None, high: float | None) -> dict[str, float | None]:
    return {"accuracy_low": low, "accuracy": value, "accuracy_high": high}


def test_an_axis_holds_every_interval_between_round_ends():
    assert axis([block(0.712, 0.84, 0.9), block(0.81, 0.95, 0.993)], "accuracy") == Axis(0.7000000000000001, 1.0)


def test_figures_without_a_value_leave_the_axis_alone():
    shared = axis([block(None, None, None), block(0.5, 0.5, 0.5)], "accuracy")
    assert shared.low <= 0.5 < shared.high
    assert axis([], "accuracy") == Axis(0, 1)


def test_a_value_lies_in_proportion():
    assert [Axis(0.5, 1).at(value) for value in (0.5, 0.75, 1)] == ["0.00%", "50.00%", "100.00%"]
