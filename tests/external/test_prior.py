from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize

from medcnn.external import prior


def answers(trained: list[float], there: list[float], apart: float = 2.0) -> tuple[np.ndarray, np.ndarray]:
    """Exact probabilities of normal classes for whoever trusts in some shares, where the images have others."""
    rng = np.random.default_rng(0)
    centres = apart * np.eye(len(there))
    labels = rng.choice(len(there), 4000, p=there)
    images = rng.normal(size=(4000, len(there))) + centres[labels]
    squares = ((images[:, None] - centres) ** 2).sum(axis=2)
    joint = np.exp(-squares / 2) * trained
    return joint / joint.sum(axis=1, keepdims=True), labels


@pytest.mark.parametrize(
    ("trained", "there"),
    [([0.5, 0.5], [0.9, 0.1]), ([0.8, 0.2], [0.3, 0.7]), ([1 / 3] * 3, [0.1, 0.2, 0.7]), ([0.5, 0.5], [0.5, 0.5])],
)
def test_true_shares_are_found_and_the_corrected_probabilities_are_those_of_whoever_knew_them(
    trained: list[float], there: list[float]
) -> None:
    probabilities, labels = answers(trained, there)
    found = prior.estimated(probabilities, np.array(trained))
    assert found == pytest.approx(there, abs=0.02)
    knowing, _ = answers(there, there)
    corrected = prior.corrected(probabilities, np.array(trained), np.array(there))
    assert corrected == pytest.approx(knowing, abs=1e-3)
    rows = np.arange(len(labels))
    assert np.log(corrected[rows, labels]).mean() >= np.log(probabilities[rows, labels]).mean() - 1e-4


def test_the_estimate_is_of_the_greatest_likelihood_and_a_fixed_point_of_equation_2_9() -> None:
    probabilities, _ = answers([0.6, 0.4], [0.2, 0.8], apart=1.0)
    trained = np.array([0.6, 0.4])
    found = prior.estimated(probabilities, trained)

    def loss(values: np.ndarray) -> float:
        return float(-np.log(probabilities @ (np.array([values[0], 1 - values[0]]) / trained)).sum())

    assert found[0] == pytest.approx(minimize(loss, [0.5], bounds=[(0.001, 0.999)]).x[0], abs=1e-4)
    assert prior.corrected(probabilities, trained, found).mean(axis=0) == pytest.approx(found, abs=1e-6)


def test_a_worked_example_of_equation_2_4() -> None:
    corrected = prior.corrected(np.array([[0.5, 0.5], [0.8, 0.2]]), np.array([0.5, 0.5]), np.array([0.9, 0.1]))
    assert corrected == pytest.approx(np.array([[0.9, 0.1], [0.72 / 0.74, 0.02 / 0.74]]))


def test_a_class_that_is_not_there_gets_hardly_any_share() -> None:
    probabilities, _ = answers([1 / 3] * 3, [0.4, 0.6, 0.0])
    assert prior.estimated(probabilities, np.full(3, 1 / 3))[2] < 0.01
