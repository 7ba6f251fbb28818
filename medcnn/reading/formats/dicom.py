"""The frames of a DICOM file as a viewer shows them first; for fuzz tests: ``frames``.

The threat is a file from a stranger that claims sizes it does not have, to fill the memory or to keep a decoder busy
for ever. So only a few elements are read, their values are checked against limits before anything is allocated for
them, and compressed frames are decoded one at a time.
"""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from medcnn.reading import greys
from medcnn.reading.decode import UnreadableImageError
from medcnn.reading.formats import rendering
from medcnn.reading.formats.frames import Chosen, Frame, Frames, NoPictureError, every
from medcnn.reading.formats.translating import translate_errors
from medcnn.reading.greys import Greys

if TYPE_CHECKING:
    from pydicom import Dataset

SUFFIXES = (".dcm", ".dicom", ".ima")
PIXELS = 1 << 25
"""Largest frame, in samples: pixels times colours."""
FRAMES = 10_000
"""Most frames of a file."""
ABOUT = (
    "PatientID",
    "StudyInstanceUID",
    "SeriesInstanceUID",
    "AccessionNumber",
    "ImageType",
    "Modality",
    "Manufacturer",
    "ManufacturerModelName",
    "BodyPartExamined",
    "ViewPosition",
    "Laterality",
    "PatientSex",
    "PatientAge",
)
"""What a file says of how and of whom it was made, by the keywords of the standard. It may name a person."""
_PREAMBLE, _MAGIC = 128, b"DICM"
_BARE = re.compile(
    rb"\x08\0[\0\x01\x05\x08\x12\x13\x14\x16\x18\x20]\0([A-Z]{2}|..\0\0)|\x02\0[\0-\x03\x10]\0(UL|OB|UI)", re.DOTALL
)
"""The first element of a file without a preamble, explicit or implicit, little-endian."""
_ITEM = b"\xfe\xff\x00\xe0"
_PLAIN = "1.2.840.10008.1.2"
_DEFLATED = b"1.2.840.10008.1.2.1.99"
_RLE, _LARGEST_RLE = "1.2.840.10008.1.2.5", 4 << 20
_ITEMS = 100_000
"""Most items of sequences in a file."""
_READS = 1_000_000
"""Most reads of a file: small elements cost fifty times their size."""
_LARGEST_SEQUENCE = 8 << 20
"""In bytes: a sequence that states its length is parsed when it is looked at, at fifty times its size."""
_SEQUENCES = (
    "ModalityLUTSequence",
    "VOILUTSequence",
    "SharedFunctionalGroupsSequence",
    "PerFrameFunctionalGroupsSequence",
)
# Not the extended offsets: they could lead to frames other than those that are checked here.
_TAGS = [
    *ABOUT,
    "SOPClassUID",
    "TransferSyntaxUID",
    "SamplesPerPixel",
    "PhotometricInterpretation",
    "PlanarConfiguration",
    "NumberOfFrames",
    "Rows",
    "Columns",
    "BitsAllocated",
    "BitsStored",
    "HighBit",
    "PixelRepresentation",
    "PixelPaddingValue",
    "PixelPaddingRangeLimit",
    "RescaleSlope",
    "RescaleIntercept",
    "ModalityLUTSequence",
    "WindowCenter",
    "WindowWidth",
    "VOILUTFunction",
    "VOILUTSequence",
    "PixelData",
    "FloatPixelData",
    "DoubleFloatPixelData",
    "SharedFunctionalGroupsSequence",
    "PerFrameFunctionalGroupsSequence",
    "RedPaletteColorLookupTableDescriptor",
    "GreenPaletteColorLookupTableDescriptor",
    "BluePaletteColorLookupTableDescriptor",
    "RedPaletteColorLookupTableData",
    "GreenPaletteColorLookupTableData",
    "BluePaletteColorLookupTableData",
]


def is_dicom(data: bytes) -> bool:
    """Whether the first bytes of a file are DICOM's preamble and magic number; some files are without them."""
    return data[_PREAMBLE : _PREAMBLE + len(_MAGIC)] == _MAGIC


def starts_as_dicom(data: bytes) -> bool:
    """Whether a file begins as DICOM, with a preamble or with its first element."""
    return is_dicom(data) or _BARE.match(data) is not None


def frames(data: bytes, chosen: Chosen = every, scale: Greys = greys.DEFAULT) -> Frames:
    """The frames of a DICOM file, 8-bit RGB, one in memory at a time.

    Grey values go through the rescale slope and intercept (or modality LUT) and the VOI LUT or the first window of the
    file, its function linear, linear exact or sigmoid; without either, between percentiles of the frame, padding apart,
    or as they are where they have 8 bits. MONOCHROME1 is inverted, so that more is brighter.

    Args:
        data: the bytes of the file.
        chosen: which of so many frames.
        scale: how deep greys and colours are scaled.

    Raises:
        NoPictureError: it holds a report, a plan, a presentation or another object without an image.
        UnreadableImageError: pydicom, or what it needs for this compression, is not installed; the file is broken, has
            no image, or one beyond ``PIXELS`` or ``FRAMES``.
    """
    with translate_errors("DICOM", "pydicom"):
        yield from _frames(data, chosen, scale)


def _frames(data: bytes, chosen: Chosen, scale: Greys) -> Frames:
    from pydicom.pixels import iter_pixels

    dataset = _read(data)
    _check(dataset)
    count, mode = int(dataset.get("NumberOfFrames") or 1), str(dataset.PhotometricInterpretation)
    about = {key: str(dataset.get(key)).strip() for key in ABOUT if dataset.get(key)}
    wanted = chosen(count)
    pixels = iter_pixels(dataset, indices=None if len(wanted) == count else wanted)
    for index, values in zip(wanted, pixels, strict=True):
        with np.errstate(all="ignore"):
            shown = rendering.shown(values, dataset, index, scale)
        yield Frame(str(index + 1), count, mode, Image.fromarray(shown).convert("RGB"), about)


def _read(data: bytes) -> Dataset:
    """The elements in ``_TAGS``, of a file that is not built to grow in memory."""
    import pydicom

    if _DEFLATED in data:
        raise UnreadableImageError("a deflated DICOM file: inflate it first, with dcmconv of DCMTK")
    if data.count(_ITEM) > _ITEMS:
        raise UnreadableImageError(f"a DICOM file of more than {_ITEMS} items")
    dataset = pydicom.dcmread(_Counting(data), force=True, specific_tags=_TAGS)
    for key in _SEQUENCES:
        if key in dataset and (getattr(dataset.get_item(key), "length", None) or 0) > _LARGEST_SEQUENCE:
            raise UnreadableImageError(f"a DICOM file whose {key} is larger than {_LARGEST_SEQUENCE >> 20} MiB")
    if "TransferSyntaxUID" not in dataset.file_meta:
        dataset.file_meta.TransferSyntaxUID = pydicom.uid.UID(_PLAIN)
    return dataset


class _Counting(io.BytesIO):
    """Bytes that can be read ``_READS`` times and no more."""

    _left = _READS

    def read(self, size: int | None = -1, /) -> bytes:
        self._left -= 1
        if self._left < 0:
            raise UnreadableImageError("a DICOM file of too many elements")
        return super().read(size)


def _check(dataset: Dataset) -> None:
    """Refuse what is not an image, or is too large a one, before anything is decoded."""
    if not any(key in dataset for key in ("PixelData", "FloatPixelData", "DoubleFloatPixelData")):
        if "SOPClassUID" in dataset and "Rows" not in dataset:
            raise NoPictureError(f"a DICOM file without an image: {dataset.SOPClassUID.name}")
        raise UnreadableImageError("a DICOM file without an image")
    missing = [key for key in ("Rows", "Columns", "BitsAllocated", "PhotometricInterpretation") if key not in dataset]
    if missing:
        raise UnreadableImageError(f"a DICOM file that lacks {', '.join(missing)}")
    rows, columns, frames_ = int(dataset.Rows), int(dataset.Columns), int(dataset.get("NumberOfFrames") or 1)
    samples = int(dataset.get("SamplesPerPixel") or 1)
    if not 0 < rows * columns * samples <= PIXELS or samples not in (1, 3) or int(dataset.BitsAllocated) > 64:
        raise UnreadableImageError(f"{columns}x{rows} pixels of {samples} samples exceeds limit of {PIXELS}")
    if not 0 < frames_ <= FRAMES:
        raise UnreadableImageError(f"{frames_} frames exceeds limit of {FRAMES}")
    _check_compression(dataset)


def _check_compression(dataset: Dataset) -> None:
    """Refuse frames whose own headers are larger than the file says, or that no installed decoder reads."""
    syntax = dataset.file_meta.TransferSyntaxUID
    if not syntax.is_compressed:
        return
    from pydicom.encaps import generate_frames
    from pydicom.pixels import get_decoder

    try:
        decoder = get_decoder(syntax)
    except NotImplementedError as error:
        raise UnreadableImageError(f"compressed as {syntax.name}, which pydicom cannot read") from error
    if not decoder.is_available:
        needed = "pip install pylibjpeg pylibjpeg-libjpeg pylibjpeg-openjpeg"
        raise UnreadableImageError(f"compressed as {syntax.name}, for which a decoder is missing: {needed}")
    count = int(dataset.get("NumberOfFrames") or 1)
    for frame in generate_frames(dataset.PixelData, number_of_frames=count):
        _check_frame(frame, syntax == _RLE)


def _check_frame(frame: bytes, run_lengths: bool) -> None:
    """A compressed frame has a size of its own, which may not be that of the file's header."""
    if run_lengths:
        # Two bytes are up to 128 pixels.
        if len(frame) > _LARGEST_RLE:
            raise UnreadableImageError(f"a run-length frame of more than {_LARGEST_RLE >> 20} MiB")
        return
    if frame[4:8] == b"jP  " and not _reaches_codestream(frame):
        raise UnreadableImageError("a compressed frame that is broken")
    try:
        width, height = Image.open(io.BytesIO(frame), formats=("JPEG", "JPEG2000")).size
    except Exception as error:
        # Pillow does not read JPEG-LS and lossless JPEG; their decoders check sizes themselves.
        if frame[:2] != b"\xff\xd8":
            raise UnreadableImageError("a compressed frame that is broken") from error
        return
    if width * height > PIXELS:
        raise UnreadableImageError(f"a compressed frame of {width}x{height} pixels exceeds limit of {PIXELS}")


def _reaches_codestream(frame: bytes) -> bool:
    """Whether the boxes of a JPEG 2000 file lead to its image; one of no length would keep pydicom busy for ever."""
    at = 0
    while at < len(frame):
        length, kind = int.from_bytes(frame[at : at + 4], "big"), frame[at + 4 : at + 8]
        if kind == b"jp2c":
            return True
        if length < 8:
            return False
        at += length
    return False
