"""Pictures inside the page, as sources of images."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from urllib.parse import quote

from PIL import Image

SHEET_SIZE = (960, 1300)
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
