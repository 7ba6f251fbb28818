"""Every kind of TIFF and PNG is read as an independent reader reads it, or refused: none is wrong in silence."""

from __future__ import annotations

import io
import itertools
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageOps

from medcnn.reading import decode
from medcnn.reading.greys import Scaling

KINDS = ("u1", "u2", "u4", "i1", "i2", "i4", "f2", "f4", "f8")
COLOURS = ("miniswhite", "minisblack", "rgb")
EXTRA = ((), ("unassalpha",), ("assocalpha",), ("unspecified",))
PLANAR = ("contig", "separate")
ORDER = ("<", ">")
PACKED = (("none", False), ("lzw", False), ("lzw", True), ("deflate", True), ("packbits", False), ("zstd", True))
PLACED = ({}, {"rowsperstrip": 5}, {"tile": (16, 16)}, {"bigtiff": True})
WINDOW = (100, 5000)
ALL = list(itertools.product(KINDS, COLOURS, EXTRA, PLANAR, ORDER, PACKED, PLACED))


def values(kind: str, channels: int) -> np.ndarray:
    """Random numbers over most of the range of a type, (37, 41, channels)."""
    seen = np.random.default_rng(channels).integers(1, 101, (37, 41, channels)) * 60
    return (seen // 50 if kind[1] == "1" else seen).astype(kind)


def written(kind: str, colours: str, extra: Any, planar: str, order: str, packed: Any, placed: Any) -> bytes:
    stored = values(kind, (3 if colours == "rgb" else 1) + len(extra))
    if extra and extra[0] != "unspecified":
        seen = stored[..., -1] > np.median(stored[..., -1])
        stored[..., -1] = np.where(seen, np.array(most(kind)).astype(kind), 0)
        stored[~seen] *= extra == ("unassalpha",)
    array = np.moveaxis(stored, -1, 0) if planar == "separate" else stored
    options = {"extrasamples": extra, "planarconfig": planar} if stored.shape[2] > 1 else {}
    file, (compression, predictor) = io.BytesIO(), packed
    array = array if stored.shape[2] > 1 else stored[..., 0]
    how = {"compression": compression, "predictor": predictor, "byteorder": order, "metadata": None}
    tifffile.imwrite(file, array, photometric=colours, **options, **how, **placed)
    return file.getvalue()


def most(kind: str) -> float:
    return 1.0 if kind[0] == "f" else float(np.iinfo(kind).max)


def expected(data: bytes, kind: str, colours: str, extra: Any, planar: str) -> np.ndarray:
    """What is to be seen, from the numbers that tifffile finds in the file."""
    stored = tifffile.imread(io.BytesIO(data)).astype(np.float64)
    stored = np.moveaxis(stored, 0, -1) if planar == "separate" and stored.ndim == 3 else np.atleast_3d(stored)
    shown = stored[..., : 3 if colours == "rgb" else 1]
    shown = (shown - WINDOW[0]) / (WINDOW[1] - WINDOW[0]) if kind != "u1" else shown / 255
    shown = shown.clip(0, 1)
    if colours == "miniswhite":
        shown = 1 - shown
    if extra == ("unassalpha",):
        shown = shown * stored[..., -1:] / most(kind)
    return np.broadcast_to(shown * 255, (*shown.shape[:2], 3))


def is_written(case: tuple[Any, ...]) -> bool:
    """Whether tifffile can write it, and it means something."""
    _, colours, extra, planar, _, (packing, predictor), _ = case
    return not (
        (predictor and packing == "packbits")
        or (planar == "separate" and colours != "rgb" and not extra)
        or (extra == ("assocalpha",) and colours == "miniswhite")
    )


def compare(case: tuple[Any, ...]) -> bool:
    """Whether a file was read rather than refused; read otherwise than it is written, the test fails."""
    kind, colours, extra, planar, *_ = case
    data = written(*case)
    try:
        seen = np.asarray(decode.to_rgb(decode.open_image(data), Scaling("values", *WINDOW)))
    except decode.UnreadableImageError as error:
        assert len(str(error)) > 10
        return False
    # Pillow takes premultiplied colours of 8 bits apart and puts them together again.
    near = 2 if extra == ("assocalpha",) and kind == "u1" else 0.51
    assert np.abs(seen - expected(data, kind, colours, extra, planar)).max() <= near, case
    return True


def test_tiffs_of_every_kind() -> None:
    cases = [case for case in ALL if is_written(case)]
    chosen = np.random.default_rng(0).choice(len(cases), 400, replace=False)
    assert sum(compare(cases[index]) for index in chosen) > 250


@pytest.mark.slow
def test_all_tiffs() -> None:
    assert sum(compare(case) for case in ALL if is_written(case)) > 5000


def saved(array: np.ndarray, **options: Any) -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(file, array, metadata=None, **options)
    return file.getvalue()


def seen(data: bytes, scale: Scaling = Scaling("values", 0, 4095)) -> np.ndarray:  # noqa: B008
    return np.asarray(decode.to_rgb(decode.open_image(data), scale)).astype(float)


@pytest.mark.parametrize("factor", [1, 257])
@pytest.mark.parametrize("packing", [None, "lzw"])
def test_palettes_of_eight_and_of_sixteen_bits(factor: int, packing: str | None) -> None:
    rng = np.random.default_rng(0)
    indices, palette = rng.integers(0, 256, (20, 30), np.uint8), rng.integers(0, 256, (3, 256)).astype(np.uint16)
    data = saved(indices, photometric="palette", colormap=palette * factor, compression=packing)
    assert (seen(data) == palette.T[indices]).all()


@pytest.mark.parametrize("colours", ["minisblack", "miniswhite"])
@pytest.mark.parametrize("bits", [1, 2, 4, 12])
def test_numbers_of_less_than_whole_bytes(bits: int, colours: str) -> None:
    values = np.random.default_rng(0).integers(0, 2**bits, (21, 31)).astype(np.uint8 if bits < 8 else np.uint16)
    data = saved(values.astype(bool) if bits == 1 else values, photometric=colours, bitspersample=bits)
    shown = values / (2**bits - 1) * 255
    expected = shown if colours == "minisblack" else 255 - shown
    assert np.abs(seen(data)[..., 0] - expected).max() <= 0.51


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_orientations_are_alike_in_deep_and_in_plain_tiffs(kind: type, orientation: int) -> None:
    values = np.arange(6 * 8).reshape(6, 8).astype(kind)
    data = saved(values, photometric="minisblack", extratags=[(274, "H", 1, orientation, False)])
    image = Image.fromarray(values.astype(np.uint8))
    image.getexif()[274] = orientation
    upright = np.asarray(ImageOps.exif_transpose(image)).astype(float)
    assert (seen(data, Scaling("values", 0, 255))[..., 0] == upright).all()


@pytest.mark.parametrize(
    ("array", "options", "word"),
    [
        (np.zeros((8, 8), np.complex64), {"photometric": "minisblack"}, "complex"),
        (np.zeros((8, 8, 4), np.uint16), {"photometric": "separated"}, "RGB"),
        (np.zeros((8, 8, 5), np.uint8), {"photometric": "minisblack", "planarconfig": "contig"}, "5 channels"),
        (np.zeros((8, 8), np.float32), {"photometric": "minisblack", "compression": "lerc"}, "LERC"),
        (np.zeros((8, 8), np.uint16), {"photometric": "minisblack", "compression": "jpeg2000"}, "JPEG 2000"),
        (np.zeros((8, 8), np.uint16), {"bigtiff": True, "byteorder": ">"}, "BigTIFF"),
    ],
)
def test_what_is_not_read_is_named(array: np.ndarray, options: dict[str, Any], word: str) -> None:
    with pytest.raises(decode.UnreadableImageError, match=word):
        decode.open_image(saved(array, **options))


def test_a_border_that_the_file_calls_no_data_is_no_part_of_the_picture() -> None:
    values = np.random.default_rng(0).integers(1000, 2000, (64, 64)).astype(np.int16)
    values[:30] = 0
    data = saved(values, photometric="minisblack", extratags=[(42113, "s", 0, "0", False)])
    assert seen(data, Scaling())[30:].std() > 60


def test_a_cut_off_file_is_refused() -> None:
    data = saved(np.ones((64, 64), np.uint16))
    with pytest.raises(decode.UnreadableImageError):
        decode.open_image(data[:-200])
