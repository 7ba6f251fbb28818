"""Tar files as plain files: a compressed one is unfolded within limits, since it can only be read from its start."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import re
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from medcnn.core.errors import MedcnnError
from medcnn.runtime import paths

LIMIT = 64 << 30
"""Largest tar file, in bytes, that a compressed one may unfold to."""
RATIO = 1000
"""How many times its own size it may unfold to, which is as far as gzip goes."""
ALWAYS = 256 << 20
"""What it may unfold to however small it is, in bytes."""
_BLOCK = 1 << 20
_UNPACKERS: dict[bytes, Callable[..., Any]] = {
    rb"\x1f\x8b": gzip.open,
    rb"BZh[1-9]1AY&SY": bz2.open,
    rb"\xfd7zXZ\x00": lzma.open,
}


class _Bounded(io.BufferedReader):
    """A file that is read in blocks alone, since tarfile would read a header of any stated size into memory."""

    def read(self, size: int | None = -1) -> bytes:
        """Read some bytes.

        Raises:
            tarfile.ReadError: more than a block is asked for.
        """
        if size is None or not 0 <= size <= _BLOCK:
            raise tarfile.ReadError("a header without end")
        return super().read(size)


def unfolded(path: Path) -> io.BufferedReader:
    """The file itself, or what a compressed one unfolds to, as a temporary file.

    Raises:
        MedcnnError: it unfolds to more than the limits allow.
    """
    for pattern, unpacker in _UNPACKERS.items():
        if begins(path, pattern):
            return _spooled(path, unpacker)
    return _Bounded(path.open("rb", buffering=0))


def begins(path: Path, pattern: bytes) -> bool:
    """Whether a file begins with what a regular expression matches."""
    with path.open("rb") as file:
        return re.match(pattern, file.read(16)) is not None


def temporary_file() -> io.BufferedRandom:
    """A file for what is unfolded, that vanishes when it is closed; in a project on its disk, where there is room."""
    if not (paths.project() / "params.yaml").is_file():
        return tempfile.TemporaryFile()
    folder = paths.state("spool")
    folder.mkdir(parents=True, exist_ok=True)
    return tempfile.TemporaryFile(dir=folder)


def unfolding_limit(path: Path) -> int:
    """How many bytes a file may unfold to."""
    return min(LIMIT, max(ALWAYS, RATIO * path.stat().st_size))


def _spooled(path: Path, unpacker: Callable[..., Any]) -> io.BufferedReader:
    """A temporary file with what a compressed one unfolds to, within the limits; it vanishes when it is closed."""
    limit, spool = unfolding_limit(path), temporary_file()
    try:
        with unpacker(path, "rb") as packed:
            while block := packed.read(_BLOCK):
                spool.write(block)
                if spool.tell() > limit:
                    raise MedcnnError(f"{path} unfolds to more than {limit >> 20} MiB; pack its files as a zip")
        spool.seek(0)
        return _Bounded(spool.detach())
    except BaseException:
        spool.close()
        raise
