"""Against the worked example of Riley et al. 2021, whose numbers are those that the R package pmvalsampsize tests."""

from __future__ import annotations

import math

import numpy as np
import pytest

from medcnn.measures import sample_size
from medcnn.measures.statistics import intervals

PREVALENCE = 0.018


def test_observed_expected_as_published():
    assert sample_size.for_observed_expected(PREVALENCE, 1, 0.95) == pytest.approx(905, abs=1)
    # A standard error of 0.051 is an interval of about 0.9 to 1.1.
    assert sample_size.for_observed_expected(0.22, 0.2, 0.95) == pytest.approx(0.78 / (0.22 * 0.051**2), rel=0.003)


def test_a_rare_class_needs_many_images_for_a_hundred_of_it():
    assert sample_size.for_both_kinds(0.25) == sample_size.for_both_kinds(0.75) == pytest.approx(400)
    assert math.isnan(sample_size.for_both_kinds(0))


def test_auroc_as_published():
    assert sample_size.for_auroc(0.8, PREVALENCE, 0.1, 0.95) == 4252


def test_slope_as_published_of_log_odds_with_mean_minus_5_and_deviation_2_5():
    odds = np.random.default_rng(0).normal(-5, 2.5, 400_000)
    # The package draws 1,000 images for its 4,501, the paper more for about 4,540.
    assert sample_size.for_slope(1 / (1 + np.exp(-odds)), 0.2, 0.95) == pytest.approx(4520, rel=0.03)


def test_slope_as_published_of_probabilities_from_a_beta_distribution():
    chances = np.random.default_rng(0).beta(0.5, 0.5, 400_000)
    assert sample_size.for_slope(chances, 0.2, 0.95) == pytest.approx(1641, rel=0.1)


def test_net_benefit_scatters_as_predicted_in_simulated_tests():
    rng, share, level, (found, kept) = np.random.default_rng(0), 0.3, 0.2, (0.8, 0.7)
    images = math.ceil(sample_size.for_net_benefit(found, kept, share, level, 0.2, 0.95))
    cases = rng.binomial(images, share, 4000)
    hits, alarms = rng.binomial(cases, found), rng.binomial(images - cases, 1 - kept)
    standardised = (hits - alarms * level / (1 - level)) / cases
    assert 2 * 1.96 * standardised.std() == pytest.approx(0.2, rel=0.05)


@pytest.mark.parametrize(("value", "half", "confidence"), [(0.9, 0.05, 0.95), (1.0, 0.02, 0.95), (0.5, 0.1, 0.8)])
def test_a_share_of_so_many_images_has_such_an_interval(value, half, confidence):
    low, high = intervals.wilson(value, sample_size.for_share(value, half, confidence), confidence)
    assert (high - low) / 2 == pytest.approx(half)


def test_without_cases_nothing_can_be_said():
    assert math.isnan(sample_size.for_observed_expected(0.0, 0.2, 0.95))
    assert math.isnan(sample_size.for_auroc(math.nan, 0.5, 0.1, 0.95))
    assert math.isnan(sample_size.for_slope(np.full(9, 0.5), 0.2, 0.95))
    assert math.isnan(sample_size.for_net_benefit(1.0, 1.0, 0.5, math.nan, 0.2, 0.95))
