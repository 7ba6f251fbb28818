"""Which values of an image deeper than 8 bits are black and which are white."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np

Scale = Literal["auto", "percentiles", "values"]
Limits = tuple[float, float]
"""The value that is shown black, and the one that is shown white."""
_SAMPLE = 1 << 18
_LEVELS = 16
_LOOKED_UP = 1 << 16


class Greys(Protocol):
    """How values deeper than 8 bits become 0..255: the block ``greys`` of a study, or that of an exported model."""

    @property
    def scale(self) -> Scale:
        """``auto`` takes what the file states (a DICOM window, NIfTI's ``cal_min`` and ``cal_max``), and percentiles
        where it states nothing; ``percentiles`` takes them always; ``values`` is the same window for every file.
        """

    @property
    def low(self) -> float:
        """Black, as a percentile of the image's values, or with ``values`` as a value, such as Hounsfield units."""

    @property
    def high(self) -> float:
        """White, likewise."""


@dataclass(frozen=True)
class Scaling:
    """``Greys`` without params.yaml."""

    scale: Scale = "auto"
    low: float = 0.5
    high: float = 99.5


DEFAULT = Scaling()


def limits(greys: Greys, values: np.ndarray, stated: Limits | None = None) -> Limits:
    """The values that are black and white; the colours of an image have them in common.

    Args:
        greys: how they are chosen.
        values: of the image or a ``sample`` of them, any shape, without padding that the file names.
        stated: what the file says.
    """
    if greys.scale == "values":
        return greys.low, greys.high
    if greys.scale == "auto" and stated is not None:
        return stated
    return _percentiles(values, greys.low, greys.high)


def sample(values: np.ndarray) -> np.ndarray:
    """About a quarter of a million pixels of an image (H, W) or (H, W, C), evenly spread; all of a smaller one."""
    step = math.ceil(math.sqrt(max(values.shape[0] * values.shape[1] / _SAMPLE, 1)))
    return values[::step, ::step]


def scaled(values: np.ndarray, limits: Limits, *, inverted: bool = False) -> np.ndarray:
    """Values as uint8, 0 at black or below and 255 at white or above; ``inverted`` is the negative of that.

    What is not a number becomes 0 before it is inverted.
    """
    if values.dtype == np.uint16 and values.size > _LOOKED_UP:
        return scaled(np.arange(_LOOKED_UP), limits, inverted=inverted)[values]
    low, high = limits
    with np.errstate(all="ignore"):
        levels = (values.astype(np.float64) - low) / ((high - low) or 1.0)
    levels = np.nan_to_num(levels, nan=0, posinf=1, neginf=0).clip(0, 1)
    return np.rint((1 - levels if inverted else levels) * 255).astype(np.uint8)


def _percentiles(values: np.ndarray, low: float, high: float) -> Limits:
    finite = np.sort(values[np.isfinite(values)], axis=None).astype(np.float64)
    if not finite.size:
        return 0.0, 1.0
    first, last = _without_markers(finite[np.flatnonzero(np.diff(finite, prepend=-np.inf))])
    inside = finite[np.searchsorted(finite, first) : np.searchsorted(finite, last, "right")]
    black, white = map(float, np.percentile(inside, (low, high)))
    return (black, white) if black < white else (first, last)


def _without_markers(levels: np.ndarray) -> Limits:
    """The lowest and the highest of the distinct, sorted values that belong to the picture.

    Padding (-32768, -9999) and burnt-in markers (65535) lie further from the picture's values than these reach. An
    image of few levels is taken whole: its values may well lie apart.
    """
    middle, gaps = len(levels) // 2, np.diff(levels)
    if not 0 < middle < len(gaps):
        return float(levels[0]), float(levels[-1])
    first, last = int(np.argmax(gaps[:middle])) + 1, middle + int(np.argmax(gaps[middle:]))
    reach = levels[last] - levels[first]
    few = last - first + 1 < _LEVELS
    low = first if gaps[first - 1] > reach and not few else 0
    high = last if gaps[last] > reach and not few else len(levels) - 1
    return float(levels[low]), float(levels[high])
