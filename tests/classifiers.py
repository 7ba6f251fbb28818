"""Made-up classifiers, and tables of what they predict."""

from __future__ import annotations

import numpy as np
from scipy.special import expit, softmax

from medcnn.dataset.predictions import Predictions
from medcnn.params.shared.classes import Findings


def model(labels: np.ndarray, skill: float, seed: int, classes: int = 3, sharpness: float = 1.0) -> np.ndarray:
    """Probabilities (N, C); ``sharpness`` above 1 makes them overconfident."""
    logits = np.random.default_rng(seed).normal(size=(len(labels), classes)) + skill * np.eye(classes)[labels]
    return softmax(sharpness * logits, axis=1)


def table(labels: np.ndarray, probabilities: np.ndarray) -> Predictions:
    """A third of the images in each split."""
    splits = tuple(("train", "validation", "test")[index // 3 % 3] for index in range(len(labels)))
    ids = tuple(f"{index:012x}" for index in range(len(labels)))
    return Predictions(tuple("abc"), ids, splits, labels, probabilities)


def findings_table(images: int, seed: int) -> Predictions:
    """A model of three findings, of which images have none to three; a third of the images in each split."""
    random = np.random.default_rng(seed)
    truth = (random.random((images, 3)) < (0.4, 0.3, 0.2)).astype(np.int64)
    chances = expit(random.normal(size=truth.shape) + 2.5 * (truth - 0.5))
    splits = tuple(("train", "validation", "test")[index // 3 % 3] for index in range(images))
    ids = tuple(f"{index:012x}" for index in range(images))
    return Predictions(Findings(("mass", "fluid", "air")), ids, splits, truth, chances)
