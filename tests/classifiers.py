"""Made-up classifiers, and tables of what they predict."""

from __future__ import annotations

import numpy as np
from scipy.special import softmax

from medcnn.dataset.predictions import Predictions


def model(labels: np.ndarray, skill: float, seed: int, classes: int = 3, sharpness: float = 1.0) -> np.ndarray:
    """Probabilities (N, C); ``sharpness`` above 1 makes them overconfident."""
    logits = np.random.default_rng(seed).normal(size=(len(labels), classes)) + skill * np.eye(classes)[labels]
    return softmax(sharpness * logits, axis=1)


def table(labels: np.ndarray, probabilities: np.ndarray) -> Predictions:
    """A third of the images in each split."""
    splits = tuple(("train", "validation", "test")[index // 3 % 3] for index in range(len(labels)))
    ids = tuple(f"{index:012x}" for index in range(len(labels)))
    return Predictions(tuple("abc"), ids, splits, labels, probabilities)
