"""The points of confusion matrices, ROC and precision-recall curves, in NumPy alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from medcnn.core.arrays import Floats, Integers, Truths

POINTS = 200


@dataclass(frozen=True)
class Curve:
    """Points of a curve in drawing order, each axis in 0..1; no points where the curve is not defined."""

    x: Floats
    y: Floats


NO_CURVE = Curve(np.empty(0), np.empty(0))


def confusion(labels: Integers, predicted: Integers, classes: int) -> Integers:
    """Counts (C, C): row = the true class, column = the predicted one."""
    counts = np.zeros((classes, classes), np.int64)
    np.add.at(counts, (labels, predicted), 1)
    return counts


def of_interest(classes: int) -> range:
    """The classes that get a curve of their own: with two, the first one's would mirror the second's."""
    return range(1 if classes == 2 else 0, classes)


def roc(positive: Truths, scores: Floats) -> Curve:
    """Receiver operating characteristic: false positive rate (x) and true positive rate (y), from (0, 0) to (1, 1).

    Tied images move together; points on the straight line between their neighbours are left out. Not defined without
    images of both kinds.

    Args:
        positive: (N,) whether an image is of the class.
        scores: (N,) its probability.
    """
    positives = int(positive.sum())
    negatives = len(positive) - positives
    if not positives or not negatives:
        return NO_CURVE
    hits, called = _counts_by_threshold(positive, scores)
    false_alarms = called - hits
    corners = _with_ends((np.diff(hits, 2) != 0) | (np.diff(false_alarms, 2) != 0), len(hits))
    return Curve(np.append(0.0, false_alarms[corners] / negatives), np.append(0.0, hits[corners] / positives))


def precision_recall(positive: Truths, scores: Floats) -> Curve:
    """Recall (x) against precision (y), from recall 0 on; not defined without a positive image.

    A curve of steps: between two points precision is that of the right one. Of the points with one recall only the
    highest and the lowest are kept. The first point is (0, 1) by convention, as in scikit-learn.
    """
    positives = int(positive.sum())
    if not positives:
        return NO_CURVE
    hits, called = _counts_by_threshold(positive, scores)
    rises = np.diff(hits) != 0
    corners = _with_ends(rises[:-1] | rises[1:], len(hits))
    return Curve(np.append(0.0, hits[corners] / positives), np.append(1.0, (hits / called)[corners]))


def average_precision(positive: Truths, scores: Floats) -> float:
    """The mean precision at which the positive images are found, as in scikit-learn; NaN without any.

    Args:
        positive: (N,) whether an image is of the class.
        scores: (N,) its probability.
    """
    if not positive.any():
        return float("nan")
    hits, called = _counts_by_threshold(positive, scores)
    return float((np.diff(hits, prepend=0) * hits / called).sum() / hits[-1])


def area(curve: Curve) -> float:
    """The area under a curve of straight lines; NaN for a curve without points."""
    if not len(curve.x):
        return float("nan")
    return float(np.sum(np.diff(curve.x) * (curve.y[1:] + curve.y[:-1]) / 2))


def thinned(curve: Curve, points: int = POINTS) -> Curve:
    """At most ``points`` of a curve's points, ends included, evenly spread along its length."""
    if len(curve.x) <= points:
        return curve
    steps = np.hypot(np.diff(curve.x), np.diff(curve.y))
    travelled = np.append(0.0, np.cumsum(steps))
    wanted = np.linspace(0, travelled[-1], points)
    kept = np.unique(np.searchsorted(travelled, wanted).clip(max=len(curve.x) - 1))
    kept[-1] = len(curve.x) - 1
    return Curve(curve.x[kept], curve.y[kept])


def _counts_by_threshold(positive: Truths, scores: Floats) -> tuple[Integers, Integers]:
    """For each distinct score, highest first: the positives, and all images, that score at least as much."""
    order = np.argsort(-scores, kind="stable")
    last_of_ties = np.flatnonzero(np.append(np.diff(scores[order]) != 0, True))
    return np.cumsum(positive[order], dtype=np.int64)[last_of_ties], last_of_ties + 1


def _with_ends(inner: Truths, count: int) -> Truths:
    """A mask over ``count`` points: the ends, and those of the points between them that ``inner`` marks."""
    mask = np.ones(count, np.bool_)
    mask[1:-1] = inner
    return mask
