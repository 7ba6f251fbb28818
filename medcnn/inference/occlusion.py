"""Occlusion: where a grey patch, slid over an image, takes from what a model says.

Zeiler and Fergus, ECCV 2014, https://arxiv.org/abs/1311.2901. It needs nothing of a model but its answers, so it works
for ensembles and cascades too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice

import numpy as np
import numpy.typing as npt

PATCHES = 7
"""How many patches side by side make up an image."""
FINE = 2 * PATCHES - 1
"""Places of a patch side by side where neighbours overlap by half."""
GREY = 128

Score = Callable[[np.ndarray], np.ndarray]
"""A number for each of some images: from uint8 (N, S, S, 3) to (N,)."""


def occlusion(pixels: np.ndarray, score: Score, batch: int, places: int = FINE) -> npt.NDArray[np.float64]:
    """How much a score falls where a patch lies; the mean over the patches that cover a pixel.

    Args:
        pixels: uint8 (S, S, 3).
        score: what a model says, such as the probability of a class.
        batch: images in a run.
        places: of the patch side by side, ``PATCHES`` or more; the model is asked ``asked(places)`` times.

    Returns:
        float64 (S, S); negative where the patch raises the score.
    """
    side = len(pixels)
    whole = score(pixels[None])[0]
    falls, covered = np.zeros((side, side)), np.zeros((side, side))
    boxes = iter(_boxes(side, places))
    while some := list(islice(boxes, batch)):
        for place, answer in zip(some, score(np.stack([_hidden(pixels, place) for place in some])), strict=True):
            falls[place] += whole - answer
            covered[place] += 1
    return falls / covered


def asked(places: int = FINE) -> int:
    """How many images a model is asked about for one map."""
    return places**2 + 1


def _boxes(side: int, places: int) -> Iterator[tuple[slice, slice]]:
    patch = max(-(-side // PATCHES), 1)
    starts = np.unique(np.linspace(0, side - patch, places).round().astype(int))
    return ((slice(top, top + patch), slice(left, left + patch)) for top in starts for left in starts)


def _hidden(pixels: np.ndarray, place: tuple[slice, slice]) -> np.ndarray:
    copy = pixels.copy()
    copy[place] = GREY
    return copy
