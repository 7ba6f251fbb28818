"""What degraded images cost a model, and what augmented ones bring it: its accuracy on test under each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from medcnn.dataset import heldout, manifest
from medcnn.dataset.augment import augmented
from medcnn.dataset.shards import Rows
from medcnn.measures.statistics import intervals
from medcnn.params.studies import Policy
from medcnn.runtime import paths
from medcnn.stress.degrade import STRENGTHS, degraded

Predict = Callable[[np.ndarray], np.ndarray]
"""From images uint8 (N, S, S, 3) to probabilities (N, C), or (N, 1) those of the second of two classes."""

Change = Callable[[np.ndarray, str], np.ndarray]
"""From an image (S, S, 3) and its name to another image."""

VIEWS = 8
"""Augmented views whose probabilities are averaged with those of the image itself."""
_AT_ONCE = 1024
COLUMNS = ("kind", "strength", "accuracy", "accuracy_low", "accuracy_high")


@dataclass(frozen=True)
class Images:
    """The test images of a study.

    Attributes:
        images: all images of the study, uint8 (M, S, S, 3), read when asked for.
        indices: N positions of the test images among them.
        image_ids: N names.
        groups: N names of patients or scenes.
        labels: (N,) indices of classes, the truth.
    """

    images: Rows
    indices: Sequence[int]
    image_ids: Sequence[str]
    groups: Sequence[str]
    labels: npt.NDArray[np.int64]

    def changed(self, change: Change) -> Iterator[np.ndarray]:
        """All test images after a change, ``_AT_ONCE`` of them in memory at a time; uint8 (n, S, S, 3)."""
        for start in range(0, len(self.indices), _AT_ONCE):
            some = slice(start, start + _AT_ONCE)
            images = self.images[list(self.indices[some])]
            yield np.stack([change(*pair) for pair in zip(images, self.image_ids[some], strict=True)])


def read(study: str, classes: Sequence[str]) -> Images:
    """The test images of a study.

    Raises:
        MedcnnError: there are none, or the prepared pixels are missing.
    """
    test, rows = heldout.read(study), manifest.used(paths.manifest(study))
    groups = [rows[index].group for index in test.indices]
    labels = np.array([classes.index(label) for label in test.labels], np.int64)
    return Images(test.images, test.indices, test.image_ids, groups, labels)


def stressed(test: Images, predict: Predict, policy: Policy, seed: int, confidence: float) -> dict[str, Any]:
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
        return np.concatenate([predict(images) for images in test.changed(change)])

    def under(kind: str, strength: float) -> np.ndarray:
        return answers(lambda image, image_id: degraded(image, kind, strength, seed, image_id))

    def view(number: int) -> np.ndarray:
        return answers(lambda image, image_id: augmented(image, policy, seed, "stress", number, image_id))

    clean = answers(lambda image, _: image)
    # Test-time augmentation.
    averaged = np.stack([clean, *map(view, range(VIEWS))]).mean(axis=0, dtype=np.float64)
    return {
        "images": len(test.indices),
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


def _accuracy(outputs: np.ndarray, test: Images, confidence: float) -> dict[str, float]:
    predicted = outputs[:, 0] > 0.5 if outputs.shape[1] == 1 else outputs.argmax(axis=1)
    right = predicted == test.labels
    low, high = intervals.proportion(right, test.groups, confidence)
    return {"accuracy": float(right.mean()), "accuracy_low": low, "accuracy_high": high}
