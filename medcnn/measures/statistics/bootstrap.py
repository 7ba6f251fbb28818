"""The bootstrap of whole groups (Davison and Hinkley 1997, section 3.8), for figures whose scatter has no formula."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from medcnn.core import seeding
from medcnn.core.arrays import Floats, Integers
from medcnn.measures.statistics.intervals import NONE, Interval

_BLOCK = 256
_CELLS = 1 << 16
"""Draws are taken and summed a block at a time: so many, or where groups are many, those of so many weights. Products
of larger blocks take ten times as long, as BLAS shares them out among threads."""
_NOTHING = 1e-12


@dataclass(frozen=True)
class Resamples:
    """How often each draw has each group; of as many groups and from the same seed, draws are the same for all.

    They are drawn again wherever they are summed, as those of many groups would fill the memory.

    Attributes:
        groups: how many groups there are, and how many a draw takes, with replacement.
        count: how many draws.
        seed: root of the draws.
    """

    groups: int
    count: int
    seed: int

    def sums(self, values: Floats) -> Floats:
        """The sums (B, K) of the groups' values (G, K) over each draw."""
        return np.concatenate([block.astype(np.float64) @ values for block in self.blocks()])

    def blocks(self) -> Iterator[Integers]:
        """How often (b, G) some draws after others have each group, which comes about once a draw."""
        random = seeding.derived(self.seed, "resamples")
        step = min(max(_CELLS // self.groups, 1), _BLOCK)
        for start in range(0, self.count, step):
            shape = (min(step, self.count - start), self.groups)
            cells = random.integers(self.groups, size=shape)
            cells += self.groups * np.arange(shape[0])[:, None]
            yield np.bincount(cells.ravel(), minlength=cells.size).reshape(shape)


@dataclass(frozen=True)
class Means:
    """Means over images, and how far off the bootstrap's draws are.

    Attributes:
        values: (K,) the means.
        errors: (K,) their standard errors; 0 where the groups do not differ.
        shifts: (B, K) each draw's mean, less the mean.
        pivots: (B, K) the same in the draw's own standard errors.
    """

    values: Floats
    errors: Floats
    shifts: Floats
    pivots: Floats

    def studentised(self, index: int, confidence: float, span: tuple[float, float]) -> Interval:
        """The bootstrap-t interval (Efron and Tibshirani 1993, section 12.5) of one mean, for losses.

        Losses are skewed, of many small ones and few large ones: the percentile, basic and BCa intervals of their
        mean miss the truth too often. NaN where the groups do not differ: a model that happened to lose nothing on
        them all has a loss that they cannot bound.

        Args:
            index: which of the means.
            confidence: such as 0.95.
            span: the smallest and the largest value that the mean can have.
        """
        return self._interval(index, self.pivots[:, index] * self.errors[index], confidence, span)

    def basic(self, index: int, confidence: float, span: tuple[float, float]) -> Interval:
        """The basic bootstrap interval (Davison and Hinkley 1997, section 5.2) of one mean, for differences of losses.

        Differences are about as often below as above their mean, with a few far out on either side, which a draw's
        own standard error would make too much of. NaN where the groups do not differ.

        Args:
            index: which of the means.
            confidence: such as 0.95.
            span: the smallest and the largest value that the mean can have.
        """
        return self._interval(index, self.shifts[:, index], confidence, span)

    def p_value(self, index: int) -> float:
        """Twice the share of shifts beyond the mean, on the side with fewer, at least 2 / (B + 1).

        Tests the hypothesis that the mean is 0: but for a draw, it is below 0.05 where 0 is outside of the basic
        interval of 0.95. NaN where the groups do not differ.
        """
        if not self.errors[index] > 0:
            return math.nan
        shifts, value = self.shifts[:, index], self.values[index]
        tail = min(np.count_nonzero(shifts >= value), np.count_nonzero(shifts <= value))
        return float(min(1.0, 2 * (1 + tail) / (1 + len(shifts))))

    def _interval(self, index: int, shifts: Floats, confidence: float, span: tuple[float, float]) -> Interval:
        if not self.errors[index] > 0:
            return NONE
        high, low = np.quantile(shifts, [(1 + confidence) / 2, (1 - confidence) / 2])
        bounds = np.clip(self.values[index] - np.array([high, low]), *span)
        return Interval(*bounds.tolist())


def means(totals: Floats, sizes: Floats, resamples: Resamples) -> Means:
    """Means over images, drawn again by the group.

    Args:
        totals: (G, K) sums over the images of each group.
        sizes: (G,) how many images each has, or how much each weighs.
        resamples: of the groups.
    """
    groups, columns = totals.shape
    values = totals.sum(axis=0) / sizes.sum() if groups else np.full(columns, math.nan)
    if groups < 2:
        return Means(values, np.zeros(columns), *np.empty((2, 0, columns)))
    residuals = totals - sizes[:, None] * values
    errors = np.sqrt((residuals**2).sum(axis=0)) / sizes.sum()
    errors[errors <= _NOTHING * np.abs(totals).max(axis=0, initial=0)] = 0
    pieces = [sizes[:, None], sizes[:, None] ** 2, residuals, residuals * sizes[:, None], residuals**2]
    drawn = resamples.sums(np.concatenate(pieces, axis=1))
    wholes, wholes_squared, moved, products, squares = np.split(drawn, [1, 2, 2 + columns, 2 + 2 * columns], axis=1)
    shifts = moved / wholes
    scatter = squares - 2 * shifts * products + shifts**2 * wholes_squared
    # The standard error of a draw of groups that are all alike is taken as tiny, not as 0.
    least = _NOTHING * (residuals**2).sum(axis=0)
    pivots = moved / np.sqrt(np.maximum(scatter, np.where(least > 0, least, 1)))
    return Means(values, errors, shifts, pivots)
