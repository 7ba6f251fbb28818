"""From the bytes of a file to its pictures, whatever the name says that it is."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from medcnn.reading import decode
from medcnn.reading.formats import dicom, nifti

VOLUMES = nifti.SUFFIXES
SUFFIXES = (*decode.SUFFIXES, *dicom.SUFFIXES, *VOLUMES)
"""Of all files that can be read, in lower case; DICOM files often have none."""


def pictures(data: bytes, name: str, size: int, fit: decode.Fit) -> Iterator[tuple[str, np.ndarray]]:
    """The pictures in a file: a mark of each ("", or "#3" for the third frame or slice), and its pixels.

    Args:
        data: the bytes of the file.
        name: of the file; it counts for DICOM without a preamble alone.
        size: the side of what is returned, in pixels.
        fit: how an image is brought to that size.

    Returns:
        uint8 (size, size, 3), few in memory at a time.

    Raises:
        UnreadableImageError: it is not an image, or a broken one; pictures before the fault have been yielded.
    """
    if nifti.starts_as_nifti(data):
        for number, image in nifti.slices(data):
            yield f"#{number}", decode.resize(image, size, fit)
    elif dicom.is_dicom(data):
        yield from _frames(data, size, fit)
    else:
        try:
            yield "", decode.pixels(data, size, fit)
        except decode.UnreadableImageError:
            if not data or not name.lower().endswith(dicom.SUFFIXES):
                raise
            yield from _frames(data, size, fit)


def _frames(data: bytes, size: int, fit: decode.Fit) -> Iterator[tuple[str, np.ndarray]]:
    """The frames of a DICOM file, numbered where there are several."""
    count = 0
    before: np.ndarray | None = None
    for image in dicom.frames(data):
        if before is not None:
            yield f"#{count}", before
        before = decode.resize(image, size, fit)
        count += 1
    if before is not None:
        yield (f"#{count}" if count > 1 else ""), before
