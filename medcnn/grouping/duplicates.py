"""Near duplicates: the same picture re-encoded, brightened, or moved by a pixel."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import comb

import imagehash
import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from medcnn.params.studies import Duplicates

THUMBNAIL = 32
_HASH_BITS = 64
_CANDIDATES = 1 << 18
_COMPARED = 1 << 12
_CROWDING = 8
"""How many more images share a bucket than if hashes were random: medical images have a frame in common."""

Positions = npt.NDArray[np.int64]
Pairs = tuple[Positions, Positions]


def perceptual_hash(image: Image.Image) -> str:
    """The 64-bit pHash as 16 hexadecimal digits (DCT of a 32x32 grey image, as in the ImageHash library)."""
    return str(imagehash.phash(image))


def thumbnail(image: Image.Image) -> np.ndarray:
    """A 32x32 grey thumbnail, uint8 (1024,)."""
    grey = image.convert("L").resize((THUMBNAIL, THUMBNAIL), Image.Resampling.BOX)
    return np.asarray(grey, np.uint8).ravel()


def near_pairs(
    hashes: Sequence[str], thumbnails: Callable[[Positions], np.ndarray], limits: Duplicates
) -> Iterator[tuple[int, int]]:
    """Enough of the pairs that are near duplicates by both measures to link all of these.

    A pair may be left out where pairs before it link its two images already, so that many images that are all alike
    give a few pairs an image. Joined, the pairs given make the same groups as all near duplicates would.

    Candidates come from multi-index hashing (Norouzi, Punjani and Fleet, CVPR 2012): of hashes that differ in few bits,
    one of several bands differs in fewer still, so that only images in the same and in neighbouring buckets of a band
    are compared. Nothing is missed, whatever the limits.

    Args:
        hashes: pHash of each image, 16 hexadecimal digits.
        thumbnails: gives the ``thumbnail`` of the images at some positions, uint8 (M, 1024).
        limits: the largest Hamming distance and the smallest correlation. An even thumbnail correlates with none.
    """
    codes = np.array([int(code, 16) for code in hashes], np.uint64)
    linked = _Linked(np.arange(len(codes)))
    for band in _bands(len(codes), limits.hamming):
        for pairs in _meeting(_Buckets.of(codes, band), band, linked):
            close = np.bitwise_count(codes[pairs[0]] ^ codes[pairs[1]]) <= limits.hamming
            for few in _apart(pairs, close, linked):
                alike = _correlated(thumbnails(few[0]), thumbnails(few[1]), limits.correlation)
                found = few[0][alike], few[1][alike]
                linked.join(found)
                yield from zip(*(positions.tolist() for positions in found), strict=True)


@dataclass(frozen=True)
class _Band:
    """Every so many bits of the hash, and in how many of them two images may differ."""

    bits: slice
    radius: int

    @property
    def width(self) -> int:
        return len(range(_HASH_BITS)[self.bits])

    @property
    def probes(self) -> int:
        return sum(comb(self.width, flipped) for flipped in range(self.radius + 1))

    def masks(self) -> Iterator[int]:
        """What to flip in a bucket's number to get that of each bucket within the radius, its own first."""
        for flipped in range(self.radius + 1):
            for places in combinations(range(self.width), flipped):
                yield sum(1 << place for place in places)


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


@dataclass(frozen=True)
class _Buckets:
    """Images sorted by their bucket: their positions, the buckets' numbers, and where each bucket starts."""

    order: Positions
    numbers: Positions
    starts: Positions

    @classmethod
    def of(cls, codes: npt.NDArray[np.uint64], band: _Band) -> _Buckets:
        places = np.arange(_HASH_BITS, dtype=np.uint64)[band.bits]
        numbers = np.zeros(len(codes), np.int64)
        for bit, place in enumerate(places):
            numbers |= ((codes >> place & np.uint64(1)) << np.uint64(bit)).astype(np.int64)
        order = np.argsort(numbers, kind="stable")
        starts = np.zeros((1 << band.width) + 1, np.int64)
        np.cumsum(np.bincount(numbers, minlength=1 << band.width), out=starts[1:])
        return cls(order, numbers[order], starts)


def _bands(count: int, hamming: int) -> list[_Band]:
    """The bands that cost least for so many images; at worst a single bucket that holds them all.

    In some band the distance is at most its radius: were it larger in each of ``parts``, it would be at least
    sum(radius) + parts = hamming + 1 in all. A band of radius -1 is therefore not needed.
    """
    most = count.bit_length() + 1

    def shared(parts: int) -> list[_Band]:
        radius, larger = divmod(hamming + 1 - parts, parts)
        # Leaving bits out of a band brings more together and misses nothing; it keeps the buckets few.
        bands = [
            _Band(slice(part, parts * min(_HASH_BITS // parts, most), parts), radius + (part < larger))
            for part in range(parts)
        ]
        return [band for band in bands if band.radius >= 0]

    def cost(bands: Sequence[_Band]) -> float:
        return sum(band.probes * (1 + _CROWDING * count / (1 << band.width)) for band in bands)

    return min([_Band(slice(0), 0)], *(shared(parts) for parts in range(3, 17)), key=cost)


def _meeting(buckets: _Buckets, band: _Band, linked: _Linked) -> Iterator[Pairs]:
    """Pairs of positions in the same or in neighbouring buckets, about ``_CANDIDATES`` at a time."""
    rows = np.arange(len(buckets.order))
    for mask in band.masks():
        others = buckets.numbers ^ mask
        first, last = buckets.starts[others], buckets.starts[others + 1]
        first = np.maximum(first, rows + 1)
        waiting = rows[first < last]
        while len(waiting):
            waiting = waiting[_unlinked(waiting, first[waiting], last[waiting], linked.names[buckets.order])]
            many = np.cumsum(last[waiting] - first[waiting])
            now, waiting = np.split(waiting, [np.searchsorted(many, _CANDIDATES) + 1])
            left, right = _expanded(now, first[now], last[now])
            yield buckets.order[left], buckets.order[right]


def _unlinked(rows: Positions, first: Positions, last: Positions, names: Positions) -> npt.NDArray[np.bool_]:
    """Whether each row is not linked to all of the rows from ``first`` to ``last``."""
    changes = np.concatenate(([0], np.cumsum(names[1:] != names[:-1])))
    linked: npt.NDArray[np.bool_] = (changes[first] == changes[last - 1]) & (names[first] == names[rows])
    return ~linked


def _expanded(rows: Positions, first: Positions, last: Positions) -> Pairs:
    """Each row with every row from its ``first`` to its ``last``."""
    counts = last - first
    begins = np.cumsum(counts) - counts
    within = np.arange(counts.sum()) - np.repeat(begins, counts)
    return np.repeat(rows, counts), np.repeat(first, counts) + within


def _apart(pairs: Pairs, close: npt.NDArray[np.bool_], linked: _Linked) -> Iterator[Pairs]:
    """The close pairs that are not linked yet, a few at a time, the smaller position first."""
    left, right = (positions[close] for positions in pairs)
    for start in range(0, len(left), _COMPARED):
        few = left[start : start + _COMPARED], right[start : start + _COMPARED]
        unlinked = linked.apart(few)
        if unlinked.any():
            yield np.minimum(*few)[unlinked], np.maximum(*few)[unlinked]


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
