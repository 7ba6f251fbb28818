"""The errors of one class against the rest at every threshold: for the page's slider, and drawn as curves."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from medcnn.report.facts import Facts

STOPS = 400
"""At how many thresholds of a model's class the slider stops; of more, some are left out evenly."""
WIDTH, HEIGHT = 400, 340
LEFT, TOP, RIGHT, BOTTOM = 46, 12, 12, 46
_TICKS = (0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000)
_FEWEST_PIXELS = 26


@dataclass(frozen=True)
class Stops:
    """Where the slider stops: thresholds rising, the errors at each, and which stop was fitted on validation."""

    thresholds: list[float]
    false_negatives: list[int]
    false_positives: list[int]
    fitted: int | None


@dataclass(frozen=True)
class Scale:
    """One axis of the chart: counts of errors as square roots, so that one error more shows where there are few."""

    start: int
    length: int
    most: int

    @property
    def end(self) -> int:
        """Where the highest count lies."""
        return self.start + self.length

    @property
    def middle(self) -> int:
        """Where the axis's name is centred."""
        return (self.start + self.end) // 2

    def at(self, errors: int) -> float:
        """Where a count lies, in the chart's units."""
        return round(self.start + self.length * math.sqrt(errors / self.most), 1)

    @property
    def ticks(self) -> list[int]:
        """Round counts that lie apart enough to be read."""
        kept: list[int] = []
        for tick in _TICKS:
            if tick <= self.most and (not kept or abs(self.at(tick) - self.at(kept[-1])) >= _FEWEST_PIXELS):
                kept.append(tick)
        return kept


@dataclass(frozen=True)
class Chart:
    """False negatives over false positives for one class.

    Attributes:
        width: of the drawing, in its own units, as are the axes.
        height: the same.
        across: the axis of false positives.
        up: the axis of false negatives.
        lines: by model, the points of its curve as SVG writes them.
        fitted: by model, false positives and false negatives at the threshold fitted on validation.
    """

    width: int
    height: int
    across: Scale
    up: Scale
    lines: dict[str, str]
    fitted: dict[str, tuple[int, int]]


def hardest(facts: Facts) -> str:
    """The class that the chosen model misses most often, with two classes the positive one: where the page begins."""
    by_class = facts.evaluated[facts.best].test.classes
    return max(facts.errors, key=lambda name: by_class[name].false_negatives)


def compact(facts: Facts) -> dict[str, Any]:
    """All that the slider needs, by class and model, in short arrays."""
    return {
        name: {
            "images": _images(facts, name),
            "models": {model: vars(stops(facts, name, model)) for model in facts.best_first if model in by_model},
        }
        for name, by_model in facts.errors.items()
    }


def stops(facts: Facts, name: str, model: str) -> Stops:
    """The stops of a model's class: the thresholds of ``errors.csv``, and the fitted one where it stands apart."""
    errors = facts.errors[name][model]
    kept = np.unique(np.linspace(0, len(errors.thresholds) - 1, STOPS).round().astype(int))
    rows = {
        float(errors.thresholds[row]): (int(errors.false_negatives[row]), int(errors.false_positives[row]))
        for row in kept
    }
    fitted = _fitted(facts, name, model)
    if fitted:
        rows[fitted[0]] = fitted[1:]
    thresholds = sorted(rows)
    return Stops(
        thresholds,
        [rows[threshold][0] for threshold in thresholds],
        [rows[threshold][1] for threshold in thresholds],
        thresholds.index(fitted[0]) if fitted else None,
    )


def chart(facts: Facts, name: str) -> Chart:
    """The chart of one class, every model in it."""
    positives, negatives = _images(facts, name)
    across = Scale(LEFT, WIDTH - LEFT - RIGHT, max(negatives, 1))
    up = Scale(HEIGHT - BOTTOM, TOP + BOTTOM - HEIGHT, max(positives, 1))
    fitted = {model: _fitted(facts, name, model) for model in facts.models}
    return Chart(
        WIDTH,
        HEIGHT,
        across,
        up,
        {model: _line(stops(facts, name, model), across, up) for model in facts.errors[name]},
        {model: (point[2], point[1]) for model, point in fitted.items() if point},
    )


def _fitted(facts: Facts, name: str, model: str) -> tuple[float, int, int] | None:
    """The threshold, false negatives and false positives of the operating point, if validation could give one."""
    point = facts.evaluated[model].operating_points.get(name)
    if point is None or point.threshold is None:
        return None
    return point.threshold, point.false_negatives or 0, point.false_positives or 0


def _images(facts: Facts, name: str) -> tuple[int, int]:
    test = facts.evaluated[facts.best].test
    positives = test.classes[name].support
    return positives, test.support - positives


def _line(at: Stops, across: Scale, up: Scale) -> str:
    points = dict.fromkeys(zip(at.false_positives, at.false_negatives, strict=True))
    return " ".join(f"{across.at(wrong):g},{up.at(missed):g}" for wrong, missed in points)
