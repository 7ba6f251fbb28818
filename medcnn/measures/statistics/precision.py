"""The interval of average precision, whose scatter has no formula that holds for groups: draws of whole groups."""

from __future__ import annotations

import numpy as np

from medcnn.core.arrays import Floats, Integers, Truths
from medcnn.measures.statistics.bootstrap import Resamples
from medcnn.measures.statistics.intervals import NONE, Interval


def average_precisions(labels: Integers, probabilities: Floats, groups: Integers, resamples: Resamples) -> Floats:
    """The average precision (B, K) of each finding in each draw; NaN in draws without an image that has it.

    Args:
        labels: (N, K), 1 where an image has a finding.
        probabilities: (N, K).
        groups: (N,) the group of each image as a number.
        resamples: of the groups.
    """
    findings = [_Ranked(labels[:, k] == 1, probabilities[:, k], groups) for k in range(labels.shape[1])]
    if not len(labels):
        return np.empty((0, len(findings)))
    blocks = [np.stack([of.average_precision(block) for of in findings], axis=1) for block in resamples.blocks()]
    return np.concatenate(blocks)


def interval(draws: Floats, confidence: float) -> Interval:
    """The percentile interval (Efron and Tibshirani 1993, section 13.3) of a figure from its draws (B,)."""
    known = draws[~np.isnan(draws)]
    if not len(known) or np.ptp(known) == 0:
        return NONE
    return Interval(*np.quantile(known, [(1 - confidence) / 2, (1 + confidence) / 2]).tolist())


class _Ranked:
    """The images of one finding, the likeliest first."""

    def __init__(self, positive: Truths, scores: Floats, groups: Integers) -> None:
        order = np.argsort(-scores, kind="stable")
        self._groups, self._positive = groups[order], positive[order]
        self._last_of_ties = np.flatnonzero(np.append(np.diff(scores[order]) != 0, True))

    def average_precision(self, often: Integers) -> Floats:
        """As ``curves.average_precision``, (b,), of draws that have each group so often (b, G)."""
        weights = often[:, self._groups]
        called, hits = (np.cumsum(part, axis=1)[:, self._last_of_ties] for part in (weights, weights * self._positive))
        precision = hits / np.maximum(called, 1)
        found = (np.diff(hits, axis=1, prepend=0) * precision).sum(axis=1)
        return np.divide(found, hits[:, -1], out=np.full(len(found), np.nan), where=hits[:, -1] > 0)
