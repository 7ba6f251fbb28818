"""What the bytes of a file really are, where they are no image that is read here, and what to do about it."""

from __future__ import annotations

import re

_AT_START: tuple[tuple[bytes, str], ...] = (
    (rb"version https://git-lfs", "a Git LFS pointer, not the image itself: fetch the files with `git lfs pull`"),
    (rb".{0,40}/annex/objects/", "a git-annex pointer, not the image itself: fetch the files with `git annex get`"),
    (rb"(<\?xml.{0,600})?\s*(<!--.{0,600}-->\s*)?(<!DOCTYPE svg.{0,300})?<svg", "an SVG drawing: convert it to PNG"),
    (rb"(?i)\s*(<!--.{0,600}-->\s*)?(<!doctype html|<html|<head|<body)", "a web page, not an image: download it again"),
    (rb"\s*<\?xml|\s*<[A-Za-z]\w*[ >]", "XML text, not an image; perhaps a server's error: download it again"),
    (rb"\s*[\[{]\s*([\"{\[]|-?\d|[\]}])", "JSON text, not an image; perhaps a server's error: download it again"),
    (rb"%PDF-", "a PDF document: export its images as PNG"),
    (rb"%!PS|\xc5\xd0\xd3\xc6", "a PostScript file: convert it to PNG"),
    (rb".{4}ftyp(avif|avis)", "an AVIF image that this Pillow does not read: convert it to PNG"),
    (rb".{4}ftyp(hei[cxms]|hev[cxms]|mif1|msf1)", "a HEIC photo: convert it to JPEG"),
    (rb".{4}ftyp|\x1aE\xdf\xa3|RIFF.{4}AVI |\0\0\x01[\xb3\xba]", "a video: save its frames as PNG"),
    (rb"\0\0\0\x0cjP  \r\n\x87\n|\xff\x4f\xff\x51", "a JPEG 2000 image that Pillow does not read: convert it to PNG"),
    (rb"\xff\x0a|\0\0\0\x0cJXL ", "a JPEG XL image: convert it to PNG"),
    (rb"II\xbc\x01|WMPHOTO", "a JPEG XR image: convert it to PNG"),
    (rb".{128}DICM", "a DICOM file: it needs pydicom: pip install pydicom"),
    (rb"\x93NUMPY", "a NumPy array, which this place does not read: save it as PNG"),
    (rb"\x89HDF\r\n\x1a\n|MATLAB 7\.3", "an HDF5 or MATLAB 7.3 file: save its images as PNG, or its arrays as .npz"),
    (rb"MATLAB 5\.0", "a MATLAB file: save its images as PNG, or its arrays as .npz"),
    (rb"NRRD000\d", "an NRRD volume: convert it to NIfTI"),
    (rb"(#.{0,80}\n)?\s*(ObjectType|NDims|Comment) *=", "a MetaImage volume (.mha, .mhd): convert it to NIfTI"),
    (rb"SIMPLE  =", "a FITS image: convert it to PNG or TIFF of 16 bits"),
    (rb"8BPS", "a Photoshop file that Pillow does not read: convert it to PNG"),
    (rb"\x1f\x8b", "a file packed by gzip: unpack it"),
    (rb"PK\x03\x04|PK\x05\x06", "a zip: unpack it"),
    (
        rb"7z\xbc\xaf|Rar!|BZh[1-9]|\xfd7zXZ|\x28\xb5\x2f\xfd",
        "a packed file (7-Zip, RAR, bzip2, xz, Zstandard): unpack it",
    ),
    (rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "a Microsoft Office file: export its images as PNG"),
    (rb"\0+\Z", "a file of nothing but zeros: copy it again"),
    (rb"[\t\n\r -~]{16,}\Z", "text, not an image"),
)
_KINDS = tuple((re.compile(pattern, re.DOTALL), kind) for pattern, kind in _AT_START)
_LOOKED_AT = 1024
_FRAME_HEADER = re.compile(rb"\xff[\xc0-\xc3\xc5-\xc7\xc9-\xcb\xcd-\xcf]")
_JPEG_LS = 0xF7
_LOSSLESS = b"\xc3\xc7\xcb\xcf"


def reason(data: bytes) -> str:
    """Why a file that no decoder took is not read, as one line without its name."""
    if data[:3] == b"\xff\xd8\xff":
        return _of_jpeg(data)
    if data[:8] == b"\x89PNG\r\n\x1a\n" or data[:4] in {b"GIF8", b"RIFF"}:
        return "a damaged image: copy or download it again"
    start = data[:_LOOKED_AT]
    return next((kind for pattern, kind in _KINDS if pattern.match(start)), "not an image")


def _of_jpeg(data: bytes) -> str:
    """What is unusual in a JPEG, by ITU T.81: its first frame header says process, length and precision."""
    at = 2
    while at + 5 <= len(data) and data[at] == 0xFF:
        if data[at + 1] == _JPEG_LS:
            return "a JPEG-LS image: convert it to PNG"
        if _FRAME_HEADER.match(data[at : at + 2]):
            if data[at + 1] in _LOSSLESS:
                return "a lossless JPEG: convert it to PNG"
            if data[at + 4] != 8:
                return f"a JPEG of {data[at + 4]} bits: convert it to PNG of 16 bits"
            break
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return "a damaged JPEG: copy or download it again"
