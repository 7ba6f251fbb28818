"""Intervals with a formula: Wilson's for shares of images, DeLong's for areas under ROC curves, and their sums."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.special import expit, logit, ndtri, stdtrit

from medcnn.core.arrays import Floats, Integers, Truths
from medcnn.measures.statistics import areas
from medcnn.measures.statistics.areas import Area
from medcnn.measures.statistics.grouping import Names, numbered, sums


class Interval(NamedTuple):
    """The bounds of a confidence interval, both NaN where there is none."""

    low: float
    high: float


NONE = Interval(math.nan, math.nan)
_NOTHING = 1e-9


@dataclass(frozen=True)
class Estimate:
    """A share of images, or an area under a ROC curve.

    Attributes:
        value: 0 to 1, NaN where it is not defined.
        interval: NaN where the value is.
        residuals: (G,) how much each group moved the value, in any unit.
    """

    value: float
    interval: Interval
    residuals: Floats


def proportion(right: Truths, groups: Names, confidence: float) -> Interval:
    """The interval of a share of images, such as accuracy.

    Wilson's score interval (JASA 1927). Where groups have several images, their number is replaced by the effective
    one: see ``share``.

    Args:
        right: (N,) whether an image counts.
        groups: the group of each image.
        confidence: such as 0.95.
    """
    return share(right, np.ones(len(right)), numbered(groups), confidence).interval


def share(right: Truths, weights: Floats, groups: Integers, confidence: float) -> Estimate:
    """The weighted share of images that are right, with the Wilson interval of the effective number of images.

    That is the number of independent images that would scatter as much as the groups do (Rao and Scott, Biometrics
    1992, by the linearised variance of a ratio), at most the true number, and smaller for few groups (Korn and
    Graubard, Survey Methodology 1998). Where all images are right, or none, nothing shows how alike the images of a
    group are: then they count as one image, which is conservative. So they do where there is one group alone.

    Args:
        right: (N,) whether an image counts.
        weights: (N,) of the images, 0 to leave one out.
        groups: (N,) the group of each image as a number.
        confidence: such as 0.95.
    """
    totals = sums(weights, groups)
    whole = float(totals.sum())
    if not whole:
        return Estimate(math.nan, NONE, totals)
    value = float(weights[right].sum() / whole)
    residuals = sums(weights * (right - value), groups)
    scatter = float(residuals @ residuals)
    counted, present = right[weights > 0], int(np.count_nonzero(totals))
    if present == 1 or counted.all() or not counted.any():
        effective = whole**2 / float(totals @ totals)
    else:
        alone = value * (1 - value) * whole**2 / max(scatter, _NOTHING)
        effective = min(alone * _few_groups(present, len(counted), confidence), float(len(counted)))
    return Estimate(value, wilson(value, effective, confidence), residuals)


def wilson(value: float, images: float, confidence: float) -> Interval:
    """Wilson's score interval of a share of independent images; their number may be a fraction."""
    z = quantile(confidence)
    middle = (value + z**2 / (2 * images)) / (1 + z**2 / images)
    half = z / (1 + z**2 / images) * math.sqrt(value * (1 - value) / images + (z / (2 * images)) ** 2)
    return Interval(max(middle - half, 0.0), min(middle + half, 1.0))


def combination(estimates: Sequence[Estimate], weights: Sequence[float]) -> Interval:
    """The interval of a weighted sum of estimates, from the interval of each.

    MOVER, the method of variance estimates recovery (Zou and Donner, Statistics in Medicine 2008), which for the
    difference of two shares of the same images is Newcombe's method 8 (Statistics in Medicine 1998). The correlation
    of two estimates is that of their groups' residuals.
    """
    values, factors = np.array([part.value for part in estimates]), np.array(weights)
    if np.isnan(values).any():
        return NONE
    low, high = (np.array(bounds) for bounds in zip(*(part.interval for part in estimates), strict=True))
    correlation = _correlation(np.stack([part.residuals for part in estimates], axis=1))
    total = float(values @ factors)
    below = factors * np.where(factors > 0, values - low, high - values)
    above = factors * np.where(factors > 0, high - values, values - low)
    # A rounding error may leave a square below zero.
    down, up = (math.sqrt(max(part @ correlation @ part, 0.0)) for part in (below, above))
    return Interval(total - down, total + up)


def difference(first: float, of_first: Interval, second: float, of_second: Interval) -> Interval:
    """The interval of the difference of a figure on independent images, the first less the second.

    MOVER (see ``combination``) without correlation, which for two shares is Newcombe's method 10 (Statistics in
    Medicine 1998). It holds as well as the two intervals do, where a bootstrap of skewed losses or of areas near 1
    would not.
    """
    value = first - second
    below = math.hypot(first - of_first.low, of_second.high - second)
    above = math.hypot(of_first.high - first, second - of_second.low)
    return Interval(value - below, value + above)


def ratio(first: float, of_first: Interval, second: float, of_second: Interval) -> Interval:
    """The interval of the ratio of two shares of independent images, the first over the second.

    MOVER for ratios (Donner and Zou, Statistical Methods in Medical Research 2012, equation 9), which keeps a lower
    bound where the second share is 0; then the upper one is infinite, which is NaN here.
    """
    if math.isnan(first) or math.isnan(second) or math.isnan(of_first.low) or math.isnan(of_second.low):
        return NONE
    product = first * second

    def bound(one: float, other: float, side: int) -> float:
        below = other * (2 * second - other)
        if not below:
            return math.nan
        inner = product**2 - one * (2 * first - one) * below
        return (product + side * math.sqrt(max(inner, 0.0))) / below

    return Interval(bound(of_first.low, of_second.high, -1), bound(of_first.high, of_second.low, 1))


def auroc(labels: Integers, probabilities: Floats, groups: Names, confidence: float) -> Interval:
    """The interval of ``metrics.auroc``; NaN where that is.

    For each class DeLong's (Biometrics 1988), with the groups' sums of Obuchowski (Biometrics 1997), on the scale of
    log odds, with Student's quantile. Where every image of a class is above all others nothing scatters, and the
    interval is Newcombe's: see ``areas.Area.limits``. The mean of several classes has the interval of ``combination``.

    Args:
        labels: (N,) true classes as indices.
        probabilities: (N, C).
        groups: the group of each image.
        confidence: such as 0.95.
    """
    return of_mean(areas.mean_area(labels, probabilities, numbered(groups), quantile(confidence)), confidence)


def of_mean(mean: areas.MeanArea, confidence: float) -> Interval:
    """The interval of a mean of areas on the same groups, see ``auroc``."""
    estimates = [Estimate(area.value, _of_area(area, confidence), area.influences_or_zero) for area in mean.classes]
    return combination(estimates, [1 / len(estimates)] * len(estimates))


def quantile(confidence: float) -> float:
    """The quantile of the normal distribution for a two-sided interval, 1.96 for 0.95."""
    return float(ndtri((1 + confidence) / 2))


def student(confidence: float, degrees: float) -> float:
    """The quantile of Student's distribution for a two-sided interval."""
    return float(stdtrit(degrees, (1 + confidence) / 2))


def _of_area(area: Area, confidence: float) -> Interval:
    if math.isnan(area.value):
        return NONE
    if not area.has_variance:
        return Interval(*area.limits)
    odds = logit(area.value)
    reach = student(confidence, area.degrees) * area.error / (area.value * (1 - area.value))
    return Interval(float(expit(odds - reach)), float(expit(odds + reach)))


def _few_groups(groups: int, images: int, confidence: float) -> float:
    """The factor by which the effective number of images shrinks where groups are few; 1 if each has one image."""
    bias = (1 - 1 / groups) / (1 - 1 / images)
    return bias * (student(confidence, images - 1) / student(confidence, groups - 1)) ** 2


def _correlation(residuals: Floats) -> Floats:
    """The correlations (K, K) of the columns of residuals (G, K); one without scatter has none with the others."""
    products = residuals.T @ residuals
    scatter = np.sqrt(np.diag(products))
    scale = np.outer(scatter, scatter)
    correlation = np.divide(products, scale, out=np.zeros_like(products), where=scale > 0)
    np.fill_diagonal(correlation, 1)
    return correlation
