"""How many labels are wrong, and how probably each is: label noise fitted to what networks answer.

A label is taken for the truth, or with the chance ``share`` for any other class, and the truth for a draw from the
network's probabilities at a temperature; both numbers are those of the greatest likelihood (label-noise robust logistic
regression of Bootkrajang and Kaban, ECML 2012, with uniform flips on top of temperature scaling). A network that is
unsure explains its own errors by a temperature, so that they do not count as wrong labels: of sets without any wrong
label the share was 0 where confident learning estimated 5 to 11 %.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from medcnn.core.arrays import Floats, Integers

SHARES = np.linspace(0.0, 0.5, 201)
TEMPERATURES = np.geomspace(0.25, 4.0, 33)
_LEAST = 1e-12


@dataclass(frozen=True)
class Flips:
    """Label noise.

    Attributes:
        share: of wrong labels, 0 to 0.5.
        low: end of its interval.
        high: the other end.
        temperature: of the probabilities.
    """

    share: float
    low: float
    high: float
    temperature: float


def fitted(labels: Integers, probabilities: Floats, confidence: float) -> Flips:
    """The noise of greatest likelihood, on a grid.

    Args:
        labels: (N,) given classes as indices.
        probabilities: (N, C) of models that were not trained on the image.
        confidence: level of the interval, which is of the profile likelihood with images as the unit.
    """
    if not len(labels):
        return Flips(0.0, 0.0, float(SHARES[-1]), 1.0)
    classes = probabilities.shape[1]
    likelihood = np.array([_likelihoods(_own(labels, probabilities, heat), classes) for heat in TEMPERATURES])
    profile = likelihood.max(axis=0)
    best = int(profile.argmax())
    inside = SHARES[2 * (profile[best] - profile) <= stats.chi2.ppf(confidence, 1)]
    temperature = TEMPERATURES[likelihood[:, best].argmax()]
    return Flips(float(SHARES[best]), float(inside.min()), float(inside.max()), float(temperature))


def wrong(labels: Integers, probabilities: Floats, flips: Flips) -> Floats:
    """The probability (N,) that each label is wrong, by Bayes's rule."""
    own = _own(labels, probabilities, flips.temperature)
    flipped = flips.share * (1 - own) / (probabilities.shape[1] - 1)
    return flipped / np.maximum(flipped + (1 - flips.share) * own, _LEAST)


def _own(labels: Integers, probabilities: Floats, temperature: float) -> Floats:
    """What the label of each image gets (N,) at a temperature."""
    odds = np.maximum(probabilities, _LEAST) ** (1 / temperature)
    return np.asarray(odds[np.arange(len(labels)), labels] / odds.sum(axis=1))


def _likelihoods(own: Floats, classes: int) -> Floats:
    """The log-likelihood of the labels for each of ``SHARES``."""
    others = (1 - own) / (classes - 1)
    mixed = (1 - SHARES[:, None]) * own + SHARES[:, None] * others
    return np.asarray(np.log(np.maximum(mixed, _LEAST)).sum(axis=1))
