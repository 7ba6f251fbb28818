from __future__ import annotations

import pytest
from scipy import stats

from medcnn.benchmark.precision import FEWEST, precise


def rounds(*medians: float) -> list[list[float]]:
    return [[median] * 3 for median in medians]


def test_two_rounds_are_never_enough() -> None:
    assert not precise(rounds(4, 4), rounds(1, 1), 0.05, 0.95)
    assert FEWEST == 3


def test_rounds_that_agree_are_enough_also_where_the_machine_drifts() -> None:
    assert precise(rounds(4, 40, 8), rounds(1, 10, 2), 0.001, 0.95)


@pytest.mark.parametrize(("precision", "enough"), [(0.2, False), (0.4, True)])
def test_the_interval_of_the_ratio_decides(precision: float, enough: bool) -> None:
    # Ratios 3.6, 4 and 4.4: log-normal, whose t-interval of 95 % reaches about 28 % up from 3.99.
    baseline = rounds(3.6, 4.0, 4.4)
    assert stats.t.ppf(0.975, 2) == pytest.approx(4.303, abs=1e-3)
    assert precise(baseline, rounds(1, 1, 1), precision, 0.95) is enough
