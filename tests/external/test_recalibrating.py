from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from scipy.special import expit, softmax

from medcnn.external import recalibrating


def binary(slope: float, intercept: float, images: int = 600) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Probabilities whose true log odds are a line of theirs, labels, and groups of two images."""
    rng = np.random.default_rng(0)
    logits = np.repeat(rng.normal(0, 1.5, images // 2), 2)
    labels = rng.binomial(1, expit(intercept + slope * logits))
    present = expit(logits)
    return np.column_stack([1 - present, present]), labels, np.arange(images) // 2


def test_of_two_classes_it_is_cox_recalibration_with_cluster_robust_errors() -> None:
    probabilities, labels, groups = binary(0.6, -1.0)
    logits = np.log(probabilities[:, 1] / probabilities[:, 0])
    clustered = {"cov_type": "cluster", "cov_kwds": {"groups": groups}}
    large = sm.GLM(labels, np.ones(600), sm.families.Binomial(), offset=logits).fit(**clustered)
    weak = sm.GLM(labels, sm.add_constant(logits), sm.families.Binomial()).fit(**clustered)
    bias, within = recalibrating.fitted(probabilities, labels, groups).bias(1, 0.95)
    assert bias == pytest.approx(large.params[0], abs=1e-3)
    assert (within.high - within.low) / 2 == pytest.approx(1.96 * large.bse[0], rel=0.02)
    spread = recalibrating.fitted(probabilities, labels, groups, slope=True)
    within = spread.slope_within(0.95)
    assert spread.slope == pytest.approx(weak.params[1], abs=1e-3)
    assert (within.high - within.low) / 2 == pytest.approx(1.96 * weak.bse[1], rel=0.02)


def test_of_more_classes_the_biases_that_were_put_in_are_found() -> None:
    rng = np.random.default_rng(1)
    logits, planted = rng.normal(0, 1.5, (6000, 3)), np.array([1.0, -0.5, -0.5])
    labels = np.array([rng.choice(3, p=row) for row in softmax(logits + planted, axis=1)])
    made = recalibrating.fitted(softmax(logits, axis=1), labels, np.arange(6000))
    for index, true in enumerate(planted):
        bias, within = made.bias(index, 0.999)
        assert within.low < true < within.high and bias == pytest.approx(true, abs=0.15)
    assert made.applied(softmax(logits, axis=1)).mean(axis=0) == pytest.approx(np.bincount(labels) / 6000, abs=1e-4)


def test_each_fold_of_whole_groups_is_recalibrated_by_the_labels_of_the_others() -> None:
    groups = np.repeat(np.arange(7), [1, 2, 3, 5, 7, 11, 13])
    labels = np.random.default_rng(0).binomial(1, 0.4, len(groups))
    found = recalibrating.cross_fitted(np.full((len(groups), 2), 0.5), labels, groups, seed=0)[:, 1].round(9)
    assert len(np.unique(found)) == recalibrating.FOLDS
    for value in np.unique(found):
        inside = found == value
        assert not set(groups[inside]) & set(groups[~inside])
        assert labels[~inside].mean() == pytest.approx(value, abs=1e-3)


def test_a_class_without_images_and_perfect_answers_stay_finite() -> None:
    probabilities = np.array([[0.9, 0.05, 0.05], [0.1, 0.8, 0.1]] * 10)
    made = recalibrating.fitted(probabilities, np.array([0, 1] * 10), np.arange(20), slope=True)
    assert np.isfinite(made.applied(probabilities)).all()
    assert made.applied(probabilities)[:, 2].max() < 0.05
