"""What a model's calls are worth to whoever acts on them: ratios of likelihoods, images to be read, net benefit.

All of it follows from the calibrated probabilities of test and the thresholds that validation gave; nothing is fitted.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from medcnn.core.arrays import Floats, Integers, Truths
from medcnn.dataset.predictions import Predictions
from medcnn.measures import agreement, metrics, sample_size
from medcnn.measures.curves import area, roc
from medcnn.measures.decision import of_calling_all
from medcnn.measures.findings import against_the_rest
from medcnn.measures.statistics import bootstrap, intervals
from medcnn.measures.statistics.bootstrap import Means, Resamples
from medcnn.measures.statistics.grouping import Names, numbered, sizes, sums
from medcnn.measures.statistics.intervals import Interval
from medcnn.params.judging.evaluate import Judging
from medcnn.params.judging.figures import BOUNDS

THRESHOLDS = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
"""At which net benefit is given."""


def block(
    raw: Predictions, calibrated: Predictions, points: Mapping[str, Any], groups: Names, settings: Judging, seed: int
) -> dict[str, Any]:
    """What ``metrics/evaluate/S.json`` says of a model's consequences on test.

    Args:
        raw: predictions for test, whose answers are judged.
        calibrated: the same, calibrated.
        points: its operating points by class, see ``operating.block``.
        groups: the group of each image.
        settings: the confidence of the intervals and the number of resamples.
        seed: root of the bootstrap's draws.
    """
    numbers, confidence = numbered(groups), settings.confidence
    resamples = Resamples(int(numbers.max(initial=-1)) + 1, settings.resamples, seed)
    ones = {
        raw.classes[index]: (positive, scores)
        for index, positive, scores in against_the_rest(calibrated.labels, calibrated.probabilities)
    }
    return {
        **agreement.block(raw.labels, raw.probabilities, numbers, resamples, confidence),
        "accuracy_needs": _groups_for_accuracy(raw, numbers, confidence),
        "classes": {
            name: {
                **likelihoods(points[name]),
                **reads(points[name]),
                "net_benefit": benefits(*one, numbers, resamples, confidence),
                "needs": needs(*one, points[name], confidence),
            }
            for name, one in ones.items()
        },
    }


def likelihoods(point: Mapping[str, float]) -> dict[str, float]:
    """By how much a call, and its absence, multiply the odds of the class, with intervals.

    LR+ is sensitivity / (1 - specificity), LR- is (1 - sensitivity) / specificity. A ratio over 0 has no value, but a
    lower bound.

    Args:
        point: an operating point on test, with the intervals of both rates.
    """
    found, missed = _rate(point, "sensitivity"), _without(*_rate(point, "sensitivity"))
    kept, alarmed = _rate(point, "specificity"), _without(*_rate(point, "specificity"))
    figures: dict[str, float] = {}
    for key, above, below in (("lr_positive", found, alarmed), ("lr_negative", missed, kept)):
        low, high = intervals.ratio(*above, *below)
        figures |= {key: above[0] / below[0] if below[0] else math.nan, f"{key}_low": low, f"{key}_high": high}
    return figures


def reads(point: Mapping[str, float]) -> dict[str, float]:
    """How many called images are read for one that is of the class: 1 / PPV, with its interval.

    Args:
        point: an operating point on test, with the interval of PPV.
    """
    value, (low, high) = _rate(point, "ppv")
    inverse = (1 / share if share else math.nan for share in (value, high, low))
    return dict(zip(("number_to_read", "number_to_read_low", "number_to_read_high"), inverse, strict=True))


def benefits(
    positive: Truths, scores: Floats, groups: Integers, resamples: Resamples, confidence: float
) -> list[dict[str, float]]:
    """Net benefit at each of ``THRESHOLDS``, and how much more it is than that of the better of all and none.

    Intervals are of the basic bootstrap of groups; NaN where the groups do not differ.

    Args:
        positive: (N,) whether an image is of the class.
        scores: (N,) its calibrated probability.
        groups: (N,) the group of each image as a number.
        resamples: of the groups.
        confidence: of the intervals.
    """
    levels = np.array(THRESHOLDS)
    calls, odds = scores[:, None] >= levels, levels / (1 - levels)
    # What each image adds to net benefit: 1 for a case, less the odds for a false alarm.
    weighed = np.where(positive[:, None], 1.0, -odds)
    defaults = np.maximum(of_calling_all(int(positive.sum()), len(positive), levels), 0)
    better_all = defaults > 0
    added = np.hstack([calls * weighed, (calls.astype(np.float64) - better_all) * weighed])
    means = bootstrap.means(sums(added, groups), sizes(groups), resamples)
    return [
        _benefit(means, at, level, float(default), confidence)
        for at, (level, default) in enumerate(zip(THRESHOLDS, defaults, strict=True))
    ]


def needs(positive: Truths, scores: Floats, point: Mapping[str, float], confidence: float) -> dict[str, float]:
    """How many independent images a test needs for this class by the criteria of ``sample_size``, rounded up.

    Args:
        positive: (N,) whether an image is of the class.
        scores: (N,) its calibrated probability.
        point: the operating point of the class.
        confidence: of the intervals.
    """
    share = metrics.mean(positive)
    auroc = area(roc(positive, scores))
    rates = (point["sensitivity"], point["specificity"])
    found = {
        "both_kinds": sample_size.for_both_kinds(share),
        "observed_expected": sample_size.for_observed_expected(share, sample_size.OE_WIDTH, confidence),
        "slope": sample_size.for_slope(scores, sample_size.SLOPE_WIDTH, confidence),
        "auroc": sample_size.for_auroc(auroc, share, sample_size.AUROC_WIDTH, confidence),
        "net_benefit": sample_size.for_net_benefit(
            *rates, share, point["threshold"], sample_size.NET_BENEFIT_WIDTH, confidence
        ),
    }
    return {name: _up(images) for name, images in found.items()}


def _groups_for_accuracy(table: Predictions, groups: Integers, confidence: float) -> float:
    """How many groups like those of test know accuracy to +- ``sample_size.HALF_WIDTH``."""
    right = metrics.right(table.labels, table.probabilities)
    low, high = intervals.proportion(right, groups, confidence)
    if math.isnan(low):
        return math.nan
    value = metrics.mean(right)
    now, wanted = (
        sample_size.for_share(value, half, confidence) for half in ((high - low) / 2, sample_size.HALF_WIDTH)
    )
    return _up((int(groups.max()) + 1) * wanted / now)


def _benefit(means: Means, at: int, level: float, default: float, confidence: float) -> dict[str, float]:
    gained = at + len(THRESHOLDS)
    span = (-math.inf, 1.0)
    found = {"value": means.basic(at, confidence, span), "gain": means.basic(gained, confidence, span)}
    values = {"value": float(means.values[at]), "gain": float(means.values[gained])}
    bounds = {f"{key}_{end}": bound for key, ends in found.items() for end, bound in zip(BOUNDS, ends, strict=True)}
    return {"threshold": level, "default": default, **values, **bounds}


def _rate(point: Mapping[str, float], key: str) -> tuple[float, Interval]:
    return point[key], Interval(point[f"{key}_low"], point[f"{key}_high"])


def _without(value: float, interval: Interval) -> tuple[float, Interval]:
    return 1 - value, Interval(1 - interval.high, 1 - interval.low)


def _up(images: float) -> float:
    return images if math.isnan(images) else math.ceil(images)
