"""All figures of one model on some images, each with its interval."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from medcnn.core.arrays import Integers, Truths
from medcnn.dataset.predictions import Predictions
from medcnn.measures import findings, metrics
from medcnn.measures.findings import PRESENT, decided
from medcnn.measures.statistics import bootstrap, intervals, miscalibration
from medcnn.measures.statistics.bootstrap import Resamples
from medcnn.measures.statistics.grouping import Names, numbered, sizes, sums
from medcnn.measures.statistics.intervals import Estimate, Interval
from medcnn.measures.statistics.precision import average_precisions, interval
from medcnn.params.judging.evaluate import Judging


@dataclass(frozen=True)
class Sample:
    """The images that a model is judged on.

    Attributes:
        table: the model's predictions.
        groups: (N,) the group of each image as a number.
        settings: how figures are judged.
        resamples: of the groups.
    """

    table: Predictions
    groups: Integers
    settings: Judging
    resamples: Resamples

    @property
    def right(self) -> Truths:
        """Whether each image (N,) is predicted as what it is."""
        return metrics.right(self.table.labels, self.table.probabilities)

    def of_class(self, index: int) -> tuple[Truths, Truths]:
        """Which images (N,) are of a class or have a finding, and which are predicted so."""
        table = self.table
        return findings.having(table.labels, index), findings.called(table.labels, table.probabilities, index)

    def of_finding(self, index: int) -> Sample:
        """The same images, judged by one finding alone, as of two classes."""
        return replace(self, table=self.table.of_finding(index))

    def share(self, counted: Truths, among: Truths | None = None) -> Estimate:
        """The share of images that count, among some of them or all."""
        weights = np.ones(len(counted)) if among is None else among.astype(np.float64)
        return intervals.share(counted, weights, self.groups, self.settings.confidence)


def measured(table: Predictions, groups: Names, settings: Judging, seed: int, patients: bool) -> dict[str, Any]:
    """The figures of ``metrics.scores`` and the expected calibration error, with the interval of each.

    Beside the figure ``accuracy`` stand ``accuracy_low`` and ``accuracy_high``. Shares of images have Wilson's
    interval, the area under the ROC curve DeLong's, losses that of the studentised bootstrap; where images come in
    groups, all of them take the groups for independent, not the images.

    Args:
        table: predictions of the images to be judged by, such as those of test.
        groups: the group of each image.
        settings: the confidence, the number of resamples and of bins.
        seed: root of the bootstrap's draws.
        patients: whether groups are patients, so that figures in which every patient weighs the same are added.
    """
    numbers = numbered(groups)
    count = int(numbers.max(initial=-1)) + 1
    sample = Sample(table, numbers, settings, Resamples(count, settings.resamples, seed))
    figures = metrics.scores(table.labels, table.probabilities, table.classes)
    by_class = {
        name: block | _bounds(_of_class(sample, index))
        for index, (name, block) in enumerate(figures["classes"].items())
    }
    of_findings = _of_findings(sample) if table.multi_label else OfFindings({}, {})
    return {
        **figures,
        **_bounds(
            {
                "accuracy": sample.share(sample.right).interval,
                "auroc": _auroc(sample),
                "balanced_accuracy": _balanced_accuracy(sample),
            }
        ),
        **_losses(sample),
        **(_by_patient(sample) if patients else {}),
        **of_findings.mean,
        "groups": count,
        "classes": {name: block | of_findings.each.get(name, {}) for name, block in by_class.items()},
    }


def _bounds(found: Mapping[str, Interval]) -> dict[str, float]:
    lows = {f"{figure}_low": interval.low for figure, interval in found.items()}
    return lows | {f"{figure}_high": interval.high for figure, interval in found.items()}


def _auroc(sample: Sample) -> Interval:
    table = sample.table
    return intervals.auroc(table.labels, table.probabilities, sample.groups, sample.settings.confidence)


def _balanced_accuracy(sample: Sample) -> Interval:
    """The mean of the recalls of the classes that have images, as shares; of findings the mean over them."""
    of_findings = range(len(sample.table.classes)) if sample.table.multi_label else ()
    recalls = [_recalls(sample.of_finding(index)) for index in of_findings] or [_recalls(sample)]
    weights = [1 / (len(recalls) * len(of_one)) for of_one in recalls for _ in of_one]
    every = [share for of_one in recalls for share in of_one]
    return intervals.combination(every, weights) if every else intervals.NONE


def _recalls(sample: Sample) -> list[Estimate]:
    return [sample.share(sample.right, sample.table.labels == index) for index in np.unique(sample.table.labels)]


def _of_class(sample: Sample, index: int) -> dict[str, Interval]:
    """The intervals of ``metrics.of_class``.

    F1 is 2 J / (1 + J) of the share J of hits among images that are of the class or called so, and rises with it
    (Lam et al., arXiv:2309.14621).
    """
    actual, called = sample.of_class(index)
    hits = sample.share(actual & called, actual | called).interval
    return {
        "recall": sample.share(called, actual).interval,
        "specificity": sample.share(~called, ~actual).interval,
        "precision": sample.share(actual, called).interval,
        "f1": _f1(hits),
    }


def _losses(sample: Sample) -> dict[str, float]:
    """The intervals of cross-entropy, of the Brier score, and the expected calibration error with its own."""
    table, settings = sample.table, sample.settings
    arguments = (table.labels, table.probabilities)
    by_image = np.stack([metrics.log_losses(*arguments), metrics.squared_errors(*arguments)], axis=1)
    means = bootstrap.means(sums(by_image, sample.groups), sizes(sample.groups), sample.resamples)
    worst = 1 if len(table.classes) == 2 or table.multi_label else 2
    error = miscalibration.ece(*arguments, sample.groups, settings.bins, sample.resamples, settings.confidence)
    found = {
        "cross_entropy": means.studentised(0, settings.confidence, (0, metrics.COSTLIEST)),
        "brier": means.studentised(1, settings.confidence, (0, worst)),
        "ece": error,
    }
    return {"ece": metrics.ece(*arguments, settings.bins), **_bounds(found)}


class OfFindings(NamedTuple):
    """Figures of findings alone: bounds of their means, and what each has on its own, with bounds."""

    mean: dict[str, float]
    each: dict[str, dict[str, float]]


def _of_findings(sample: Sample) -> OfFindings:
    table, confidence = sample.table, sample.settings.confidence
    draws = average_precisions(table.labels, table.probabilities, sample.groups, sample.resamples)
    ends = [interval(column, confidence) for column in draws.T]
    means = {"average_precision": interval(draws.mean(axis=1), confidence), "micro_f1": _micro_f1(sample)}
    ones = [_of_finding(sample.of_finding(index), bounds) for index, bounds in enumerate(ends)]
    return OfFindings(_bounds(means), dict(zip(table.classes, ones, strict=True)))


def _of_finding(one: Sample, average_precision: Interval) -> dict[str, float]:
    arguments = (one.table.labels, one.table.probabilities)
    return {
        "auroc": metrics.auroc(*arguments),
        "average_precision": metrics.average_precision(*arguments),
        "cross_entropy": metrics.cross_entropy(*arguments),
        "brier": metrics.brier(*arguments),
        **_losses(one),
        **_bounds({"auroc": _auroc(one), "average_precision": average_precision}),
    }


def _micro_f1(sample: Sample) -> Interval:
    """The interval of F1 over all findings, from that of the share of hits, see ``_of_class``."""
    labels, probabilities = decided(sample.table.labels, sample.table.probabilities)
    actual, called = labels == PRESENT, probabilities.argmax(axis=1) == PRESENT
    groups = np.repeat(sample.groups, len(sample.table.classes))
    either = (actual | called).astype(np.float64)
    hits = intervals.share(actual & called, either, groups, sample.settings.confidence).interval
    return _f1(hits)


def _f1(hits: Interval) -> Interval:
    return Interval(*(2 * bound / (1 + bound) for bound in hits))


def _by_patient(sample: Sample) -> dict[str, float]:
    """Accuracy and cross-entropy as the mean over patients of the mean over their images, with intervals."""
    images = sizes(sample.groups)
    confidence = sample.settings.confidence
    accuracy = intervals.share(sample.right, 1 / images[sample.groups], sample.groups, confidence)
    losses = sums(metrics.log_losses(sample.table.labels, sample.table.probabilities), sample.groups) / images
    means = bootstrap.means(losses[:, None], np.ones(len(images)), sample.resamples)
    found = {
        "patient_accuracy": accuracy.interval,
        "patient_cross_entropy": means.studentised(0, confidence, (0, metrics.COSTLIEST)),
    }
    values: dict[str, float] = {"patient_accuracy": accuracy.value, "patient_cross_entropy": float(means.values[0])}
    return values | _bounds(found)
