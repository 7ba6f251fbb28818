"""Near duplicates: the same picture re-encoded, brightened, or moved by a pixel."""

from __future__ import annotations

from collections.abc import Iterator

import imagehash
import numpy as np
from PIL import Image

from medcnn.params.studies import Duplicates

THUMBNAIL = 32
_BLOCK = 2048


def perceptual_hash(image: Image.Image) -> str:
    """The 64-bit pHash as 16 hexadecimal digits (DCT of a 32x32 grey image, as in the ImageHash library)."""
    return str(imagehash.phash(image))


def thumbnail(image: Image.Image) -> np.ndarray:
    """A 32x32 grey thumbnail as float32 (1024,), mean 0 and norm 1; a flat image gives zeros."""
    grey = image.convert("L").resize((THUMBNAIL, THUMBNAIL), Image.Resampling.BOX)
    values = np.asarray(grey, np.float32).ravel()
    values = values - values.mean()
    norm = float(np.linalg.norm(values))
    return values / norm if norm > 0 else values


def near_pairs(hashes: list[str], thumbnails: np.ndarray, limits: Duplicates) -> Iterator[tuple[int, int]]:
    """Pairs (i, j), i < j, that are near duplicates by both measures.

    Args:
        hashes: pHash of each image, 16 hexadecimal digits.
        thumbnails: (N, 1024), each row of mean 0 and norm 1, so that a product of rows is their correlation.
        limits: the largest Hamming distance and the smallest correlation.
    """
    codes = np.array([int(code, 16) for code in hashes], np.uint64)
    starts = range(0, len(codes), _BLOCK)
    for top, left in ((top, left) for top in starts for left in starts if left >= top):
        close = _distances(codes[top : top + _BLOCK], codes[left : left + _BLOCK]) <= limits.hamming
        for row, column in zip(*np.nonzero(close), strict=True):
            i, j = top + int(row), left + int(column)
            if i < j and float(thumbnails[i] @ thumbnails[j]) >= limits.correlation:
                yield i, j


def _distances(rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Hamming distances (len(rows), len(columns)) of 64-bit codes, as uint8."""
    differing = (rows[:, None] ^ columns[None, :]).view(np.uint8).reshape(len(rows), len(columns), 8)
    return _BITS[differing].sum(axis=2, dtype=np.uint8)


_BITS = np.array([bin(value).count("1") for value in range(256)], np.uint8)
