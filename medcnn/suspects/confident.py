"""Confident learning: which labels are probably wrong, from probabilities of models that have not seen the images.

After Northcutt, Jiang and Chuang, "Confident Learning: Estimating Uncertainty in Dataset Labels" (JAIR 2021). Written
here, as the list takes four lines of NumPy and the library, cleanlab, against which it is tested, brings far more.

A class is given to an image with confidence where its probability is at least the mean of what the images of that label
get for it. So a class that models are less sure of needs less to be believed.
"""

from __future__ import annotations

import numpy as np

from medcnn.core.arrays import Floats, Integers, Truths


def thresholds(labels: Integers, probabilities: Floats) -> Floats:
    """The mean probability (C,) of each class among the images of that label; infinite where there are none.

    Args:
        labels: (N,) given classes as indices.
        probabilities: (N, C) of models that were not trained on the image.
    """
    own = [probabilities[labels == label, label] for label in range(probabilities.shape[1])]
    return np.array([values.mean() if len(values) else np.inf for values in own])


def confident(labels: Integers, probabilities: Floats) -> Integers:
    """The class (N,) that each image is of with confidence, the most probable where there are several; -1 for none."""
    enough = probabilities >= thresholds(labels, probabilities)
    return np.where(enough.any(axis=1), np.where(enough, probabilities, -1).argmax(axis=1), -1)


def margins(labels: Integers, probabilities: Floats) -> Floats:
    """The normalised margin (N,), -1 to 1: the label's probability less that of the most probable other class."""
    rows, others = np.arange(len(labels)), probabilities.copy()
    others[rows, labels] = -np.inf
    return np.asarray(probabilities[rows, labels] - others.max(axis=1))


def suspected(labels: Integers, probabilities: Floats) -> Truths:
    """Which labels (N,) are probably wrong: of another class with confidence, and not of the likeliest."""
    found = confident(labels, probabilities)
    return np.asarray((found >= 0) & (found != labels) & (probabilities.argmax(axis=1) != labels))
