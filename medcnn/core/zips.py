"""Zip files whose bytes depend on their members alone."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path

from medcnn.core.files import replacing

_UNIX = 3


def write_zip(path: Path, members: Mapping[str, bytes]) -> None:
    """Write ``members`` uncompressed, in their order and with one fixed date; the whole file or none."""
    with replacing(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        for name, data in members.items():
            member = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            member.create_system = _UNIX
            member.external_attr = 0o644 << 16
            archive.writestr(member, data)
