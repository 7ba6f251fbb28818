"""All figures of one model on some images, each with its interval."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from medcnn.core.arrays import Integers, Truths
from medcnn.dataset.predictions import Predictions
from medcnn.measures import metrics
from medcnn.measures.statistics import bootstrap, intervals, miscalibration
from medcnn.measures.statistics.bootstrap import Resamples
from medcnn.measures.statistics.grouping import Names, numbered, sizes, sums
from medcnn.measures.statistics.intervals import Estimate, Interval
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
    def predicted(self) -> Integers:
        """The most probable class (N,) of each image."""
        return self.table.probabilities.argmax(axis=1)

    @property
    def right(self) -> Truths:
        """Whether each image (N,) is predicted as what it is."""
        return self.predicted == self.table.labels

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
        "groups": count,
        "classes": by_class,
    }


def _bounds(found: Mapping[str, Interval]) -> dict[str, float]:
    lows = {f"{figure}_low": interval.low for figure, interval in found.items()}
    return lows | {f"{figure}_high": interval.high for figure, interval in found.items()}


def _auroc(sample: Sample) -> Interval:
    table = sample.table
    return intervals.auroc(table.labels, table.probabilities, sample.groups, sample.settings.confidence)


def _balanced_accuracy(sample: Sample) -> Interval:
    """The sum of the recalls of the classes that have images, as shares."""
    present = np.unique(sample.table.labels)
    recalls = [sample.share(sample.right, sample.table.labels == index) for index in present]
    return intervals.combination(recalls, [1 / len(recalls)] * len(recalls)) if recalls else intervals.NONE


def _of_class(sample: Sample, index: int) -> dict[str, Interval]:
    """The intervals of ``metrics.of_class``.

    F1 is 2 J / (1 + J) of the share J of hits among images that are of the class or called so, and rises with it
    (Lam et al., arXiv:2309.14621).
    """
    actual, called = sample.table.labels == index, sample.predicted == index
    hits = sample.share(actual & called, actual | called).interval
    return {
        "recall": sample.share(called, actual).interval,
        "specificity": sample.share(~called, ~actual).interval,
        "precision": sample.share(actual, called).interval,
        "f1": Interval(*(2 * bound / (1 + bound) for bound in hits)),
    }


def _losses(sample: Sample) -> dict[str, float]:
    """The intervals of cross-entropy, of the Brier score, and the expected calibration error with its own."""
    table, settings = sample.table, sample.settings
    arguments = (table.labels, table.probabilities)
    by_image = np.stack([metrics.log_losses(*arguments), metrics.squared_errors(*arguments)], axis=1)
    means = bootstrap.means(sums(by_image, sample.groups), sizes(sample.groups), sample.resamples)
    worst = 1 if len(table.classes) == 2 else 2
    error = miscalibration.ece(*arguments, sample.groups, settings.bins, sample.resamples, settings.confidence)
    found = {
        "cross_entropy": means.studentised(0, settings.confidence, (0, metrics.COSTLIEST)),
        "brier": means.studentised(1, settings.confidence, (0, worst)),
        "ece": error,
    }
    return {"ece": metrics.ece(*arguments, settings.bins), **_bounds(found)}


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
