"""Images of patients whom an imperfect, overconfident classifier has seen, drawn from a known distribution."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from medcnn.dataset.predictions import Predictions
from medcnn.params.judging.evaluate import Judging

SETTINGS = Judging.model_validate(
    {
        "confidence": 0.95,
        "resamples": 2000,
        "bins": 15,
        "operating_point": {"kind": "sensitivity", "value": 0.95},
        "coverage": 0.9,
        "gate": {"floors": {}, "largest_fall": {}},
    }
)


@dataclass(frozen=True)
class Population:
    """How images come about.

    A model sees of every class a signal, a patient's own noise and the image's, and turns their sum into
    probabilities, too sharply where ``sharpness`` is above 1. Two models share half of the noise; the sharpness of
    the second may be another.
    """

    classes: int = 2
    signal: float = 1.5
    sharpness: float = 1.5
    second_sharpness: float = 1.5
    alike: float = 0.0
    """The share of the noise that the images of a patient have in common."""

    def sample(self, images: list[int], random: np.random.Generator, models: int = 1) -> Sample:
        """One drawing of patients with so many images each; a patient has one class."""
        groups = np.repeat(np.arange(len(images)), images)
        labels = random.integers(self.classes, size=len(images))[groups]
        shape = (models + 1, len(images), self.classes)
        patients = random.standard_normal(shape)[:, groups]
        own = random.standard_normal((models + 1, len(groups), self.classes))
        noise = np.sqrt(self.alike) * patients + np.sqrt(1 - self.alike) * own
        seen = self.signal * np.eye(self.classes)[labels] + np.sqrt(0.5) * (noise[:1] + noise[1:])
        sharpness = np.array([self.sharpness, self.second_sharpness])[:models, None, None]
        odds = np.exp(sharpness * self.signal * seen)
        return Sample(groups, labels, list(odds / odds.sum(axis=-1, keepdims=True)))


@dataclass(frozen=True)
class Sample:
    groups: np.ndarray
    labels: np.ndarray
    probabilities: list[np.ndarray]
    """Of each model."""

    @property
    def tables(self) -> dict[str, Predictions]:
        return {f"model_{index}": table(self.labels, part) for index, part in enumerate(self.probabilities)}


def table(labels: np.ndarray | list[int], probabilities: np.ndarray | list[list[float]]) -> Predictions:
    probabilities = np.array(probabilities, float)
    count, classes = probabilities.shape
    names = tuple(f"image_{index}" for index in range(count))
    of_classes = tuple(f"class_{index}" for index in range(classes))
    return Predictions(of_classes, names, ("test",) * count, np.array(labels, np.int64), probabilities)
