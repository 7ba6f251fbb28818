from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score, matthews_corrcoef

from medcnn.measures import agreement
from medcnn.measures.statistics.bootstrap import Resamples


def answered(classes: int, images: int = 200) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(classes)
    labels = rng.integers(classes, size=images)
    scores = rng.random((images, classes)) + 0.7 * np.eye(classes)[labels]
    return labels, scores / scores.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("classes", [2, 3, 7])
def test_as_in_scikit_learn(classes):
    labels, probabilities = answered(classes)
    found = agreement.block(labels, probabilities, np.arange(200), Resamples(200, 400, 0), 0.95)
    answers = probabilities.argmax(axis=1)
    assert found["mcc"] == pytest.approx(matthews_corrcoef(labels, answers))
    assert found["kappa"] == pytest.approx(cohen_kappa_score(labels, answers))
    for key in ("mcc", "kappa"):
        assert found[f"{key}_low"] < found[key] < found[f"{key}_high"]


def test_the_example_of_cohen_1960():
    # 200 persons judged twice into 3 kinds: 140 of the same, kappa 0.492.
    table = np.array([[88, 14, 18], [10, 40, 10], [2, 6, 12]])
    found = agreement.kappa(np.trace(table), table.sum(axis=1), table.sum(axis=0))
    assert found == pytest.approx(0.492, abs=5e-4)


def test_images_of_one_patient_are_drawn_together():
    labels, probabilities = answered(2)
    four_times = np.repeat(labels, 4), np.repeat(probabilities, 4, axis=0), np.repeat(np.arange(200), 4)
    alone = agreement.block(labels, probabilities, np.arange(200), Resamples(200, 400, 0), 0.95)
    assert agreement.block(*four_times, Resamples(200, 400, 0), 0.95) == pytest.approx(alone)


def test_of_findings_the_mean_over_them():
    labels = np.random.default_rng(0).integers(2, size=(80, 3))
    probabilities = np.clip(0.3 + 0.4 * labels + np.random.default_rng(1).normal(0, 0.3, labels.shape), 0, 1)
    found = agreement.block(labels, probabilities, np.arange(80), Resamples(80, 100, 0), 0.95)
    each = [matthews_corrcoef(labels[:, k], probabilities[:, k] > 0.5) for k in range(3)]
    assert found["mcc"] == pytest.approx(np.mean(each))


def test_of_one_class_or_no_images_it_is_not_defined():
    same = agreement.block(np.zeros(4, int), np.tile([0.9, 0.1], (4, 1)), np.arange(4), Resamples(4, 100, 0), 0.95)
    none = agreement.block(np.zeros(0, int), np.empty((0, 2)), np.zeros(0, int), Resamples(0, 100, 0), 0.95)
    assert all(math.isnan(value) for value in (*same.values(), *none.values()))
