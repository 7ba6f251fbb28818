"""How unlike the training images an image is, from its pixels alone: the same for every model of a study.

A score of 1 is that of a typical training image; above the threshold an image is unlike them: another organ, another
modality, inverted, or no scan at all. What looks right and is ill in a way that training never saw is not found so.

The score of an image, of S x S pixels of 0..255, in words that any language can follow:

- grey is (R + G + B) / 765 of each pixel; sides are cut in ``CELLS``, pixel x being in part floor(CELLS x / S);
- across is abs(grey(x + 1, y) - grey(x, y)) and down is abs(grey(x, y + 1) - grey(x, y)), for x and y below S - 1, a
  picture of S - 1 by S - 1 cut in the same way;
- features are, in order: mean grey of each cell, row by row; square roots of the mean across of each cell; the same of
  down; square roots of the shares of pixels in each of ``SHADES`` shades, floor(SHADES (R + G + B) / 766); mean of
  (max(R, G, B) - min(R, G, B)) / 255; mean of (R - G) / 255; mean of (B - G) / 255; standard deviation of grey; square
  root of the mean abs(4 grey - its four neighbours) over the pixels that have four;
- z[i] is the sum over j <= i of whitening[i][j] * (features[j] - mean[j]), and the score is sqrt(mean of z[i] ** 2).
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from medcnn.core import files
from medcnn.core.errors import MedcnnError
from medcnn.dataset.shards import Rows

CELLS = 5
SHADES = 8
FEATURES = 3 * CELLS**2 + SHADES + 5
SEEN_AS_LIKE = 0.95
"""The share of validation's images whose scores are not above the threshold, to the nearest image."""
SMALLEST_SIDE = 2 * CELLS
_LEAST_SPREAD = 0.02
_LEAST_SHRINKAGE = 0.01
_LARGEST = 1e6
_PIXELS_AT_ONCE = 1 << 20


@dataclass(frozen=True)
class Novelty:
    """A Mahalanobis distance from the training images, and where it begins to be large.

    Attributes:
        mean: (FEATURES,) of the training images.
        whitening: (FEATURES, FEATURES), lower triangular; makes their features uncorrelated and of variance 1.
        threshold: the score above which an image is unlike them.
    """

    mean: np.ndarray
    whitening: np.ndarray
    threshold: float

    def scores(self, images: Rows) -> np.ndarray:
        """Scores float64 (N,), 0 or more, of uint8 images (N, S, S, 3)."""
        return self.distances(features(images))

    def distances(self, seen: np.ndarray) -> np.ndarray:
        """The scores float64 (N,) of images with these features, (N, FEATURES)."""
        whitened = (seen - self.mean) @ self.whitening.T
        return np.sqrt((whitened**2).mean(axis=1))

    def unlike(self, images: Rows) -> np.ndarray:
        """Whether each of the uint8 images (N, S, S, 3) is unlike the training images."""
        return self.scores(images) > self.threshold

    def to_json(self) -> str:
        """JSON of ``mean``, ``whitening`` (row i has i + 1 numbers) and ``threshold``."""
        rows = [row[: index + 1].tolist() for index, row in enumerate(self.whitening)]
        return json.dumps({"mean": self.mean.tolist(), "threshold": self.threshold, "whitening": rows})

    @classmethod
    def from_json(cls, text: str) -> Novelty:
        """The reverse of ``to_json``, for text from anywhere.

        Raises:
            MedcnnError: it is not the JSON that ``to_json`` writes.
        """
        try:
            value = json.loads(text)
            mean, rows = _numbers(value["mean"], FEATURES), value["whitening"]
            whitening = np.zeros((FEATURES, FEATURES))
            for index in range(FEATURES):
                whitening[index, : index + 1] = _numbers(rows[index], index + 1)
            threshold = float(_numbers([value["threshold"]], 1)[0])
        except (ValueError, TypeError, LookupError, OverflowError, RecursionError) as error:
            wanted = f"mean, whitening and threshold of {FEATURES} features"
            raise MedcnnError(f"expected {wanted} as medcnn.inference.novelty writes them") from error
        return cls(mean, whitening, threshold)


def fitted(training: Rows, validation: Rows) -> Novelty:
    """The distance from the training images, with a threshold that validation's images seldom pass.

    Features are divided by their standard deviation, and their covariance is shrunk towards the identity (Schaefer and
    Strimmer, Statistical Applications in Genetics and Molecular Biology 2005, target A; after Ledoit and Wolf 2004),
    so that few images, or images all alike, are enough. scikit-learn's ``LedoitWolf`` shrinks the covariance of one or
    two images not at all, which leaves it without an inverse. Numbers are rounded to the digits that are written.

    Args:
        training: uint8 (N, S, S, 3), read a few at a time; at least one image.
        validation: uint8 (M, S, S, 3), the same.

    Raises:
        MedcnnError: one of them has no images.
    """
    if not len(training) or not len(validation):
        raise MedcnnError("what is unlike training images needs images of training and of validation")
    distance = distance_from(features(training))
    scores = np.sort(distance.scores(validation))
    rank = max(round(SEEN_AS_LIKE * len(scores)), 1)
    return Novelty(distance.mean, distance.whitening, _rounded_up(float(scores[rank - 1])))


def distance_from(seen: np.ndarray) -> Novelty:
    """The distance from images with these features, (N, FEATURES), as ``fitted`` says, with an infinite threshold."""
    mean, spread = seen.mean(axis=0), np.maximum(seen.std(axis=0), _LEAST_SPREAD)
    factor = np.linalg.cholesky(_shrunk_covariance((seen - mean) / spread))
    whitening = np.tril(np.linalg.inv(factor)) / spread
    return Novelty(_rounded(mean), _rounded(whitening), math.inf)


def features(images: Rows) -> np.ndarray:
    """Features float64 (N, FEATURES) of uint8 images (N, S, S, 3); a few images are in memory at a time.

    Raises:
        MedcnnError: the images are smaller than ``SMALLEST_SIDE``.
    """
    side = images.shape[1]
    if side < SMALLEST_SIDE:
        raise MedcnnError(f"images of {side} pixels a side are too small to tell what is unlike training images")
    return np.concatenate([np.empty((0, FEATURES)), *map(_features, _blocks(images))])


def _blocks(images: Rows) -> Iterator[np.ndarray]:
    step = max(_PIXELS_AT_ONCE // images.shape[1] ** 2, 1)
    return (np.asarray(images[start : start + step]) for start in range(0, len(images), step))


def _features(images: np.ndarray) -> np.ndarray:
    """``features`` of images that are in memory, in the order that the module's docstring gives."""
    count, side = images.shape[:2]
    red, green, blue = (np.ascontiguousarray(images[..., channel]) for channel in range(3))
    total = red.astype(np.uint16) + green + blue
    grey = total.astype(np.float32) / np.float32(765)
    across = np.abs(np.diff(grey, axis=2))[:, :-1]
    down = np.abs(np.diff(grey, axis=1))[:, :, :-1]
    darker = [np.count_nonzero(total * SHADES < 766 * shade, axis=(1, 2)) for shade in range(SHADES + 1)]
    shades = np.diff(np.stack(darker, axis=1)) / (side * side)
    return np.concatenate(
        [
            _cells(grey).reshape(count, -1),
            np.sqrt(_cells(across)).reshape(count, -1),
            np.sqrt(_cells(down)).reshape(count, -1),
            np.sqrt(shades),
            _colours(red, green, blue),
            grey.std(axis=(1, 2), dtype=np.float64)[:, None],
            np.sqrt(_curvature(grey))[:, None],
        ],
        axis=1,
    )


def _cells(pictures: np.ndarray) -> np.ndarray:
    """Means float64 (N, CELLS, CELLS) of the cells of pictures (N, S, S)."""
    side = pictures.shape[1]
    part_of = np.arange(side) * CELLS // side
    averaging = (part_of == np.arange(CELLS)[:, None]) / np.bincount(part_of)[:, None]
    means: np.ndarray = averaging @ pictures.astype(np.float64) @ averaging.T
    return means


def _colours(red: np.ndarray, green: np.ndarray, blue: np.ndarray) -> np.ndarray:
    chroma = np.maximum(np.maximum(red, green), blue) - np.minimum(np.minimum(red, green), blue)
    spread, r, g, b = (channel.mean(axis=(1, 2)) for channel in (chroma, red, green, blue))
    return np.stack([spread, r - g, b - g], axis=1) / 255


def _curvature(grey: np.ndarray) -> np.ndarray:
    middle, beside = grey[:, 1:-1, 1:-1], grey[:, 1:-1, :-2] + grey[:, 1:-1, 2:]
    curved = np.abs(4 * middle - beside - grey[:, :-2, 1:-1] - grey[:, 2:, 1:-1])
    return curved.mean(axis=(1, 2), dtype=np.float64)


def _shrunk_covariance(values: np.ndarray) -> np.ndarray:
    """The covariance (D, D) of centred values (N, D), as far shrunk towards the identity as its noise asks for."""
    count, size = values.shape
    covariance, identity = values.T @ values / count, np.eye(size)
    noise = ((values**2).sum(axis=1) ** 2).mean() - (covariance**2).sum()
    distance = ((covariance - identity) ** 2).sum()
    share = noise / max(count - 1, 1) / distance if count > 1 and distance > 0 else 1.0
    share = min(max(share, _LEAST_SHRINKAGE), 1.0)
    return (1 - share) * covariance + share * identity


def _numbers(values: Any, count: int) -> np.ndarray:
    if not isinstance(values, Sequence) or len(values) != count:
        raise ValueError(f"expected {count} numbers")
    if not all(type(value) in (int, float) and abs(value) <= _LARGEST for value in values):
        raise ValueError("expected finite numbers")
    return np.array(values, np.float64)


def _rounded(values: np.ndarray) -> np.ndarray:
    # Adding zero turns -0.0 into 0.0.
    return np.round(values, files.DIGITS) + 0.0


def _rounded_up(score: float) -> float:
    """So that the image whose score it is stays below what is written."""
    step = 10**files.DIGITS
    return math.ceil(score * step) / step
