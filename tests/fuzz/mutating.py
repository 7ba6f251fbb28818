"""Damaged copies of whole files, the same ones in every run."""

from __future__ import annotations

import os
import struct
import zlib

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

EXTREMES = [
    b"\0\0\0\0",
    b"\xff\xff\xff\xff",
    b"\x7f\xff\xff\xff",
    b"\xff\xff\xff\x7f",
    b"\x80\0\0\0",
    b"\0\0\1\0",
    b"\xff",
]


TIMES = int(os.environ.get("FUZZ", "1"))
"""By how much `make fuzz` multiplies the examples."""


def bounded(examples: int, times: int = TIMES) -> settings:
    """So many examples, always the same."""
    return settings(
        max_examples=examples * times,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )


@st.composite
def damaged(draw: st.DrawFn, whole: bytes) -> bytes:
    """A file with a few bytes changed, put in, left out or repeated, more often near its beginning, or cut off."""
    data = bytearray(whole)
    for _ in range(draw(st.integers(1, 5))):
        near = draw(st.booleans())
        at = draw(st.integers(0, min(len(data), 400) if near else len(data)))
        length = draw(st.integers(1, 64))
        match draw(st.sampled_from(["change", "extreme", "insert", "drop", "repeat", "cut"])):
            case "change":
                data[at : at + 1] = draw(st.binary(min_size=1, max_size=1))
            case "extreme":
                extreme = draw(st.sampled_from(EXTREMES))
                data[at : at + len(extreme)] = extreme
            case "insert":
                data[at:at] = draw(st.binary(min_size=1, max_size=16))
            case "drop":
                del data[at : at + length]
            case "repeat":
                data[at:at] = data[at : at + length]
            case "cut":
                del data[max(at, 1) :]
    return bytes(data)


def png(*chunks: tuple[bytes, bytes]) -> bytes:
    """A PNG file of the chunks, their checksums right, whatever they say."""
    parts = [
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def png_chunks(data: bytes) -> list[tuple[bytes, bytes]]:
    """The chunks of a whole PNG file."""
    chunks, at = [], 8
    while at < len(data):
        (size,) = struct.unpack_from(">I", data, at)
        chunks.append((data[at + 4 : at + 8], data[at + 8 : at + 8 + size]))
        at += size + 12
    return chunks
