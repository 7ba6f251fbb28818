"""When a speed-up is known well enough to end the rounds."""

from __future__ import annotations

import math

import numpy as np
from scipy import stats

from medcnn.benchmark.timing import Rounds, medians

FEWEST = 3
"""Rounds before it is asked whether they are enough: the spread of two says little."""


def precise(baseline: Rounds, rounds: Rounds, precision: float, confidence: float) -> bool:
    """Whether a speed-up is known well enough to end the rounds.

    The ratios of the rounds' medians are taken for log-normal; their t-interval must reach no further from the
    geometric mean, up or down, than ``precision``, such as 0.05 for 5 %.

    Args:
        baseline: calls of the baseline in the rounds so far.
        rounds: calls of an engine in the same rounds.
        precision: half the width of the interval, as a share.
        confidence: level of the interval, such as 0.95.
    """
    count = len(rounds)
    if count < FEWEST:
        return False
    logarithms = np.log(medians(baseline) / medians(rounds))
    reach = stats.t.ppf((1 + confidence) / 2, count - 1) * logarithms.std(ddof=1) / math.sqrt(count)
    return bool(math.expm1(reach) <= precision)
