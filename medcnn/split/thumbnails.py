"""Thumbnails of all images in a file, with what they show: for 100,000 images they would fill the memory."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import IO, Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from medcnn.core.arrays import Floats, Integers
from medcnn.grouping import duplicates
from medcnn.grouping.duplicates import THUMBNAIL
from medcnn.inference import novelty

_PIXELS = THUMBNAIL**2
_SEEN = np.dtype(
    [
        ("colours", np.uint8, (THUMBNAIL, THUMBNAIL, 3)),
        ("grey", np.uint8, _PIXELS),
        ("hashed", np.uint8, (THUMBNAIL, THUMBNAIL)),
    ]
)
_KEPT = np.dtype([("grey", np.uint8, _PIXELS), ("features", np.float32, novelty.FEATURES)])
_OFFSETS = {"grey": 0, "features": _PIXELS}
_NONE = bytes(_SEEN.itemsize)
Greys = npt.NDArray[np.uint8]


class Thumbnails:
    """What is kept of the thumbnails of images, in the order in which they were added."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def add(self, thumbnails: Sequence[bytes]) -> tuple[Greys, list[str]]:
        """Keep some more, b"" for what is no image; returns their grey pixels (M, 1024) and their perceptual hashes."""
        seen = np.frombuffer(b"".join(thumbnail or _NONE for thumbnail in thumbnails), _SEEN)
        kept = np.empty(len(seen), _KEPT)
        kept["grey"], kept["features"] = seen["grey"], novelty.features(seen["colours"])
        self._file.write(kept.tobytes())
        return kept["grey"], duplicates.perceptual_hashes(seen["hashed"])

    def grey(self, positions: Integers) -> Greys:
        """The grey pixels (M, 1024) of the images at some positions."""
        return self._read("grey", positions)

    def features(self, positions: Integers) -> Floats:
        """The ``novelty.features`` of the images at some positions."""
        return self._read("features", positions)

    def _read(self, name: str, positions: Integers) -> npt.NDArray[Any]:
        # Not mapped: what is read of a mapped file, and what lies beside it, counts as memory of the process.
        kind, offset = _KEPT[name], _OFFSETS[name]
        self._file.flush()
        number, starts = self._file.fileno(), (positions * _KEPT.itemsize + offset).tolist()
        data = b"".join(os.pread(number, kind.itemsize, start) for start in starts)
        return np.frombuffer(data, kind.base).reshape(-1, *kind.shape)


def thumbnail(image: Image.Image) -> bytes:
    """The thumbnail of an RGB image: in colours, in greys, and as it is hashed.

    Colours are the means of nine pixels of each cell, not of all: that takes a tenth of the time for a large image.
    """
    few = image.resize((3 * THUMBNAIL, 3 * THUMBNAIL), Image.Resampling.NEAREST)
    colours, grey = few.resize((THUMBNAIL, THUMBNAIL), Image.Resampling.BOX), image.convert("L")
    return colours.tobytes() + duplicates.thumbnail(grey).tobytes() + duplicates.to_be_hashed(grey).tobytes()
