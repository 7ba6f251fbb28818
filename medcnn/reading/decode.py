"""Images of the usual formats, as 8-bit RGB of one size, in less than 1 GiB of memory whatever a file claims."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from typing import Literal

import numpy as np
from PIL import ExifTags, Image, ImageFile, ImageOps, UnidentifiedImageError

from medcnn.core.errors import MedcnnError
from medcnn.reading import deep, greys, kinds
from medcnn.reading.deep import Deep
from medcnn.reading.formats import tiff
from medcnn.reading.greys import Greys

Stored = Image.Image | Deep
Fit = Literal["stretch", "pad", "crop"]
SUFFIXES = frozenset(
    {".avif", ".bmp", ".gif", ".j2c", ".j2k", ".jfif", ".jp2", ".jpe", ".jpeg", ".jpf", ".jpg", ".jpx", ".pbm", ".pcx"}
    | {".pfm", ".pgm", ".png", ".pnm", ".ppm", ".psd", ".ras", ".sgi", ".tif", ".tiff", ".webp"}
)
PIXELS = 50_000_000
"""Largest image, in pixels. Decoders need up to 16 bytes for each."""
SIDE = 65_535
"""Longest side, in pixels, as in JPEG. Shrinking needs 16 bytes for each pixel of a row."""

_MOST = {"AVIF": 32_000_000, "JPEG2000": 32_000_000}
"""Of formats whose decoders need more memory."""
# Pillow knows more formats; for some it starts other programs (Ghostscript for EPS).
_FORMATS = ("AVIF", "BMP", "GIF", "JPEG", "JPEG2000", "PCX", "PNG", "PPM", "PSD", "SGI", "SUN", "WEBP")
_STRIP = 1 << 22
_PNG_DEPTH, _SGI_BYTES = 24, 3
_DEEP_MODES = {"I", "I;16", "I;16B", "I;16L", "I;16N", "F"}


class UnreadableImageError(MedcnnError):
    """Pillow could not decode the bytes; the text is the reason."""


def open_image(data: bytes) -> Stored:
    """The first frame of an image file, decoded in full: in Pillow's mode, or as an array where that would lose depth.

    Raises:
        UnreadableImageError: the bytes are empty, truncated, not an image, or inflate beyond ``PIXELS`` or ``SIDE``.
    """
    if tiff.is_tiff(data):
        with translate_errors():
            return tiff_page(data, *next(tiff.directories(data)))
    return stored(data, opened(data))


def tiff_page(data: bytes, at: int, tags: tiff.Tags) -> Stored:
    """The page of a TIFF that is described there, as ``open_image``.

    Raises:
        UnreadableImageError: it is truncated, larger than ``PIXELS`` or ``SIDE``, or of a kind that is not read.
    """
    with translate_errors():
        # A tile is decoded whole, however little of it lies in the image.
        for size in tiff.sizes(tags):
            _check_size(size)
        if tiff.is_deep(tags):
            return tiff.read(data, tags)
        try:
            image = Image.open(io.BytesIO(tiff.beginning_at(data, at)), formats=("TIFF",))
        except UnidentifiedImageError:
            return tiff.read(data, tags)
        image.load()
        return tiff.corrected(image, tags)


def opened(data: bytes) -> ImageFile.ImageFile:
    """An image file at its first page, not yet decoded.

    Raises:
        UnreadableImageError: the bytes are empty or not an image.
    """
    if not data:
        raise UnreadableImageError("empty file")
    with translate_errors():
        try:
            return Image.open(io.BytesIO(data), formats=_FORMATS)
        except UnidentifiedImageError as error:
            raise UnreadableImageError(kinds.reason(data)) from error


def stored(data: bytes, image: ImageFile.ImageFile) -> Stored:
    """The page at which an image file stands, as ``open_image``.

    Raises:
        UnreadableImageError: it is truncated, or larger than ``PIXELS`` or ``SIDE``.
    """
    with translate_errors():
        _check_size(image.size, _MOST.get(image.format or "", PIXELS))
        if image.format == "PNG" and data[_PNG_DEPTH] == 16:
            return deep.png(data, image)
        if image.format == "PPM" and isinstance(args := image.tile[0].args, tuple) and int(args[1]) > 255:
            return deep.ppm(data, image, int(args[1]))
        if image.format == "JPEG2000" and (depth := deep.jpeg_2000_depth(data)) > 8:
            return deep.jpeg_2000(image, depth)
        if image.format == "SGI" and data[_SGI_BYTES] == 2:
            raise UnreadableImageError("an SGI image of 16 bits: convert it to PNG")
        image.load()
    return image


def to_rgb(image: Stored, scale: Greys = greys.DEFAULT) -> Image.Image:
    """Upright 8-bit RGB: EXIF rotation applied, transparency laid on black, deep greys and colours scaled to 0..255.

    Raises:
        UnreadableImageError: its colours are described in a way that makes no sense.
    """
    with translate_errors():
        if isinstance(image, Deep):
            return image.to_rgb(scale)
        # A damaged EXIF block is no reason to lose the image.
        with contextlib.suppress(Exception):
            if image.getexif().get(ExifTags.Base.Orientation, 1) != 1:
                image = ImageOps.exif_transpose(image)
        if image.mode in _DEEP_MODES:
            return Deep(np.asarray(image)[..., None], image.mode).to_rgb(scale)
        if image.mode in {"RGBA", "LA", "PA"} or "transparency" in image.info:
            return _on_black(image)
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


def pixels(data: bytes, size: int, fit: Fit, scale: Greys = greys.DEFAULT) -> np.ndarray:
    """The bytes of an image file as a uint8 array (size, size, 3)."""
    return resize(to_rgb(open_image(data), scale), size, fit)


@contextlib.contextmanager
def translate_errors() -> Iterator[None]:
    """Turn whatever Pillow raises at a broken file, which can be nearly anything, into an ``UnreadableImageError``."""
    try:
        yield
    except UnidentifiedImageError as error:
        raise UnreadableImageError("not an image") from error
    except UnreadableImageError:
        raise
    except Exception as error:
        raise UnreadableImageError(" ".join(str(error).split()) or type(error).__name__) from error


def _check_size(size: tuple[int, int], most: int = PIXELS) -> None:
    width, height = size
    if width * height > most or max(size) > SIDE:
        raise UnreadableImageError(f"{width}x{height} pixels exceeds limit of {most}, or of {SIDE} a side")
    if min(size) < 1:
        raise UnreadableImageError(f"{width}x{height} pixels is not an image")


def _on_black(image: Image.Image) -> Image.Image:
    flat = Image.new("RGB", image.size)
    for box in _strips(image):
        layer = image.crop(box).convert("RGBA")
        black = Image.new("RGBA", layer.size, (0, 0, 0, 255))
        flat.paste(Image.alpha_composite(black, layer).convert("RGB"), box)
    return flat


def _strips(image: Image.Image) -> Iterator[tuple[int, int, int, int]]:
    """Parts of an image, so that a large one is never whole in memory in several forms."""
    rows = max(_STRIP // image.width, 1)
    for top in range(0, image.height, rows):
        yield 0, top, image.width, min(top + rows, image.height)
