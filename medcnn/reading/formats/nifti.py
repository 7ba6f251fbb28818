"""The axial slices of a NIfTI volume; for fuzz tests: ``slices``.

nibabel reads the header alone. A volume is inflated to ``LIMIT`` at most, and its voxels are read where they lie.
"""

from __future__ import annotations

import math
import zlib
from typing import Any

import numpy as np
from PIL import Image

from medcnn.reading import greys
from medcnn.reading.decode import UnreadableImageError
from medcnn.reading.formats.frames import Chosen, Frame, Frames, every
from medcnn.reading.formats.translating import translate_errors
from medcnn.reading.greys import Greys, Limits

SUFFIXES = (".nii", ".nii.gz")
LIMIT = 256 << 20
"""Largest volume, in bytes."""
GZIP = b"\x1f\x8b"
_SAMPLE = 1_000_000
_LARGEST_SLICE = 1 << 24
_SIZES = {348: (344, (b"n+1\0",)), 540: (4, (b"n+2\0",))}


def is_nifti(data: bytes) -> bool:
    """Whether bytes, inflated, begin as a NIfTI-1 or NIfTI-2 file that holds its own voxels."""
    size = int.from_bytes(data[:4], "little"), int.from_bytes(data[:4], "big")
    known = [_SIZES[number] for number in size if number in _SIZES]
    return any(data[start : start + 4] in magics for start, magics in known)


def starts_as_nifti(data: bytes) -> bool:
    """Whether bytes, as they are or inflated, begin as a NIfTI file."""
    return is_nifti(data[:600]) or (data[:2] == GZIP and is_nifti(_inflated(data[: 1 << 16], 600)))


def slices(data: bytes, chosen: Chosen = every, scale: Greys = greys.DEFAULT) -> Frames:
    """The axial slices from the feet up, with their numbers: "17", or "17,2" in the second of several volumes.

    A slice is seen from the feet, as radiologists do: the patient's right is on the left, the front is on top. Where
    the header gives no orientation, the third axis is taken as the patient's. Grey values go from the header's
    ``cal_min`` to ``cal_max``, or else between percentiles of the volume.

    Args:
        data: the bytes of a .nii or .nii.gz file.
        chosen: which of so many slices, counted volume by volume.
        scale: how grey values are scaled.

    Raises:
        UnreadableImageError: nibabel is not installed; the file is broken, not of real numbers, or beyond ``LIMIT``.
    """
    with translate_errors("NIfTI", "nibabel"):
        yield from _slices(data, chosen, scale)


def _slices(data: bytes, chosen: Chosen, scale: Greys) -> Frames:
    volume = _inflated(data, LIMIT + 1) if data[:2] == GZIP else data
    if len(volume) > LIMIT:
        raise UnreadableImageError(f"a volume larger than {LIMIT >> 20} MiB")
    header = _header(volume)
    voxels = _upright(_voxels(volume, header), header)
    with np.errstate(all="ignore"):
        limits = _limits(voxels, header, scale)
        heights, times = voxels.shape[2:]
        count, mode = heights * times, "RGB" if voxels.dtype.names else str(voxels.dtype)
        for index in chosen(count):
            time, height = divmod(index, heights)
            shown = Image.fromarray(_shown(voxels[:, :, height, time], header, limits))
            number = f"{height + 1}" if times == 1 else f"{height + 1},{time + 1}"
            yield Frame(number, count, mode, shown.convert("RGB"))


def _inflated(data: bytes, limit: int) -> bytes:
    """At most ``limit`` bytes of a gzip file; one that is cut off gives what it has."""
    inflater = zlib.decompressobj(wbits=31)
    try:
        return inflater.decompress(data, limit)
    except zlib.error:
        return b""


def _header(volume: bytes) -> Any:
    import nibabel

    if not is_nifti(volume):
        raise UnreadableImageError("not a NIfTI file that holds its own voxels")
    kind = nibabel.Nifti2Header if volume[4:8] in _SIZES[540][1] else nibabel.Nifti1Header
    return kind(volume[: kind.template_dtype.itemsize], check=False)


def _voxels(volume: bytes, header: Any) -> np.ndarray:
    """The voxels where they lie in the file, (X, Y, Z, T); a header that states other sizes is refused here."""
    kind = header.get_data_dtype()
    shape = tuple(int(length) for length in header.get_data_shape())
    start, bytes_ = int(header.get_data_offset()), math.prod(shape) * kind.itemsize
    if not 2 <= len(shape) <= 7 or min(shape) < 1 or shape[0] * shape[1] > _LARGEST_SLICE:
        raise UnreadableImageError(f"a NIfTI file of {'x'.join(map(str, shape)) or 'no'} voxels")
    if not kind.names and (kind.kind not in "uif" or kind.itemsize > 8):
        raise UnreadableImageError(f"a NIfTI file of {kind} values, which are not an image")
    if start < 0 or start + bytes_ > len(volume):
        raise UnreadableImageError(f"a NIfTI file of {len(volume)} bytes that claims to have {bytes_} of voxels")
    voxels = np.frombuffer(volume, kind, math.prod(shape), start)
    return voxels.reshape((*(*shape, 1, 1)[:3], math.prod(shape[3:])), order="F")


def _upright(voxels: np.ndarray, header: Any) -> np.ndarray:
    """The same voxels, turned to run left to right, back to front and feet to head if the header gives a direction."""
    from nibabel import orientations

    affine = header.get_best_affine()
    axes = orientations.io_orientation(affine) if np.isfinite(affine).all() else np.array([[np.nan]])
    return voxels if np.isnan(axes).any() else orientations.apply_orientation(voxels, axes)


def _limits(voxels: np.ndarray, header: Any, scale: Greys) -> Limits:
    """The values that are shown black and white, of the whole volume."""
    if voxels.dtype.names:
        return 0, 255
    low, high = float(header["cal_min"]), float(header["cal_max"])
    step = math.ceil((voxels.size / _SAMPLE) ** (1 / 3))
    seen = _scaled(voxels[::step, ::step, ::step].flat[:_SAMPLE], header)
    return greys.limits(scale, seen, (low, high) if low < high else None)


def _scaled(values: np.ndarray, header: Any) -> np.ndarray:
    slope, intercept = header.get_slope_inter()
    return values.astype(np.float32) * np.float32(1 if slope is None else slope) + np.float32(intercept or 0)


def _shown(layer: np.ndarray, header: Any, limits: Limits) -> np.ndarray:
    """One slice (X, Y) as uint8 (Y, X), or (Y, X, 3) of colours: the right of the patient left, the front on top."""
    layer = layer[::-1, ::-1].T
    if layer.dtype.names:
        return np.stack([layer[name] for name in layer.dtype.names[:3]], axis=-1)
    return greys.scaled(_scaled(layer, header), limits)
