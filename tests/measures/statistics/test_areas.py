from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import roc_auc_score

from medcnn.measures import metrics
from medcnn.measures.statistics import areas
from tests.measures.statistics.population import Population

Z = 1.959964
PATIENTS = [1, 2, 3, 4, 5] * 8

pytestmark = pytest.mark.filterwarnings("error")


def obuchowski(positive: np.ndarray, scores: np.ndarray, groups: np.ndarray) -> tuple[float, float]:
    """Area and variance as written in Biometrics 1997, pair by pair."""
    x = [(score, group) for score, group, hit in zip(scores, groups, positive, strict=True) if hit]
    y = [(score, group) for score, group, hit in zip(scores, groups, positive, strict=True) if not hit]
    wins = np.array([[(a > b) + 0.5 * (a == b) for b, _ in y] for a, _ in x])
    area = wins.mean()
    everyone = sorted(set(groups.tolist()))
    of_x = [sum(wins[row].mean() - area for row, (_, owner) in enumerate(x) if owner == group) for group in everyone]
    of_y = [sum(wins[:, col].mean() - area for col, (_, owner) in enumerate(y) if owner == group) for group in everyone]
    with_x, with_y, count = len({owner for _, owner in x}), len({owner for _, owner in y}), len(everyone)
    s10 = with_x / (with_x - 1) / len(x) * sum(part**2 for part in of_x)
    s01 = with_y / (with_y - 1) / len(y) * sum(part**2 for part in of_y)
    s11 = count / (count - 1) * sum(a * b for a, b in zip(of_x, of_y, strict=True))
    return area, s10 / len(x) + s01 / len(y) + 2 * s11 / (len(x) * len(y))


@pytest.mark.parametrize("digits", [1, 9], ids=["ties", "no ties"])
@pytest.mark.parametrize("images", [[1] * 50, PATIENTS], ids=["DeLong", "Obuchowski"])
def test_the_variance_is_that_of_the_paper(images, digits):
    sample = Population(alike=0.5).sample(images, np.random.default_rng(1))
    scores, positive = sample.probabilities[0][:, 1].round(digits), sample.labels == 1
    found = areas.area(positive, scores, sample.groups, Z)
    value, variance = obuchowski(positive, scores, sample.groups)
    assert found.value == pytest.approx(value)
    assert found.influences @ found.influences == pytest.approx(variance)


def test_patients_with_images_of_both_kinds():
    random = np.random.default_rng(2)
    sample = Population(alike=0.5).sample(PATIENTS, random)
    positive = random.random(len(sample.labels)) < 0.5
    found = areas.area(positive, sample.probabilities[0][:, 1], sample.groups, Z)
    _, variance = obuchowski(positive, sample.probabilities[0][:, 1], sample.groups)
    # The covariance of the kinds is corrected otherwise for few groups, by one of 40.
    assert found.influences @ found.influences == pytest.approx(variance, rel=0.01)


@pytest.mark.parametrize("classes", [2, 3])
def test_the_value_is_that_of_scikit_learn_and_of_metrics(classes):
    sample = Population(classes=classes).sample([1] * 90, np.random.default_rng(3))
    [probabilities] = sample.probabilities
    found = areas.mean_area(sample.labels, probabilities, sample.groups, Z)
    scores = probabilities[:, 1] if classes == 2 else probabilities
    assert found.value == pytest.approx(roc_auc_score(sample.labels, scores, multi_class="ovr"))
    assert found.value == pytest.approx(metrics.auroc(sample.labels, probabilities))


def test_the_variance_of_a_mean_area_is_what_samples_show():
    random = np.random.default_rng(4)
    samples = [Population(classes=3, alike=0.5).sample(PATIENTS, random) for _ in range(400)]
    found = [areas.mean_area(part.labels, part.probabilities[0], part.groups, Z) for part in samples]
    spread = np.std([area.value for area in found])
    assert np.mean([np.linalg.norm(area.influences) for area in found]) == pytest.approx(spread, rel=0.1)


def test_the_variance_at_a_limit_is_that_of_hanley_and_mcneil():
    # Radiology 1982, table II: area 0.893 of 51 abnormal and 58 normal, standard error 0.032.
    assert math.sqrt(areas._variance(0.893, 51, 58)) == pytest.approx(0.032, abs=5e-4)
    quarter = 0.893 / (2 - 0.893) - 0.893**2, 2 * 0.893**2 / 1.893 - 0.893**2
    exact = (0.893 * 0.107 + 49 * quarter[0] + 49 * quarter[1]) / 50**2
    assert areas._variance(0.893, 50, 50) == pytest.approx(exact)


def test_the_limits_are_as_far_as_their_own_standard_errors():
    value, groups = 0.8, (12, 30)
    found = areas.Area(value, np.zeros(42), np.zeros(2), np.array(groups), Z)
    for limit in found.limits:
        assert abs(value - limit) == pytest.approx(Z * math.sqrt(areas._variance(limit, *groups)))


def test_variance_and_degrees_of_freedom_are_those_of_brunner_and_munzel_in_scipy():
    sample = Population().sample([1] * 40, np.random.default_rng(6))
    scores, positive = sample.probabilities[0][:, 1], sample.labels == 1
    found = areas.area(positive, scores, sample.groups, Z)
    expected = stats.brunnermunzel(scores[~positive], scores[positive])
    statistic = (found.value - 0.5) / found.error
    assert statistic == pytest.approx(expected.statistic)
    assert 2 * stats.t.sf(statistic, found.degrees) == pytest.approx(expected.pvalue)


def test_a_class_that_is_told_apart_perfectly_still_adds_uncertainty():
    labels = np.repeat([0, 1, 2], 30)
    random = np.random.default_rng(5)
    blurred = random.random((90, 3)) * [1, 1, 0] + 2 * np.eye(3)[2] * (labels == 2)[:, None]
    probabilities = blurred / blurred.sum(axis=1, keepdims=True)
    mean = areas.mean_area(labels, probabilities, np.arange(90), Z)
    assert [area.has_variance for area in mean.classes] == [True, True, False]
    assert mean.unestimated_variance == pytest.approx((mean.classes[2].error_from_limits / 3) ** 2)
