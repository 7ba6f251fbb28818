"""Recalibration in the large: a number added to the logit of each class, fitted on labelled images from elsewhere.

Of two classes it is the intercept of Cox's logistic recalibration (Biometrika 1958) with the logit as offset, of more
the same of multinomial logistic regression (Van Hoorde et al., Statistics in Medicine 2014); with ``slope`` the logit's
factor is fitted too, which is 1 where probabilities spread as they should, and below 1 where they are too extreme.
Of the project's own, as statsmodels, against which it is tested, is not among the requirements.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax

from medcnn.core import seeding
from medcnn.core.arrays import Floats, Integers
from medcnn.grouping import dealing
from medcnn.measures import metrics
from medcnn.measures.statistics.grouping import sums
from medcnn.measures.statistics.intervals import NONE, Interval, student

FOLDS = 5
_RIDGE = 0.01
"""A normal prior of standard deviation 10 around no change: it keeps the bias of a class without images finite."""


@dataclass(frozen=True)
class Recalibration:
    """Biases (C,) and a slope, fitted on some images.

    Attributes:
        biases: added to the logits; only their differences count.
        slope: factor of the logits.
        covariance: (C + 1, C + 1) of biases and slope, with whole groups as the units; 0 for a slope not fitted.
        groups: how many groups there were.
    """

    biases: Floats
    slope: float
    covariance: Floats
    groups: int

    def applied(self, probabilities: Floats) -> Floats:
        """Probabilities (N, C) after recalibration."""
        return np.asarray(softmax(self.slope * _logits(probabilities) + self.biases, axis=1))

    def bias(self, index: int, confidence: float) -> tuple[float, Interval]:
        """How much is added to a class's logit: of two classes more than to the other's, of more than to the mean."""
        classes = len(self.biases)
        weights = np.append(np.full(classes, -1.0 if classes == 2 else -1 / classes), 0.0)
        weights[index] += 2 if classes == 2 else 1
        return self._contrast(weights, confidence)

    def slope_within(self, confidence: float) -> Interval:
        """The interval of the slope."""
        return self._contrast(np.eye(len(self.biases) + 1)[-1], confidence)[1]

    def _contrast(self, weights: Floats, confidence: float) -> tuple[float, Interval]:
        value = float(weights @ np.append(self.biases, self.slope))
        if self.groups < 2:
            return value, NONE
        reach = student(confidence, self.groups - 1) * math.sqrt(weights @ self.covariance @ weights)
        return value, Interval(value - reach, value + reach)


def fitted(probabilities: Floats, labels: Integers, groups: Integers, *, slope: bool = False) -> Recalibration:
    """The biases, and on request the slope, of the lowest cross-entropy.

    Standard errors are those of the cluster-robust sandwich (Liang and Zeger, Biometrika 1986).

    Args:
        probabilities: (N, C).
        labels: (N,) true classes as indices.
        groups: (N,) the group of each image as a number.
        slope: whether the slope is fitted too.
    """
    logits, classes = _logits(probabilities), probabilities.shape[1]
    truth, start, free = np.eye(classes)[labels], np.append(np.zeros(classes), 1.0), classes + slope

    def whole(values: Floats) -> Floats:
        return np.concatenate([values, start[free:]])

    def odds(values: Floats) -> Floats:
        *biases, factor = whole(values)
        return factor * logits + np.array(biases)

    def loss(values: Floats) -> float:
        strayed = values - start[:free]
        return float(-(truth * log_softmax(odds(values), axis=1)).sum() + _RIDGE / 2 * strayed @ strayed)

    def scores(values: Floats) -> Floats:
        wrong = softmax(odds(values), axis=1) - truth
        return np.column_stack([wrong, (logits * wrong).sum(axis=1)])[:, :free]

    def slopes(values: Floats) -> Floats:
        return np.asarray(scores(values).sum(axis=0) + _RIDGE * (values - start[:free]))

    def curvature(values: Floats) -> Floats:
        return _curvature(softmax(odds(values), axis=1), logits)[:free, :free] + _RIDGE * np.eye(free)

    found = minimize(loss, start[:free], jac=slopes, hess=curvature, method="trust-exact", options={"gtol": 1e-9}).x
    by_group, inverse = sums(scores(found), groups), np.linalg.inv(curvature(found))
    count = len(np.unique(groups))
    covariance = np.zeros((classes + 1, classes + 1))
    covariance[:free, :free] = inverse @ by_group.T @ by_group @ inverse * count / max(count - 1, 1)
    return Recalibration(whole(found)[:classes], float(whole(found)[classes]), covariance, count)


def cross_fitted(probabilities: Floats, labels: Integers, groups: Integers, seed: int) -> Floats:
    """Probabilities (N, C), those of each fold of whole groups recalibrated by a fit on the other folds.

    So no image is judged by a recalibration that saw it or another image of its group.
    """
    rng = seeding.derived(seed, "folds of recalibration")
    folds = dealing.assign(groups, labels, [1 / FOLDS] * FOLDS, rng)
    recalibrated = np.empty_like(probabilities)
    for fold in np.unique(folds):
        inside = folds == fold
        made = fitted(probabilities[~inside], labels[~inside], groups[~inside])
        recalibrated[inside] = made.applied(probabilities[inside])
    return recalibrated


def _logits(probabilities: Floats) -> Floats:
    return np.log(probabilities.clip(metrics.SMALLEST))


def _curvature(probabilities: Floats, logits: Floats) -> Floats:
    """Second derivatives (C + 1, C + 1) of the summed cross-entropy by the biases and the slope."""
    centred = logits - (probabilities * logits).sum(axis=1, keepdims=True)
    of_both = (probabilities * centred).sum(axis=0)
    of_biases = np.diag(probabilities.sum(axis=0)) - probabilities.T @ probabilities
    return np.block([[of_biases, of_both[:, None]], [of_both, (probabilities * centred**2).sum()]])
