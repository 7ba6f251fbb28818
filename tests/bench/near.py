"""Near duplicates of 5,000 images, found by hash first and by looking at every thumbnail: prints a table in Markdown.

python -m tests.bench.near ZIP
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np

from medcnn.grouping import duplicates, relatives
from medcnn.params.splits import Duplicates
from medcnn.reading import decode
from medcnn.reading.archive import open_archive

IMAGES = 5000
LIMITS = (Duplicates(hamming=8, correlation=0.98), Duplicates(hamming=12, correlation=0.9))
_ROWS = 500


def main() -> None:
    """Both ways must give the same groups; the laxer limits see to it that there are some."""
    hashes, thumbnails = _looked_at(Path(sys.argv[1]))
    print("| near duplicates | images | images in groups | by hash, s | every thumbnail, s |\n|---|--:|--:|--:|--:|")
    for limits in LIMITS:
        start = time.perf_counter()
        found = relatives.joined(len(hashes), [*duplicates.near_pairs(hashes, thumbnails.__getitem__, limits)])
        middle = time.perf_counter()
        expected = relatives.joined(len(hashes), _every_pair(hashes, thumbnails, limits))
        end = time.perf_counter()
        if not np.array_equal(found, expected):
            sys.exit(f"the groups of near duplicates differ for {limits}")
        related = sum(count for count in np.bincount(found).tolist() if count > 1)
        names = f"hamming {limits.hamming}, correlation {limits.correlation}"
        print(f"| {names} | {len(hashes):,} | {related:,} | {middle - start:.2f} | {end - middle:.2f} |")


def _looked_at(path: Path) -> tuple[list[str], np.ndarray]:
    with open_archive(path) as archive:
        looks = [_look(archive.read(name)) for name in archive.names()[:IMAGES]]
    hashed, thumbnails = zip(*looks, strict=True)
    return duplicates.perceptual_hashes(np.stack(hashed)), np.stack(thumbnails)


def _look(data: bytes) -> tuple[np.ndarray, np.ndarray]:
    image = decode.to_rgb(decode.open_image(data))
    return duplicates.to_be_hashed(image), duplicates.thumbnail(image)


def _every_pair(hashes: list[str], thumbnails: np.ndarray, limits: Duplicates) -> list[tuple[int, int]]:
    codes = np.array([int(code, 16) for code in hashes], np.uint64)
    values = thumbnails - thumbnails.mean(axis=1, keepdims=True)
    values /= np.linalg.norm(values, axis=1, keepdims=True)
    pairs: list[tuple[int, int]] = []
    for top in range(0, len(codes), _ROWS):
        rows = slice(top, top + _ROWS)
        close = np.bitwise_count(codes[rows, None] ^ codes) <= limits.hamming
        left, right = np.nonzero(close & (values[rows] @ values.T >= limits.correlation))
        pairs += [(i, j) for i, j in zip((left + top).tolist(), right.tolist(), strict=True) if i < j]
    return pairs


if __name__ == "__main__":
    main()
