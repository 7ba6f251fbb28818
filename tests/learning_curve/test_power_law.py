from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import curve_fit

from medcnn.core.errors import MedcnnError
from medcnn.dataset.predictions import Predictions
from medcnn.learning_curve import extrapolating, power_law, subsets
from medcnn.learning_curve.extrapolating import Trained

SIZES = np.array([15.0, 30.0, 60.0, 105.0, 150.0])


def test_a_power_law_is_found_again_with_its_floor() -> None:
    law = power_law.fitted(SIZES, 0.08 + 1.2 * SIZES**-0.6)
    assert law == pytest.approx((0.08, 1.2, 0.6), rel=1e-3)
    assert law.gain(150) == pytest.approx(1.2 * (150**-0.6 - 300**-0.6), rel=1e-3)


def test_a_noisy_curve_is_fitted_as_closely_as_by_curve_fit() -> None:
    errors = 0.1 + 0.9 * SIZES**-0.5 + np.array([0.01, -0.012, 0.006, -0.004, 0.003])

    def law(x: np.ndarray, floor: float, scale: float, exponent: float) -> np.ndarray:
        return floor + scale * x**-exponent

    best, _ = curve_fit(law, SIZES, errors, p0=(0.1, 1, 0.5), bounds=([0, 0, 0.1], [1, 50, 2]))
    ours = sum((np.array([power_law.fitted(SIZES, errors).at(size) for size in SIZES]) - errors) ** 2)
    assert ours <= sum((law(SIZES, *best) - errors) ** 2) * 1.01


@pytest.mark.parametrize("errors", [[0.2] * 5, [0.1, 0.12, 0.13, 0.15, 0.2]])
def test_what_does_not_fall_gains_nothing(errors: list[float]) -> None:
    assert power_law.fitted(SIZES, np.array(errors)).gain(150) == pytest.approx(0, abs=1e-9)


def rows(patients: int) -> pd.DataFrame:
    numbers = np.repeat(np.arange(patients), 3)
    labels = np.where(numbers % 5 == 0, "rare", "usual")
    return pd.DataFrame({"group": [f"p{n}" for n in numbers], "label": labels, "split": "train"})


def test_parts_are_of_whole_groups_within_each_other_with_about_all_classes() -> None:
    table = rows(60)
    order = subsets.ordered(table, seed=1, draw=0)
    assert sorted(order) == sorted(table["group"].unique())
    assert order != subsets.ordered(table, seed=1, draw=1)
    sizes, kept = [], set[str]()
    for _, left_out in subsets.parts(table, order):
        inside = set(order) - left_out
        assert kept <= inside
        kept = inside
        sizes.append(len(inside))
        rare = sum(int(name[1:]) % 5 == 0 for name in inside)
        assert abs(rare - len(inside) / 5) <= 1
    assert sizes == [6, 12, 24, 42]


def test_a_part_without_a_class_is_skipped() -> None:
    table = rows(11)
    order = [f"p{number}" for number in (1, 2, 3, 0, *range(4, 11))]
    assert [share for share, _ in subsets.parts(table, order)] == [0.4, 0.7]


def answered(share: float, groups: int, wrong: float, seed: int) -> Trained:
    rng = np.random.default_rng(seed)
    labels = np.arange(200) % 2
    said = np.where(rng.random(200) < wrong, 1 - labels, labels)
    table = Predictions(("a", "b"), [str(n) for n in range(200)], ["test"] * 200, labels, 0.1 + 0.8 * np.eye(2)[said])
    return Trained(share, groups, 3 * groups, table)


def test_a_falling_error_promises_a_gain_within_its_interval_and_few_sizes_are_refused() -> None:
    wrong = {0.1: 0.45, 0.2: 0.33, 0.4: 0.25, 0.7: 0.19, 1.0: 0.16}
    trained = [answered(share, round(150 * share), error, draw) for share, error in wrong.items() for draw in range(3)]
    groups = [str(n // 2) for n in range(200)]
    found = extrapolating.curve(trained, groups, 0.95, 7)
    of = found["figures"]["accuracy"]
    assert 0 <= of["gain_low"] <= of["gain"] <= of["gain_high"]
    assert 0.01 < of["gain"] < 0.12
    assert [point["groups"] for point in found["points"]] == [15, 30, 60, 105, 150]
    assert found == extrapolating.curve(trained, groups, 0.95, 7)
    with pytest.raises(MedcnnError, match="too few patients"):
        extrapolating.curve(trained[:6], groups, 0.95, 7)
