from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable, Iterator
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageSequence

from medcnn.reading import decode
from tests.conftest import encoded, picture
from tests.fuzz.child import Child
from tests.fuzz.mutating import bounded, damaged, png, png_chunks

pytestmark = pytest.mark.slow

WHOLE = {
    "PNG": encoded(picture(1, mode="P"), "PNG", transparency=3),
    "JPEG": encoded(picture(2, mode="RGB"), "JPEG", progressive=True),
    "BMP": encoded(picture(3, mode="P"), "BMP"),
    "GIF": encoded(picture(4, mode="P"), "GIF", transparency=2),
    "TIFF": encoded(picture(5, mode="RGBA"), "TIFF", compression="tiff_adobe_deflate"),
    "PPM": encoded(picture(6), "PPM"),
    "WEBP": encoded(picture(7, mode="RGBA"), "WEBP"),
}


@pytest.fixture(scope="module")
def child() -> Iterator[Child]:
    with Child("image", WHOLE["PNG"]) as started:
        yield started


@pytest.mark.parametrize("kind", WHOLE)
def test_a_damaged_image_is_an_image_or_refused(child: Child, kind: str) -> None:
    @bounded(50)
    @given(damaged(WHOLE[kind]))
    def check(case: bytes) -> None:
        child.outcome(case)

    check()


def test_a_png_with_damage_behind_right_checksums_is_an_image_or_refused(child: Child) -> None:
    chunks = png_chunks(WHOLE["PNG"])

    @bounded(50)
    @given(st.sampled_from(range(len(chunks))).flatmap(lambda i: st.tuples(st.just(i), damaged(chunks[i][1] or b"-"))))
    def check(change: tuple[int, bytes]) -> None:
        index, data = change
        child.outcome(png(*chunks[:index], (chunks[index][0], data), *chunks[index + 1 :]))

    check()


def header(width: int, height: int, depth: int = 8, colours: int = 0) -> tuple[bytes, bytes]:
    return b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colours, 0, 0, 0)


def tiff(tags: dict[int, tuple[int, int]], data: bytes) -> bytes:
    """A grey TIFF of one tile or strip; ``tags`` are its others: type (3 short, 4 long) and value."""
    entries = {256: (4, 16), 257: (4, 16), 258: (3, 8), 259: (3, 8), 262: (3, 1), 277: (3, 1), **tags}
    offset = 8 + 2 + 12 * (len(entries) + 2) + 4
    place, size = (324, 325) if 322 in tags else (273, 279)
    entries |= {place: (4, offset), size: (4, len(data))}
    table = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, (kind, value) in sorted(entries.items()))
    return b"II*\0\x08\0\0\0" + struct.pack("<H", len(entries)) + table + bytes(4) + data


def webp_of(width: int, height: int) -> bytes:
    """A canvas that holds one small frame."""
    frame = encoded(picture(1, (16, 16), "RGB"), "WEBP")[12:]
    sizes = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    body = b"WEBP" + b"VP8X" + struct.pack("<I", 10) + b"\0\0\0\0" + sizes + frame
    return b"RIFF" + struct.pack("<I", len(body)) + body


def gif_of_many_frames() -> bytes:
    frames = [Image.new("P", (2000, 2000), index) for index in range(40)]
    file = io.BytesIO()
    frames[0].save(file, "GIF", save_all=True, append_images=frames[1:])
    assert len(list(ImageSequence.Iterator(Image.open(file)))) == 40
    return file.getvalue()


@cache
def zeros() -> bytes:
    return zlib.compress(bytes(200_000_000), 9)


SMALL = zlib.compress(bytes(17 * 16))
HOSTILE: dict[str, Callable[[], bytes]] = {
    "PNG that inflates to far more than its pixels": lambda: png(header(16, 16), (b"IDAT", zeros()), (b"IEND", b"")),
    "PNG with a vast colour profile": lambda: png(
        header(16, 16), (b"iCCP", b"x\0\0" + zeros()), (b"IDAT", SMALL), (b"IEND", b"")
    ),
    "PNG with a vast text": lambda: png(
        header(16, 16), (b"zTXt", b"x\0\0" + zeros()), (b"IDAT", SMALL), (b"IEND", b"")
    ),
    "PNG with many vast texts": lambda: png(
        header(16, 16),
        *[(b"zTXt", b"%d\0\0" % i + zeros()[:60_000]) for i in range(99)],
        (b"IDAT", SMALL),
        (b"IEND", b""),
    ),
    "PNG with a vast EXIF block": lambda: png(
        header(16, 16), (b"eXIf", b"II*\0\x08\0\0\0\xff\xff" + bytes(30_000_000)), (b"IDAT", SMALL), (b"IEND", b"")
    ),
    "PNG of 2**31 pixels a side": lambda: png(header(2**31 - 1, 2**31 - 1), (b"IDAT", SMALL), (b"IEND", b"")),
    "PNG without width": lambda: png(header(0, 16), (b"IDAT", SMALL), (b"IEND", b"")),
    "PNG of one very long row": lambda: png(header(40_000_000, 1), (b"IDAT", zeros()), (b"IEND", b"")),
    "PNG as large as allowed, deep": lambda: png(header(7000, 7000, 16), (b"IDAT", zeros()), (b"IEND", b"")),
    "PNG as large as allowed, transparent": lambda: png(header(7000, 7000, 8, 6), (b"IDAT", zeros()), (b"IEND", b"")),
    "JPEG that claims more than it has": lambda: WHOLE["JPEG"].replace(b"\0\x28\0\x30\x03", b"\x1b\x58\x1b\x58\x03"),
    "TIFF of a vast tile": lambda: tiff({322: (4, 60_000), 323: (4, 30_000)}, zeros()),
    "TIFF of a tile of no size": lambda: tiff({322: (4, 0), 323: (4, 16)}, zeros()),
    "TIFF of vast samples": lambda: tiff({277: (3, 65_535), 278: (4, 16)}, zeros()),
    "TIFF of a vast strip": lambda: tiff({278: (4, 2**32 - 1)}, zeros()),
    "WebP of a vast canvas": lambda: webp_of(16_384, 16_384),
    "WebP as large as allowed": lambda: encoded(Image.new("RGBA", (7000, 7000)), "WEBP", lossless=True, method=0),
    "GIF of many frames": lambda: gif_of_many_frames(),
    "EPS": lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n",
    "nothing": lambda: b"",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_image_costs_neither_time_nor_memory(child: Child, name: str) -> None:
    child.outcome(HOSTILE[name]())


def test_pillow_would_open_more_formats_than_are_read_here() -> None:
    assert Image.open(io.BytesIO(HOSTILE["EPS"]())).format == "EPS"
    with pytest.raises(decode.UnreadableImageError, match=r"^a PostScript file"):
        decode.open_image(HOSTILE["EPS"]())
