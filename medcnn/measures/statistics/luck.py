"""How much of a difference between two models is the luck of their seeds.

Which patients are tested and from which seed a network begins are independent, so the variance of a measured
difference is the sum of both (Bouthillier et al., Accounting for variance in machine learning benchmarks, MLSys 2021).
Intervals and tests over patients hold the models for fixed; here the variance over seeds is added to theirs. Of few
seeds it is a rough estimate.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from scipy.special import ndtr, ndtri

from medcnn.measures.statistics.intervals import Interval

Repeats = Mapping[str, Mapping[str, float]]
"""The figures of one model, by seed and by figure; none where it was trained once."""


def deviation(first: Repeats, second: Repeats, figure: str) -> float:
    """The standard deviation over seeds of how much higher a figure of the first model is than the second's.

    Seeds that both were trained with are paired, as an ensemble shares networks with what it joins. A model that was
    trained once adds nothing; NaN where both were, as nothing is known then.
    """
    ours, theirs = ({seed: of[figure] for seed, of in model.items()} for model in (first, second))
    paired = [ours[seed] - theirs[seed] for seed in ours if seed in theirs]
    found = [spread(paired)] if len(paired) > 1 else [spread([*ours.values()]), spread([*theirs.values()])]
    known = [value for value in found if not math.isnan(value)]
    return math.hypot(*known) if known else math.nan


def widened(value: float, interval: Interval, deviation: float, z: float, bound: float = math.inf) -> Interval:
    """The interval of a difference over patients and seeds: half-widths are added in quadrature.

    Args:
        value: the difference.
        interval: over patients alone.
        deviation: over seeds; NaN leaves the interval as it is.
        z: the quantile of the normal distribution for the confidence of the interval.
        bound: the largest difference that there can be.
    """
    if math.isnan(deviation):
        return interval
    low, high = (math.hypot(value - end, z * deviation) for end in (interval.low, interval.high))
    return Interval(max(value - low, -bound), min(value + high, bound))


def p_value(value: float, p_value: float, deviation: float) -> float:
    """The two-sided p-value of a difference over patients and seeds.

    The standard error that a normal test over patients of this p-value would have is joined with the deviation.

    Args:
        value: the difference.
        p_value: over patients alone.
        deviation: over seeds; NaN leaves the p-value as it is.
    """
    if math.isnan(deviation) or math.isnan(p_value) or value == 0 or p_value == 1:
        return p_value
    error = abs(value) / -float(ndtri(p_value / 2))
    return 2 * float(ndtr(-abs(value) / math.hypot(error, deviation)))


def spread(values: Sequence[float]) -> float:
    """The standard deviation over the trainings of a model; NaN where there is one."""
    return float(np.std(values, ddof=1)) if len(values) > 1 else math.nan
