"""The cost of int8 in accuracy and cross-entropy on validation, and whether it is within the limits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from medcnn.core import files
from medcnn.core.arrays import Floats, Integers
from medcnn.measures import metrics

if TYPE_CHECKING:
    from medcnn.params.judging.benchmark import Quantisation


@dataclass(frozen=True)
class Cost:
    """A model's calibrated probabilities in float32 and in int8, on the same images.

    All figures are rounded as they are written, so that what is read decides. A drop or rise below 0 is a gain.
    """

    images: int
    accuracy_float32: float
    accuracy_int8: float
    accuracy_drop: float
    cross_entropy_float32: float
    cross_entropy_int8: float
    cross_entropy_rise: float


def cost(labels: Integers, in_float32: Floats, in_int8: Floats) -> Cost:
    """Compare two sets of probabilities (N, C) with the true classes (N,) as indices."""
    before, after = (metrics.accuracy(labels, probabilities) for probabilities in (in_float32, in_int8))
    lower, higher = (metrics.cross_entropy(labels, probabilities) for probabilities in (in_float32, in_int8))
    figures = (before, after, before - after, lower, higher, higher - lower)
    return Cost(len(labels), *(round(figure, files.DIGITS) for figure in figures))


def allowed(found: Cost, limits: Quantisation) -> bool:
    """Whether a cost is within ``max_accuracy_drop`` and ``max_cross_entropy_rise``; NaN never is."""
    return found.accuracy_drop <= limits.max_accuracy_drop and found.cross_entropy_rise <= limits.max_cross_entropy_rise
