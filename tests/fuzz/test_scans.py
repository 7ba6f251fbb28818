from __future__ import annotations

import gzip
import io
import struct
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from hypothesis import given
from PIL import Image

from tests.fuzz.child import Child
from tests.fuzz.mutating import bounded, damaged

pydicom = pytest.importorskip("pydicom")
nibabel = pytest.importorskip("nibabel")
pytestmark = pytest.mark.slow

EXPLICIT = "1.2.840.10008.1.2.1"


def element(group: int, number: int, kind: bytes, value: bytes, length: int | None = None) -> bytes:
    """A DICOM element, explicit and little-endian; its length may lie."""
    size = len(value) if length is None else length
    long = kind in (b"OB", b"OW", b"SQ", b"UN")
    return struct.pack("<HH", group, number) + kind + struct.pack("<xxI" if long else "<H", size) + value


def short(number: int, value: int) -> bytes:
    return element(0x28, number, b"US", struct.pack("<H", value))


def dicom(
    *more: bytes,
    rows: int = 8,
    columns: int = 8,
    frames: str = "1",
    pixels: bytes | None = None,
    syntax: str = EXPLICIT,
) -> bytes:
    """A grey image of 8 bits; without ``pixels`` they are as many as it says."""
    meta = element(2, 0x10, b"UI", syntax.encode() + b"\0" * (len(syntax) % 2))
    parts = [
        short(2, 1),
        element(0x28, 4, b"CS", b"MONOCHROME2 "),
        element(0x28, 8, b"IS", frames.encode() + b" " * (len(frames) % 2)),
        short(0x10, rows),
        short(0x11, columns),
        *(short(number, value) for number, value in ((0x100, 8), (0x101, 8), (0x102, 7), (0x103, 0))),
        *more,
    ]
    data = bytes(range(64)) if pixels is None else pixels
    start = bytes(128) + b"DICM" + element(2, 0, b"UL", struct.pack("<I", len(meta))) + meta
    return start + b"".join(parts) + (element(0x7FE0, 0x10, b"OB", data) if data else b"")


def nested(depth: int) -> bytes:
    """Sequences in sequences, of undefined length."""
    item = b"\xfe\xff\x00\xe0\xff\xff\xff\xff"
    opened = element(0x28, 0x3000, b"SQ", b"", 0xFFFFFFFF) + item
    closed = b"\xfe\xff\x0d\xe0\0\0\0\0" + b"\xfe\xff\xdd\xe0\0\0\0\0"
    return opened * depth + closed * depth


def encapsulated(*frames: bytes) -> bytes:
    """Compressed frames as pixel data."""
    items = [b"\xfe\xff\x00\xe0" + struct.pack("<I", len(frame)) + frame for frame in (b"", *frames)]
    return element(0x7FE0, 0x10, b"OB", b"".join(items) + b"\xfe\xff\xdd\xe0\0\0\0\0", 0xFFFFFFFF)


def run_length(size: int) -> bytes:
    """One segment that unpacks to 64 times its size."""
    return struct.pack("<16I", 1, 64, *[0] * 14) + b"\x81\0" * size


def nifti(shape: tuple[int, ...] = (8, 8, 3), **fields: object) -> bytes:
    image = nibabel.Nifti1Image(np.arange(192, dtype=np.int16).reshape(8, 8, 3), np.eye(4))
    data = bytearray(image.to_bytes())
    header = np.frombuffer(data, nibabel.Nifti1Header.template_dtype, 1)
    header["dim"][0, : len(shape) + 1] = (len(shape), *shape)
    for name, value in fields.items():
        header[name] = value
    return bytes(data)


def array(**arrays: np.ndarray) -> bytes:
    """An .npy of one array, or an .npz of several."""
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    return file.getvalue()


def npy(shape: str = "(8, 9)") -> bytes:
    """An .npy of bytes that may state another shape than it has."""
    file = io.BytesIO()
    np.save(file, np.arange(72, dtype=np.uint8).reshape(8, 9))
    return file.getvalue().replace(b"(8, 9), }" + b" " * len(shape), f"{shape}, }}".encode() + b" " * 6)


def animation(side: int, count: int) -> bytes:
    """A GIF of many frames of one colour, each of which has four pixels of its own."""
    first, *others = (Image.new("P", (2, 2), index % 2) for index in range(count))
    file = io.BytesIO()
    first.save(file, "GIF", save_all=True, append_images=others)
    return b"GIF89a" + struct.pack("<HH", side, side) + file.getvalue()[10:]


def pages(count: int) -> bytes:
    """A TIFF of many pages that are all the same directory entries."""
    entries = [(256, 8), (257, 8), (258, 8), (259, 1), (262, 1), (273, 8), (278, 8), (279, 64)]
    directory = struct.pack("<H", len(entries)) + b"".join(
        struct.pack("<HHII", tag, 4, 1, value) for tag, value in entries
    )
    size = len(directory) + 4
    chain = (directory + struct.pack("<I", 72 + size * (page + 1) * (page + 1 < count)) for page in range(count))
    return b"II*\0" + struct.pack("<I", 72) + bytes(64) + b"".join(chain)


RLE = "1.2.840.10008.1.2.5"
JPEG = "1.2.840.10008.1.2.4.50"
HOSTILE_DICOM: dict[str, Callable[[], bytes]] = {
    "no pixels": lambda: dicom(pixels=b""),
    "fewer pixels than it says": lambda: dicom(rows=4000, columns=4000),
    "absurd rows and columns": lambda: dicom(rows=65_535, columns=65_535),
    "no rows": lambda: dicom(rows=0),
    "absurd frames": lambda: dicom(frames="2147483647"),
    "frames below none": lambda: dicom(frames="-1"),
    "frames that are no number": lambda: dicom(frames="many"),
    "more frames than pixels": lambda: dicom(frames="9999"),
    "a length beyond the end": lambda: dicom(pixels=b"") + element(0x7FE0, 0x10, b"OB", b"abc", 0xFFFFFFFE),
    "an undefined length": lambda: dicom(pixels=b"") + element(0x7FE0, 0x10, b"OB", b"abc", 0xFFFFFFFF),
    "a text longer than the file": lambda: dicom(element(0x28, 0x1050, b"DS", b"1", 0xFFFF)),
    "a window without width": lambda: dicom(element(0x28, 0x1050, b"DS", b"1 "), element(0x28, 0x1051, b"DS", b"0 ")),
    "a window that is no number": lambda: dicom(
        element(0x28, 0x1050, b"DS", b"nan "), element(0x28, 0x1051, b"DS", b"1e999 ")
    ),
    "a slope beyond all numbers": lambda: dicom(element(0x28, 0x1053, b"DS", b"1e308 ")),
    "sequences nested 100 deep": lambda: dicom(nested(100)),
    "sequences nested 90000 deep": lambda: dicom(nested(90_000)),
    "sequences without end": lambda: dicom(nested(2_000_000)[: 8 << 20]),
    "run lengths of more than it says": lambda: dicom(syntax=RLE, pixels=b"") + encapsulated(run_length(1_000_000)),
    "run lengths of no frame": lambda: dicom(syntax=RLE, pixels=b"") + encapsulated(b""),
    "a JPEG of another size": lambda: dicom(syntax=JPEG, pixels=b"") + encapsulated(b"\xff\xd8\xff\xd9"),
    "an unknown compression": lambda: dicom(syntax="1.2.3", pixels=b"") + encapsulated(b"abcd"),
    "a preamble alone": lambda: bytes(128) + b"DICM",
}
HOSTILE_NIFTI: dict[str, Callable[[], bytes]] = {
    "absurd dimensions": lambda: nifti((32_767, 32_767, 32_767)),
    "dimensions below none": lambda: nifti((-8, 8, 3)),
    "too many dimensions": lambda: nifti(dim=[999, 8, 8, 3, 1, 1, 1, 1]),
    "voxels beyond the end": lambda: nifti(vox_offset=1e30),
    "voxels before the beginning": lambda: nifti(vox_offset=-1e30),
    "an unknown kind of number": lambda: nifti(datatype=12_345),
    "complex numbers": lambda: nifti(datatype=32),
    "a slope that is no number": lambda: nifti(scl_slope=np.nan, scl_inter=np.inf),
    "a turn that is none": lambda: nifti(qform_code=1, quatern_b=np.nan, sform_code=0),
    "a gzip bomb": lambda: gzip.compress(nifti()[:352] + bytes(600 << 20), 1),
    "a gzip bomb of zeros": lambda: gzip.compress(nifti((1000, 1000, 120))[:352] + bytes(250 << 20), 1),
    "a gzip file cut off": lambda: gzip.compress(nifti())[:-40],
}

HOSTILE_OTHERS: dict[str, Callable[[], bytes]] = {
    "an array bomb": lambda: array(a=np.zeros((1000, 1000, 600), np.uint8)),
    "an array of absurd shape": lambda: npy("(99999999, 99999999)"),
    "an array of negative shape": lambda: npy("(-8, -9)"),
    "an array of no shape": lambda: npy("[8, 9]"),
    "an array of Python objects": lambda: array(a=np.array([[object()]], object)),
    "an array of a thousand axes": lambda: npy("(" + "1," * 1000 + ")"),
    "an animation of 10,001 frames": lambda: animation(2, 10_001),
    "an animation of large empty frames": lambda: animation(6000, 9000),
    "a TIFF of 12,000 pages": lambda: pages(12_000),
    "a TIFF of 3 pages": lambda: pages(3),
}


@pytest.fixture(scope="module")
def child() -> Iterator[Child]:
    with Child("scan", dicom()) as started:
        yield started


@pytest.mark.parametrize("name", HOSTILE_DICOM)
def test_a_hostile_dicom_file_costs_neither_time_nor_memory(child: Child, name: str) -> None:
    child.outcome(HOSTILE_DICOM[name]())


@pytest.mark.parametrize("name", HOSTILE_NIFTI)
def test_a_hostile_nifti_file_costs_neither_time_nor_memory(child: Child, name: str) -> None:
    child.outcome(HOSTILE_NIFTI[name]())


@pytest.mark.parametrize("name", HOSTILE_OTHERS)
def test_a_hostile_array_animation_or_stack_costs_neither_time_nor_memory(child: Child, name: str) -> None:
    child.outcome(HOSTILE_OTHERS[name]())


def whole_dicom() -> bytes:
    """One with a sequence, a window, a slope and run lengths, as pydicom writes it."""
    dataset = pydicom.dcmread(
        io.BytesIO(dicom(element(0x28, 0x1050, b"DS", b"30"), element(0x28, 0x1051, b"DS", b"60")))
    )
    dataset.SharedFunctionalGroupsSequence = [pydicom.Dataset()]
    dataset.compress(pydicom.uid.RLELossless)
    file = io.BytesIO()
    dataset.save_as(file)
    return file.getvalue()


@pytest.mark.parametrize(
    "whole",
    [
        dicom(),
        whole_dicom(),
        nifti(),
        gzip.compress(nifti(), mtime=0),
        npy(),
        array(a=np.eye(9)),
        animation(9, 3),
        pages(3),
    ],
    ids=["dicom", "rle", "nifti", "gz", "npy", "npz", "gif", "tiff"],
)
def test_a_damaged_scan_is_pictures_or_refused(child: Child, whole: bytes) -> None:
    assert child.outcome(whole) == "read"

    @bounded(100)
    @given(damaged(whole))
    def check(case: bytes) -> None:
        child.outcome(case)

    check()
