"""``metrics/learning_curve/S/M.json``: what a model makes of fewer training patients, and of twice as many."""

from __future__ import annotations

from medcnn.results.base import Record


class Point(Record):
    """A size of the training part: its share of the groups, their number and that of their images, the mean over draws;
    and what the trainings reach on test, the mean over draws.
    """

    share: float
    groups: int
    images: int
    draws: int
    accuracy: float
    cross_entropy: float


class Extrapolated(Record):
    """An error (1 - accuracy, or cross-entropy) as floor + scale * groups ** -exponent.

    Attributes:
        floor: what no number of patients would undercut.
        scale: of what falls.
        exponent: how fast it falls.
        now: the error with the training patients that there are, by the fit.
        doubled: the error with twice as many.
        gain: how much lower it is.
        gain_low: lower end of its interval.
        gain_high: upper end.
    """

    floor: float
    scale: float
    exponent: float
    now: float
    doubled: float
    gain: float
    gain_low: float
    gain_high: float


class LearningCurve(Record):
    """The curve of one model; ``figures`` by ``accuracy`` and ``cross_entropy``."""

    points: list[Point]
    figures: dict[str, Extrapolated]
