"""Confident learning: which labels are probably wrong, from probabilities of models that have not seen the images.

After Northcutt, Jiang and Chuang, "Confident Learning: Estimating Uncertainty in Dataset Labels" (JAIR 2021). Written
here, as the method is four lines of NumPy and its library, cleanlab, against which it is tested, brings far more.

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


def counts(labels: Integers, probabilities: Floats) -> Integers:
    """The confident joint (C, C): images by their given label and by the class that they are of with confidence."""
    classes, found = probabilities.shape[1], confident(labels, probabilities)
    table = np.zeros((classes, classes), np.int64)
    np.add.at(table, (labels[found >= 0], found[found >= 0]), 1)
    return table


def wrong_share(labels: Integers, probabilities: Floats) -> float:
    """The estimated share of wrong labels: the off-diagonal of the joint, scaled to the images of each label.

    A label of which no image is of any class with confidence counts as right.
    """
    table = counts(labels, probabilities)
    images = np.bincount(labels, minlength=len(table))
    confidently = table.sum(axis=1)
    right = np.divide(np.diag(table), confidently, out=np.ones(len(table)), where=confidently > 0)
    return float((images * (1 - right)).sum() / max(len(labels), 1))


def margins(labels: Integers, probabilities: Floats) -> Floats:
    """The normalised margin (N,), -1 to 1: the label's probability less that of the most probable other class."""
    rows, others = np.arange(len(labels)), probabilities.copy()
    others[rows, labels] = -np.inf
    return np.asarray(probabilities[rows, labels] - others.max(axis=1))


def suspected(labels: Integers, probabilities: Floats) -> Truths:
    """Which labels (N,) are probably wrong: off the diagonal of the confident joint, and not the likeliest class."""
    found = confident(labels, probabilities)
    return np.asarray((found >= 0) & (found != labels) & (probabilities.argmax(axis=1) != labels))
