"""The accuracy of a model on degraded and on augmented test images."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from medcnn.dataset.augment import augmented
from medcnn.dataset.part import Part
from medcnn.measures import metrics
from medcnn.measures.statistics import intervals
from medcnn.networks.outputs import per_class
from medcnn.params.shared.policies import Policy
from medcnn.stress.degrade import STRENGTHS, degraded

Predict = Callable[[np.ndarray], np.ndarray]
"""From images uint8 (N, S, S, 3) to probabilities (N, C), or (N, 1) those of the second of two classes."""

Change = Callable[[np.ndarray, str], np.ndarray]
"""From an image (S, S, 3) and its id to another image."""

VIEWS = 8
"""Augmented views whose probabilities are averaged with those of the image itself."""
_AT_ONCE = 1024
"""How many changed images are held in memory."""
COLUMNS = ("kind", "strength", "accuracy", "accuracy_low", "accuracy_high")


def stressed(test: Part, predict: Predict, policy: Policy, seed: int, confidence: float) -> dict[str, Any]:
    """Accuracy with its interval on the images as they are, augmented, and degraded in each way at each strength.

    Args:
        test: the test images.
        predict: the model.
        policy: what augmented views are drawn from.
        seed: of views and noise.
        confidence: of the intervals.

    Returns:
        ``metrics/stress/S/M.json``.
    """

    def figures(outputs: np.ndarray) -> dict[str, float]:
        return _accuracy(outputs, test, confidence)

    def answers(change: Change) -> np.ndarray:
        return np.concatenate([predict(images) for images in _changed(test, change)])

    def under(kind: str, strength: float) -> np.ndarray:
        return answers(lambda image, image_id: degraded(image, kind, strength, seed, image_id))

    def view(number: int) -> np.ndarray:
        return answers(lambda image, image_id: augmented(image, policy, seed, "stress", number, image_id))

    clean = answers(lambda image, _: image)
    # Test-time augmentation.
    averaged = np.stack([clean, *map(view, range(VIEWS))]).mean(axis=0, dtype=np.float64)
    return {
        "images": len(test),
        "clean": figures(clean),
        "augmented": figures(averaged),
        "degraded": {
            kind: [{"strength": strength, **figures(under(kind, strength))} for strength in strengths]
            for kind, strengths in STRENGTHS.items()
        },
    }


def curves(figures: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    """The rows of ``plots/stress/S/M.csv``, with ``COLUMNS``."""
    for kind, points in figures["degraded"].items():
        for point in points:
            yield (kind, *(f"{point[column]:.6g}" for column in COLUMNS[1:]))


def _changed(test: Part, change: Change) -> Iterator[np.ndarray]:
    """All test images after a change, uint8 (at most ``_AT_ONCE``, S, S, 3) at a time."""
    for start in range(0, len(test), _AT_ONCE):
        some = slice(start, start + _AT_ONCE)
        yield np.stack([change(*pair) for pair in zip(test.pixels(some), test.image_ids[some], strict=True)])


def _accuracy(outputs: np.ndarray, test: Part, confidence: float) -> dict[str, float]:
    right = metrics.right(test.labels, per_class(outputs))
    low, high = intervals.proportion(right, test.groups, confidence)
    return {"accuracy": float(right.mean()), "accuracy_low": low, "accuracy_high": high}
