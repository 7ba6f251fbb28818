"""Intervals drawn as bars: where each figure lies on an axis that all models share."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from medcnn.report.baseline import Baseline
from medcnn.results.base import Record

_STEPS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
_MOST_STEPS = 8


@dataclass(frozen=True)
class Axis:
    """The range that every bar of a column shows."""

    low: float
    high: float

    def at(self, value: float) -> str:
        """Where a value lies, in percent of the axis's length."""
        return f"{100 * (value - self.low) / (self.high - self.low):.2f}%"


def axis(blocks: Iterable[Record], key: str, least: Baseline | None = None) -> Axis:
    """The axis, with round ends, that holds a figure of every model with its interval.

    Args:
        blocks: one per model.
        key: which figure.
        least: what is reached without looking at an image, to be on the axis too if it is of this figure.
    """
    known = [block.get(name) for block in blocks for name in (key, f"{key}_low", f"{key}_high")]
    values = [value for value in known if value is not None]
    values += [least.value] if least and least.key == key else []
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    step = next((step for step in _STEPS if (high - low) / step <= _MOST_STEPS), _STEPS[-1])
    start = math.floor(low / step + 1e-9)
    return Axis(start * step, max(math.ceil(high / step - 1e-9), start + 1) * step)
