"""A probe: logistic regression on standardised features, written as the one dense layer of a network's head."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold
from threadpoolctl import threadpool_limits

from medcnn.core.seeding import THREADS

STRENGTHS = tuple(10.0**exponent for exponent in np.arange(-5, 1.5, 0.5))
"""From the strongest penalty to the weakest, as scikit-learn's C."""
USUAL = STRENGTHS[5]
"""Where there are too few patients for cross-validation."""
FOLDS = 5
PATIENCE = 2
"""Weaker penalties that are tried after the best one so far: they take longest, and the loss has one valley."""
_EXACT, _CLOSE = 1e-8, 1e-5
"""Largest gradient where a regression ends: the one that is kept, and those that are only compared."""
_SMALLEST = 1e-12
_FLOOR = 0.01
"""A feature varies at least so much, as a share of the median deviation and of its own mean.

One that hardly ever does would outweigh all others, and where its mean is large, by the rounding errors of float32.
"""

Floats = npt.NDArray[np.float64]
Fold = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]
"""Positions to fit to, and positions to measure on."""


@dataclass(frozen=True)
class Sample:
    """What a probe is fitted to.

    Attributes:
        features: (N, F).
        labels: (N,) classes from 0 on, or findings (N, K), 0 or 1.
        groups: (N,) patients, joined with their duplicates.
        weights: of the images, of the shape of ``labels``.
    """

    features: npt.NDArray[np.float32]
    labels: npt.NDArray[np.int64]
    groups: npt.NDArray[np.str_]
    weights: npt.NDArray[np.float32]

    def at(self, rows: npt.NDArray[np.int64]) -> Sample:
        """Some of the images."""
        return Sample(self.features[rows], self.labels[rows], self.groups[rows], self.weights[rows])

    def apart(self) -> list[Sample]:
        """The sample itself, or one of each finding."""
        if self.labels.ndim == 1:
            return [self]
        both = zip(self.labels.T, self.weights.T, strict=True)
        return [replace(self, labels=labels, weights=weights) for labels, weights in both]


@dataclass(frozen=True)
class Probe:
    """Log-odds that are linear in the features, which need no standardising any more.

    Attributes:
        kernel: (F, C), or (F, 1) for the second of two classes over the first; of findings (F, K).
        bias: (C,), (1,) or (K,).
        strength: of the penalty, as scikit-learn's C.
    """

    kernel: Floats
    bias: Floats
    strength: float

    def layer(self, units: int) -> list[npt.NDArray[np.float32]]:
        """Kernel and bias of a dense layer of one unit before a sigmoid, or of one per class before a softmax."""
        kernel, bias = self.kernel, self.bias
        if len(bias) < units:
            kernel, bias = np.hstack([0 * kernel, kernel]), np.append(0, bias)
        return [kernel.astype(np.float32), bias.astype(np.float32)]


@dataclass(frozen=True)
class _Space:
    """Where features are standardised, and turned to no more axes than there are images, which changes no answer.

    Attributes:
        centre: mean of each feature, (F,).
        spread: deviation of each, (F,), no less than ``_FLOOR`` says; of one that is the same everywhere, the median
            one.
        axes: (F, N), orthonormal; None where there are no fewer images than features, which stay as they are.
    """

    centre: Floats
    spread: Floats
    axes: Floats | None

    @classmethod
    def of(cls, features: npt.NDArray[np.float32]) -> _Space:
        """The space of N images, from their features (N, F)."""
        centre, spread = features.mean(axis=0, dtype=np.float64), features.std(axis=0, dtype=np.float64)
        usual = float(np.median(spread[spread > 0])) if spread.any() else 1.0
        least = _FLOOR * np.maximum(usual, np.abs(centre))
        spread = np.where(spread > 0, np.maximum(spread, least), usual)
        images, count = features.shape
        if images >= count:
            return cls(centre, spread, None)
        # The penalty of a kernel depends on its length alone, and outside of the span of the images it is 0.
        return cls(centre, spread, np.linalg.svd((features - centre) / spread, full_matrices=False)[2].T)

    def seen(self, features: npt.NDArray[np.float32]) -> Floats:
        """Features (N, F) in this space."""
        standard: Floats = (features - self.centre) / self.spread
        return standard if self.axes is None else standard @ self.axes

    def layer(self, coefficients: Floats, intercepts: Floats) -> tuple[Floats, Floats]:
        """Kernel (F, K) and bias (K,) for raw features, of coefficients (K, axes) and intercepts (K,) here."""
        turned = coefficients.T if self.axes is None else self.axes @ coefficients.T
        kernel = turned / self.spread[:, None]
        return kernel, intercepts - self.centre @ kernel


def fitted(sample: Sample, classes: int) -> Probe:
    """Fit a probe; the same sample gives the same one, whatever the number of threads.

    Multinomial logistic regression with an L2 penalty, or a binary one for each finding, by scikit-learn's L-BFGS in
    float64. The strength of the penalty is the one with the least cross-entropy in ``FOLDS``-fold cross-validation
    over whole groups.

    Args:
        sample: images of every class, with and without every finding.
        classes: how many classes there are; of findings, 2.
    """
    # How a matrix product is divided among threads shows in its last digits.
    with threadpool_limits(1):
        parts = sample.apart()
        early = len(parts) == 1
        losses = sum((_losses(part, _folds(part, classes), early) for part in parts), np.zeros(len(STRENGTHS)))
        strength = STRENGTHS[int(np.argmin(losses))] if losses.any() else USUAL
        space = _Space.of(sample.features)
        seen = space.seen(sample.features)
        coefficients, intercepts = zip(*(_fit(seen, part, strength) for part in parts), strict=True)
        return Probe(*space.layer(np.vstack(coefficients), np.concatenate(intercepts)), strength)


def _fit(seen: Floats, sample: Sample, strength: float) -> tuple[Floats, Floats]:
    """Coefficients and intercepts; a finding that every image has is expected everywhere."""
    if len(np.unique(sample.labels)) < 2:
        return np.zeros((1, seen.shape[1])), np.array([np.log(2 * len(seen) + 1)])
    regression = _regression(strength, _EXACT).fit(seen, sample.labels, sample.weights)
    return regression.coef_, regression.intercept_


def _folds(sample: Sample, classes: int) -> list[Fold]:
    """Groups dealt whole, stratified by class; only folds whose rest has every class."""
    count = min(FOLDS, len(np.unique(sample.groups)))
    if count < 2:
        return []
    dealt = StratifiedGroupKFold(count).split(sample.features, sample.labels, sample.groups)
    return [(fit, held_out) for fit, held_out in dealt if len(np.unique(sample.labels[fit])) == classes]


def _losses(sample: Sample, folds: Sequence[Fold], ends_early: bool) -> Floats:
    """The mean cross-entropy of the held-out images by strength, rounded, so that last digits decide nothing.

    Args:
        sample: what is divided into folds.
        folds: none for losses of 0.
        ends_early: whether strengths so weak that they cannot win any more are left out, with an infinite loss.
    """
    if not folds:
        return np.zeros(len(STRENGTHS))
    weight = sum(sample.weights[held_out].sum() for _, held_out in folds)
    paths = [_path(sample.at(fit), sample.at(held_out)) for fit, held_out in folds]
    losses = np.full(len(STRENGTHS), np.inf)
    with ThreadPoolExecutor(THREADS) as threads:
        for index in range(len(STRENGTHS)):
            losses[index] = np.round(sum(threads.map(next, paths)) / weight, 6)
            if ends_early and index - np.argmin(losses) >= PATIENCE:
                break
    return losses


def _path(fit: Sample, held_out: Sample) -> Iterator[float]:
    """The sum of the held-out cross-entropies for each strength; each fit starts where the one before it ended."""
    space = _Space.of(fit.features)
    inputs, outputs = space.seen(fit.features), space.seen(held_out.features)
    regression = _regression(STRENGTHS[0], _CLOSE)
    for strength in STRENGTHS:
        regression.set_params(C=strength).fit(inputs, fit.labels, fit.weights)
        likelihoods = regression.predict_proba(outputs)[np.arange(len(outputs)), held_out.labels]
        yield float(-np.log(likelihoods.clip(_SMALLEST)) @ held_out.weights)


def _regression(strength: float, tolerance: float) -> LogisticRegression:
    return LogisticRegression(C=strength, tol=tolerance, max_iter=5000, warm_start=True)
