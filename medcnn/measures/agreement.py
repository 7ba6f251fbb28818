"""Matthews' correlation and Cohen's kappa: how well answers agree with the truth, beyond what chance gives."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from medcnn.core.arrays import Floats, Integers
from medcnn.measures.findings import of_one
from medcnn.measures.statistics.bootstrap import Resamples
from medcnn.measures.statistics.grouping import sums
from medcnn.measures.statistics.precision import interval


def mcc(right: Floats, actual: Floats, called: Floats) -> Floats:
    """Matthews' correlation coefficient, -1 to 1, of any number of classes (Gorodkin, Comput. Biol. Chem. 2004).

    NaN where all images are of one class, or all answers are.

    Args:
        right: (...) how many answers are right.
        actual: (..., C) how many images each class has.
        called: (..., C) how often each class is answered.
    """
    images = actual.sum(axis=-1)
    scatter = (images**2 - (actual**2).sum(axis=-1)) * (images**2 - (called**2).sum(axis=-1))
    return _ratio(right * images - (actual * called).sum(axis=-1), np.sqrt(scatter))


def kappa(right: Floats, actual: Floats, called: Floats) -> Floats:
    """Cohen's kappa, at most 1 (Educational and Psychological Measurement 1960); arguments as those of ``mcc``.

    NaN where all images and all answers are of one class.
    """
    images, by_chance = actual.sum(axis=-1), (actual * called).sum(axis=-1)
    return _ratio(right * images - by_chance, images**2 - by_chance)


def block(
    labels: Integers, probabilities: Floats, groups: Integers, resamples: Resamples, confidence: float
) -> dict[str, float]:
    """Both of a model's answers, of findings the mean over them, with percentile intervals of drawn groups.

    Args:
        labels: (N,) true classes as indices; of K findings (N, K).
        probabilities: (N, C).
        groups: (N,) the group of each image as a number.
        resamples: of the groups.
        confidence: of the intervals.
    """
    several = labels.ndim == 2
    tables = (
        [of_one(labels, probabilities, k) for k in range(labels.shape[1])] if several else [(labels, probabilities)]
    )
    counted = [_counted(*table, groups) for table in tables]
    drawn = [resamples.sums(counts) if len(counts) else counts for counts in counted]
    figures: dict[str, float] = {}
    for figure in (mcc, kappa):
        figures[figure.__name__] = float(_mean(figure, [counts.sum(axis=0, keepdims=True) for counts in counted])[0])
        low, high = interval(_mean(figure, drawn), confidence)
        figures |= {f"{figure.__name__}_low": low, f"{figure.__name__}_high": high}
    return figures


def _counted(labels: Integers, probabilities: Floats, groups: Integers) -> Floats:
    """Of each group (G, 1 + 2 C): right answers, images of each class, answers of each class."""
    every, answers = np.eye(probabilities.shape[1]), probabilities.argmax(axis=1)
    return sums(np.column_stack([answers == labels, every[labels], every[answers]]), groups)


def _mean(figure: Callable[[Floats, Floats, Floats], Floats], tables: list[Floats]) -> Floats:
    parts = [(table[:, 0], *np.split(table[:, 1:], 2, axis=1)) for table in tables]
    means: Floats = np.mean([figure(*part) for part in parts], axis=0)
    return means


def _ratio(part: Floats, whole: Floats) -> Floats:
    return np.divide(part, whole, out=np.full(np.shape(part), np.nan), where=whole > 0)
