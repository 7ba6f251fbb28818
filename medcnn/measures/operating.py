"""Operating points: the threshold at which a class is called, chosen on validation, and the errors that it costs.

One class stands against the rest; with two classes only the positive one is looked at, of findings each. An image is
called positive where its calibrated probability is at least the threshold. The thresholds to choose from are the
images' own probabilities, rounded down to the digits that are written, and one above them all, at which nothing is
called: whoever counts again with a written threshold finds the same images.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from medcnn.core import files
from medcnn.core.arrays import Floats, Integers, Truths
from medcnn.dataset.predictions import Predictions
from medcnn.measures import metrics
from medcnn.measures.findings import against_the_rest
from medcnn.measures.statistics import intervals
from medcnn.measures.statistics.grouping import Names, numbered
from medcnn.params.judging.evaluate import Judging, OperatingPoint

REACHED = ("sensitivity", "specificity")
"""Rates that are given for validation too; they look better than they are, as the threshold was chosen on it."""
_STEPS = 10**files.DIGITS


def thresholds(scores: Floats) -> Floats:
    """The thresholds, rising, at which the images called positive differ, from all of them to none.

    Args:
        scores: (N,) probabilities; without images there are no thresholds.
    """
    # The floor of a product is not always that of the number: floating point rounds it to either side.
    nearest = np.round(scores * _STEPS)
    steps = np.unique(np.where(nearest / _STEPS > scores, nearest - 1, nearest))
    return np.append(steps, steps[-1:] + 1) / _STEPS


def called(scores: Floats, levels: Floats) -> Integers:
    """How many of the scores (N,) are at least each threshold (T,)."""
    return len(scores) - np.searchsorted(np.sort(scores), levels, side="left")


def threshold(positive: Truths, scores: Floats, wanted: OperatingPoint) -> float:
    """The threshold of an operating point; NaN where the images lack the kind that it is about.

    Of a wanted sensitivity it is the highest that still reaches it, of a wanted specificity the lowest. Of Youden's
    index (sensitivity + specificity - 1) it is that of the greatest, of several the lowest, which misses fewer.

    Args:
        positive: (N,) whether an image is of the class.
        scores: (N,) its calibrated probability.
        wanted: which operating point.
    """
    positives, negatives = int(positive.sum()), int((~positive).sum())
    needed = {"sensitivity": positives, "specificity": negatives, "youden": positives * negatives}
    if not needed[wanted.kind]:
        return math.nan
    levels = thresholds(scores)
    hits, false_alarms = called(scores[positive], levels), called(scores[~positive], levels)
    if wanted.kind == "sensitivity":
        return float(levels[hits / positives >= wanted.value][-1])
    if wanted.kind == "specificity":
        return float(levels[(negatives - false_alarms) / negatives >= wanted.value][0])
    # In whole numbers, so that equal indices are equal.
    return float(levels[np.argmax(hits * negatives - false_alarms * positives)])


def block(validation: Predictions, test: Predictions, groups: Names, settings: Judging) -> dict[str, Any]:
    """What ``metrics/evaluate/S.json`` says of a model's operating points, by class.

    Beside the threshold are validation's sensitivity and specificity, and, with intervals, those of test and the
    shares of test's positive and negative calls that are right (PPV and NPV), which depend on how common the class is
    there. All are NaN where validation gives no threshold.

    Args:
        validation: calibrated predictions that decide the thresholds.
        test: calibrated predictions, by which they are judged.
        groups: the group of each test image.
        settings: the wanted operating point, and the confidence of the intervals.
    """
    points: dict[str, Any] = {}
    parts = (against_the_rest(part.labels, part.probabilities) for part in (validation, test))
    for (index, seen, scores), (_, unseen, unseen_scores) in zip(*parts, strict=True):
        level = threshold(seen, scores, settings.operating_point)
        point = {
            "threshold": level,
            "validation": _reached(seen, scores >= level),
            **tested(unseen, unseen_scores >= level, numbered(groups), settings.confidence),
        }
        points[test.classes[index]] = _undefined(point) if math.isnan(level) else point
    return points


def errors(table: Predictions) -> list[tuple[str, str, int, int]]:
    """False negatives and false positives of each class at every threshold.

    Args:
        table: calibrated predictions.

    Returns:
        Class, threshold as it is written, false negatives, false positives; thresholds rise, and at the last one
        nothing is called. At a threshold between two rows the errors are those of the higher one.
    """
    rows: list[tuple[str, str, int, int]] = []
    for index, positive, scores in against_the_rest(table.labels, table.probabilities):
        levels = thresholds(scores)
        missed = int(positive.sum()) - called(scores[positive], levels)
        false_alarms = called(scores[~positive], levels)
        for level, misses, alarms in zip(levels, missed, false_alarms, strict=True):
            rows.append((table.classes[index], f"{level:.{files.DIGITS}f}", int(misses), int(alarms)))
    return rows


def tested(positive: Truths, calls: Truths, groups: Integers, confidence: float) -> dict[str, float]:
    """The errors of calls, and sensitivity, specificity, PPV and NPV with intervals.

    Args:
        positive: (N,) whether an image is of the class.
        calls: (N,) whether it is called so.
        groups: (N,) the group of each image as a number.
        confidence: of the intervals.
    """
    figures: dict[str, float] = {
        "true_positives": int((positive & calls).sum()),
        "false_negatives": int((positive & ~calls).sum()),
        "false_positives": int((~positive & calls).sum()),
        "true_negatives": int((~positive & ~calls).sum()),
    }
    for name, (right, among) in _shares(positive, calls).items():
        figures[name] = metrics.mean(right[among])
        bounds = intervals.proportion(right[among], groups[among], confidence)
        figures[f"{name}_low"], figures[f"{name}_high"] = bounds
    return figures


def _reached(positive: Truths, calls: Truths) -> dict[str, float]:
    shares = _shares(positive, calls)
    return {name: metrics.mean(right[among]) for name, (right, among) in shares.items() if name in REACHED}


def _shares(positive: Truths, calls: Truths) -> dict[str, tuple[Truths, Truths]]:
    """By rate: which images count, and among which."""
    return {
        "sensitivity": (calls, positive),
        "specificity": (~calls, ~positive),
        "ppv": (positive, calls),
        "npv": (~positive, ~calls),
    }


def _undefined(point: dict[str, Any]) -> dict[str, Any]:
    """The same keys, every figure NaN."""
    return {key: _undefined(value) if isinstance(value, dict) else math.nan for key, value in point.items()}
