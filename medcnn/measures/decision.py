"""Decision curves: what acting on a model's probabilities is worth, beside acting on every image, or on none.

Whoever acts from a probability t on takes a missed case for (1 - t) / t times as bad as a false alarm. Net benefit
counts in true positives per image: TP / N - FP / N * t / (1 - t) (Vickers and Elkin, Medical Decision Making 2006). It
needs calibrated probabilities; of several classes, each stands against the rest.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from medcnn.core.arrays import Floats

Counts = npt.ArrayLike


def net_benefit(true_positives: Counts, false_positives: Counts, images: int, thresholds: Floats) -> Floats:
    """The net benefit (T,) of calling at each threshold, at most the share of positive images.

    Args:
        true_positives: (T,) how many images of the class are called.
        false_positives: (T,) how many others are.
        images: how many there are, called or not; without any it is NaN.
        thresholds: (T,) above 0 and below 1.
    """
    if not images:
        return np.full(len(thresholds), np.nan)
    odds = thresholds / (1 - thresholds)
    benefit: Floats = (np.asarray(true_positives) - np.asarray(false_positives) * odds) / images
    return benefit


def of_calling_all(positives: int, images: int, thresholds: Floats) -> Floats:
    """The net benefit (T,) of calling every image, of which so many are positive; that of calling none is 0."""
    return net_benefit(positives, images - positives, images, thresholds)
