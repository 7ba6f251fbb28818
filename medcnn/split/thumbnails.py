"""Thumbnails of all images in a file: for 100,000 images they would fill the memory."""

from __future__ import annotations

from typing import IO

import numpy as np
import numpy.typing as npt
from PIL import Image

from medcnn.core.arrays import Floats, Integers
from medcnn.grouping.duplicates import THUMBNAIL
from medcnn.inference import novelty

Thumbnail = npt.NDArray[np.uint8]
"""Four planes (4, 1024): red, green, blue, and grey as ``duplicates.thumbnail`` makes it."""
NONE: Thumbnail = np.zeros((4, THUMBNAIL**2), np.uint8)
GREY = 3
_AT_ONCE = 1024


class Thumbnails:
    """The thumbnails of images in the order in which they were added."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._count = 0

    def add(self, thumbnail: Thumbnail) -> None:
        """Keep one more."""
        self._file.write(thumbnail.tobytes())
        self._count += 1

    def grey(self, positions: Integers) -> Thumbnail:
        """The grey planes (M, 1024) of the images at some positions."""
        return self._mapped()[positions, GREY]

    def features(self, positions: Integers) -> Floats:
        """What ``novelty.features`` says of the images at some positions."""
        parts = [positions[start : start + _AT_ONCE] for start in range(0, len(positions), _AT_ONCE)]
        coloured = (self._mapped()[part, :GREY].reshape(-1, 3, THUMBNAIL, THUMBNAIL) for part in parts)
        found = (novelty.features(planes.transpose(0, 2, 3, 1)).astype(np.float32) for planes in coloured)
        return np.concatenate([np.empty((0, novelty.FEATURES), np.float32), *found])

    def _mapped(self) -> np.memmap[tuple[int, ...], np.dtype[np.uint8]]:
        # Mapped anew for each call, so that the pages that were read do not stay.
        self._file.flush()
        return np.memmap(self._file, np.uint8, "r", shape=(self._count, *NONE.shape))


def thumbnail(image: Image.Image, grey: Thumbnail) -> Thumbnail:
    """The planes of an RGB image, of which ``grey`` is the last.

    Colours are the means of nine pixels of each cell, not of all: that takes a tenth of the time for a large image.
    """
    few = image.resize((3 * THUMBNAIL, 3 * THUMBNAIL), Image.Resampling.NEAREST)
    small = few.resize((THUMBNAIL, THUMBNAIL), Image.Resampling.BOX)
    return np.concatenate([np.asarray(small).reshape(-1, 3).T, grey[None]])
