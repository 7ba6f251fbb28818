"""Areas under ROC curves and how much they scatter: DeLong's placement values, summed over the images of a group."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.optimize import brentq

from medcnn.core.arrays import Floats, Integers, Truths
from medcnn.measures.findings import against_the_rest
from medcnn.measures.statistics.grouping import sums


@dataclass(frozen=True)
class Area:
    """The area under the ROC curve of one class against the rest.

    Attributes:
        value: 0 to 1; NaN without images of both kinds.
        influences: (G,) how much each group moved the area; their squares sum to its variance. NaN where a kind is
            in one group alone, from which no variance can be estimated.
        parts: (2,) the variance due to images of the class, and to others.
        groups: (2,) how many have images of the class, and how many have others.
        z: quantile of the normal distribution that the limits are made with.
    """

    value: float
    influences: Floats
    parts: Floats
    groups: Integers
    z: float

    @property
    def has_variance(self) -> bool:
        """Whether a variance can be estimated; not where every image of one kind is above all of the other."""
        return bool(self.influences @ self.influences > 0)

    @property
    def error(self) -> float:
        """The standard error; NaN where none can be estimated."""
        return math.sqrt(self.influences @ self.influences)

    @property
    def degrees(self) -> float:
        """Degrees of freedom for Student's distribution (Satterthwaite), as in the test of Brunner and Munzel (2000).

        Few where most of the variance is due to the images of few groups.
        """
        return float(self.parts.sum() ** 2 / (self.parts**2 / (self.groups - 1)).sum())

    @property
    def influences_or_zero(self) -> Floats:
        """The influences, 0 where no variance can be estimated."""
        return self.influences if self.has_variance else np.zeros_like(self.influences)

    @cached_property
    def limits(self) -> tuple[float, float]:
        """Newcombe's score interval (Statistics in Medicine 2006, method 5), defined at areas of 0 and 1 too.

        The variance is Hanley and McNeil's (Radiology 1982) at the limit, of as many images as there are groups, the
        two kinds alike.
        """
        positives, negatives = self.groups.tolist()
        low = _lower_limit(self.value, positives, negatives, self.z)
        return low, 1 - _lower_limit(1 - self.value, positives, negatives, self.z)

    @property
    def error_from_limits(self) -> float:
        """The standard error that the wider side of the limits stands for."""
        low, high = self.limits
        return max(self.value - low, high - self.value) / self.z


@dataclass(frozen=True)
class MeanArea:
    """The mean area of the classes, each against the rest; with two classes the area of the second.

    Attributes:
        classes: the area of each class.
    """

    classes: tuple[Area, ...]

    @property
    def value(self) -> float:
        """0 to 1; NaN where the area of any class is not defined."""
        return float(np.mean([area.value for area in self.classes]))

    @property
    def influences(self) -> Floats:
        """How much each group (G,) moved the mean: nothing, through a class without an estimated variance."""
        return np.sum([area.influences_or_zero for area in self.classes], axis=0) / len(self.classes)

    @property
    def unestimated_variance(self) -> float:
        """The variance of the classes for which none can be estimated, from their limits, as if they moved together."""
        errors = [area.error_from_limits for area in self.classes if not area.has_variance]
        return float(sum(errors) / len(self.classes)) ** 2


def mean_area(labels: Integers, probabilities: Floats, groups: Integers, z: float) -> MeanArea:
    """The mean area of a model.

    Args:
        labels: (N,) true classes as indices; of findings (N, C) of 0 and 1.
        probabilities: (N, C).
        groups: (N,) the group of each image as a number.
        z: quantile of the normal distribution for intervals.
    """
    drawn = against_the_rest(labels, probabilities)
    return MeanArea(tuple(area(positive, scores, groups, z) for _, positive, scores in drawn))


def area(positive: Truths, scores: Floats, groups: Integers, z: float) -> Area:
    """The area under one ROC curve.

    The variance is DeLong's (Biometrics 1988) where every group has one image. With several it is Obuchowski's
    (Biometrics 1997), but for the correction of the covariance of the two kinds for few groups: it is the geometric
    mean of those of the two variances, so that the whole is a sum of squares and never negative.

    Args:
        positive: (N,) whether an image is of the class.
        scores: (N,) its probability.
        groups: (N,) the group of each image as a number.
        z: quantile of the normal distribution for intervals.
    """
    kinds = (positive, ~positive)
    counts = np.array([len(np.unique(groups[kind])) for kind in kinds], dtype=np.int64)
    if not counts.all():
        return Area(math.nan, sums(np.full(len(scores), math.nan), groups), np.full(2, math.nan), counts, z)
    placements = (
        _placements(scores[positive], scores[~positive]),
        _placements(-scores[~positive], -scores[positive]),
    )
    value = float(placements[0].mean())
    moved = np.zeros((len(scores), 2))
    for column, (kind, count) in enumerate(zip(kinds, counts, strict=True)):
        few = math.sqrt(count / (count - 1)) if count > 1 else math.nan
        moved[kind, column] = (placements[column] - value) / len(placements[column]) * few
    by_kind = sums(moved, groups)
    return Area(value, by_kind.sum(axis=1), (by_kind**2).sum(axis=0), counts, z)


def _placements(scores: Floats, others: Floats) -> Floats:
    """The share of the others that each score is above, ties counting half."""
    ranked = np.sort(others)
    left, right = (np.searchsorted(ranked, scores, side=side) for side in ("left", "right"))
    return (left + right) / (2 * len(others))


def _lower_limit(value: float, positives: int, negatives: int, z: float) -> float:
    """Where the area is ``z`` of its own standard errors below ``value``."""

    def gap(limit: float) -> float:
        return value - limit - z * math.sqrt(_variance(limit, positives, negatives))

    # An area of 1 has no error, so that the gap is 0 there too.
    return brentq(gap, 0.0, math.nextafter(value, 0.0)) if value else 0.0


def _variance(value: float, positives: int, negatives: int) -> float:
    """Hanley and McNeil's variance of an area, with the mean of the two numbers of images for either."""
    others = (positives + negatives) / 2 - 1
    pairs = 1 + others * ((1 - value) / (2 - value) + value / (1 + value))
    return value * (1 - value) * pairs / (positives * negatives)
