from __future__ import annotations

import numpy as np
import pytest
import sklearn.metrics

from medcnn.measures import curves


def drawn(images: int, digits: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Truths and scores that overlap; few digits make many ties."""
    rng = np.random.default_rng(seed)
    positive = rng.random(images) < 0.4
    positive[:2] = True, False
    return positive, np.round(0.6 * rng.random(images) + 0.4 * positive, digits)


def test_confusion_has_the_truth_in_rows():
    counts = curves.confusion(np.array([0, 0, 1, 2, 2]), np.array([0, 1, 1, 0, 0]), 3)
    assert counts.tolist() == [[1, 1, 0], [0, 1, 0], [2, 0, 0]]


@pytest.mark.parametrize("digits", [0, 1, 2, 9])
@pytest.mark.parametrize("images", [2, 3, 10, 131, 2000])
def test_curves_are_those_of_scikit_learn(images: int, digits: int):
    positive, scores = drawn(images, digits)
    roc = curves.roc(positive, scores)
    false_positive_rate, true_positive_rate, _ = sklearn.metrics.roc_curve(positive, scores)
    np.testing.assert_allclose(roc.x, false_positive_rate)
    np.testing.assert_allclose(roc.y, true_positive_rate)
    assert curves.area(roc) == pytest.approx(sklearn.metrics.roc_auc_score(positive, scores))

    pr = curves.precision_recall(positive, scores)
    precision, recall, _ = sklearn.metrics.precision_recall_curve(positive, scores, drop_intermediate=True)
    np.testing.assert_allclose(pr.x, recall[::-1])
    np.testing.assert_allclose(pr.y, precision[::-1])


def test_a_worked_curve():
    roc = curves.roc(np.array([True, True, False, False]), np.array([0.9, 0.4, 0.6, 0.1]))
    assert list(zip(roc.x, roc.y, strict=True)) == [(0, 0), (0, 0.5), (0.5, 0.5), (0.5, 1), (1, 1)]
    assert curves.area(roc) == 0.75


def test_a_constant_score_draws_the_diagonal():
    roc = curves.roc(np.array([True, False, False]), np.full(3, 0.5))
    assert (roc.x.tolist(), roc.y.tolist()) == ([0, 1], [0, 1])


@pytest.mark.parametrize("positive", [[True, True], [False, False], []])
def test_no_roc_without_images_of_both_kinds(positive: list[bool]):
    roc = curves.roc(np.array(positive, bool), np.linspace(0, 1, len(positive)))
    assert len(roc.x) == len(roc.y) == 0
    assert np.isnan(curves.area(roc))


def test_no_precision_without_a_positive_image():
    assert len(curves.precision_recall(np.array([False, False]), np.array([0.1, 0.9])).x) == 0


@pytest.mark.parametrize("curve", [curves.roc, curves.precision_recall])
def test_thinning_keeps_ends_and_shape(curve):
    whole = curve(*drawn(5000, 9))
    thin = curves.thinned(whole)
    assert len(thin.x) <= curves.POINTS < len(whole.x)
    assert (thin.x[0], thin.y[0], thin.x[-1], thin.y[-1]) == (whole.x[0], whole.y[0], whole.x[-1], whole.y[-1])
    between = np.interp(np.linspace(0.01, 1, 500), thin.x, thin.y) - np.interp(
        np.linspace(0.01, 1, 500), whole.x, whole.y
    )
    assert np.abs(between).max() < 0.02
    assert curves.area(thin) == pytest.approx(curves.area(whole), abs=0.005)


def test_a_short_curve_is_left_alone():
    whole = curves.roc(*drawn(50, 9))
    assert curves.thinned(whole) is whole
