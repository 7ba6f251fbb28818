"""Split conformal prediction sets: the classes that an image may be of, so that the truth is seldom missing.

A class is in an image's set where its score, 1 minus its calibrated probability, is at most the threshold (LAC:
Sadinle, Lei and Wasserman, JASA 2019), which is a quantile of the true classes' scores on validation. On images
that are exchangeable with those of validation the sets then hold the truth at least as often as wanted. Here this
is approximate: the same validation part chose the epoch and the temperature, and images of one patient are not
exchangeable with images of others. The coverage measured on test shows how well it holds.

MAPIE, against which the sets are tested, offers the same through an estimator; it has no public threshold, which
whoever deploys a model needs, and refuses a validation part too small for the wanted coverage.
"""

from __future__ import annotations

import math

import numpy as np

from medcnn.core import files
from medcnn.core.arrays import Floats, Integers, Truths
from medcnn.dataset.predictions import Predictions
from medcnn.measures import metrics
from medcnn.measures.statistics import intervals
from medcnn.measures.statistics.grouping import Names
from medcnn.params.judging.evaluate import Judging

EVERYTHING = 1.0
"""The threshold at which every class is in every set."""


def fitted(probabilities: Floats, labels: Integers, coverage: float) -> float:
    """The threshold, in 0..1: the ``ceil((n + 1) * coverage)``-th smallest score of the true class of n images.

    It is rounded up to the digits that are written, so that the written one covers no less; where n is too small
    for the coverage, it is ``EVERYTHING``.

    Args:
        probabilities: (N, C) calibrated, of images that no training saw.
        labels: (N,) their true classes as indices.
        coverage: the share of sets that should hold the truth, below 1.
    """
    scores = np.sort(1 - probabilities[np.arange(len(labels)), labels])
    # Rounded first: 100 * 0.55 is 55.00000000000001 in floating point.
    rank = math.ceil(round((len(scores) + 1) * coverage, 9))
    if rank > len(scores):
        return EVERYTHING
    score = float(scores[rank - 1])
    nearest = round(score, files.DIGITS)
    return nearest if nearest >= score else round(nearest + 10**-files.DIGITS, files.DIGITS)


def sets(probabilities: Floats, threshold: float) -> Truths:
    """Which classes (N, C) are in each image's set, from calibrated probabilities (N, C)."""
    return 1 - probabilities <= threshold


def block(validation: Predictions, test: Predictions, groups: Names, settings: Judging) -> dict[str, float]:
    """What ``metrics/evaluate/S.json`` says of a model's prediction sets: figures on test, of sets fitted before.

    Args:
        validation: calibrated predictions that decide the threshold.
        test: calibrated predictions, by which the sets are judged.
        groups: the group of each test image.
        settings: the wanted coverage, and the confidence of the interval of the measured one.
    """
    threshold = fitted(validation.probabilities, validation.labels, settings.coverage)
    return tested(threshold, test, groups, settings)


def tested(threshold: float, test: Predictions, groups: Names, settings: Judging) -> dict[str, float]:
    """The figures of prediction sets of a given threshold.

    Args:
        threshold: see ``fitted``.
        test: calibrated predictions, by which the sets are judged.
        groups: the group of each image.
        settings: the wanted coverage, and the confidence of the interval of the measured one.
    """
    inside = sets(test.probabilities, threshold)
    covered, sizes = inside[np.arange(len(inside)), test.labels], inside.sum(axis=1)
    low, high = intervals.proportion(covered, groups, settings.confidence)
    return {
        "wanted": settings.coverage,
        "threshold": threshold,
        "coverage": metrics.mean(covered),
        "coverage_low": low,
        "coverage_high": high,
        "mean_size": metrics.mean(sizes),
        "singletons": metrics.mean(sizes == 1),
        "empty": metrics.mean(sizes == 0),
        "images": len(inside),
    }
