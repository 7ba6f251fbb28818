from __future__ import annotations

import numpy as np
import pytest

from medcnn import combining
from medcnn.predictions import Predictions


def member(probabilities: np.ndarray, labels: np.ndarray, validation: int) -> Predictions:
    count = len(labels)
    splits = tuple("validation" if index < validation else "test" for index in range(count))
    ids = tuple(f"{index:012x}" for index in range(count))
    return Predictions(("a", "b"), ids, splits, labels, probabilities)


def guesses(rng: np.random.Generator, labels: np.ndarray, skill: float) -> np.ndarray:
    right = 1 / (1 + np.exp(-(skill * (2 * labels - 1) + rng.normal(size=len(labels)))))
    return np.column_stack([1 - right, right])


def members(skills: dict[str, float], validation: int = 200) -> dict[str, Predictions]:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 400)
    return {name: member(guesses(rng, labels, skill), labels, validation) for name, skill in skills.items()}


def test_the_mean_weighs_all_alike_and_stays_a_probability() -> None:
    some = members({"good": 2, "bad": 0, "worse": -1})
    shares = combining.weights("mean", some)
    assert shares == pytest.approx({"good": 1 / 3, "bad": 1 / 3, "worse": 1 / 3})
    joined = combining.combined(some, shares)
    assert joined.probabilities == pytest.approx(sum(part.probabilities for part in some.values()) / 3)
    assert joined.image_ids == some["good"].image_ids


def test_weights_prefer_what_is_right_on_validation() -> None:
    shares = combining.weights("weighted", members({"good": 2, "bad": 0, "worse": -1}))
    assert sum(shares.values()) == pytest.approx(1)
    assert shares["good"] > 0.95


def test_weights_do_not_look_at_the_test_part() -> None:
    some = members({"one": 1.0, "other": 0.8})
    before = combining.weights("weighted", some)
    for part in some.values():
        part.probabilities[200:] = part.probabilities[200:][::-1]
    assert combining.weights("weighted", some) == before


def test_mixture_weights_are_the_best_of_a_fine_grid() -> None:
    likelihoods = np.random.default_rng(1).uniform(0.05, 1, (2, 300)) ** [[1.0], [1.4]]
    grid = np.linspace(0, 1, 2001)
    loss = [-np.log(share * likelihoods[0] + (1 - share) * likelihoods[1]).mean() for share in grid]
    assert combining.mixture_weights(likelihoods)[0] == pytest.approx(grid[int(np.argmin(loss))], abs=2e-3)


def test_a_certain_error_does_not_break_the_fit() -> None:
    shares = combining.mixture_weights(np.array([[0.0, 0.9], [0.5, 0.5]]))
    assert np.isfinite(shares).all()
    assert shares.sum() == pytest.approx(1)
