from __future__ import annotations

import math

import pytest

from medcnn.measures.statistics import luck
from medcnn.measures.statistics.intervals import Interval

Z = 1.959964


def seeds(*accuracies: float) -> dict[str, dict[str, float]]:
    return {str(seed): {"accuracy": accuracy} for seed, accuracy in enumerate(accuracies)}


def test_the_deviation_is_that_of_the_paired_differences() -> None:
    # 0.10, 0.04 and 0.07: mean 0.07, deviations 0.03, -0.03 and 0, their squares over 2.
    assert luck.deviation(seeds(0.90, 0.86, 0.88), seeds(0.80, 0.82, 0.81), "accuracy") == pytest.approx(0.03)


@pytest.mark.parametrize("one", [{}, seeds(0.8)])
def test_a_model_of_one_seed_adds_nothing(one: dict[str, dict[str, float]]) -> None:
    assert luck.deviation(seeds(0.90, 0.94), one, "accuracy") == pytest.approx(0.04 / math.sqrt(2))
    assert luck.deviation(one, seeds(0.90, 0.94), "accuracy") == pytest.approx(0.04 / math.sqrt(2))
    assert math.isnan(luck.deviation(one, one, "accuracy"))


def test_half_widths_are_added_in_quadrature() -> None:
    # 0.03 below and 0.04 above, and 0.04 over seeds: 0.05 and 0.0566.
    found = luck.widened(0.10, Interval(0.07, 0.14), 0.04 / Z, Z)
    assert (found.low, found.high) == pytest.approx((0.05, 0.10 + 0.04 * math.sqrt(2)))
    assert luck.widened(0.9, Interval(0.8, 1.0), 0.5, Z, 1.0).high == 1
    assert luck.widened(0.10, Interval(0.07, 0.14), math.nan, Z) == Interval(0.07, 0.14)


def test_a_p_value_counts_both_variances() -> None:
    # p = 0.05 is z = 1.96 = 0.0588 / 0.03; with 0.04 over seeds the error is 0.05, and z 1.176.
    assert luck.p_value(0.03 * Z, 0.05, 0.04) == pytest.approx(math.erfc(0.6 * Z / math.sqrt(2)), abs=1e-6)
    assert luck.p_value(0.1, 0.0, 0.1) == pytest.approx(math.erfc(1 / math.sqrt(2)))


@pytest.mark.parametrize("value, p", [(0.0, 1.0), (0.1, 1.0), (0.0, 0.5), (math.nan, math.nan)])
def test_what_is_even_or_unknown_stays_so(value: float, p: float) -> None:
    assert luck.p_value(value, p, 0.1) == pytest.approx(p, nan_ok=True)
    assert luck.p_value(value, p, math.nan) == pytest.approx(p, nan_ok=True)
