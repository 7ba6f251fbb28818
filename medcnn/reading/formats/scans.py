"""From the bytes of a file to its pictures, whatever the name says that it is."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from medcnn.reading import decode
from medcnn.reading.formats import dicom, nifti

DICOM_SUFFIXES = (".dcm", ".dicom", ".ima")


def pictures(data: bytes, name: str, size: int, fit: decode.Fit) -> Iterator[tuple[str, np.ndarray]]:
    """The pictures in a file: what tells them apart ("", or "#3" for the third frame or slice), and pixels.

    Args:
        data: the bytes of the file.
        name: of the file; only DICOM without its preamble is known by it.
        size: the side of what is returned, in pixels.
        fit: how an image is brought to that size.

    Returns:
        uint8 (size, size, 3), few in memory at a time.

    Raises:
        UnreadableImageError: it is no image, or a broken one; pictures before the fault have been given.
    """
    if nifti.starts_as_nifti(data):
        for number, image in nifti.slices(data):
            yield f"#{number}", decode.resize(image, size, fit)
    elif data[128:132] == b"DICM":
        yield from _frames(data, size, fit)
    else:
        try:
            yield "", decode.pixels(data, size, fit)
        except decode.UnreadableImageError:
            if not data or not name.lower().endswith(DICOM_SUFFIXES):
                raise
            yield from _frames(data, size, fit)


def _frames(data: bytes, size: int, fit: decode.Fit) -> Iterator[tuple[str, np.ndarray]]:
    """The frames of a DICOM file; numbers tell them apart where there are several."""
    count = 0
    before: np.ndarray | None = None
    for image in dicom.frames(data):
        if before is not None:
            yield f"#{count}", before
        before = decode.resize(image, size, fit)
        count += 1
    if before is not None:
        yield (f"#{count}" if count > 1 else ""), before
