"""How archives are packed that cannot be read, so that a user hears it when one comes in and not image by image."""

from __future__ import annotations

import re
import struct
import zipfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

UNPACK = "unpack it, and name the folder or pack its files as a zip"
_READ = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA}
_READ |= {zipfile.ZIP_ZSTANDARD} if hasattr(zipfile, "ZIP_ZSTANDARD") else set()
_METHODS = {
    1: "Shrink",
    6: "Implode",
    9: "Deflate64, as Windows Explorer does above 2 GB",
    10: "PKWARE's Implode",
    14: "LZMA",
    93: "Zstandard",
    95: "XZ",
    96: "a method for JPEG files",
    97: "WavPack",
    98: "PPMd",
    99: "AES encryption",
}
"""The numbers of PKWARE's APPNOTE.TXT, 4.4.5."""
_STARTS = {
    rb"Rar!\x1a\x07": "a RAR archive",
    rb"7z\xbc\xaf\x27\x1c": "a 7-Zip archive",
    rb"\x28\xb5\x2f\xfd": "packed by Zstandard",
    rb"\x04\x22\x4d\x18": "packed by LZ4",
    rb"\x1f[\x9d\xa0]": "packed by compress",
    rb"\x1f\x8b": "packed by gzip, but no whole tar (damaged, or of another kind)",
    rb"BZh": "packed by bzip2, but no whole tar (damaged, or of another kind)",
    rb"\xfd7zXZ": "packed by xz, but no whole tar (damaged, or of another kind)",
    rb"MSCF": "a Windows cabinet",
    rb"PK\x07\x08|PK00PK": "the first part of a zip in several parts (.z01, .z02, ..., .zip)",
    rb"PK\x03\x04": "the beginning of a zip that is cut off, or a part of one in several parts",
    rb"\s*<": "a page of the web, such as a login or an error",
    rb"version https://git-lfs": "a pointer of Git LFS in place of a file: run `git lfs pull`",
}
_LAST_PART = "the last part of a zip in several parts (.z01, .z02, ..., .zip)"
_END, _LONGEST_END = b"PK\5\6", 22 + (1 << 16)


def what_it_is(path: Path) -> str:
    """What a file is that is no whole zip or tar, and what to do, as the end of a sentence; '' where unknown."""
    if _is_last_part(path):
        return f": it is {_LAST_PART}; {UNPACK}"
    with path.open("rb") as file:
        start = file.read(64)
    found = next((kind for pattern, kind in _STARTS.items() if re.match(pattern, start)), "" if start else "empty")
    return f": it is {found}; {UNPACK}" if found else ""


def refusal(path: Path, methods: Mapping[int, int]) -> str | None:
    """Why a zip cannot be read; None where it can be.

    Args:
        path: the zip.
        methods: how many of its files are packed by each method.
    """
    if _is_last_part(path):
        return f"is {_LAST_PART}; {UNPACK}"
    unread = Counter({method: count for method, count in methods.items() if method not in _READ})
    if not unread:
        return None
    (method, _), *_ = unread.most_common(1)
    name = _METHODS.get(method, f"method {method}")
    return f"has {unread.total()} of {sum(methods.values())} files packed by {name}, which cannot be read; {UNPACK}"


def _is_last_part(path: Path) -> bool:
    """Whether the record at the end of a zip says that other parts come before."""
    with path.open("rb") as file:
        file.seek(max(path.stat().st_size - _LONGEST_END, 0))
        end = file.read()
    at = end.rfind(_END)
    if at < 0 or len(end) < at + 8:
        return False
    (disk,) = struct.unpack_from("<H", end, at + 4)
    return bool(0 < disk < 0xFFFF)
