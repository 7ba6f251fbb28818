from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import log_loss

from medcnn.train.measuring import auroc, measured

RNG = np.random.default_rng(0)
OUTPUTS = {units: RNG.dirichlet(np.ones(max(2, units)), 30)[:, :units].astype(np.float32) for units in (1, 3)}


@pytest.mark.parametrize("units", OUTPUTS)
def test_figures_of_outputs_are_those_of_scikit_learn(units: int) -> None:
    outputs = OUTPUTS[units]
    scores = np.hstack([1 - outputs, outputs]) if units == 1 else outputs
    labels = RNG.integers(0, scores.shape[1], 30)
    found = measured(labels, outputs)
    expected = log_loss(labels, scores / scores.sum(axis=1, keepdims=True), labels=np.arange(scores.shape[1]))
    assert found.loss == pytest.approx(expected, rel=1e-5)
    assert found.accuracy == (scores.argmax(axis=1) == labels).mean()


def test_of_findings_all_have_to_be_right() -> None:
    labels, outputs = np.array([[1, 0], [1, 1], [0, 0]]), np.array([[0.9, 0.2], [0.8, 0.3], [0.4, 0.1]])
    found = measured(labels, outputs)
    assert found.accuracy == pytest.approx(2 / 3)
    assert found.loss == pytest.approx(-np.log([0.9, 0.8, 0.8, 0.3, 0.6, 0.9]).mean())
    assert found.auroc == 1


def test_what_is_sure_and_wrong_has_a_finite_loss() -> None:
    assert np.isfinite(measured(np.array([0, 1]), np.array([[1.0], [1.0]])).loss)


def test_auroc_needs_both_classes() -> None:
    labels, scores = np.array([0, 1, 0, 1]), np.array([[0.1], [0.3], [0.4], [0.9]])
    assert auroc(labels, scores) == pytest.approx(0.75)
    assert auroc(np.zeros(4, int), scores) == 0.5
