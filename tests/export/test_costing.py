from __future__ import annotations

import math

import numpy as np
import pytest

from medcnn.export.costing import allowed, cost
from medcnn.params import whole
from medcnn.params.judging.benchmark import Benchmark
from tests.project import ROOT

LABELS = np.array([0, 1, 1, 0])
SURE = np.array([[0.9, 0.1], [0.2, 0.8], [0.4, 0.6], [0.7, 0.3]])


def limits(accuracy_drop: float, cross_entropy_rise: float) -> Benchmark:
    settings = whole.load(ROOT / "params.yaml").benchmark
    changes = {"max_accuracy_drop": accuracy_drop, "max_cross_entropy_rise": cross_entropy_rise}
    return settings.model_copy(update=changes)


def test_a_cost_is_what_both_lose() -> None:
    unsure = SURE.copy()
    unsure[2] = [0.6, 0.4]
    found = cost(LABELS, SURE, unsure)
    assert (found.images, found.accuracy_float32, found.accuracy_int8, found.accuracy_drop) == (4, 1, 0.75, 0.25)
    assert found.cross_entropy_rise == pytest.approx(math.log(0.6 / 0.4) / 4, abs=1e-6)
    assert found.cross_entropy_int8 - found.cross_entropy_float32 == pytest.approx(found.cross_entropy_rise, abs=2e-6)
    assert not allowed(found, limits(0.24, 1))
    assert not allowed(found, limits(0.25, 0.1))
    assert allowed(found, limits(0.25, 0.2))


def test_what_is_exactly_the_limit_is_allowed() -> None:
    """0.95 - 0.94 is a little more than 0.01 in floating point."""
    labels = np.zeros(100, int)
    before, after = (np.repeat([[0.9, 0.1], [0.1, 0.9]], [right, 100 - right], axis=0) for right in (95, 94))
    assert allowed(cost(labels, before, after), limits(0.01, 1))
    assert not allowed(cost(labels, before, after), limits(0.009, 1))


def test_a_gain_is_always_allowed_and_what_is_not_a_number_never() -> None:
    assert allowed(cost(LABELS, 1 - SURE, SURE), limits(0, 0))
    assert not allowed(cost(LABELS, SURE, SURE * math.nan), limits(1, 100))
