"""Several findings per image: every finding of every image is a decision between two classes, absent and present.

So taken apart, N images of K findings are N * K items of two classes, and whatever is known of two classes holds for
them: cross-entropy is binary cross-entropy, temperature divides the logit of each finding, an ensemble joins decisions.
A figure of an image is then the mean over its findings, unless it asks that all of them are right.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any

import numpy as np

from medcnn.core.arrays import Floats, Integers, Truths
from medcnn.measures import curves

OfImages = Callable[[Integers, Floats], Any]
"""What there is to say of each image (N,), from its truth and its probabilities (N, C)."""
PRESENT = 1
"""The class of a decision for a finding; 0 is against it."""


def apart(probabilities: Floats) -> Floats:
    """Probabilities of findings (..., N, K) as those of decisions (..., N * K, 2), image by image."""
    decisions = np.stack([1 - probabilities, probabilities], axis=-1)
    return decisions.reshape(*probabilities.shape[:-2], -1, 2)


def together(decisions: Floats, findings: int) -> Floats:
    """Probabilities of decisions (N * K, 2) as those of findings (N, K)."""
    return decisions[:, PRESENT].reshape(-1, findings)


def decided(labels: Integers, probabilities: Floats) -> tuple[Integers, Floats]:
    """The truth and the probabilities as of items of one class each: images, or the decisions about their findings."""
    return (labels, probabilities) if labels.ndim == 1 else (labels.ravel(), apart(probabilities))


def of_images(joined: Callable[..., Any]) -> Callable[[OfImages], OfImages]:
    """Make a function of items of one class each one of images, by joining (N, K) along the findings (``axis=1``)."""

    def decorated(of_items: OfImages) -> OfImages:
        @wraps(of_items)
        def figure(labels: Integers, probabilities: Floats) -> Any:
            found = of_items(*decided(labels, probabilities))
            return found if labels.ndim == 1 else joined(found.reshape(labels.shape), axis=1)

        return figure

    return decorated


def of_one(labels: Integers, probabilities: Floats, index: int) -> tuple[Integers, Floats]:
    """The truth (N,) and the probabilities (N, 2) of one finding, as of two classes."""
    return labels[:, index], apart(probabilities[:, index : index + 1])


def against_the_rest(labels: Integers, probabilities: Floats) -> Iterator[tuple[int, Truths, Floats]]:
    """The classes that get a curve of their own, see ``curves.of_interest``, and all findings.

    Yields:
        The index of the class, whether each image (N,) is of it, and its probability (N,).
    """
    classes = probabilities.shape[1]
    for index in range(classes) if labels.ndim == 2 else curves.of_interest(classes):
        yield index, having(labels, index), probabilities[:, index]


def having(labels: Integers, index: int) -> Truths:
    """Which images (N,) are of a class, or have a finding."""
    truth: Truths = labels == index if labels.ndim == 1 else labels[:, index] == PRESENT
    return truth


def called(labels: Integers, probabilities: Floats, index: int) -> Truths:
    """Which images (N,) are predicted as of a class: their most probable one, or a finding above 0.5."""
    if labels.ndim == 1:
        return np.asarray(probabilities.argmax(axis=1) == index)
    return np.asarray(probabilities[:, index] > 1 - probabilities[:, index])
