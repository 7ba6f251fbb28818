"""Images of more than 8 bits as their files store them; Pillow keeps the upper byte of deep colours alone.

Its PNG decoder takes either byte of each number, so two passes give both. PPM is read where its numbers lie.
"""

from __future__ import annotations

import io
import zlib
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image, ImageFile, ImageOps

from medcnn.reading import greys
from medcnn.reading.greys import Greys, Limits

_ORIENTATION = 0x0112
_STRIP = 1 << 20
_NAMES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}
_SUFFIXES = {"f": "F", "i": "S"}
_PNG_COLOUR, _GREY_ALPHA, _COLOUR_ALPHA = 25, 4, 6


@dataclass(frozen=True)
class Deep:
    """An image of more than 8 bits.

    Attributes:
        values: as stored, (H, W, 1) or (H, W, 3), numbers of any type.
        mode: what is stored, in the words of Pillow's modes: ``L;16``, ``RGBA;16``, ``RGB;32F``, ``L;16S``.
        alpha: (H, W), from 0 where nothing is seen to the largest number of its type, or to 1 where it has fractions;
            None where all is seen.
        inverted: whether the lowest value is white.
        orientation: how it is to be turned, as EXIF numbers it.
        full: what is black and white whatever the file's values are; None where that is chosen by them.
        premultiplied: whether the values are multiplied by alpha already.
        padding: a value that is no part of the picture.
    """

    values: np.ndarray
    mode: str
    alpha: np.ndarray | None = None
    inverted: bool = False
    orientation: int = 1
    full: Limits | None = None
    premultiplied: bool = False
    padding: float | None = None

    @property
    def size(self) -> tuple[int, int]:
        """Width and height as stored."""
        return self.values.shape[1], self.values.shape[0]

    def to_rgb(self, scale: Greys) -> Image.Image:
        """Upright 8-bit RGB; what is transparent is black."""
        limits = self.full or greys.limits(scale, self._seen())
        picture = Image.new("RGB", self.size)
        rows = max(_STRIP // self.size[0], 1)
        for top in range(0, self.size[1], rows):
            part = slice(top, top + rows)
            shown = greys.scaled(self.values[part], limits, inverted=self.inverted)
            if self.alpha is not None and not self.premultiplied:
                shown = _on_black(shown, self.alpha[part, :, None])
            picture.paste(Image.fromarray(np.broadcast_to(shown, (*shown.shape[:2], 3))), (0, top))
        picture.getexif()[_ORIENTATION] = self.orientation
        return ImageOps.exif_transpose(picture)

    def _seen(self) -> np.ndarray:
        """A sample of the values that take part in the picture."""
        values = greys.sample(self.values)
        inside = np.ones(values.shape[:2], bool) if self.alpha is None else greys.sample(self.alpha) > 0
        if self.padding is not None:
            inside &= (values != self.padding).any(axis=2)
        return values[inside] if inside.any() else values


def _on_black(shown: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    full = np.iinfo(alpha.dtype).max if alpha.dtype.kind in "iu" else 1.0
    return np.rint(shown * np.nan_to_num(alpha / full).clip(0, 1)).astype(np.uint8)


def png(data: bytes, image: ImageFile.ImageFile) -> Deep:
    """A PNG of 16 bits.

    Args:
        data: the file.
        image: the same, opened and not yet decoded.
    """
    transparent = image.info.get("transparency")
    if data[_PNG_COLOUR] == _GREY_ALPHA:
        stored = _grey_alpha(data)
    elif image.mode in {"RGB", "RGBA"}:
        stored = _byte(data, "16B").astype(np.uint16)
        stored <<= 8
        stored |= _byte(data, "16L")
    else:
        stored = np.asarray(image).astype(np.uint16)[..., None]
    made = replace(of_array(stored), orientation=image.getexif().get(_ORIENTATION, 1))
    if transparent is None:
        return made
    return replace(made, alpha=np.where((stored == transparent).all(axis=2), 0, 255).astype(np.uint8))


def _byte(data: bytes, order: str) -> np.ndarray:
    """The upper byte of each number ("16B"), or the lower ("16L"), uint8 (H, W, C)."""
    image = Image.open(io.BytesIO(data), formats=("PNG",))
    image.tile = [tile._replace(args=f"{image.mode};{order}") for tile in image.tile]
    return np.asarray(image)


def _grey_alpha(data: bytes) -> np.ndarray:
    """Greys and alpha of 16 bits, (H, W, 2): two of them are laid out as four channels of 8 bits are."""
    header = data[12:24] + bytes((8, _COLOUR_ALPHA)) + data[26:29]
    plain = data[:12] + header + zlib.crc32(header).to_bytes(4, "big") + data[33:]
    return np.asarray(Image.open(io.BytesIO(plain), formats=("PNG",))).view(">u2")


def ppm(data: bytes, image: ImageFile.ImageFile, highest: int) -> Deep:
    """A PPM or PGM of 16 bits.

    Args:
        data: the file.
        image: the same, opened and not yet decoded.
        highest: its largest value, as its header says.

    Raises:
        ValueError: its colours are written as text.
    """
    (width, height), tile = image.size, image.tile[0]
    channels = 3 if image.mode == "RGB" else 1
    if tile.codec_name != "ppm_plain":
        values = np.frombuffer(data, ">u2", width * height * channels, tile.offset).reshape(height, width, channels)
    elif channels == 1:
        # Pillow has stretched them to 65535.
        values = np.rint(np.asarray(image) * (highest / 65535)).astype(np.uint16)[..., None]
    else:
        raise ValueError("a PPM of 16-bit colours written as text: convert it to PNG")
    return of_array(values)


def jpeg_2000_depth(data: bytes) -> int:
    """The most bits of a component of a JPEG 2000 file, by the header of its image (ISO 15444-1, A.5.1).

    Raises:
        ValueError: it has colours of more than 8 bits, of which Pillow cuts off the lower ones, or signed numbers.
    """
    at = data.find(b"\xff\x4f\xff\x51") + 40
    components = int.from_bytes(data[at : at + 2], "big")
    sizes = data[at + 2 : at + 2 + 3 * components : 3]
    depth = max((size & 0x7F) + 1 for size in sizes)
    if depth > 8 and components > 1:
        raise ValueError(f"a JPEG 2000 image whose colours have {depth} bits: convert it to PNG of 16 bits")
    if max(sizes) > 0x7F:
        raise ValueError("a JPEG 2000 image of signed numbers: convert it to TIFF")
    return depth


def jpeg_2000(image: ImageFile.ImageFile, depth: int) -> Deep:
    """Greys of more than 8 bits, which Pillow shifts up to 16."""
    return of_array((np.asarray(image).astype(np.uint16) >> (16 - depth))[..., None])


def of_array(stored: np.ndarray) -> Deep:
    """An image of numbers deeper than 8 bits: greys or colours (H, W, 1 or 3), or with alpha last (H, W, 2 or 4)."""
    kind = stored.dtype
    mode = f"{_NAMES[stored.shape[2]]};{8 * kind.itemsize}{_SUFFIXES.get(kind.kind, '')}"
    if stored.shape[2] not in (2, 4):
        return Deep(stored, mode)
    return Deep(stored[..., :-1], mode, stored[..., -1])
