"""Calibration: temperature scaling fitted on validation, and how far confidence is from accuracy before and after."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from medcnn.core import files
from medcnn.core.arrays import Floats, Integers
from medcnn.measures import metrics
from medcnn.measures.findings import apart, decided, together
from medcnn.params.judging.figures import CALIBRATED

if TYPE_CHECKING:
    # Engines of the benchmark, whose start is timed, do without pandas.
    from medcnn.dataset.predictions import Predictions

COLDEST, HOTTEST = 0.05, 20.0
"""Limits of the temperature: that of a model which is always right would fall to 0."""


@dataclass(frozen=True)
class Bin:
    """One point of a reliability diagram.

    Attributes:
        confidence: mean probability of the predicted class, in 0..1.
        accuracy: share of the images whose predicted class is the true one.
        images: how many, 1 or more.
    """

    confidence: float
    accuracy: float
    images: int


def calibrated(table: Predictions) -> tuple[float, Predictions]:
    """The temperature of a model's validation part, and all its predictions with that temperature.

    Logits are the logarithms of the probabilities, so that ensembles and cascades are calibrated like networks. All
    findings of a multi-label study share one temperature.
    """
    seen = table.of("validation")
    labels, probabilities = decided(seen.labels, seen.probabilities)
    temperature = best_temperature(probabilities, labels)
    return temperature, replace(table, probabilities=scaled(table.probabilities, temperature, table.multi_label))


def scaled(probabilities: Floats, temperature: float, multi_label: bool = False) -> Floats:
    """Probabilities (N, C) of logits divided by a temperature; the most probable class stays the same.

    The logits are the logarithms of the probabilities, which are raised to ``metrics.SMALLEST``. Each of several
    findings is scaled on its own, between its absence and its presence, and stays on its side of 0.5.
    """
    if multi_label:
        return together(scaled(apart(probabilities), temperature), probabilities.shape[1])
    return _softmax(_logits(probabilities) / temperature)


def best_temperature(probabilities: Floats, labels: Integers) -> float:
    """Temperature scaling (Guo et al., ICML 2017): the temperature of the lowest cross-entropy, within its limits.

    Cross-entropy is convex in the inverse temperature, so it lies where the slope is 0.
    The result is rounded to the digits that metrics are written with, so that what is read there is exactly what
    was used. It is 1 where no temperature changes anything: without images, or where no class is ever preferred.
    """
    # Imported here: engines of the benchmark, whose cold start is timed, need ``scaled`` alone.
    from scipy.optimize import brentq

    logits = _logits(probabilities)
    if np.allclose(logits, logits[:, :1]):
        return 1.0
    of_truth = logits[np.arange(len(labels)), labels]

    def slope(inverse: float) -> float:
        return ((_softmax(inverse * logits) * logits).sum(axis=1) - of_truth).mean()

    low, high = 1 / HOTTEST, 1 / COLDEST
    if slope(low) > 0:
        return HOTTEST
    return round(1 / brentq(slope, low, high), files.DIGITS) if slope(high) > 0 else COLDEST


def reliability(labels: Integers, probabilities: Floats, bins: int) -> list[Bin]:
    """The reliability diagram: images binned by the probability of their predicted class, as ``metrics.ece`` does.

    Args:
        labels: (N,) true classes as indices; of findings (N, C) of 0 and 1, each of which counts like an image.
        probabilities: (N, C).
        bins: how many of equal width cover 0..1, each with its upper end; those without images are left out.
    """
    labels, probabilities = decided(labels, probabilities)
    confidences = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == labels
    bin_of = metrics.bin_of(confidences, bins)
    members = [bin_of == index for index in np.unique(bin_of)]
    return [Bin(float(confidences[of].mean()), float(right[of].mean()), int(of.sum())) for of in members]


def block(temperature: float, before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """What ``metrics/evaluate/S.json`` says of a model's calibration: figures on test, with their intervals.

    Args:
        temperature: fitted on validation.
        before: all figures of the model's probabilities on test, from ``statistics.measured``.
        after: the same of its calibrated probabilities.
    """
    keys = [key for figure in CALIBRATED for key in figure.keys]
    return {
        "temperature": temperature,
        **{key: after[key] for key in keys},
        "before": {key: before[key] for key in keys},
    }


def _logits(probabilities: Floats) -> Floats:
    return np.log(probabilities.clip(metrics.SMALLEST))


def _softmax(logits: Floats) -> Floats:
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    return odds / odds.sum(axis=1, keepdims=True)
