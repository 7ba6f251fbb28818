"""Near duplicates: the same picture re-encoded, brightened, or moved by a pixel.

Every hash is compared with every other. For 100,000 images that takes 4 s, a fiftieth of the time that it takes to
look at the images, so that no index of the hashes is needed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy import fft
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from medcnn.params.splits import Duplicates

THUMBNAIL = 32
_HASHED = 32
"""The side, in pixels, of the picture that is hashed."""
_FREQUENCIES = 8
"""How many of its lowest frequencies count, each way."""
_ROWS = 64
"""How many images are compared with all others before what their pairs link is joined."""
_CORRELATED = 1 << 12
"""How many pairs of thumbnails are compared at once."""

Positions = npt.NDArray[np.int64]
Pairs = tuple[Positions, Positions]


def to_be_hashed(image: Image.Image) -> np.ndarray:
    """A 32x32 grey picture for ``perceptual_hashes``, uint8 (32, 32).

    A large image is reduced to no less than three times that size before it is resampled, in a third of the time.
    """
    small = _grey(image).resize((_HASHED, _HASHED), Image.Resampling.LANCZOS, reducing_gap=3)
    return np.asarray(small, np.uint8)


def perceptual_hashes(pictures: np.ndarray) -> list[str]:
    """The 64-bit pHash of each picture, uint8 (N, 32, 32), as 16 hexadecimal digits.

    It says which low frequencies are above their median, as in the ImageHash library, which takes ten times as long
    for one picture after another.
    """
    frequencies = fft.dct(fft.dct(pictures, axis=1)[:, :_FREQUENCIES], axis=2)[:, :, :_FREQUENCIES]
    lowest = frequencies.reshape(-1, _FREQUENCIES**2)
    above = lowest > np.median(lowest, axis=1, keepdims=True)
    return [digits.tobytes().hex() for digits in np.packbits(above, axis=1)]


def thumbnail(image: Image.Image) -> np.ndarray:
    """A 32x32 grey thumbnail, uint8 (1024,)."""
    return np.asarray(_grey(image).resize((THUMBNAIL, THUMBNAIL), Image.Resampling.BOX), np.uint8).ravel()


def _grey(image: Image.Image) -> Image.Image:
    return image if image.mode == "L" else image.convert("L")


def near_pairs(
    hashes: Iterable[str], thumbnails: Callable[[Positions], np.ndarray], limits: Duplicates
) -> Iterator[tuple[int, int]]:
    """Enough of the pairs that are near duplicates by both measures to link all of these.

    A pair may be left out where pairs before it link its two images already, so that many images that are all alike
    give a few pairs per image. Joined, the pairs given make the same groups as all near duplicates would.

    Args:
        hashes: pHash of each image, 16 hexadecimal digits.
        thumbnails: gives the ``thumbnail`` of the images at some positions, uint8 (M, 1024).
        limits: the largest Hamming distance and the smallest correlation. An even thumbnail correlates with none.
    """
    codes = np.fromiter((int(code, 16) for code in hashes), np.uint64)
    linked = _Linked(np.arange(len(codes)))
    for pairs in _close(codes, limits.hamming, linked):
        for few in _unlinked(pairs, linked):
            alike = _correlated(thumbnails(few[0]), thumbnails(few[1]), limits.correlation)
            found = few[0][alike], few[1][alike]
            linked.join(found)
            yield from zip(*(positions.tolist() for positions in found), strict=True)


def near_copies(
    hashes: Iterable[str], others: Iterable[str], thumbnails: np.ndarray, of_others: np.ndarray, limits: Duplicates
) -> Positions:
    """For each image (N,) the first of M other images that it is a near duplicate of, by both measures; -1 for none.

    Args:
        hashes: pHash of each image, 16 hexadecimal digits.
        others: the same of the other images.
        thumbnails: of each image, uint8 (N, 1024).
        of_others: the same of the other images, uint8 (M, 1024).
        limits: the largest Hamming distance and the smallest correlation. An even thumbnail correlates with none.
    """
    codes, known = (np.fromiter((int(code, 16) for code in side), np.uint64) for side in (hashes, others))
    found = np.full(len(codes), -1)
    for row, code in enumerate(codes):
        close = np.flatnonzero(np.bitwise_count(code ^ known) <= limits.hamming)
        for start in range(0, len(close), _CORRELATED):
            few = close[start : start + _CORRELATED]
            repeated = np.broadcast_to(thumbnails[row], (len(few), THUMBNAIL**2))
            alike = _correlated(repeated, of_others[few], limits.correlation)
            if alike.any():
                found[row] = few[np.argmax(alike)]
                break
    return found


@dataclass
class _Linked:
    """Which images the pairs so far link: those with the same name."""

    names: Positions

    def join(self, pairs: Pairs) -> None:
        if len(pairs[0]):
            ends = self.names[pairs[0]], self.names[pairs[1]]
            graph = coo_array((np.ones(len(ends[0]), bool), ends), shape=(len(self.names), len(self.names)))
            self.names = connected_components(graph, directed=False)[1].astype(np.int64)[self.names]

    def apart(self, pairs: Pairs) -> npt.NDArray[np.bool_]:
        """Whether the images of each pair are not linked."""
        different: npt.NDArray[np.bool_] = self.names[pairs[0]] != self.names[pairs[1]]
        return different

    def all_from(self, top: int) -> bool:
        """Whether all images from a position on are linked."""
        return bool((self.names[top:] == self.names[top]).all())


def _close(codes: npt.NDArray[np.uint64], hamming: int, linked: _Linked) -> Iterator[Pairs]:
    """The pairs of hashes that differ in few bits, the smaller position first, those of ``_ROWS`` rows at a time."""
    for top in range(0, len(codes), _ROWS):
        if linked.all_from(top):
            return
        found = [
            np.flatnonzero(np.bitwise_count(code ^ codes[row + 1 :]) <= hamming) + row + 1
            for row, code in enumerate(codes[top : top + _ROWS], top)
        ]
        yield np.repeat(np.arange(top, top + len(found)), [len(others) for others in found]), np.concatenate(found)


def _unlinked(pairs: Pairs, linked: _Linked) -> Iterator[Pairs]:
    """The pairs that are not linked yet, a few at a time: those before them may link them."""
    for start in range(0, len(pairs[0]), _CORRELATED):
        few = pairs[0][start : start + _CORRELATED], pairs[1][start : start + _CORRELATED]
        unlinked = linked.apart(few)
        if unlinked.any():
            yield few[0][unlinked], few[1][unlinked]


def _correlated(left: np.ndarray, right: np.ndarray, least: float) -> npt.NDArray[np.bool_]:
    """Whether each row of ``left`` correlates at least so much with that of ``right``; in whole numbers but the end."""
    count = left.shape[1]
    x, y = left.astype(np.int32), right.astype(np.int32)
    of_x, of_y = x.sum(axis=1, dtype=np.int64), y.sum(axis=1, dtype=np.int64)
    together = count * np.einsum("ij,ij->i", x, y).astype(np.int64) - of_x * of_y
    spread_x = (count * np.einsum("ij,ij->i", x, x).astype(np.int64) - of_x**2).astype(np.float64)
    spread_y = (count * np.einsum("ij,ij->i", y, y).astype(np.int64) - of_y**2).astype(np.float64)
    flat = (spread_x == 0) | (spread_y == 0)
    enough: npt.NDArray[np.bool_] = together >= least * np.sqrt(spread_x * spread_y)
    return enough & ~flat
