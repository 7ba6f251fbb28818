"""Pairs of models on the same images: how much better one is, and whether chance would do as much."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from types import MappingProxyType
from typing import Any

import numpy as np
from scipy.special import ndtr

from medcnn.core.arrays import Floats, Integers, Truths
from medcnn.dataset.predictions import Predictions
from medcnn.measures import metrics
from medcnn.measures.statistics import areas, bootstrap, intervals, luck
from medcnn.measures.statistics.areas import MeanArea
from medcnn.measures.statistics.bootstrap import Resamples
from medcnn.measures.statistics.grouping import Names, numbered, sizes, sums
from medcnn.measures.statistics.intervals import NONE, Interval
from medcnn.measures.statistics.luck import Repeats
from medcnn.params.judging.evaluate import Judging

DRAWS_A_PAIR = 80
"""At least so many draws: the smallest p-value of the bootstrap, 2 / (B + 1), then stays below 0.05 after Holm."""


@dataclass(frozen=True)
class Difference:
    """How much higher a figure of the first model is than the second's; NaN where it is not defined.

    ``seeds`` is its standard deviation over seeds, which interval and p-value count, NaN where both were trained once;
    ``p_files`` is the p-value without it.
    """

    value: float
    interval: Interval
    p_value: float
    seeds: float = math.nan
    p_files: float = math.nan


def compared(
    tables: Mapping[str, Predictions],
    groups: Names,
    settings: Judging,
    seed: int,
    repeats: Mapping[str, Repeats] = MappingProxyType({}),
    best: str = "",
) -> list[dict[str, Any]]:
    """Every pair of models: differences in accuracy, area under the ROC curve and cross-entropy, and their tests.

    Accuracy is tested by the exact McNemar test, by ``sign_flip`` where groups have several images, with the interval
    of ``intervals.combination``; the area by DeLong's paired test; cross-entropy by the paired bootstrap of whole
    groups. What the seeds of a model's trainings move is added to all of it, see ``luck``, except to ``p_files``, which
    is of the very models. ``p_holm`` and ``p_files`` are corrected for all pairs of one figure; ``p_best`` and
    ``p_files_best``, of the pairs of the best model, for these alone: whoever asks which models are as good as that one
    asks no more questions than there are others.

    Args:
        tables: predictions of the same images in the same order, by model.
        groups: the group of each image.
        settings: the confidence, and the least number of resamples.
        seed: root of the bootstrap's draws.
        repeats: figures on the same images by seed, of models that were trained with several.
        best: the model whose pairs are a family of their own, if there is one.
    """
    pairs = list(combinations(tables, 2))
    if not pairs:
        return []
    numbers = numbered(groups)
    found = {
        "accuracy": _accuracies(tables, pairs, numbers, settings.confidence),
        "auroc": _areas(tables, pairs, numbers, settings.confidence),
        "cross_entropy": _losses(tables, pairs, numbers, settings, seed),
    }
    of_best = [best in pair for pair in pairs]
    blocks = {
        figure: _blocks(
            [_over_seeds(*pair, repeats, figure, settings) for pair in zip(of_pairs, pairs, strict=True)], of_best
        )
        for figure, of_pairs in found.items()
    }
    return [
        {"first": first, "second": second, **{figure: of_pairs[place] for figure, of_pairs in blocks.items()}}
        for place, (first, second) in enumerate(pairs)
    ]


def sign_flip(first: Truths, second: Truths, groups: Integers) -> float:
    """The p-value, two-sided and exact, of the hypothesis that two models may be exchanged in every group.

    The sum over a group of how much more often the first model is right than the second would then have either sign
    with equal chance. All combinations of signs are counted, by convolution. With one image a group this is the
    exact McNemar test.

    Args:
        first: (N,) whether the first model is right.
        second: (N,) the same of the second.
        groups: (N,) the group of each image as a number.
    """
    leads = sums(first.astype(np.float64) - second, groups).astype(np.int64)
    steps = np.abs(leads[leads != 0])
    chances = np.zeros(steps.sum() + 1)
    chances[0] = 1
    for step in steps:
        chances[step:] = (chances[step:] + chances[:-step]) / 2
        chances[:step] /= 2
    # Of outcomes: the sum of the steps that went up, less that of the others.
    outcomes = 2 * np.arange(len(chances)) - steps.sum()
    return min(1.0, float(chances[np.abs(outcomes) >= abs(leads.sum())].sum()))


def holm(p_values: Sequence[float]) -> list[float]:
    """P-values corrected for their number (Holm, Scandinavian Journal of Statistics 1979); NaN stays out of it."""
    adjusted = np.array(p_values, np.float64)
    known = np.flatnonzero(~np.isnan(adjusted))
    order = known[np.argsort(adjusted[known], kind="stable")]
    factors = np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(adjusted[order] * factors), 1)
    return adjusted.tolist()


def _accuracies(
    tables: Mapping[str, Predictions], pairs: Sequence[tuple[str, str]], groups: Integers, confidence: float
) -> list[Difference]:
    right = {name: metrics.right(table.labels, table.probabilities) for name, table in tables.items()}
    shares = {name: intervals.share(part, np.ones(len(part)), groups, confidence) for name, part in right.items()}
    if not len(groups):
        return [Difference(math.nan, NONE, math.nan)] * len(pairs)
    return [
        Difference(
            shares[first].value - shares[second].value,
            intervals.combination([shares[first], shares[second]], [1, -1]),
            sign_flip(right[first], right[second], groups),
        )
        for first, second in pairs
    ]


def _areas(
    tables: Mapping[str, Predictions], pairs: Sequence[tuple[str, str]], groups: Integers, confidence: float
) -> list[Difference]:
    z = intervals.quantile(confidence)
    found = {name: areas.mean_area(table.labels, table.probabilities, groups, z) for name, table in tables.items()}
    return [_area_difference(found[first], found[second], z) for first, second in pairs]


def _area_difference(first: MeanArea, second: MeanArea, z: float) -> Difference:
    """DeLong's paired test (Biometrics 1988); an area of 1, which does not scatter, adds what its limits stand for."""
    value = first.value - second.value
    if math.isnan(value):
        return Difference(value, NONE, math.nan)
    moved = first.influences - second.influences
    error = math.sqrt(moved @ moved + first.unestimated_variance + second.unestimated_variance)
    interval = Interval(max(value - z * error, -1.0), min(value + z * error, 1.0))
    return Difference(value, interval, 2 * float(ndtr(-abs(value) / error)) if value else 1.0)


def _losses(
    tables: Mapping[str, Predictions], pairs: Sequence[tuple[str, str]], groups: Integers, settings: Judging, seed: int
) -> list[Difference]:
    images = sizes(groups)
    losses = {
        name: sums(metrics.log_losses(table.labels, table.probabilities), groups) for name, table in tables.items()
    }
    leads = np.stack([losses[first] - losses[second] for first, second in pairs], axis=1)
    resamples = Resamples(len(images), max(settings.resamples, DRAWS_A_PAIR * len(pairs)), seed)
    means = bootstrap.means(leads, images, resamples)
    return [_loss_difference(leads[:, place], means, place, settings.confidence) for place in range(len(pairs))]


def _loss_difference(leads: Floats, means: bootstrap.Means, place: int, confidence: float) -> Difference:
    """Two models that lose the same on every group do not differ, however few the groups are."""
    if len(leads) and not leads.any():
        return Difference(0.0, Interval(0.0, 0.0), 1.0)
    interval = means.basic(place, confidence, (-metrics.COSTLIEST, metrics.COSTLIEST))
    return Difference(float(means.values[place]), interval, means.p_value(place))


def _over_seeds(
    difference: Difference, pair: tuple[str, str], repeats: Mapping[str, Repeats], figure: str, settings: Judging
) -> Difference:
    first, second = (repeats.get(model, {}) for model in pair)
    deviation = luck.deviation(first, second, figure)
    bound, z = metrics.COSTLIEST if figure == "cross_entropy" else 1.0, intervals.quantile(settings.confidence)
    return Difference(
        difference.value,
        luck.widened(difference.value, difference.interval, deviation, z, bound),
        luck.p_value(difference.value, difference.p_value, deviation),
        deviation,
        difference.p_value,
    )


def _blocks(found: Sequence[Difference], of_best: Sequence[bool]) -> list[dict[str, float]]:
    """The differences of all pairs in one figure, as they are written."""
    tested = _corrected([difference.p_value for difference in found], of_best, ("p_holm", "p_best"))
    of_files = _corrected([difference.p_files for difference in found], of_best, ("p_files", "p_files_best"))
    return [
        {
            "difference": difference.value,
            "low": difference.interval.low,
            "high": difference.interval.high,
            "p": difference.p_value,
            **p_values,
            **({} if math.isnan(difference.seeds) else {"seeds": difference.seeds, **alone}),
        }
        for difference, p_values, alone in zip(found, tested, of_files, strict=True)
    ]


def _corrected(p_values: Sequence[float], of_best: Sequence[bool], names: tuple[str, str]) -> list[dict[str, float]]:
    """By name: corrected for all pairs and, of the best model's pairs, for these alone."""
    every = holm(p_values)
    family = holm([p if within else math.nan for p, within in zip(p_values, of_best, strict=True)])
    return [
        dict(zip(names, both if within else both[:1], strict=False))
        for *both, within in zip(every, family, of_best, strict=True)
    ]
