"""From the stored values of a DICOM frame to what is seen: modality LUT, window or VOI LUT, palette.

Formulas: DICOM PS3.3, C.11.1 (modality LUT) and C.11.2 (VOI LUT), https://dicom.nema.org.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from medcnn.reading import greys
from medcnn.reading.greys import Greys

if TYPE_CHECKING:
    from pydicom import Dataset

_TRANSFORMATIONS = ("ModalityLUTSequence", "RescaleSlope", "RescaleIntercept")


def shown(values: np.ndarray, dataset: Dataset, index: int, scale: Greys) -> np.ndarray:
    """One frame as a viewer shows it first.

    Args:
        values: as stored, (H, W) or (H, W, 3).
        dataset: of the file.
        index: of the frame, from 0.
        scale: how values of more than 8 bits are scaled.

    Returns:
        uint8 (H, W) or (H, W, 3).
    """
    photometric = str(dataset.PhotometricInterpretation)
    if photometric == "PALETTE COLOR":
        from pydicom.pixels import apply_color_lut

        values = apply_color_lut(values, dataset)
        return values if values.dtype == np.uint8 else (values >> 8).astype(np.uint8)
    if values.ndim == 3:
        return values if values.dtype == np.uint8 else greys.scaled(values, greys.limits(scale, greys.sample(values)))
    transformation = _describing(dataset, index, "PixelValueTransformationSequence")
    rescaled = _rescaled(values, transformation)
    levels = _windowed(rescaled, _describing(dataset, index, "FrameVOILUTSequence")) if scale.scale == "auto" else None
    inverted = photometric == "MONOCHROME1"
    if levels is not None:
        return greys.scaled(levels, (0, 1), inverted=inverted)
    eight_bits = values.dtype == np.uint8 and not any(key in transformation for key in _TRANSFORMATIONS)
    limits = (0, _white(dataset)) if eight_bits else greys.limits(scale, _seen(values, rescaled, dataset))
    return greys.scaled(rescaled, limits, inverted=inverted)


def _white(dataset: Dataset) -> float:
    return float(2 ** int(dataset.get("BitsStored") or dataset.BitsAllocated) - 1)


def _windowed(values: np.ndarray, voi: Dataset) -> np.ndarray | None:
    """Grey values (H, W) as the file says, black at 0 or below and white at 1 or above; None where it does not say."""
    if voi.get("VOILUTSequence"):
        from pydicom.pixels import apply_voi

        bits = int(voi.VOILUTSequence[0].LUTDescriptor[2])
        return apply_voi(values.astype(np.int64), voi).astype(np.float32) / float(2**bits - 1)
    centre, width = (_first(voi.get(key)) for key in ("WindowCenter", "WindowWidth"))
    if centre is not None and width is not None and width > 0:
        return _window(values, centre, width, str(voi.get("VOILUTFunction") or "LINEAR"))
    return None


def _rescaled(values: np.ndarray, described: Dataset) -> np.ndarray:
    if described.get("ModalityLUTSequence"):
        from pydicom.pixels import apply_modality_lut

        return apply_modality_lut(values, described).astype(np.float32)
    slope, intercept = _first(described.get("RescaleSlope")), _first(described.get("RescaleIntercept"))
    return values.astype(np.float32) * np.float32(1 if slope is None else slope) + np.float32(intercept or 0)


def _window(values: np.ndarray, centre: float, width: float, function: str) -> np.ndarray:
    if function == "SIGMOID":
        return 1 / (1 + np.exp(-4 * (values - np.float32(centre)) / np.float32(width)))
    if function == "LINEAR_EXACT":
        return (values - np.float32(centre)) / np.float32(width) + np.float32(0.5)
    # Of width 1 it is a step.
    return (values - np.float32(centre - 0.5)) / np.float32(max(width - 1, 1e-6)) + np.float32(0.5)


def _seen(stored: np.ndarray, values: np.ndarray, dataset: Dataset) -> np.ndarray:
    """A sample of the values that are no padding, which the file may name as one stored value or as a range of them."""
    padding, until = (_first(dataset.get(key)) for key in ("PixelPaddingValue", "PixelPaddingRangeLimit"))
    sampled = greys.sample(values)
    if padding is None:
        return sampled
    low, high = sorted((padding, padding if until is None else until))
    inside = sampled[(greys.sample(stored) < low) | (greys.sample(stored) > high)]
    return inside if inside.size else sampled


def _describing(dataset: Dataset, index: int, sequence: str) -> Dataset:
    """Where a frame's description is: enhanced multi-frame files have one for each frame, or one for all."""
    each, shared = (
        dataset.get(key) or [] for key in ("PerFrameFunctionalGroupsSequence", "SharedFunctionalGroupsSequence")
    )
    for group in chain(each[index : index + 1], shared[:1]):
        items = group.get(sequence)
        if items:
            return items[0]
    return dataset


def _first(value: Any) -> float | None:
    """The first of an element's values, as a finite number."""
    several = hasattr(value, "__len__") and not isinstance(value, str)
    first = (value[0] if len(value) else None) if several else value
    if first is None or first == "":
        return None
    number = float(first)
    return number if np.isfinite(number) else None
