"""Any image that Pillow can open, as 8-bit RGB of one size."""

from __future__ import annotations

import contextlib
import io
from typing import Literal

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from medcnn.console import MedcnnError

Fit = Literal["stretch", "pad", "crop"]
SUFFIXES = frozenset({".bmp", ".gif", ".jpeg", ".jpg", ".jfif", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"})
_DEEP_MODES = {"I", "I;16", "I;16B", "I;16L", "I;16N", "F"}


class UnreadableImageError(MedcnnError):
    """Pillow could not decode the bytes; the text is the reason."""


def open_image(data: bytes) -> Image.Image:
    """The first frame of an image file, decoded in full, in its own mode.

    Raises:
        UnreadableImageError: the bytes are empty, truncated, not an image, or inflate beyond Pillow's pixel limit.
    """
    if not data:
        raise UnreadableImageError("empty file")
    try:
        image = Image.open(io.BytesIO(data))
        _check_size(image)
        image.load()
    except UnidentifiedImageError as error:
        raise UnreadableImageError("not an image") from error
    except UnreadableImageError:
        raise
    except Exception as error:
        raise UnreadableImageError(" ".join(str(error).split()) or type(error).__name__) from error
    return image


def to_rgb(image: Image.Image) -> Image.Image:
    """Upright 8-bit RGB: EXIF rotation applied, transparency laid on black, deep greys stretched to 0..255."""
    # A damaged EXIF block is no reason to lose the image.
    with contextlib.suppress(Exception):
        image = ImageOps.exif_transpose(image)
    if image.mode in _DEEP_MODES:
        return Image.fromarray(_stretched(np.asarray(image, np.float64))).convert("RGB")
    if image.mode in {"RGBA", "LA", "PA"} or "transparency" in image.info:
        layer = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", layer.size, (0, 0, 0, 255)), layer).convert("RGB")
    return image.convert("RGB")


def resize(image: Image.Image, size: int, fit: Fit) -> np.ndarray:
    """An RGB image as a uint8 array (size, size, 3), antialiased.

    ``stretch`` ignores the aspect ratio, ``pad`` keeps it with black borders, ``crop`` keeps it and cuts the middle.
    """
    target = (size, size)
    if fit == "pad":
        image = ImageOps.pad(image, target, Image.Resampling.BILINEAR)
    elif fit == "crop":
        image = ImageOps.fit(image, target, Image.Resampling.BILINEAR)
    else:
        image = image.resize(target, Image.Resampling.BILINEAR)
    return np.asarray(image, np.uint8)


def pixels(data: bytes, size: int, fit: Fit) -> np.ndarray:
    """The bytes of an image file as a uint8 array (size, size, 3)."""
    return resize(to_rgb(open_image(data)), size, fit)


def _check_size(image: Image.Image) -> None:
    limit = Image.MAX_IMAGE_PIXELS or 0
    if image.width * image.height > limit:
        raise UnreadableImageError(f"{image.width}x{image.height} pixels exceeds limit of {limit}")


def _stretched(values: np.ndarray) -> np.ndarray:
    finite = values[np.isfinite(values)]
    low, high = (finite.min(), finite.max()) if finite.size else (0.0, 0.0)
    scaled = (np.nan_to_num(values, nan=low, posinf=high, neginf=low) - low) / max(high - low, 1e-12)
    return np.rint(scaled * 255).astype(np.uint8)
