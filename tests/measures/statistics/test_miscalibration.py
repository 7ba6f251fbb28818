from __future__ import annotations

import numpy as np
import pytest

from medcnn.measures import metrics
from medcnn.measures.statistics import miscalibration
from medcnn.measures.statistics.bootstrap import Resamples
from medcnn.measures.statistics.intervals import Interval
from tests.measures.statistics.population import Population, Sample

pytestmark = pytest.mark.filterwarnings("error")


def interval(sample: Sample, bins: int = 15, draws: int = 400) -> Interval:
    resamples = Resamples(int(sample.groups.max(initial=-1)) + 1, draws, 0)
    return miscalibration.ece(sample.labels, sample.probabilities[0], sample.groups, bins, resamples, 0.95)


def test_an_overconfident_model_is_found_out():
    sample = Population(sharpness=4.0).sample([1] * 300, np.random.default_rng(0))
    low, high = interval(sample)
    assert 0.03 < low < metrics.ece(sample.labels, sample.probabilities[0], 15) < high


def test_a_calibrated_model_may_be_perfect():
    sample = Population(sharpness=1.0).sample([1] * 300, np.random.default_rng(0))
    low, high = interval(sample)
    assert low == pytest.approx(0, abs=1e-6)
    assert high >= metrics.ece(sample.labels, sample.probabilities[0], 15) > 0.02


def test_one_bin_is_the_interval_of_a_mean():
    """With one bin the error is the absolute mean of confidence less accuracy."""
    sample = Population(sharpness=3.0).sample([1] * 400, np.random.default_rng(1))
    _, wrong_by = metrics.overconfidences(sample.labels, sample.probabilities[0])
    error = wrong_by.std(ddof=1) / 20
    expected = wrong_by.mean() - 1.97 * error, wrong_by.mean() + 1.97 * error
    assert interval(sample, bins=1, draws=4000) == pytest.approx(expected, abs=0.1 * error)


def test_more_images_narrow_the_interval():
    population, random = Population(sharpness=3.0), np.random.default_rng(2)
    (low, high), (lower, higher) = (interval(population.sample([1] * images, random)) for images in (150, 1500))
    assert high - low > 2 * (higher - lower)


def test_images_of_one_patient_widen_it():
    sample = Population(sharpness=3.0, alike=1.0).sample([10] * 30, np.random.default_rng(3))
    as_if_single = Sample(np.arange(300), sample.labels, sample.probabilities)
    grouped, single = interval(sample), interval(as_if_single)
    assert grouped.high - grouped.low > 1.5 * (single.high - single.low)


@pytest.mark.parametrize("images", [[], [5], [1, 1, 1]], ids=["no images", "one patient", "nothing differs"])
def test_undefined_intervals_are_nan(images):
    groups = np.repeat(np.arange(len(images)), images)
    labels = np.zeros(len(groups), int)
    assert np.isnan(interval(Sample(groups, labels, [np.eye(2)[labels]]))).all()
