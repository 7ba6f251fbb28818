"""Held against cleanlab, the library of the method's authors, and against a table that can be counted by hand."""

from __future__ import annotations

import numpy as np
import pytest
from cleanlab import count, rank
from cleanlab.filter import find_label_issues

from medcnn.suspects import confident


def noisy(classes: int, images: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, classes, images)
    odds = np.exp(rng.normal(size=(images, classes)) + 2.5 * np.eye(classes)[truth] + 0.5 * (np.arange(classes) == 1))
    labels = np.where(rng.random(images) < 0.15, rng.integers(0, classes, images), truth)
    return labels, odds / odds.sum(axis=1, keepdims=True)


@pytest.mark.parametrize(("classes", "images"), [(2, 60), (4, 400)])
def test_thresholds_list_and_order_are_those_of_cleanlab(classes: int, images: int) -> None:
    labels, probabilities = noisy(classes, images, seed=classes)
    assert confident.thresholds(labels, probabilities) == pytest.approx(
        count.get_confident_thresholds(labels, probabilities)
    )
    found = find_label_issues(
        labels, probabilities, filter_by="confident_learning", return_indices_ranked_by="normalized_margin"
    )
    margins = confident.margins(labels, probabilities)
    ours = np.flatnonzero(confident.suspected(labels, probabilities))
    assert len(found) > 2
    assert ours[np.argsort(margins[ours], kind="stable")].tolist() == found.tolist()
    assert (margins + 1) / 2 == pytest.approx(rank.get_normalized_margin_for_each_label(labels, probabilities))


def test_a_small_table_counted_by_hand() -> None:
    # The thresholds are (0.9 + 0.7 + 0.2) / 3 = 0.6 and (0.8 + 0.7 + 0.3) / 3 = 0.6.
    first = np.array([0.9, 0.7, 0.2, 0.2, 0.3, 0.7])
    labels, probabilities = np.array([0, 0, 0, 1, 1, 1]), np.stack([first, 1 - first], axis=1)
    assert confident.thresholds(labels, probabilities) == pytest.approx([0.6, 0.6])
    assert np.flatnonzero(confident.suspected(labels, probabilities)).tolist() == [2, 5]
    assert confident.margins(labels, probabilities) == pytest.approx([0.8, 0.4, -0.6, 0.6, 0.4, -0.4])


def test_a_class_without_images_is_never_suggested() -> None:
    labels, probabilities = np.array([0, 0, 1]), np.array([[0.1, 0.2, 0.7], [0.6, 0.3, 0.1], [0.1, 0.8, 0.1]])
    assert confident.suspected(labels, probabilities).tolist() == [False, False, False]
