from __future__ import annotations

import warnings

import numpy as np
import pytest
from mapie.classification import SplitConformalClassifier
from sklearn.base import BaseEstimator, ClassifierMixin
from statsmodels.stats.proportion import proportion_confint

from medcnn.core import files
from medcnn.dataset.predictions import Predictions
from medcnn.measures import conformal
from medcnn.params.whole import Params


class Given(ClassifierMixin, BaseEstimator):
    """An estimator that answers with the probabilities that it is given."""

    classes_ = np.arange(3)

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def predict_proba(self, probabilities: np.ndarray) -> np.ndarray:
        return probabilities

    def predict(self, probabilities: np.ndarray) -> np.ndarray:
        return probabilities.argmax(axis=1)


def drawn(seed: int, images: int) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities (N, 3), and classes drawn by other ones, so that the model is not calibrated."""
    rng = np.random.default_rng(seed)
    truth = rng.dirichlet(np.ones(3), images)
    labels = (rng.random((images, 1)) > truth.cumsum(axis=1)[:, :2]).sum(axis=1)
    told = truth**2
    return told / told.sum(axis=1, keepdims=True), labels


@pytest.mark.parametrize("coverage", [0.5, 0.8, 0.9, 0.95])
@pytest.mark.parametrize("images", [30, 199])
def test_the_sets_are_those_of_mapie(images: int, coverage: float) -> None:
    (seen, labels), (unseen, _) = drawn(1, images), drawn(2, 300)
    mapie = SplitConformalClassifier(Given(), coverage, conformity_score="lac", prefit=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = mapie.conformalize(seen, labels).predict_set(unseen)[1][:, :, 0]
    np.testing.assert_array_equal(conformal.sets(unseen, conformal.fitted(seen, labels, coverage)), expected)


def test_the_threshold_is_the_wanted_smallest_score() -> None:
    seen = np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.4, 0.6]])
    labels = np.array([0, 0, 1, 0])
    # Scores 0.1, 0.2, 0.3 and 0.6; of 4 images ceil(5 x 0.5) is the third.
    assert conformal.fitted(seen, labels, 0.5) == pytest.approx(0.3, abs=1.1e-6)
    assert conformal.fitted(seen, labels, 0.8) == pytest.approx(0.6, abs=1.1e-6)


@pytest.mark.parametrize(("images", "coverage"), [(0, 0.9), (8, 0.9), (18, 0.95), (99, 0.999)])
def test_too_few_images_for_the_coverage_put_every_class_in_the_set(images: int, coverage: float) -> None:
    seen, labels = drawn(0, images)
    threshold = conformal.fitted(seen, labels, coverage)
    assert threshold == 1
    assert conformal.sets(np.array([[1.0, 0.0, 0.0], [0.2, 0.3, 0.5]]), threshold).all()


@pytest.mark.parametrize(("images", "coverage"), [(9, 0.9), (19, 0.95), (99, 0.55), (29, 0.7)])
def test_just_enough_images_are_not_too_few_in_floating_point(images: int, coverage: float) -> None:
    scores = np.arange(1, images + 1) / 1000
    seen = np.column_stack([1 - scores, scores])
    rank = round((images + 1) * coverage)
    assert conformal.fitted(seen, np.zeros(images, np.int64), coverage) == pytest.approx(rank / 1000, abs=1.1e-6)


def test_the_written_threshold_covers_no_less_than_the_exact_one() -> None:
    seen, labels = drawn(3, 200)
    for coverage in np.linspace(0.1, 0.99, 40):
        threshold = conformal.fitted(seen, labels, float(coverage))
        assert files.rounded({"threshold": threshold})["threshold"] == threshold
        assert conformal.sets(seen, threshold)[np.arange(200), labels].mean() >= coverage


def test_certain_answers_make_sets_of_one_class() -> None:
    certain = np.eye(2)[[0, 1] * 20]
    threshold = conformal.fitted(certain, np.array([0, 1] * 20), 0.9)
    assert threshold == 0
    np.testing.assert_array_equal(conformal.sets(certain, threshold), certain.astype(bool))


def test_equal_scores_are_covered_together() -> None:
    even = np.full((20, 2), 0.5)
    threshold = conformal.fitted(even, np.array([0, 1] * 10), 0.9)
    assert threshold == 0.5
    assert conformal.sets(even, threshold).all()


def test_coverage_is_as_wanted_over_many_draws() -> None:
    covered = []
    for seed in range(2000):
        probabilities, labels = drawn(seed, 120)
        threshold = conformal.fitted(probabilities[:59], labels[:59], 0.9)
        covered.append(conformal.sets(probabilities[59:], threshold)[np.arange(61), labels[59:]].mean())
    # Of 59 images ceil(60 x 0.9) is the 54th: coverage is 54 / 60 exactly, in the mean.
    assert np.mean(covered) == pytest.approx(0.9, abs=0.004)


# What is reported.


def table(probabilities: np.ndarray, labels: np.ndarray, split: str) -> Predictions:
    names = tuple(f"{split}{index}" for index in range(len(labels)))
    return Predictions(tuple("abc"), names, (split,) * len(names), labels, probabilities)


def test_a_block_worked_by_hand(settings: Params) -> None:
    certain = np.column_stack([np.linspace(0.6, 0.98, 20), np.linspace(0.4, 0.02, 20), np.zeros(20)])
    seen = table(certain, np.zeros(20, np.int64), "validation")
    # Of 20 scores the ceil(21 x 0.9) = 19th smallest is that of 0.62.
    unseen = np.array([[0.9, 0.1, 0.0], [0.7, 0.0, 0.3], [0.6, 0.4, 0.0], [0.1, 0.2, 0.7], [0.0, 0.35, 0.65]])
    found = conformal.block(seen, table(unseen, np.array([0, 1, 0, 2, 2]), "test"), list("vwxyz"), settings.evaluate)
    low, high = proportion_confint(3, 5, 0.05, "wilson")
    assert found == {
        "wanted": 0.9,
        "threshold": pytest.approx(0.38, abs=1.1e-6),
        "coverage": 0.6,
        "coverage_low": pytest.approx(low),
        "coverage_high": pytest.approx(high),
        "mean_size": 0.8,
        "singletons": 0.8,
        "empty": 0.2,
        "images": 5,
    }


def test_a_tiny_validation_part_covers_everything(settings: Params) -> None:
    found = conformal.block(
        table(*drawn(0, 5), "validation"), table(*drawn(1, 3), "test"), list("abc"), settings.evaluate
    )
    assert (found["threshold"], found["coverage"], found["mean_size"], found["singletons"]) == (1, 1, 3, 0)


def test_without_test_images_nothing_is_told(settings: Params) -> None:
    found = conformal.block(table(*drawn(0, 50), "validation"), table(*drawn(1, 0), "test"), [], settings.evaluate)
    assert files.rounded(found)["coverage"] is None
    assert files.rounded(found)["mean_size"] is None
    assert found["images"] == 0
