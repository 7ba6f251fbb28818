"""What thumbnails show: pictures of one tone, of a few tones, or unlike the rest."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt
import pandas as pd

from medcnn.core.arrays import Floats, Integers, Truths
from medcnn.dataset.doubts import SHOWN, Doubt
from medcnn.grouping.duplicates import THUMBNAIL
from medcnn.inference import novelty

Grey = npt.NDArray[np.uint8]

MEASURES = {"brightness": float, "spread": float, "border": float, "margin": float, "tones": float}
"""Of a thumbnail: mean and standard deviation, the mean of its border, each grey of 0..255, the share of black in that,
and the share of its pixels in its ``TONES`` most frequent tones, of ``_LEVELS`` shades each."""
FLAT = 2.0
"""The standard deviation below which a picture shows nothing."""
FEW_TONES = 0.85
"""The share of pixels in the most frequent tones above which a picture looks like a mask."""
LEAST_IMAGES = 50
"""Below which it is not asked which images are unlike the rest."""
UNLIKE = 2.5
"""How many times as far from the other images as usual one is that is unlike them."""
MANY_UNLIKE = 0.02
TONES = 3
_LEVELS = 8
_BLACK = 8
_BORDER = np.pad(np.zeros((THUMBNAIL - 4, THUMBNAIL - 4), bool), 2, constant_values=True).ravel()
_FOLDS = 5
_FITTED_ON = 2000
"""The most images that are taken for what is usual; as many are in memory at a time."""
_KEPT = 0.9


def measured(thumbnails: Grey) -> Floats:
    """The ``MEASURES`` (N, 5) of grey thumbnails, (N, 1024)."""
    border = thumbnails[:, _BORDER]
    black = (border < _BLACK).mean(axis=1)
    spread = thumbnails.std(axis=1)
    return np.stack([thumbnails.mean(axis=1), spread, border.mean(axis=1), black, _in_few_tones(thumbnails)], axis=1)


def _in_few_tones(thumbnails: Grey) -> Floats:
    """The share (N,) of the pixels of each thumbnail that are in its most frequent tones."""
    count, tones = len(thumbnails), 256 // _LEVELS
    tone = thumbnails // np.uint8(_LEVELS) + np.arange(count)[:, None] * tones
    counts = np.bincount(tone.ravel(), minlength=count * tones).reshape(count, tones)
    shares: Floats = np.partition(counts, -TONES, axis=1)[:, -TONES:].sum(axis=1) / thumbnails.shape[1]
    return shares


def flat(images: pd.DataFrame) -> Iterator[Doubt]:
    """Pictures of one tone; an error where most are.

    Args:
        images: path, label and ``MEASURES`` of the images that can be read and have a class.
    """
    found = images[images["spread"] < FLAT]
    if len(found):
        of_classes = ", ".join(f"{label} {count}" for label, count in found["label"].value_counts().items())
        text = (
            f"{len(found)} of {len(images)} images are of one colour, or nearly so ({of_classes}), such as "
            f"{found['path'].iloc[0]}; open some: leave them out with labels.exclude, or store their pixels anew"
        )
        severe = len(found) > len(images) / 2
        yield Doubt("error" if severe else "warning", "flat_images", text, len(found), tuple(found["path"][:SHOWN]))


def unlike(paths: pd.Series[str], found: Truths) -> Iterator[Doubt]:
    """Images that ``unlike_the_rest`` found."""
    count = int(found.sum())
    if count:
        some = tuple(paths[found][:SHOWN])
        text = (
            f"{count} of {len(paths)} images are unlike the rest, such as {some[0]}: another organ, another modality, "
            "or no scan at all; look at them"
        )
        yield Doubt("warning" if count > MANY_UNLIKE * len(paths) else "note", "unlike_the_rest", text, count, some)


def unlike_the_rest(features: Callable[[Integers], Floats], groups: Integers) -> Truths:
    """Which images lie far from the images of other groups, by the distance that exported models judge novelty with.

    Each fifth of the groups is compared with the others; then once more with those of them that were near, since
    images that are unlike the rest would else be part of what is usual.

    Args:
        features: gives the ``novelty.features`` of the images at some positions.
        groups: (N,) the group of each image.
    """
    folds = pd.factorize(groups)[0] % _FOLDS
    if len(groups) < LEAST_IMAGES or len(np.unique(folds)) < _FOLDS:
        return np.zeros(len(groups), bool)
    near = np.ones(len(groups), bool)
    for _ in range(2):
        distances = _distances(features, folds, near)
        near = distances <= np.quantile(distances, _KEPT)
    far: Truths = distances > UNLIKE * np.median(distances)
    return far


def _distances(features: Callable[[Integers], Floats], folds: Integers, near: Truths) -> Floats:
    """How far (N,) each image is from the near images of other folds."""
    distances = np.zeros(len(folds))
    for fold in range(_FOLDS):
        inside, others = np.flatnonzero(folds == fold), np.flatnonzero((folds != fold) & near)
        usual = novelty.distance_from(features(others[:: len(others) // _FITTED_ON + 1]))
        for start in range(0, len(inside), _FITTED_ON):
            some = inside[start : start + _FITTED_ON]
            distances[some] = usual.distances(features(some))
    return distances
