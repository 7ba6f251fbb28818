"""Intervals drawn as bars: where each figure lies on an axis that all models share."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from medcnn.report.baseline import Baseline
from medcnn.results.base import Record

_STEPS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
_MOST_STEPS, _MOST_TICKS = 8, 5


@dataclass(frozen=True)
class Axis:
    """The range that every bar of a column shows."""

    low: float
    high: float

    def at(self, value: float) -> str:
        """Where a value lies, in percent of the axis's length."""
        return f"{100 * (value - self.low) / (self.high - self.low):.2f}%"

    def holds(self, value: float) -> bool:
        """Whether a value lies on the axis."""
        return self.low <= value <= self.high

    @property
    def ticks(self) -> list[float]:
        """Round values within the range, few enough to be labelled."""
        step = _step(self.high - self.low, _MOST_TICKS - 1)
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        return [round(step * place, 6) for place in range(first, last + 1)]


def axis(blocks: Iterable[Record], key: str, least: Baseline | None = None) -> Axis:
    """The axis, with round ends, that holds a figure of every model with its interval.

    Args:
        blocks: one per model.
        key: which figure.
        least: what is reached without looking at an image, to be on the axis too if it is of this figure, unless the
            axis would be more than twice as long.
    """
    known = [block.get(name) for block in blocks for name in (key, f"{key}_low", f"{key}_high")]
    values = [value for value in known if value is not None]
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    if least and least.key == key and low - least.value <= high - low:
        low, high = min(low, least.value), max(high, least.value)
    step = _step(high - low, _MOST_STEPS)
    start = math.floor(low / step + 1e-9)
    return Axis(start * step, max(math.ceil(high / step - 1e-9), start + 1) * step)


def _step(length: float, most: int) -> float:
    """The smallest round step of which at most so many make up a length."""
    return next((step for step in _STEPS if length / step <= most + 1e-9), _STEPS[-1])
