"""Pixels that came out wrong in silence: each file shows the picture that was put into it, or the reason why not."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import tifffile

from medcnn.core.errors import MedcnnError
from medcnn.params.shared.images import Images
from medcnn.reading.decode import UnreadableImageError
from medcnn.reading.pictures import pictures
from tests.cases.outcome import NAMES, outcome
from tests.conftest import encoded, picture

_GREYS = np.asarray(picture(5, (64, 64)), np.float64)
UNIT = (_GREYS - _GREYS.min()) / np.ptp(_GREYS)
"""A picture whose greys go from 0 to 1."""
TRUTH = np.rint(UNIT * 255).astype(np.uint8)
DEEP = np.rint(UNIT * 4095).astype(np.uint16)
HIGH = np.rint(UNIT * 65535).astype(np.uint16)


def shown(data: bytes, name: str = "a.tif") -> np.ndarray:
    """What networks see of the one picture of a file, before it is resized."""
    [found] = pictures(data, name, Images())
    return np.asarray(found.image.convert("L")).astype(int)


def tiff(values: np.ndarray, **options: object) -> bytes:
    """A TIFF as other programs write it."""
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, values, **options)  # type: ignore[arg-type]
    return buffer.getvalue()


def png(values: np.ndarray, colour: int) -> bytes:
    """A PNG of 16 bits: colour 0 is grey, 2 RGB, 4 grey with alpha, 6 RGBA."""
    rows = b"".join(b"\0" + row.tobytes() for row in values.astype(">u2"))

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", values.shape[1], values.shape[0], 16, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def beyond(values: np.ndarray, value: float) -> np.ndarray:
    """A few pixels far outside of the picture's range, as markers and paddings are."""
    changed = values.copy()
    changed[:5] = value
    return changed


@pytest.mark.parametrize(
    "data",
    [
        png(beyond(DEEP, 65535), 0),
        tiff(beyond(UNIT.astype(np.float32), -9999)),
        tiff(beyond(DEEP.astype(np.int16) - 1024, -32768)),
        tiff(beyond(UNIT.astype(np.float32), np.nan)),
    ],
    ids=["marker", "no data", "padding", "not a number"],
)
def test_a_few_pixels_far_outside_do_not_turn_the_anatomy_black(data: bytes) -> None:
    error = np.abs(shown(data) - TRUTH)[5:]
    assert np.median(error) <= 6
    assert np.corrcoef(shown(data)[5:].ravel(), TRUTH[5:].ravel())[0, 1] > 0.99


@pytest.mark.parametrize(
    "data",
    [
        png(DEEP, 0),
        png(np.stack([DEEP] * 3, -1), 2),
        png(np.stack([*[DEEP] * 3, np.full_like(DEEP, 65535)], -1), 6),
        png(np.stack([DEEP, np.full_like(DEEP, 65535)], -1), 4),
        tiff(np.stack([DEEP] * 3, -1), photometric="rgb"),
        tiff(np.stack([DEEP] * 3, 0), photometric="rgb", planarconfig="separate"),
    ],
    ids=["grey", "rgb", "rgba", "grey alpha", "tiff", "planes"],
)
def test_colours_of_16_bits_are_treated_as_greys_are(data: bytes) -> None:
    assert np.abs(shown(data) - TRUTH).mean() < 6


@pytest.mark.parametrize(
    "data",
    [
        tiff(255 - TRUTH, photometric="miniswhite"),
        tiff(4095 - DEEP, photometric="miniswhite"),
        tiff(65535 - HIGH, photometric="miniswhite"),
        tiff(65535 - HIGH, photometric="miniswhite", byteorder=">"),
        tiff((1 - UNIT).astype(np.float32), photometric="miniswhite"),
    ],
    ids=["8 bits", "12 of 16 bits", "16 bits", "big endian", "floats"],
)
def test_white_is_zero_at_every_depth(data: bytes) -> None:
    assert np.abs(shown(data) - TRUTH).mean() < 6


def test_floats_of_64_bits_and_colours_of_floats_are_read() -> None:
    assert np.abs(shown(tiff(UNIT)) - TRUTH).mean() < 6
    assert np.abs(shown(tiff(np.stack([UNIT] * 3, -1).astype(np.float32), photometric="rgb")) - TRUTH).mean() < 6


def test_a_tiff_whose_channels_are_not_explained_is_refused_with_its_reason() -> None:
    with pytest.raises(UnreadableImageError, match="2 channels"):
        shown(tiff(np.stack([TRUTH] * 2, -1), photometric="minisblack", planarconfig="contig"))


@pytest.mark.parametrize("some", [48, 10])
def test_pictures_that_come_out_as_one_colour_are_said(tmp_path: Path, some: int) -> None:
    files = {}
    for place, name in enumerate(NAMES):
        for number in range(24):
            image = picture(1000 * place + number).convert("RGB")
            if 24 * place + number < some:
                image.putalpha(0)
            files[f"{name}/i{number:03}.png"] = encoded(image)
    if some == 48:
        with pytest.raises(MedcnnError, match="48 of 48 images are of one colour"):
            outcome(tmp_path, files)
    else:
        assert outcome(tmp_path, files).warned("flat_images").count == some
