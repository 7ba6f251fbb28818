"""How far a map of what a model looks at can be trusted: where it lies, and whether it is of the model at all."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy import ndimage, stats

from medcnn.core.arrays import Floats, Truths

FAINTEST = 0.1
"""A change of log-odds that is shown strongest where all are smaller, so that noise stays pale."""
LEAST, MOST = 0.05, 0.95
"""The share of an image that a body covers, else it is not taken for one."""
_DARK_CORNERS = 3


@dataclass(frozen=True)
class Maps:
    """What speaks for the predicted class of the first n of some images, (n, h, w); below 0 what speaks against it.

    ``shuffled`` are those of the same model with shuffled weights, for the first few of them.
    """

    heat: Floats
    shuffled: Floats


def strength(heat: Floats) -> npt.NDArray[np.float32]:
    """What speaks for the class, 0..1: the largest is 1, and less where nothing reaches ``FAINTEST``."""
    positive = heat.clip(min=0)
    return (positive / max(float(positive.max(initial=0)), FAINTEST)).astype(np.float32)


def body(pixels: npt.NDArray[np.uint8]) -> Truths | None:
    """Which pixels (H, W) of an image (H, W, 3) show the body: the largest bright part, holes filled.

    What is bright is decided by Otsu's threshold (IEEE Trans. Syst. Man Cybern. 1979).

    Returns:
        None where no body stands before a dark background: corners are bright, or the part is all or nothing.
    """
    grey = pixels.mean(axis=2)
    bright = grey > _otsu(grey)
    corners = bright[[0, 0, -1, -1], [0, -1, 0, -1]]
    parts, count = ndimage.label(ndimage.binary_fill_holes(bright))
    if not count or (~corners).sum() < _DARK_CORNERS:
        return None
    largest = np.asarray(parts == 1 + np.bincount(parts.ravel())[1:].argmax())
    return largest if LEAST <= largest.mean() <= MOST else None


def inside(heat: Floats, body: Truths | None) -> float:
    """The share of what speaks for the class that lies within the body; NaN without a body, or where nothing does."""
    if body is None or not (heat > 0).any():
        return np.nan
    size = (body.shape[1], body.shape[0])
    positive = np.asarray(Image.fromarray(heat.clip(min=0).astype(np.float32)).resize(size, Image.Resampling.BILINEAR))
    return float(positive[body].sum() / positive.sum())


def rank_correlation(one: Floats, other: Floats) -> float:
    """Spearman's, of two maps; NaN where one is even."""
    if np.ptp(one) == 0 or np.ptp(other) == 0:
        return np.nan
    ranks = [stats.rankdata(values) for values in (one, other)]
    return float(np.corrcoef(*ranks)[0, 1])


def _otsu(grey: Floats) -> float:
    """The threshold between 256 bins that parts greys into two groups as unlike as can be."""
    counts, edges = np.histogram(grey, bins=256, range=(0, 256))
    below, total = np.cumsum(counts), np.cumsum(counts * edges[:-1])
    above = below[-1] - below
    with np.errstate(divide="ignore", invalid="ignore"):
        apart = below * above * (total / below - (total[-1] - total) / above) ** 2
    return float(edges[1:][np.nanargmax(np.where(np.isfinite(apart), apart, -1))])
