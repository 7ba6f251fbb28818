"""Copies that hashes miss: mirrored, cropped around the middle, in another window, or strongly compressed.

Thumbnails without their coarse shades, in which all chests are alike, are compared as they are, mirrored and cropped.
On the built-in study this told every such copy from strangers, where features of a frozen EfficientNet found none in
another window and none that was compressed: it is trained to see through what tells one patient's slice from another's.

Every image is compared with every other in two dozen views: seconds for 1,000 images, minutes for 10,000.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy import ndimage

from medcnn.core.arrays import Floats, Integers
from medcnn.grouping.duplicates import THUMBNAIL

Pictures = npt.NDArray[np.uint8]
"""Grey thumbnails, uint8 (N, 32, 32)."""
Vectors = npt.NDArray[np.float32]
"""Pictures as vectors of length 1, float32 (N, 1024), so that products are correlations."""

FINE, COARSE = 0.5, 3.0
"""In pixels of a thumbnail: what is finer is noise, what is coarser is alike in all patients."""
CALIBRATED = 200
"""Images of the set, evenly through it, of which copies are made whose truth is known."""
RARE = 0.001
"""Chance that the most similar stranger of an image passes the threshold, by the extreme value law through the
quartiles of what the most similar stranger of each image reaches: real copies among them show in its tail alone."""
_ROWS = 512
_ALMOST = 1 - 1e-6
_SIDES = np.arange(1.0, 0.69, -0.03)
"""Of the crops around the middle that pictures are compared as."""


@dataclass(frozen=True)
class Transformed:
    """Copies that were found.

    Attributes:
        pairs: (M, 2) positions.
        threshold: the least correlation of a copy.
        recall: share of known copies that reach it, by what was done to them.
    """

    pairs: Integers
    threshold: float
    recall: dict[str, float]


def found(pictures: Pictures, owners: Integers, groups: Integers) -> Transformed:
    """The images that are copies of an image of another owner.

    Args:
        pictures: N thumbnails.
        owners: (N,) patients, or whatever an image is not compared within.
        groups: (N,) owners joined with the duplicates that are known: those of one group are no strangers.
    """
    best, of = nearest(pictures, owners)
    strangers = best[groups != groups[of]]
    if not len(strangers):
        strangers = best
    low, middle, high = np.quantile(_unbounded(strangers), [0.25, 0.5, 0.75])
    scale = max(float(high - low), 1e-6) / (np.log(np.log(4)) - np.log(np.log(4 / 3)))
    place = float(middle) + scale * float(np.log(np.log(2)))
    known = {kind: alike(pictures, copies) for kind, copies in _known(pictures)}
    threshold = float(np.tanh(place - scale * float(np.log(-np.log1p(-RARE)))))
    where = np.flatnonzero(best >= threshold)
    return Transformed(
        pairs=np.stack([where, of[where]], axis=1),
        threshold=threshold,
        recall={kind: float((values >= threshold).mean()) for kind, values in known.items()},
    )


def _unbounded(correlation: npt.ArrayLike) -> Floats:
    """Fisher's transform, after which the greatest of many correlations follow an extreme value law."""
    return np.arctanh(np.clip(correlation, -_ALMOST, _ALMOST))


def nearest(pictures: Pictures, owners: Integers) -> tuple[Floats, Integers]:
    """What the most similar image of another owner correlates with each (N,), and its position (N,)."""
    plain = _vectors(pictures)
    best, of = np.full(len(pictures), -1.0), np.zeros(len(pictures), np.int64)
    for seen in _views(pictures):
        for top in range(0, len(pictures), _ROWS):
            rows = slice(top, top + _ROWS)
            similar = np.maximum(plain[rows] @ seen.T, seen[rows] @ plain.T)
            similar[owners[rows, None] == owners] = -1
            first = similar.argmax(axis=1)
            reached = similar[np.arange(len(first)), first]
            better = np.flatnonzero(reached > best[rows])
            best[top + better], of[top + better] = reached[better], first[better]
    return best, of


def alike(pictures: Pictures, copies: Pictures) -> Floats:
    """How much each of the pictures that ``sample`` gives correlates (M,) with its copy in the best view."""
    originals = pictures[sample(len(pictures))]
    plain, of_copies = _vectors(originals), _vectors(copies)
    pairs = zip(_views(originals), _views(copies), strict=True)
    either = [
        np.maximum(np.einsum("ij,ij->i", seen, of_copies), np.einsum("ij,ij->i", plain, other)) for seen, other in pairs
    ]
    return np.max(either, axis=0).astype(np.float64)


def sample(count: int) -> Integers:
    """Positions of the images of which copies are made."""
    return np.unique(np.linspace(0, count - 1, min(count, CALIBRATED)).astype(np.int64))


def _known(pictures: Pictures) -> Iterator[tuple[str, Pictures]]:
    """Copies of ``sample`` by what was done to them."""
    originals = pictures[sample(len(pictures))]
    for kind, change in _CHANGES.items():
        yield kind, np.stack([change(picture, number) for number, picture in enumerate(originals)])


def _cropped(picture: npt.NDArray[np.uint8], number: int) -> npt.NDArray[np.uint8]:
    """A crop around the middle, whose side goes through all that there are as the number rises."""
    return _crop(picture, 0.72 + 0.22 * (number * 0.618 % 1))


def _rewindowed(picture: npt.NDArray[np.uint8], _: int) -> npt.NDArray[np.uint8]:
    """The tones between the tenth and the ninth decile, spread over all."""
    low, high = np.quantile(picture, [0.1, 0.9])
    return np.clip((picture - low) * 255 / max(high - low, 1), 0, 255).astype(np.uint8)


def _reencoded(picture: npt.NDArray[np.uint8], _: int) -> npt.NDArray[np.uint8]:
    """In 16 tones."""
    return picture // 16 * 16


_CHANGES: Mapping[str, Callable[[npt.NDArray[np.uint8], int], npt.NDArray[np.uint8]]] = {
    "mirrored": lambda picture, _: picture[:, ::-1],
    "cropped": _cropped,
    "rewindowed": _rewindowed,
    "reencoded": _reencoded,
}


def _views(pictures: Pictures) -> Iterator[Vectors]:
    """The pictures as they are and cropped, and the same mirrored."""
    for side in _SIDES:
        cropped = np.stack([_crop(picture, side) for picture in pictures])
        yield _vectors(cropped)
        yield _vectors(cropped[:, :, ::-1])


def _crop(picture: npt.NDArray[np.uint8], side: float) -> npt.NDArray[np.uint8]:
    """What lies within a share of the sides, around the middle, in full size."""
    first, last = (1 - side) / 2 * THUMBNAIL, (1 + side) / 2 * THUMBNAIL
    box, size = (first, first, last, last), (THUMBNAIL, THUMBNAIL)
    return np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.BICUBIC, box=box))


def _vectors(pictures: Pictures) -> Vectors:
    """Without what is finer or coarser than structure; an even picture is like no other."""
    greys = pictures.astype(np.float32)
    fine, coarse = (ndimage.gaussian_filter(greys, (0, sigma, sigma)) for sigma in (FINE, COARSE))
    flat = (fine - coarse).reshape(len(pictures), -1)
    flat -= flat.mean(axis=1, keepdims=True)
    length = np.linalg.norm(flat, axis=1, keepdims=True)
    return np.divide(flat, length, out=np.zeros_like(flat), where=length > 1e-3)
