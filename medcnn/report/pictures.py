"""Pictures inside the page, as sources of images."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from urllib.parse import quote

import numpy as np
import numpy.typing as npt
from PIL import Image

SHEET_SIZE = (960, 1300)
THUMBNAIL = 128
"""The longest side, in pixels, of a test image on the page."""
_PLAIN = " ()*,-./:;=!~_+?@$"


def svg_uri(svg: str) -> str:
    """An SVG; apart from the page, so that the names inside it clash with no other's."""
    # A third shorter than in base64.
    return f"data:image/svg+xml,{quote(' '.join(svg.split()), safe=_PLAIN)}"


def jpeg_uri(path: Path) -> str:
    """A JPEG as it is: ``explain`` makes them as small as they can be read."""
    return _uri("jpeg", path.read_bytes())


def sheet_uri(path: Path) -> str:
    """A picture scaled down to lie within ``SHEET_SIZE``, as JPEG."""
    buffer = io.BytesIO()
    with Image.open(path) as picture:
        small = picture.convert("RGB")
        small.thumbnail(SHEET_SIZE)
        small.save(buffer, "JPEG", quality=75, optimize=True)
    return _uri("jpeg", buffer.getvalue())


def _uri(kind: str, data: bytes) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


def thumbnail(pixels: npt.NDArray[np.uint8], side: int = THUMBNAIL) -> str:
    """An image, uint8 (H, W, 3), scaled down to lie within a square, as JPEG; in grey where it has no colours."""
    picture = Image.fromarray(pixels)
    if (pixels == pixels[..., :1]).all():
        picture = picture.convert("L")
    picture.thumbnail((side, side))
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=75, optimize=True)
    return _uri("jpeg", buffer.getvalue())
