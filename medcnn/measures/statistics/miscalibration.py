"""The interval of the expected calibration error, for which no bootstrap interval in common use holds."""

from __future__ import annotations

import math

import numpy as np
from scipy.optimize import bisect

from medcnn.core.arrays import Floats, Integers
from medcnn.measures import metrics
from medcnn.measures.statistics.bootstrap import Resamples
from medcnn.measures.statistics.grouping import sizes, sums
from medcnn.measures.statistics.intervals import NONE, Interval, quantile, student

_TOLERANCE = 2.0**-25
"""Far below the digits that metrics are written with."""


def ece(
    labels: Integers, probabilities: Floats, groups: Integers, bins: int, resamples: Resamples, confidence: float
) -> Interval:
    """The interval of ``metrics.ece``: the errors under which the one measured is neither too high nor too low.

    The error is a sum of absolute gaps, which chance makes larger, so that the bootstrap's draws lie above the truth
    twice. Here the test is inverted instead (Carpenter, JRSS B 1999): for each supposed error, gaps of that sum get
    the bootstrap's deviations added, and the measured error must not be in the upper or lower tail of the outcomes.
    The gaps have the proportions of those measured. The upper bound is never below the measured error.

    Args:
        labels: (N,) true classes as indices.
        probabilities: (N, C).
        groups: (N,) the group of each image as a number.
        bins: of equal width.
        resamples: of the groups.
        confidence: such as 0.95.
    """
    if labels.ndim == 2:
        groups = np.repeat(groups, labels.shape[1])
    totals, images = _gap_sums(labels, probabilities, groups, bins), sizes(groups)
    if len(totals) < 2:
        return NONE
    gaps = totals.sum(axis=0) / images.sum()
    residuals = totals - images[:, None] * gaps
    # Rounding errors are not scatter.
    if np.allclose(residuals, 0):
        return NONE
    few = math.sqrt(len(images) / (len(images) - 1)) * student(confidence, len(images) - 1) / quantile(confidence)
    drawn = resamples.sums(np.column_stack([images, residuals]))
    deviations = few * drawn[:, 1:] / drawn[:, :1]
    measured = float(np.abs(gaps).sum())
    low, high = (_supposed(measured, gaps, deviations, (1 + side * confidence) / 2) for side in (1, -1))
    return Interval(low, max(high, measured))


def _gap_sums(labels: Integers, probabilities: Floats, groups: Integers, bins: int) -> Floats:
    """Sums (G, K) of the overconfidence of each group's images, in each of the K bins that have any."""
    confidences, wrong_by = metrics.overconfidences(labels, probabilities)
    used, bin_of = np.unique(metrics.bin_of(confidences, bins), return_inverse=True)
    return sums(wrong_by[:, None] * np.eye(len(used))[bin_of], groups)


def _supposed(measured: float, gaps: Floats, deviations: Floats, level: float) -> float:
    """The error, 0 to 1, under which this share of the outcomes is below the measured error.

    Args:
        measured: the measured error.
        gaps: (K,) whose proportions the supposed ones have.
        deviations: (B, K) of the gaps.
        level: the share, 0 to 1.
    """
    parts = gaps / max(np.abs(gaps).sum(), np.finfo(float).tiny)

    def side(supposed: float) -> int:
        below = np.abs(supposed * parts + deviations).sum(axis=1) < measured
        return 1 if below.mean() > level else -1

    if side(0.0) < 0:
        return 0.0
    return bisect(side, 0.0, 1.0, xtol=_TOLERANCE) if side(1.0) < 0 else 1.0
