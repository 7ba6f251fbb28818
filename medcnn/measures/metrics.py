"""The figures of merit of a classifier, from its probabilities alone; NaN wherever a figure is not defined.

The predicted class is the most probable one, of equally probable ones the first: with two classes, the positive
class is predicted above 0.5. Where images have several findings, truths are (N, C) of 0 and 1 instead of (N,) indices,
and each finding is predicted above 0.5.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from medcnn.core.arrays import Floats, Integers, Truths
from medcnn.measures import curves
from medcnn.measures.findings import PRESENT, against_the_rest, decided, of_images, of_one
from medcnn.params.judging import figures

SMALLEST = 1e-7
"""Probabilities are raised to this before the logarithm, as in Keras: in float32 1 - 1e-8 is 1. One
image that is wrong with certainty so costs 16.1 nats rather than infinity."""
COSTLIEST = -math.log(SMALLEST)
"""The cross-entropy of such an image."""

Score = Callable[[Integers, Floats], float]
"""A figure of images, from their truth, (N,) or of findings (N, C), and the probabilities (N, C)."""
_SCORES: dict[str, Score] = {}


def scored(score: Score) -> Score:
    """Make a function the one that gives the figure of its name in ``params.judging.figures``."""
    _SCORES[score.__name__] = score
    return score


def scores(labels: Integers, probabilities: Floats, classes: Sequence[str]) -> dict[str, Any]:
    """Every figure that any set of images has, of one model, and the rates of each class.

    Args:
        labels: (N,) true classes as indices; of K findings (N, K), see ``findings``.
        probabilities: (N, C), rows summing to 1 but of findings.
        classes: C class names; with two, the second is the positive one.
    """
    of_findings = labels.ndim == 2
    counts = None if of_findings else _confusion(labels, probabilities)
    return {
        **{
            figure.key: _SCORES[figure.key](labels, probabilities)
            for figure in figures.SCORED
            if of_findings or not figure.of_findings
        },
        "support": len(labels),
        "classes": {
            name: _of_finding(labels, probabilities, index) if counts is None else of_class(counts, index)
            for index, name in enumerate(classes)
        },
    }


@scored
def accuracy(labels: Integers, probabilities: Floats) -> float:
    """The share of images that are predicted as what they are; with several findings all of them (exact match)."""
    return mean(right(labels, probabilities))


@of_images(np.all)
def right(labels: Integers, probabilities: Floats) -> Truths:
    """Whether each image (N,) is predicted as what it is."""
    return np.asarray(probabilities.argmax(axis=1) == labels)


@scored
def balanced_accuracy(labels: Integers, probabilities: Floats) -> float:
    """The mean recall of the classes that have images, as in scikit-learn; of findings the mean over them."""
    if labels.ndim == 2:
        return float(np.mean([balanced_accuracy(*of_one(labels, probabilities, k)) for k in range(labels.shape[1])]))
    counts = _confusion(labels, probabilities)
    support = counts.sum(axis=1)
    present = support > 0
    return float(np.mean(np.diag(counts)[present] / support[present])) if present.any() else math.nan


@scored
def cross_entropy(labels: Integers, probabilities: Floats) -> float:
    """The mean negative natural logarithm of the true class's probability, which is raised to ``SMALLEST``.

    Of findings binary cross-entropy, the mean over images and findings.
    """
    return mean(log_losses(labels, probabilities))


@of_images(np.mean)
def log_losses(labels: Integers, probabilities: Floats) -> Floats:
    """The cross-entropy of each image (N,), 0 to ``COSTLIEST``."""
    return -np.log(probabilities[np.arange(len(labels)), labels].clip(SMALLEST, 1))


@scored
def auroc(labels: Integers, probabilities: Floats) -> float:
    """The area under the ROC curve: the second class's of two, else the mean of every class against the rest.

    Of findings the mean over them (macro). Ties count half. NaN where any class, or all the rest, has no image: a mean
    over the other classes would be another figure under the same name.
    """
    drawn = against_the_rest(labels, probabilities)
    return float(np.mean([curves.area(curves.roc(positive, scores)) for _, positive, scores in drawn]))


@scored
def average_precision(labels: Integers, probabilities: Floats) -> float:
    """The mean over findings of their average precision, as scikit-learn's with ``average="macro"``.

    NaN where a finding has no image.
    """
    drawn = against_the_rest(labels, probabilities)
    return float(np.mean([curves.average_precision(positive, scores) for _, positive, scores in drawn]))


@scored
def micro_f1(labels: Integers, probabilities: Floats) -> float:
    """F1 of all findings of all images together, each called above 0.5; NaN without a finding, true or called."""
    return of_class(_confusion(*decided(labels, probabilities)), PRESENT)["f1"]


@scored
def brier(labels: Integers, probabilities: Floats) -> float:
    """The Brier score: mean squared error of the probabilities, as in scikit-learn.

    With two classes of the positive one's probability (0 to 1); with more, summed over the classes (0 to 2). Of
    findings the mean over them (0 to 1).
    """
    return mean(squared_errors(labels, probabilities))


@of_images(np.mean)
def squared_errors(labels: Integers, probabilities: Floats) -> Floats:
    """The Brier score of each image (N,)."""
    classes = probabilities.shape[1]
    if classes == 2:
        return (probabilities[:, 1] - labels) ** 2
    return ((probabilities - np.eye(classes)[labels]) ** 2).sum(axis=1)


def ece(labels: Integers, probabilities: Floats, bins: int) -> float:
    """The expected calibration error (Naeini et al., AAAI 2015; Guo et al., ICML 2017), 0 to 1.

    The mean distance of the predicted class's probability from accuracy over the images of a bin, bins weighing by
    their images. Of few images it comes out too high even for a perfectly calibrated model: the gap of a bin is never
    negative.
    """
    if not len(labels):
        return math.nan
    confidences, wrong_by = overconfidences(labels, probabilities)
    return float(np.abs(np.bincount(bin_of(confidences, bins), wrong_by)).sum() / len(confidences))


def overconfidences(labels: Integers, probabilities: Floats) -> tuple[Floats, Floats]:
    """The probability (N,) of each image's predicted class, and how far (N,) it is above what came true, 0 or 1.

    Of K findings (N * K,) of each, of its presence or of its absence.
    """
    labels, probabilities = decided(labels, probabilities)
    confidences = probabilities.max(axis=1)
    return confidences, confidences - (probabilities.argmax(axis=1) == labels)


def bin_of(confidences: Floats, bins: int) -> Integers:
    """Which of ``bins`` bins of equal width over 0..1 holds each confidence; a bin has its upper end."""
    return np.searchsorted(np.linspace(0, 1, bins + 1)[1:-1], confidences, side="left")


def of_class(counts: Integers, index: int) -> dict[str, float]:
    """One class against the rest: rates, and counts of errors.

    Recall is NaN without images of the class, specificity without others, precision where the class was never
    predicted, F1 where neither happened.
    """
    hits = int(counts[index, index])
    misses = int(counts[index].sum()) - hits
    false_alarms = int(counts[:, index].sum()) - hits
    rejections = int(counts.sum()) - hits - misses - false_alarms
    return {
        "recall": _ratio(hits, hits + misses),
        "specificity": _ratio(rejections, rejections + false_alarms),
        "precision": _ratio(hits, hits + false_alarms),
        "f1": _ratio(2 * hits, 2 * hits + misses + false_alarms),
        "support": hits + misses,
        "false_negatives": misses,
        "false_positives": false_alarms,
    }


def published_scores(train: float, validation: float, test: float) -> dict[str, float]:
    """The scores of the chest CT study, from the three accuracies.

    ``balance`` is 1 minus the largest gap between two of them, ``average`` their mean, ``composite`` the mean of both.
    """
    accuracies = np.array([train, validation, test], np.float64)
    balance = 1 - float(np.ptp(accuracies))
    average = float(accuracies.mean())
    return {"balance": balance, "average": average, "composite": (balance + average) / 2}


def mean(values: Floats | Integers | Truths) -> float:
    """The mean of figures of images, or the share of images that something is true of; NaN without images."""
    return float(values.mean()) if len(values) else math.nan


def _of_finding(labels: Integers, probabilities: Floats, index: int) -> dict[str, float]:
    return of_class(_confusion(*of_one(labels, probabilities, index)), PRESENT)


def _confusion(labels: Integers, probabilities: Floats) -> Integers:
    return curves.confusion(labels, probabilities.argmax(axis=1), probabilities.shape[1])


def _ratio(part: float, whole: float) -> float:
    return float(part / whole) if whole else math.nan
