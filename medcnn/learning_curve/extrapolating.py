"""From what each training answered on test to the curve, and to what twice the patients would bring."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from medcnn.core import seeding
from medcnn.core.arrays import Floats
from medcnn.core.errors import MedcnnError
from medcnn.dataset.predictions import Predictions
from medcnn.learning_curve.power_law import fitted
from medcnn.measures import metrics

RESAMPLES = 200
FEWEST = 3
"""Sizes of the training part that a curve with three parameters needs."""


@dataclass(frozen=True)
class Trained:
    """A training on some of the groups.

    Attributes:
        share: of the training groups.
        groups: how many of them.
        images: how many training images they have.
        test: what it answers on test.
    """

    share: float
    groups: int
    images: int
    test: Predictions


def curve(trained: Sequence[Trained], groups: Sequence[str], confidence: float, seed: int) -> dict[str, Any]:
    """What ``results.learning_curve.LearningCurve`` holds.

    The interval of a gain is a bootstrap over patients on test and over draws of the training patients; all sizes are
    measured on the same resampled patients.

    Args:
        trained: every training, each with the same test images.
        groups: (N,) of these images.
        confidence: level of the interval.
        seed: decides the resamples.

    Raises:
        MedcnnError: there are too few sizes.
    """
    by_share: dict[float, list[Trained]] = {}
    for one in sorted(trained, key=lambda one: one.share):
        by_share.setdefault(one.share, []).append(one)
    if len(by_share) < FEWEST:
        raise MedcnnError(
            f"run.learning_curve: {len(by_share)} sizes of the training part have every class, a curve needs {FEWEST}; "
            "there are too few patients"
        )
    errors = {
        "accuracy": _by_share(by_share, lambda one: 1.0 - metrics.right(one.labels, one.probabilities)),
        "cross_entropy": _by_share(by_share, lambda one: metrics.log_losses(one.labels, one.probabilities)),
    }
    sizes = np.array([np.mean([one.groups for one in of_share]) for of_share in by_share.values()])
    units = np.unique(groups, return_inverse=True)[1]
    figures = {key: _figure(of_shares, sizes, units, confidence, seed) for key, of_shares in errors.items()}
    points = [
        {
            "share": share,
            "groups": round(float(size)),
            "images": round(float(np.mean([one.images for one in of_share]))),
            "draws": len(of_share),
            "accuracy": 1 - float(errors["accuracy"][number].mean()),
            "cross_entropy": float(errors["cross_entropy"][number].mean()),
        }
        for number, (size, (share, of_share)) in enumerate(zip(sizes, by_share.items(), strict=True))
    ]
    return {"points": points, "figures": figures}


def _by_share(by_share: Mapping[float, Sequence[Trained]], error: Any) -> list[Floats]:
    """The error of every image by share: (draws, N) each."""
    return [np.stack([error(one.test) for one in of_share]).astype(np.float64) for of_share in by_share.values()]


def _figure(errors: Sequence[Floats], sizes: Floats, units: Any, confidence: float, seed: int) -> dict[str, float]:
    law, most = fitted(sizes, np.array([draws.mean() for draws in errors])), float(sizes.max())
    rng, count = seeding.derived(seed, "learning_curve", "resamples"), int(units.max()) + 1
    gains = []
    for _ in range(RESAMPLES):
        weights = np.bincount(rng.integers(0, count, count), minlength=count)[units]
        drawn = [draws[rng.integers(0, len(draws), len(draws))] for draws in errors]
        resampled = [float(np.average(draws.mean(axis=0), weights=weights)) for draws in drawn]
        gains.append(fitted(sizes, np.array(resampled)).gain(most))
    low, high = np.quantile(gains, [(1 - confidence) / 2, (1 + confidence) / 2])
    return {
        "floor": law.floor,
        "scale": law.scale,
        "exponent": law.exponent,
        "now": law.at(most),
        "doubled": law.at(2 * most),
        "gain": law.gain(most),
        "gain_low": float(low),
        "gain_high": float(high),
    }
