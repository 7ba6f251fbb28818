"""Image files, written so that their bytes depend on the pixels alone."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_BLOCK = 65535


def png(pixels: NDArray[np.uint8]) -> bytes:
    """An 8-bit PNG of grey (height, width) or RGB (height, width, 3) pixels.

    Not compressed, and written here: compressed bytes differ between zlib and zlib-ng, and from version to version.
    """
    height, width = pixels.shape[:2]
    colour = 2 if pixels.ndim == 3 else 0
    rows = np.pad(pixels.reshape(height, -1), ((0, 0), (1, 0))).tobytes()
    header = struct.pack(">IIBBBBB", width, height, 8, colour, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", _stored(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _stored(data: bytes) -> bytes:
    """A zlib stream (RFC 1950) of stored blocks (RFC 1951, 3.2.4)."""
    blocks = [data[start : start + _BLOCK] for start in range(0, len(data), _BLOCK)]
    lengths = [struct.pack("<HH", len(block), _BLOCK - len(block)) for block in blocks]
    last = [b"\0"] * (len(blocks) - 1) + [b"\1"]
    parts = [flag + length + block for flag, length, block in zip(last, lengths, blocks, strict=True)]
    return b"\x78\x01" + b"".join(parts) + struct.pack(">I", zlib.adler32(data))


def jpeg(pixels: NDArray[np.uint8], quality: int = 90) -> bytes:
    """A grey JPEG, of good quality unless another is asked for."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="JPEG", quality=quality)
    return buffer.getvalue()
