"""NumPy's files: an ``.npy`` of an image or a stack of images, an ``.npz`` of one such array. Nothing is unpickled."""

from __future__ import annotations

import io
import zipfile
from typing import IO

import numpy as np
from PIL import Image

from medcnn.reading import deep
from medcnn.reading.decode import PIXELS, SIDE, Stored, UnreadableImageError
from medcnn.reading.formats.frames import Chosen, Frame, Frames, every
from medcnn.reading.formats.translating import translate_errors

SUFFIXES = (".npy", ".npz")
MAGIC = b"\x93NUMPY"
LIMIT = 256 << 20
"""Largest array, in bytes."""
HEADER = 1 << 14
"""Longest header, in bytes; that of an image has some 120."""
_ZIP = b"PK\x03\x04"
_COLOURS = (3, 4)


def starts_as_array(data: bytes) -> bool:
    """Whether a file begins as an .npy, or as a zip whose first member is one."""
    return data.startswith(MAGIC) or (data.startswith(_ZIP) and b".npy" in data[30:200])


def images(data: bytes, chosen: Chosen = every) -> Frames:
    """The images in an array: (H, W), (H, W, 3 or 4), or a stack of these along the first axis.

    Args:
        data: the bytes of an .npy, or of an .npz with one array of numbers and two axes or more.
        chosen: which of so many images.

    Raises:
        UnreadableImageError: it is broken, too large, not of real numbers, or its axes may mean several things.
    """
    with translate_errors("NumPy", "numpy"):
        array = _stacked(_loaded(data) if data.startswith(MAGIC) else _only_image(data))
        _check_side(array)
        for index in chosen(len(array)):
            yield Frame(str(index + 1), len(array), str(array.dtype), _picture(array[index]))


def header(file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype]:
    """Shape, whether the first axis varies fastest, and type of an .npy; ``file`` is left where its values begin.

    Raises:
        ValueError: it is no .npy, or one of Python objects, which only unpickling could read.
    """
    version = np.lib.format.read_magic(file)
    reader = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, fortran, kind = reader(file, max_header_size=HEADER)
    if kind.hasobject:
        raise ValueError("it holds Python objects, which are not read as they could run code; save plain numbers")
    return shape, fortran, kind


def is_numeric(kind: np.dtype) -> bool:
    """Whether values of a type can be grey levels."""
    return kind.kind in "buif" and kind.itemsize <= 8


def _loaded(data: bytes) -> np.ndarray:
    shape, fortran, kind = header(file := io.BytesIO(data))
    if not is_numeric(kind):
        raise UnreadableImageError(f"an array of {kind}, which is no image")
    count = int(np.prod(shape, dtype=object))
    if min(shape, default=0) < 1 or count * kind.itemsize > len(data) - file.tell():
        raise UnreadableImageError(f"an array that claims {count} values and does not hold them")
    values = np.frombuffer(data, kind, count, file.tell())
    return values.reshape(shape, order="F" if fortran else "C")


def _only_image(data: bytes) -> np.ndarray:
    """The array of an .npz that may be an image: the only one of numbers that has two axes or more."""
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        members = [member for member in file.infolist() if member.filename.endswith(".npy")]
        found = [member for member in members if _may_be_image(file, member)]
        if len(found) != 1:
            names = ", ".join(member.filename.removesuffix(".npy") for member in members[:5])
            raise UnreadableImageError(f"an .npz of {len(members)} arrays ({names}): not known which is the image")
        if found[0].file_size > LIMIT:
            raise UnreadableImageError(f"an array larger than {LIMIT >> 20} MiB")
        with file.open(found[0]) as member:
            return _loaded(member.read(LIMIT))


def _may_be_image(file: zipfile.ZipFile, member: zipfile.ZipInfo) -> bool:
    with file.open(member) as opened:
        shape, _, kind = header(opened)
    return len(shape) > 1 and is_numeric(kind)


def _stacked(array: np.ndarray) -> np.ndarray:
    """The array as (N, H, W) or (N, H, W, 3 or 4)."""
    shape = "x".join(map(str, array.shape))
    if array.ndim > 2 and array.shape[-1] == 1:
        array = array[..., 0]
    if array.ndim == 2 or (array.ndim == 3 and array.shape[-1] in _COLOURS):
        return array[None]
    if array.ndim > 2 and 3 in array.shape[:-2] and array.shape[-1] not in _COLOURS:
        raise UnreadableImageError(f"an array of {shape}: 3 may be colours or slices; put colours on the last axis")
    if array.ndim == 3 or (array.ndim == 4 and array.shape[-1] in _COLOURS):
        return array
    if array.ndim == 4 and 1 in array.shape[:2]:
        return array.reshape(-1, *array.shape[2:])
    raise UnreadableImageError(f"an array of {shape or 'one value'} is no image and no stack of images")


def _check_side(array: np.ndarray) -> None:
    height, width = array.shape[1:3]
    if height * width > PIXELS or max(height, width) > SIDE:
        raise UnreadableImageError(f"{width}x{height} pixels exceeds limit of {PIXELS}, or of {SIDE} a side")


def _picture(values: np.ndarray) -> Stored:
    if values.dtype == bool:
        values = values.astype(np.uint8) * 255
    if values.dtype == np.uint8:
        return Image.fromarray(np.ascontiguousarray(values))
    return deep.of_array(values if values.ndim == 3 else values[..., None])
