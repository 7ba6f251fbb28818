"""Parts of a study made of arrays, for tests of exported models."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from medcnn.dataset.part import Part

CLASSES = ("a", "b", "c")


def part(pixels: np.ndarray, indices: Sequence[int], labels: Sequence[int] | None = None) -> Part:
    """Some of the images uint8 (M, H, W, 3); of the first class unless labels (N,) say otherwise."""
    names = tuple(f"image_{row}" for row in range(len(indices)))
    known = np.zeros(len(indices), np.int64) if labels is None else np.asarray(labels, np.int64)
    return Part(CLASSES, names, known, names, pixels, np.asarray(indices, np.int64))
