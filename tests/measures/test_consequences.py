from __future__ import annotations

import math

import numpy as np
import pytest
from statsmodels.stats.proportion import confint_proportions_2indep

from medcnn.measures import consequences, operating
from medcnn.measures.statistics import intervals
from medcnn.measures.statistics.bootstrap import Resamples


def point(hits: int, misses: int, alarms: int, rejected: int) -> dict[str, float]:
    """An operating point with so many errors, each image of a patient of its own."""
    positive = np.repeat([True, False], [hits + misses, alarms + rejected])
    calls = np.concatenate([np.arange(hits + misses) < hits, np.arange(alarms + rejected) < alarms])
    return operating.tested(positive, calls, np.arange(len(calls)), 0.95)


@pytest.mark.parametrize(
    ("counts", "positive", "negative"),
    [
        ((90, 10, 20, 80), 4.5, 0.125),
        # The liver scans of Altman and Bland, BMJ 1994: LR+ 2.41.
        ((231, 27, 32, 54), 2.406, 0.1667),
    ],
)
def test_ratios_of_likelihoods_and_their_intervals_are_near_those_of_the_score_method(counts, positive, negative):
    hits, misses, alarms, rejected = counts
    found = consequences.likelihoods(point(*counts))
    assert (found["lr_positive"], found["lr_negative"]) == pytest.approx((positive, negative), rel=1e-3)
    for key, above, below in (("lr_positive", hits, alarms), ("lr_negative", misses, rejected)):
        expected = confint_proportions_2indep(
            above, hits + misses, below, alarms + rejected, method="score", compare="ratio", correction=False
        )
        assert (found[f"{key}_low"], found[f"{key}_high"]) == pytest.approx(expected, rel=0.03)


@pytest.mark.filterwarnings("ignore:divide by zero")
def test_without_a_false_alarm_the_ratio_has_a_lower_bound_alone():
    found = consequences.likelihoods(point(30, 10, 0, 40))
    assert math.isnan(found["lr_positive"]) and math.isnan(found["lr_positive_high"])
    assert found["lr_positive_low"] == pytest.approx(
        confint_proportions_2indep(30, 40, 0, 40, method="score", compare="ratio", correction=False)[0], rel=0.3
    )


def test_images_read_for_each_case():
    found = consequences.reads(point(30, 10, 60, 900))
    low, high = intervals.wilson(1 / 3, 90, 0.95)
    assert found["number_to_read"] == pytest.approx(3)
    assert (found["number_to_read_low"], found["number_to_read_high"]) == pytest.approx((1 / high, 1 / low))
    assert all(math.isnan(value) for value in consequences.reads(point(0, 10, 0, 900)).values())


def test_net_benefit_and_what_it_gains_over_the_better_of_all_and_none():
    rng = np.random.default_rng(0)
    positive = rng.random(2000) < 0.3
    scores = np.clip(0.3 + 0.25 * positive + rng.normal(0, 0.15, 2000), 0, 1)
    found = consequences.benefits(positive, scores, np.arange(2000), Resamples(2000, 1000, 0), 0.95)
    at = next(one for one in found if one["threshold"] == 0.4)
    calls = scores >= 0.4
    weighed = np.where(positive, 1, -0.4 / 0.6) * calls
    assert (at["value"], at["default"]) == pytest.approx((weighed.mean(), 0))
    half = 1.96 * weighed.std() / math.sqrt(2000)
    assert (at["value_high"] - at["value_low"]) / 2 == pytest.approx(half, rel=0.1)
    low = found[0]
    assert low["default"] == pytest.approx(positive.mean() - (1 - positive.mean()) / 19)
    assert low["gain"] == pytest.approx(low["value"] - low["default"])
