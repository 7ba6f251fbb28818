from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from medcnn.measures import membership


def answers(members: np.ndarray, gain: float) -> tuple[np.ndarray, np.ndarray]:
    """Three classes, of which the true one gets more where the image was trained on."""
    rng = np.random.default_rng(0)
    labels = rng.integers(3, size=len(members))
    logits = rng.normal(size=(len(members), 3)) + (1 + gain * members)[:, None] * np.eye(3)[labels]
    odds = np.exp(logits)
    return labels, odds / odds.sum(axis=1, keepdims=True)


def test_it_is_the_auroc_of_the_loss_and_yeoms_advantage():
    members = np.arange(400) < 250
    labels, probabilities = answers(members, gain=2)
    found = membership.block(labels, probabilities, members, np.arange(400), 0.95)
    losses = -np.log(probabilities[np.arange(400), labels])
    assert found["auroc"] == pytest.approx(roc_auc_score(members, -losses))
    at = losses[members].mean()
    assert found["advantage"] == pytest.approx((losses[members] <= at).mean() - (losses[~members] <= at).mean())
    assert 0.5 < found["auroc_low"] < found["auroc"] < found["auroc_high"]
    assert (found["members"], found["others"]) == (250, 150)


def test_a_model_that_remembers_nothing_is_at_one_half():
    members = np.arange(600) % 2 == 0
    found = membership.block(*answers(members, gain=0), members, np.arange(600), 0.95)
    assert found["auroc_low"] < 0.5 < found["auroc_high"]


def test_other_images_of_a_patient_that_was_trained_on_do_not_count():
    members = np.arange(100) < 50
    labels, probabilities = answers(members, gain=1)
    groups = np.where(np.arange(100) < 60, np.arange(100) % 50, np.arange(100))
    found = membership.block(labels, probabilities, members, groups, 0.95)
    assert (found["members"], found["others"]) == (50, 40)


def test_of_findings_the_loss_is_the_mean_over_them():
    members = np.arange(200) < 100
    truth = np.random.default_rng(0).integers(2, size=(200, 4))
    probabilities = np.clip(0.5 + (0.1 + 0.3 * members[:, None]) * (2 * truth - 1), 0, 1)
    assert membership.block(truth, probabilities, members, np.arange(200), 0.95)["auroc"] == 1


def test_without_test_images_it_is_not_defined():
    labels, probabilities = answers(np.ones(9, bool), 1)
    found = membership.block(labels, probabilities, np.ones(9, bool), np.arange(9), 0.95)
    assert math.isnan(found["auroc"]) and math.isnan(found["advantage"])
