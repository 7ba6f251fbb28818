"""Image files of every kind that is read, each with a picture of its own number, and files that are no images."""

from __future__ import annotations

import gzip
import io
from collections.abc import Callable
from functools import lru_cache

import nibabel
import numpy as np
from PIL import Image
from scipy.fft import idctn

from tests.conftest import encoded
from tests.reading.formats.test_dicom import scan

SIDE = 24


@lru_cache(maxsize=4096)
def values(number: int) -> np.ndarray:
    """The grey values (24, 24) of picture ``number``, 0 to 255, unlike those of any other."""
    waves = np.zeros((SIDE, SIDE))
    waves[:8, :8] = np.random.default_rng(number).standard_normal((8, 8))
    waves[0, 0] = 0
    smooth = idctn(waves)
    return np.rint(255 * (smooth - smooth.min()) / np.ptp(smooth)).astype(np.uint8)


def grey(number: int) -> Image.Image:
    """The picture of a number, 8-bit grey."""
    return Image.fromarray(values(number))


def deep(number: int, kind: str = "<u2") -> np.ndarray:
    return (values(number).astype(np.uint16) * 16 + 7).astype(kind)


def _dicom(number: int, **elements: object) -> bytes:
    return scan(deep(number), BitsStored=12, HighBit=11, **elements)


def _negative(number: int) -> bytes:
    return scan(4095 - deep(number), BitsStored=12, HighBit=11, PhotometricInterpretation="MONOCHROME1")


def _volume(number: int) -> bytes:
    layers = np.stack([values(number + layer).T for layer in range(3)], -1)
    return nibabel.Nifti1Image(layers.astype(np.int16), np.diag([-1, -1, 1, 1])).to_bytes()


def _pages(number: int, kind: str) -> bytes:
    first, *others = [grey(number + page) for page in range(3)]
    return encoded(first, kind, save_all=True, append_images=others)


def _array(number: int) -> bytes:
    file = io.BytesIO()
    np.save(file, values(number))
    return file.getvalue()


ONE: dict[str, Callable[[int], bytes]] = {
    "png": lambda n: encoded(grey(n)),
    "PNG": lambda n: encoded(grey(n).convert("RGB")),
    "rgba.png": lambda n: encoded(grey(n).convert("RGBA")),
    "p.png": lambda n: encoded(grey(n).convert("P")),
    "deep.png": lambda n: encoded(Image.fromarray(deep(n))),
    "jpg": lambda n: encoded(grey(n), "JPEG", quality=95),
    "JPEG": lambda n: encoded(grey(n).convert("CMYK"), "JPEG", quality=95),
    "jpe": lambda n: encoded(grey(n).convert("RGB"), "JPEG", quality=95),
    "bmp": lambda n: encoded(grey(n), "BMP"),
    "gif": lambda n: encoded(grey(n), "GIF"),
    "webp": lambda n: encoded(grey(n).convert("RGB"), "WEBP", lossless=True),
    "pgm": lambda n: encoded(grey(n), "PPM"),
    "tif": lambda n: encoded(grey(n), "TIFF"),
    "deep.tiff": lambda n: encoded(Image.fromarray(deep(n)), "TIFF"),
    "big.tif": lambda n: encoded(Image.frombytes("I;16B", (SIDE, SIDE), deep(n, ">u2").tobytes()), "TIFF"),
    "dcm": _dicom,
    "": _dicom,
    "window.dcm": lambda n: _dicom(n, WindowCenter=2048, WindowWidth=4096),
    "negative.dcm": _negative,
    "npy": _array,
    "jpg of PNG.jpg": lambda n: encoded(grey(n)),
    "dat": lambda n: encoded(grey(n)),
}
"""Files of one picture, by the end of their names."""
SEVERAL: dict[str, Callable[[int], bytes]] = {
    "nii": _volume,
    "nii.gz": lambda n: gzip.compress(_volume(n), 1, mtime=0),
    "pages.tif": lambda n: _pages(n, "TIFF"),
    "moving.gif": lambda n: _pages(n, "GIF"),
}
"""Files of three pictures, of this number and the next two."""
BROKEN: dict[str, Callable[[int], bytes]] = {
    "empty.png": lambda n: b"",
    "cut.png": lambda n: ONE["png"](n)[:120],
    "cut.jpg": lambda n: ONE["jpg"](n)[:200],
    "cut.dcm": lambda n: _dicom(n)[:400],
    "cut.nii.gz": lambda n: SEVERAL["nii.gz"](n)[:-300],
    "page.jpg": lambda n: b"<!DOCTYPE html><html><body>not found</body></html>",
    "pointer.png": lambda n: b"version https://git-lfs.github.com/spec/v1\noid sha256:%064x\nsize 9\n" % n,
    "text.png": lambda n: b"picture number %d" % n,
    "noise.tif": lambda n: np.random.default_rng(n).bytes(300),
    "zeros.npy": lambda n: bytes(200),
}
"""Files with the name of an image that no picture can be read from."""
JUNK: dict[str, bytes] = {
    "README.txt": b"read me",
    "notes.pdf": b"%PDF-1.4",
    ".DS_Store": b"\0\0\0\1Bud1",
    "Thumbs.db": b"\xd0\xcf\x11\xe0",
    "desktop.ini": b"[x]",
    "annotations.json": b"{}",
    "model.h5": b"\x89HDF\r\n\x1a\n",
    "more.zip": b"PK\5\6" + bytes(18),
    "list.xml": b"<annotation/>",
}
"""What else lies in folders of images."""


def stacked(numbers: list[int], colours: bool) -> np.ndarray:
    """Pictures in one array (N, H, W) or (N, H, W, 3)."""
    greys = np.stack([values(number) for number in numbers])
    return np.repeat(greys[..., None], 3, -1) if colours else greys


def packed(arrays: dict[str, np.ndarray]) -> bytes:
    """An ``.npz``."""
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    return file.getvalue()
