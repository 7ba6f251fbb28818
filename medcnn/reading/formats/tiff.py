"""TIFFs whose numbers Pillow cuts off, turns round or does not know: more than 8 bits, signed, with fractions.

Strips and tiles are unpacked by libtiff, to which Pillow shows each as an image of 8-bit greys; what the bytes mean is
settled here, by TIFF 6.0 and its supplements (predictors, BigTIFF).
"""

from __future__ import annotations

import io
import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from medcnn.reading import deep
from medcnn.reading.deep import Deep

Tags = ImageFileDirectory_v2
"""What a page says of itself, by number."""
WIDTH, HEIGHT, TILE_WIDTH, TILE_HEIGHT = 256, 257, 322, 323
PAGES = 10_000
"""Most pages of a file."""
LARGEST = 400 << 20
"""Most bytes of a page whose numbers are read here."""
_BITS, _COMPRESSION, _PHOTOMETRIC, _FILL_ORDER, _OFFSETS, _ORIENTATION = 258, 259, 262, 266, 273, 274
_CHANNELS, _ROWS, _COUNTS, _PLANAR, _PREDICTOR, _PALETTE = 277, 278, 279, 284, 317, 320
_TILE_OFFSETS, _TILE_COUNTS, _EXTRA, _FORMAT, _NO_DATA = 324, 325, 338, 339, 42113
_RGB = 2
_COLOURS = {0: 1, 1: 1, _RGB: 3}
_METHODS = {6: "JPEG", 7: "JPEG", 34712: "JPEG 2000", 34887: "LERC", 50001: "WebP", 50002: "JPEG XL"}
_KINDS = {1: "u", 2: "i", 3: "f", 4: "u"}
_PREMULTIPLIED, _ALPHA = 1, 2
_LOSSLESS = {1, 5, 8, 32773, 32946, 34925, 50000}
_AT_ONCE = 1 << 20


def is_tiff(data: bytes) -> bool:
    """Whether a file begins as TIFF or BigTIFF."""
    return data[:4] in {b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"}


def directories(data: bytes) -> Iterator[tuple[int, Tags]]:
    """Where each page is described, and what it says.

    Raises:
        ValueError: it has no page, or more than ``PAGES``.
    """
    head, seen = data[:16] if b"+" in data[:4] else data[:8], set[int]()
    if data[:4] == b"MM\0+":
        raise ValueError("a BigTIFF of the order MM, which Pillow does not read: save it as an ordinary TIFF")
    at = Tags(head).next
    if not at:
        raise ValueError("a TIFF without a page")
    while at and at not in seen:
        seen.add(at)
        if len(seen) > PAGES:
            raise ValueError(f"more than {PAGES} pages")
        tags, file = Tags(head), io.BytesIO(data)
        file.seek(at)
        tags.load(file)
        yield at, tags
        at = tags.next


def beginning_at(data: bytes, at: int) -> bytes:
    """The same file with the page that is described there as its first."""
    first, length = (8, 8) if b"+" in data[:4] else (4, 4)
    offset = at.to_bytes(length, "little" if data[:1] == b"I" else "big")
    return data if data[first : first + length] == offset else data[:first] + offset + data[first + length :]


def sizes(tags: Tags) -> Iterator[tuple[int, int]]:
    """Width and height of a page, and of its tiles if it has some.

    Raises:
        ValueError: it has no size.
    """
    for keys in ((WIDTH, HEIGHT), (TILE_WIDTH, TILE_HEIGHT))[: 2 if _TILE_OFFSETS in tags else 1]:
        if any(not isinstance(tags.get(key), int) for key in keys):
            raise ValueError("a TIFF page that does not say its size")
        yield int(tags[keys[0]]), int(tags[keys[1]])


def corrected(image: Image.Image, tags: Tags) -> Image.Image:
    """A page that Pillow has read; some programs write palettes of 8 bits where TIFF has 16."""
    palette = tags.get(_PALETTE, ())
    if image.mode in {"P", "PA"} and max(palette, default=256) < 256:
        image.putpalette(bytes(palette), "RGB;L")
    return image


def is_deep(tags: Tags) -> bool:
    """Whether Pillow would not give all of a page's numbers as they are."""
    planes_of_two = tags.get(_PLANAR) == 2 and tags.get(_CHANNELS) == 2
    return max(_several(tags, _BITS, 1)) > 8 or not set(_several(tags, _FORMAT, 1)) <= {1, 4} or planes_of_two


def read(data: bytes, tags: Tags) -> Deep:
    """A page, its numbers as they are stored.

    Raises:
        ValueError: it is of a kind that is not read, or broken.
    """
    layout = _layout(tags)
    stored = np.zeros((layout.height, layout.width, layout.channels), layout.kind.newbyteorder("="))
    for plane in range(layout.channels if layout.planar else 1):
        channels = slice(plane, plane + 1) if layout.planar else slice(None)
        _fill(stored[..., channels], data, tags, layout, plane)
    extra, colours = _several(tags, _EXTRA, 0), _COLOURS[tags[_PHOTOMETRIC]]
    has_alpha = layout.channels > colours and extra[0] in {_PREMULTIPLIED, _ALPHA}
    return replace(
        deep.of_array(stored[..., : colours + has_alpha]),
        inverted=tags[_PHOTOMETRIC] == 0,
        orientation=tags.get(_ORIENTATION, 1),
        full=(0, 2**layout.bits - 1) if layout.bits <= 8 and layout.kind.kind == "u" else None,
        premultiplied=extra[0] == _PREMULTIPLIED,
        padding=_padding(tags),
    )


@dataclass(frozen=True)
class _Layout:
    """How the numbers of a page lie in its file."""

    width: int
    height: int
    channels: int
    bits: int
    kind: np.dtype
    planar: bool
    compression: int
    predictor: int


def _layout(tags: Tags) -> _Layout:
    bits, formats = set(_several(tags, _BITS, 1)), set(_several(tags, _FORMAT, 1))
    channels, photometric, compression = (int(tags.get(key, 1)) for key in (_CHANNELS, _PHOTOMETRIC, _COMPRESSION))
    width, height, depth = int(tags[WIDTH]), int(tags[HEIGHT]), max(bits)
    extra = _several(tags, _EXTRA, 0) if _EXTRA in tags else ()
    if photometric != _RGB:
        extra = tuple(kind for kind in extra if kind in {_PREMULTIPLIED, _ALPHA})
    explained = _COLOURS.get(photometric, 0) + len(extra)
    if photometric not in _COLOURS:
        raise ValueError(f"a TIFF of {depth} bits whose colours are of kind {photometric}: convert it to RGB")
    if channels != explained:
        raise ValueError(f"a TIFF of {channels} channels that explains {explained}: keep one, or save it as RGB")
    if len(bits) > 1 or len(formats) > 1 or not formats <= set(_KINDS):
        raise ValueError("a TIFF of complex numbers, or of channels that differ in kind: convert it to one real kind")
    kind = _KINDS[formats.pop()]
    if depth > 64 or (kind != "u" and depth not in ((8, 16, 32, 64) if kind == "i" else (16, 32, 64))):
        raise ValueError(f"a TIFF of {depth}-bit numbers of kind '{kind}': convert it to 16 bits")
    if compression not in _LOSSLESS:
        method = _METHODS.get(compression, f"method {compression}")
        raise ValueError(f"a TIFF of {depth} bits compressed by {method}: save it with LZW or none")
    size = next(size for size in (1, 2, 4, 8) if 8 * size >= depth)
    area = max(width * height, tags.get(TILE_WIDTH, 1) * tags.get(TILE_HEIGHT, 1))
    if area * channels * size > LARGEST:
        raise ValueError(f"{width}x{height} pixels of {channels * size} bytes exceeds limit of {LARGEST >> 20} MiB")
    dtype = np.dtype(f"{'<' if tags.prefix == b'II' else '>'}{kind}{size}")
    planar, predictor = tags.get(_PLANAR, 1) == 2 and channels > 1, int(tags.get(_PREDICTOR, 1))
    return _Layout(width, height, channels, depth, dtype, planar, compression, predictor)


def _several(tags: Tags, key: int, default: int) -> tuple[int, ...]:
    value = tags.get(key, (default,))
    return tuple(value) if isinstance(value, tuple) else (value,)


def _padding(tags: Tags) -> float | None:
    try:
        return float(tags.get(_NO_DATA, ""))
    except ValueError:
        return None


def _fill(target: np.ndarray, data: bytes, tags: Tags, layout: _Layout, plane: int) -> None:
    """Read the strips or tiles of a page, or of one plane of it, into an array (H, W, C)."""
    tiled, (height, width, channels) = _TILE_OFFSETS in tags, target.shape
    offsets, counts = (
        _several(tags, key, 0) for key in ((_TILE_OFFSETS, _TILE_COUNTS) if tiled else (_OFFSETS, _COUNTS))
    )
    wide, high = (tags[TILE_WIDTH], tags[TILE_HEIGHT]) if tiled else (width, min(tags.get(_ROWS, height), height))
    across = math.ceil(width / wide)
    first = plane * across * math.ceil(height / high)
    for number in range(across * math.ceil(height / high)):
        top, left = number // across * high, number % across * wide
        rows = high if tiled else min(high, height - top)
        packed = data[offsets[first + number] :][: counts[first + number]]
        if packed:
            part = target[top : top + rows, left : left + wide]
            part[:] = _segment(packed, tags, layout, (rows, wide, channels))[: part.shape[0], : part.shape[1]]


def _segment(packed: bytes, tags: Tags, layout: _Layout, shape: tuple[int, int, int]) -> np.ndarray:
    """The numbers of one strip or tile, (rows, columns, channels)."""
    rows, columns, channels = shape
    row = math.ceil(columns * channels * layout.bits / 8)
    raw = np.frombuffer(_unpacked(packed, layout.compression, int(tags.get(_FILL_ORDER, 1)), (row, rows)), np.uint8)
    if layout.predictor == 3:
        return _floats(raw.reshape(rows, -1, channels), layout.kind.itemsize).reshape(shape)
    if layout.bits != 8 * layout.kind.itemsize:
        return _odd_bits(raw.reshape(rows, row), columns * channels, layout).reshape(shape)
    values = raw.view(layout.kind).reshape(shape).astype(layout.kind.newbyteorder("="))
    return np.cumsum(values, axis=1, dtype=values.dtype) if layout.predictor == 2 else values


def _unpacked(packed: bytes, compression: int, fill_order: int, size: tuple[int, int]) -> bytes:
    """A strip or tile as libtiff unpacks it, seen as an image of 8-bit greys of so many columns and rows."""
    columns, rows = size
    if compression == 1 and fill_order == 1:
        if len(packed) < columns * rows:
            raise ValueError("the TIFF is cut off")
        return packed[: columns * rows]
    fields = {WIDTH: columns, HEIGHT: rows, _BITS: 8, _COMPRESSION: compression, _PHOTOMETRIC: 1}
    fields |= {_FILL_ORDER: fill_order, _OFFSETS: 0, _CHANNELS: 1, _ROWS: rows, _COUNTS: len(packed)}
    fields[_OFFSETS] = 8 + 2 + 12 * len(fields) + 4
    entries = b"".join(struct.pack("<HHII", key, 4, 1, value) for key, value in fields.items())
    file = b"II*\0" + struct.pack("<IH", 8, len(fields)) + entries + bytes(4) + packed
    return Image.open(io.BytesIO(file), formats=("TIFF",)).tobytes()


def _floats(differences: np.ndarray, size: int) -> np.ndarray:
    """Predictor 3: bytes (rows, N, channels), the most significant ones of a row first, each less the one before it."""
    rows = len(differences)
    planes = np.cumsum(differences, axis=1, dtype=np.uint8).reshape(rows, size, -1)
    return np.ascontiguousarray(planes.transpose(0, 2, 1)).view(f">f{size}")


def _odd_bits(raw: np.ndarray, count: int, layout: _Layout) -> np.ndarray:
    """So many numbers of 12 bits and the like from the bytes of each row, which begins with a whole byte."""
    weights = 2 ** np.arange(layout.bits - 1, -1, -1, dtype=np.uint64)
    step = max(_AT_ONCE // raw.shape[1], 1)
    values = np.empty((len(raw), count), layout.kind.newbyteorder("="))
    for top in range(0, len(raw), step):
        bits = np.unpackbits(raw[top : top + step], axis=1)[:, : count * layout.bits]
        values[top : top + step] = bits.reshape(-1, count, layout.bits) @ weights
    return values
