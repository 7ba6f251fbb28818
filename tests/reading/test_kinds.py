from __future__ import annotations

import io

import imagecodecs
import numpy as np
import pytest
from PIL import Image

from medcnn.reading import decode, kinds
from medcnn.reading.greys import Scaling

COLOURS = np.random.default_rng(0).integers(0, 256, (40, 50, 3), np.uint8)
GREYS = COLOURS[..., 0].astype(np.uint16) * 16


def refusal(data: bytes) -> str:
    with pytest.raises(decode.UnreadableImageError) as caught:
        decode.open_image(data)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def seen(data: bytes) -> np.ndarray:
    return np.asarray(decode.to_rgb(decode.open_image(data), Scaling("values", 0, 4080)))


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"<!DOCTYPE html><html>Quota exceeded</html>", "web page"),
        (b"\n<HTML><body>", "web page"),
        (b"<?xml version='1.0'?>\n<Error><Code>AccessDenied</Code></Error>", "XML"),
        (b'{"error": "not found"}', "JSON"),
        (b"<?xml version='1.0'?>\n<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n", "Git LFS"),
        (b"../../.git/annex/objects/Zz/9q/SHA256E-s1--00.png", "git-annex"),
        (b"%PDF-1.7\n", "PDF"),
        (b"\0\0\0\x18ftypheic" + bytes(40), "HEIC"),
        (b"\0\0\0\x20ftypisom" + bytes(40), "video"),
        (b"\x89HDF\r\n\x1a\n" + bytes(40), "HDF5"),
        (b"MATLAB 5.0 MAT-file, Platform: GLNXA64", "MATLAB"),
        (b"NRRD0004\ntype: short\n", "NIfTI"),
        (b"ObjectType = Image\nNDims = 3\n", "NIfTI"),
        (b"\x1f\x8b\x08" + bytes(20), "gzip"),
        (b"PK\x03\x04" + bytes(40), "zip"),
        (bytes(500), "zeros"),
        (b"\x89PNG\r\n\x1a\n" + bytes(50), "damaged"),
        (b"\xff\xd8\xff\xe0\0\x10" + bytes(50), "damaged"),
        (bytes(range(1, 200)), "not an image"),
    ],
)
def test_what_is_no_image_is_named(data: bytes, word: str) -> None:
    assert word in refusal(data)


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (imagecodecs.jpeg_encode(GREYS, bitspersample=12), "12 bits"),
        (imagecodecs.ljpeg_encode(GREYS, bitspersample=12), "lossless JPEG"),
        (imagecodecs.jpegls_encode(GREYS), "JPEG-LS"),
        (imagecodecs.jpegxl_encode(COLOURS), "JPEG XL"),
        (imagecodecs.jpegxr_encode(COLOURS), "JPEG XR"),
        (imagecodecs.jpeg2k_encode(COLOURS.astype(np.uint16) * 16), "16 bits"),
    ],
)
def test_images_of_kinds_that_are_not_read_are_named(data: bytes, word: str) -> None:
    assert word in refusal(data)


@pytest.mark.parametrize("bits", [12, 16])
@pytest.mark.parametrize("codec", ["j2k", "jp2"])
def test_jpeg_2000(codec: str, bits: int) -> None:
    assert (seen(imagecodecs.jpeg2k_encode(COLOURS, level=0, codecformat=codec)) == COLOURS).all()
    deep = imagecodecs.jpeg2k_encode(GREYS, level=0, bitspersample=bits, codecformat=codec)
    assert (seen(deep)[..., 0] == COLOURS[..., 0]).all()


@pytest.mark.parametrize("kind", ["AVIF", "BMP", "PCX", "PNG", "PPM", "SGI", "TIFF", "WEBP"])
def test_colours_of_other_kinds_whatever_the_suffix(kind: str) -> None:
    file = io.BytesIO()
    Image.fromarray(COLOURS).save(
        file, kind, **{"AVIF": {"quality": 100, "subsampling": "4:4:4"}, "WEBP": {"lossless": True}}.get(kind, {})
    )
    assert np.abs(seen(file.getvalue()).astype(int) - COLOURS).mean() <= (4 if kind == "AVIF" else 0)


def test_a_reason_is_found_in_no_time_in_hostile_text() -> None:
    for text in (b"<?xml" * 10_000, b"<!--" * 10_000, b"[" * 50_000, b" " * 50_000, b"a/" * 50_000, b"# \n" * 9000):
        assert kinds.reason(text)
