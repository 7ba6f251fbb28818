"""How large a test has to be: how many independent images give intervals of a wanted width.

Shares such as accuracy by Wilson's interval; of one class against the rest the four criteria of Riley et al., "Minimum
sample size for external validation of a clinical prediction model with a binary outcome" (Statistics in Medicine
2021): O/E, calibration slope, c-statistic (AUROC) and net benefit. Every number is a size at which the interval is as
narrow as wanted on average; where nothing can be said it is NaN.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.special import logit

from medcnn.core.arrays import Floats
from medcnn.measures.statistics.intervals import quantile

HALF_WIDTH = 0.05
"""Of the interval of accuracy that is planned for: +- 5 points."""
OE_WIDTH = 0.2
SLOPE_WIDTH = 0.2
AUROC_WIDTH = 0.1
NET_BENEFIT_WIDTH = 0.2
"""Widths of the intervals of 0.95 that Riley et al. aim for; of standardised net benefit."""
FEWEST = 100
"""Images of the class, and others, below which figures of a test are not to be trusted, whatever a formula asks for
(Vergouwe et al., Journal of Clinical Epidemiology 2005; Collins et al., Statistics in Medicine 2016)."""
_CERTAIN = 1e-7
_MOST = 1 << 40


def for_share(value: float, half_width: float, confidence: float) -> float:
    """How many independent images give a share an interval of Wilson's that reaches so far to either side.

    It need not be whole: the half width of an interval that is there gives the effective number of images behind it.

    Args:
        value: the share, such as an accuracy.
        half_width: half the width of the interval, above 0 and below 0.5.
        confidence: of the interval.
    """
    # With x = z^2 / n the half width h is that of h^2 (1 + x)^2 = v (1 - v) x + x^2 / 4.
    square, linear, constant = half_width**2 - 0.25, 2 * half_width**2 - value * (1 - value), half_width**2
    x = (-linear - math.sqrt(linear**2 - 4 * square * constant)) / (2 * square)
    return quantile(confidence) ** 2 / x


def for_both_kinds(prevalence: float) -> float:
    """For ``FEWEST`` images of the class and as many others.

    Args:
        prevalence: the share of positive images.
    """
    return FEWEST / min(prevalence, 1 - prevalence) if 0 < prevalence < 1 else math.nan


def for_observed_expected(prevalence: float, width: float, confidence: float) -> float:
    """For the ratio of observed to expected cases, where it is 1 (equation 5).

    Args:
        prevalence: the share of positive images.
        width: of the interval, which is made on the logarithm.
        confidence: of the interval.
    """
    if not 0 < prevalence < 1:
        return math.nan
    error = math.asinh(width / 2) / quantile(confidence)
    return (1 - prevalence) / (prevalence * error**2)


def for_slope(probabilities: Floats, width: float, confidence: float) -> float:
    """For the calibration slope of a well calibrated model (equation 8), by the information in its log odds.

    Args:
        probabilities: (N,) that the model gives to images like those of the test that is planned.
        width: of the interval.
        confidence: of the interval.
    """
    odds = logit(np.clip(probabilities, _CERTAIN, 1 - _CERTAIN))
    weights = probabilities * (1 - probabilities)
    alone, crossed, slope = (float(np.mean(weights * odds**power)) if len(odds) else 0.0 for power in range(3))
    determinant = alone * slope - crossed**2
    return alone / (_error(width, confidence) ** 2 * determinant) if determinant > _CERTAIN**2 else math.nan


def for_auroc(auroc: float, prevalence: float, width: float, confidence: float) -> float:
    """For the AUROC, by the variance of Hanley and McNeil as Newcombe simplified it (equation 9).

    Args:
        auroc: that is expected.
        prevalence: the share of positive images.
        width: of the interval.
        confidence: of the interval.
    """
    if math.isnan(auroc) or not 0 < prevalence < 1 or auroc in (0, 1):
        return math.nan
    few, many = 2, _MOST
    while many - few > 1:
        images = (few + many) // 2
        pairs = (images / 2 - 1) * ((1 - auroc) / (2 - auroc) + auroc / (1 + auroc))
        variance = auroc * (1 - auroc) * (1 + pairs) / (images**2 * prevalence * (1 - prevalence))
        few, many = (images, many) if variance > _error(width, confidence) ** 2 else (few, images)
    return float(many)


def for_net_benefit(
    sensitivity: float, specificity: float, prevalence: float, threshold: float, width: float, confidence: float
) -> float:
    """For the standardised net benefit, which is net benefit per share of positive images (equation 12).

    Args:
        sensitivity: at the threshold.
        specificity: at the threshold.
        prevalence: the share of positive images.
        threshold: from which probability on an image is called.
        width: of the interval.
        confidence: of the interval.
    """
    if not 0 < prevalence < 1 or not 0 < threshold < 1:
        return math.nan
    weight = (1 - prevalence) / prevalence * threshold / (1 - threshold)
    scatter = (
        sensitivity * (1 - sensitivity) / prevalence
        + weight**2 * specificity * (1 - specificity) / (1 - prevalence)
        + weight**2 * (1 - specificity) ** 2 / (prevalence * (1 - prevalence))
    )
    return scatter / _error(width, confidence) ** 2


def _error(width: float, confidence: float) -> float:
    """The standard error behind an interval of a width."""
    return width / (2 * quantile(confidence))
