"""What the paths of a command line stand for: files, folders, patterns, members of zips, standard input.

Names may come from anywhere, and so may what is in zips: nothing is ever written under a name found here.
"""

from __future__ import annotations

import fnmatch
import glob
import os
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO

from medcnn.core.errors import BAD_INPUT, MedcnnError
from medcnn.reading import decode
from medcnn.reading.archive import Archive, UnreadableMemberError, open_archive
from medcnn.reading.arrays import ArrayArchive
from medcnn.reading.names import is_of_system, slashed
from medcnn.reading.pictures import START, may_hold_pictures
from medcnn.runtime.console import shown

LIMIT = 256 << 20
"""Largest file, or member of a zip, in bytes."""
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, ValueError, RuntimeError)


class NothingFoundError(MedcnnError):
    """No path stands for an image."""

    exit_code = BAD_INPUT


@dataclass(frozen=True)
class Source:
    """One file.

    Attributes:
        name: what is shown for it; may hold anything that a file's name may.
        read: returns its bytes, or raises an ``OSError`` or ``UnreadableImageError``.
        size: in bytes, where it is known before the file is read; else 0.
    """

    name: str
    read: Callable[[], bytes]
    size: int = 0


@dataclass(frozen=True)
class Found:
    """The files, in order, and how many in folders and zips were skipped because they are not images."""

    sources: list[Source]
    skipped: int


def find(paths: Iterable[str]) -> Found:
    """The files that the paths stand for, in the order of the paths; a path that stands for none is a broken source.

    Raises:
        NothingFoundError: no path stands for a file.
    """
    sources: list[Source] = []
    missing: list[str] = []
    skipped = 0
    for path in paths:
        found = list(_of(path))
        kept = [source for source in found if source is not None]
        skipped += len(found) - len(kept)
        if not kept and not found:
            missing.append(path)
            kept = [_broken(path, _why_missing(path))]
        sources += kept
    if len(missing) == len(sources):
        reasons = "; ".join(f"{shown(path)}: {_why_missing(path)}" for path in missing[:3])
        raise NothingFoundError(f"no image to predict: {reasons or f'{skipped} files, none of a known kind'}")
    return Found(sources, skipped)


def _of(path: str) -> Iterator[Source | None]:
    """The files of one path; None for each that is skipped."""
    archive, _, pattern = path.partition("!")
    if path == "-":
        yield Source("-", partial(_limited, sys.stdin.buffer))
    elif os.path.isdir(path):  # noqa: PTH112 (pathlib would refuse a null byte)
        yield from _in_folder(path)
    elif os.path.lexists(path):
        yield from _in_file(path)
    elif archive.lower().endswith(".zip") and Path(archive).is_file():
        yield from _members(archive, pattern)
    elif glob.has_magic(path):
        for match in sorted(glob.iglob(path, recursive=True)):  # noqa: PTH207 (keeps names as they were typed)
            if Path(match).is_file():
                yield from _in_file(match)


def _in_file(path: str) -> Iterator[Source | None]:
    if path.lower().endswith(".zip"):
        yield from _members(path, "*")
    elif path.lower().endswith(".npz"):
        yield from _in_arrays(path)
    else:
        yield _file(path)


def _in_arrays(path: str) -> Iterator[Source]:
    """The images of a set in arrays, or the file itself where it is no set; it stays open until they are read."""
    try:
        archive = open_archive(Path(path))
    except (MedcnnError, OSError) as error:
        yield _broken(path, str(error))
        return
    if not isinstance(archive, ArrayArchive):
        yield _file(path)
        return
    for name in filter(may_hold_pictures, archive.names()):
        yield Source(f"{path}!{name.partition('/')[2]}", partial(_read_image, archive, name))


def _read_image(archive: Archive, name: str) -> bytes:
    try:
        return archive.read(name)
    except UnreadableMemberError as error:
        raise decode.UnreadableImageError(str(error)) from error


def _why_missing(path: str) -> str:
    archive, mark, _ = path.partition("!")
    if mark and Path(archive).is_file():
        return "no member of that name"
    if os.path.isdir(path):  # noqa: PTH112
        return "an empty folder"
    if path.lower().endswith(".zip") and Path(path).is_file():
        return "an empty zip"
    return "nothing matches" if glob.has_magic(path) else "no such file"


def _in_folder(folder: str) -> Iterator[Source | None]:
    denied: list[OSError] = []
    for parent, folders, names in os.walk(folder, onerror=denied.append):
        folders[:] = sorted(name for name in folders if not is_of_system(name))
        for name in sorted(name for name in names if not is_of_system(name)):
            path = os.path.join(parent, name)  # noqa: PTH118 (a Path would lose a leading ./)
            if path.lower().endswith(".npz"):
                yield from _in_arrays(path)
            else:
                yield _file(path) if _may_be_taken(path) else None
    yield from (_broken(str(error.filename), error.strerror or "unreadable") for error in denied)


def _may_be_taken(path: str) -> bool:
    """Whether a file may hold pictures, by its name or, as DICOM files often have none or one of digits, its start."""
    name = Path(path).name
    if not Path(path).is_file():
        return False
    if may_hold_pictures(name):
        return True
    try:
        with Path(path).open("rb") as file:
            return may_hold_pictures(name, file.read(START))
    except OSError:
        return False


def _file(path: str) -> Source:
    def read() -> bytes:
        with Path(path).open("rb") as file:
            return _limited(file)

    return Source(path, read, Path(path).stat().st_size if Path(path).is_file() else 0)


def _limited(file: IO[bytes]) -> bytes:
    data = file.read(LIMIT + 1)
    if len(data) > LIMIT:
        raise decode.UnreadableImageError(f"larger than {LIMIT >> 20} MiB")
    return data


def _broken(name: str, reason: str) -> Source:
    def read() -> bytes:
        raise decode.UnreadableImageError(reason)

    return Source(name, read)


def _members(path: str, pattern: str) -> Iterator[Source | None]:
    """The members that match, in the order of their names; the zip stays open until the last of them is gone."""
    try:
        archive = zipfile.ZipFile(path)
    except (OSError, zipfile.BadZipFile, NotImplementedError, ValueError) as error:
        yield _broken(path, " ".join(str(error).split()) or "not a zip")
        return
    for member in sorted(archive.infolist(), key=lambda member: member.filename):
        inner = slashed(member)
        if not member.is_dir() and not is_of_system(inner) and _matches(inner, pattern):
            name = f"{path}!{member.filename}"
            taken = may_hold_pictures(inner) or may_hold_pictures(inner, _start(archive, member))
            yield Source(name, partial(_read_member, archive, member), member.file_size) if taken else None


def _start(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    try:
        with archive.open(member) as file:
            return file.read(START)
    except _BROKEN:
        return b""


def _matches(name: str, pattern: str) -> bool:
    return name == pattern or fnmatch.fnmatchcase(name, pattern) or name.startswith(pattern.rstrip("/") + "/")


def _read_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    try:
        with archive.open(member) as file:
            return _limited(file)
    except _BROKEN as error:
        # A password raises RuntimeError; an unusual compression NotImplementedError, which is one too.
        raise decode.UnreadableImageError(" ".join(str(error).split()) or "broken in the zip") from error
