from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from medcnn.measures.statistics import intervals
from medcnn.measures.statistics.grouping import numbered
from medcnn.measures.statistics.intervals import Estimate, Interval
from tests.measures.statistics.population import Population

pytestmark = pytest.mark.filterwarnings("error")


def right(hits: int, images: int) -> np.ndarray:
    return np.arange(images) < hits


def whole(counted: np.ndarray, groups: np.ndarray) -> Estimate:
    return intervals.share(counted, np.ones(len(counted)), groups, 0.95)


@pytest.mark.parametrize(
    ("hits", "images", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_the_examples_of_newcombe_1998(hits, images, low, high):
    found = intervals.proportion(right(hits, images), np.arange(images), 0.95)
    assert found == pytest.approx((low, high), abs=5e-5)


@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.99])
@pytest.mark.parametrize(("hits", "images"), [(0, 1), (1, 1), (33, 33), (7, 10), (1700, 1867)])
def test_single_images_have_wilsons_interval_as_in_statsmodels(hits, images, confidence):
    names = [f"patient_{index}" for index in range(images)]
    expected = proportion_confint(hits, images, 1 - confidence, method="wilson")
    assert intervals.proportion(right(hits, images), names, confidence) == pytest.approx(expected, abs=1e-12)


def test_images_that_are_all_alike_count_as_one():
    many = intervals.proportion(np.repeat(right(400, 500), 4), np.repeat(np.arange(500), 4), 0.95)
    assert many == pytest.approx(intervals.wilson(0.8, 500, 0.95), abs=2e-4)


def test_where_nothing_is_wrong_patients_count_not_images():
    patients = np.repeat(np.arange(11), 3)
    assert intervals.proportion(right(33, 33), patients, 0.95) == pytest.approx(intervals.wilson(1, 11, 0.95))
    one_large = np.array([0] * 23 + list(range(1, 11)))
    low, high = intervals.proportion(right(33, 33), one_large, 0.95)
    assert low == pytest.approx(intervals.wilson(1, 33**2 / (23**2 + 10), 0.95).low)
    assert high == pytest.approx(1)


def test_the_effective_number_of_images_by_hand():
    groups, counted = np.array([0, 0, 0, 1, 1, 2, 3, 3]), np.array([1, 1, 0, 0, 0, 1, 1, 1], bool)
    by_group = {group: counted[groups == group] for group in range(4)}
    scatter = sum((part.sum() - 5 / 8 * len(part)) ** 2 for part in by_group.values())
    cluster_variance, plain_variance = 4 / 3 * scatter / 64, 5 / 8 * 3 / 8 / 7
    few = (stats.t.ppf(0.975, 7) / stats.t.ppf(0.975, 3)) ** 2
    expected = intervals.wilson(5 / 8, 8 / (cluster_variance / plain_variance) * few, 0.95)
    assert intervals.proportion(counted, groups, 0.95) == pytest.approx(expected)


def test_groups_never_make_an_interval_narrower():
    # Within every patient one of two images is right: patients do not differ at all.
    counted, groups = np.tile([True, False], 30), np.repeat(np.arange(30), 2)
    assert intervals.proportion(counted, groups, 0.95) == intervals.wilson(0.5, 60, 0.95)


def test_one_patient_tells_next_to_nothing():
    low, high = intervals.proportion(right(9, 10), ["the only one"] * 10, 0.95)
    assert low < 0.2 < 0.9 < high


def test_no_images_no_interval():
    assert all(math.isnan(bound) for bound in intervals.proportion(right(0, 0), [], 0.95))
    assert all(math.isnan(bound) for bound in intervals.auroc(np.empty(0, int), np.empty((0, 2)), [], 0.95))


def test_a_paired_difference_is_that_of_newcombes_example():
    # Newcombe 1998 (paired proportions), table II: 36 right by both, 12 by the first alone, 2 by the second alone.
    first, second = np.repeat([1, 1, 0], [36, 12, 2]) == 1, np.repeat([1, 0, 1], [36, 12, 2]) == 1
    shares = [whole(part, np.arange(50)) for part in (first, second)]
    assert intervals.combination(shares, [1, -1]) == pytest.approx((0.0569, 0.3404), abs=5e-5)


def test_independent_shares_add_their_squares():
    # Newcombe 1998 (independent proportions), method 10: 56 of 70 against 48 of 80.
    groups = np.arange(150)
    counted = np.concatenate([right(56, 70), right(48, 80)])
    shares = [intervals.share(counted, (part).astype(float), groups, 0.95) for part in (groups < 70, groups >= 70)]
    assert intervals.combination(shares, [1, -1]) == pytest.approx((0.0524, 0.3339), abs=5e-5)


def test_a_sum_of_one_share_is_that_share():
    only = whole(right(30, 40), np.arange(40))
    assert intervals.combination([only], [1]) == pytest.approx(only.interval)


def test_shares_of_the_same_patients_are_as_uncertain_as_one():
    counted, groups = right(30, 40), np.arange(40)
    assert intervals.combination([whole(counted, groups)] * 2, [0.5, 0.5]) == pytest.approx(
        whole(counted, groups).interval
    )


def test_an_area_is_delongs_on_the_scale_of_log_odds():
    sample = Population().sample([1] * 60, np.random.default_rng(0))
    scores = sample.probabilities[0][:, 1]
    positive, negative = scores[sample.labels == 1], scores[sample.labels == 0]
    above = (positive[:, None] > negative) + 0.5 * (positive[:, None] == negative)
    value = above.mean()
    parts = above.mean(axis=1).var(ddof=1) / len(positive), above.mean(axis=0).var(ddof=1) / len(negative)
    variance = sum(parts)
    freedom = variance**2 / (parts[0] ** 2 / (len(positive) - 1) + parts[1] ** 2 / (len(negative) - 1))
    reach = stats.t.ppf(0.975, freedom) * math.sqrt(variance) / (value * (1 - value))
    odds = math.log(value / (1 - value))
    expected = [1 / (1 + math.exp(-odds - side * reach)) for side in (-1, 1)]
    found = intervals.auroc(sample.labels, sample.probabilities[0], sample.groups, 0.95)
    assert found == pytest.approx(expected)


def test_a_perfect_area_is_not_certain():
    labels = np.repeat([0, 1], [17, 16])
    few = intervals.auroc(labels, np.eye(2)[labels], np.arange(33), 0.95)
    patients = intervals.auroc(labels, np.eye(2)[labels], numbered(np.arange(33) // 2), 0.95)
    many = intervals.auroc(np.tile(labels, 10), np.eye(2)[np.tile(labels, 10)], np.arange(330), 0.95)
    assert few.high == patients.high == many.high == 1
    assert 0.6 < patients.low < few.low < many.low < 1
    worst = intervals.auroc(labels, np.eye(2)[1 - labels], np.arange(33), 0.95)
    assert worst == pytest.approx((0, 1 - few.low))


@pytest.mark.parametrize(
    ("labels", "probabilities"),
    [
        ([0, 1, 0, 1, 0, 1], np.full((6, 2), 0.5)),
        ([0, 0, 0, 1], [[0.9, 0.1], [0.2, 0.8], [0.7, 0.3], [0.6, 0.4]]),
        ([0, 1, 2, 0, 1, 2], np.full((6, 3), 1 / 3)),
    ],
    ids=["constant", "one positive", "three classes, constant"],
)
def test_areas_that_do_not_scatter_have_an_interval_still(labels, probabilities):
    low, high = intervals.auroc(np.array(labels), np.array(probabilities), np.arange(len(labels)), 0.95)
    assert 0 <= low < 0.5 <= high <= 1
    assert high - low > 0.3


def test_an_absent_class_has_no_area():
    low, high = intervals.auroc(np.array([0, 1, 1]), np.full((3, 3), 1 / 3), np.arange(3), 0.95)
    assert math.isnan(low)
    assert math.isnan(high)


def test_an_interval_has_named_bounds():
    found = intervals.proportion(right(5, 10), np.arange(10), 0.95)
    assert isinstance(found, Interval)
    assert found.low < 0.5 < found.high


@pytest.mark.parametrize(
    ("first", "second", "low", "high"),
    [
        # The examples (a), (b), (d) and (g) of method 10.
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((5, 56), (0, 29), -0.0381, 0.1926),
        ((10, 10), (0, 10), 0.6075, 1.0000),
    ],
)
def test_differences_of_independent_shares_are_those_of_newcombe_1998(first, second, low, high):
    shares = [hits / images for hits, images in (first, second)]
    limits = [intervals.proportion(right(*of), np.arange(of[1]), 0.95) for of in (first, second)]
    found = intervals.difference(shares[0], limits[0], shares[1], limits[1])
    assert found == pytest.approx((low, high), abs=6e-5)
