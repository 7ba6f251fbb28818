"""Zip files whose bytes depend on their members alone: nothing of the clock, the user or the system."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable
from pathlib import Path

from medcnn.core.files import replacing

_UNIX = 3


def write_zip(path: Path, members: Iterable[tuple[str, bytes]]) -> None:
    """Write members, (name, content) each, uncompressed and in their order; the whole file or none."""
    with replacing(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        for name, data in members:
            archive.writestr(entry(name), data)


def entry(name: str, mode: int = 0o644) -> zipfile.ZipInfo:
    """How an uncompressed member is listed: with one fixed date, and the Unix mode ``mode``."""
    member = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
    member.create_system = _UNIX
    member.external_attr = mode << 16
    return member
