"""Raw data from this machine: an archive copied as it is, or a folder packed into one zip."""

from __future__ import annotations

import contextlib
import os
import stat
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

from tqdm import tqdm

from medcnn.core import zips
from medcnn.core.errors import MedcnnError
from medcnn.download.bars import bar, copy
from medcnn.download.partial import Origin
from medcnn.params.sources import ArchiveSource, FolderSource
from medcnn.reading.archive import is_archive
from medcnn.reading.folder import files_below
from medcnn.reading.names import printable
from medcnn.reading.pictures import START, may_hold_pictures
from medcnn.runtime import paths


def copy_archive(source: ArchiveSource, target: Path, study: str) -> Origin:
    """Copy an archive file to ``target``; a single file of pictures, such as a volume, is packed into one."""
    archive = _located(source.path, study)
    if archive.is_dir():
        raise MedcnnError(f"studies.{study}.source.path: {source.path} is a folder; set source.kind=folder")
    if not is_archive(archive) and _may_hold_pictures(archive):
        with zipfile.ZipFile(target, "w") as packed, bar(archive.name, archive.stat().st_size) as progress:
            _pack(packed, archive.name, archive, progress)
        return Origin(f"{printable(archive.name)}.zip")
    with (
        archive.open("rb") as original,
        target.open("wb") as file,
        bar(archive.name, archive.stat().st_size) as progress,
    ):
        copy(original, file, progress)
    return Origin(archive.name)


def pack_folder(source: FolderSource, target: Path, study: str) -> Origin:
    """Pack a folder into a zip whose bytes depend on names and contents alone: sorted, undated, not compressed."""
    folder = _located(source.path, study)
    if not folder.is_dir():
        raise MedcnnError(f"studies.{study}.source.path: {source.path} is a file; set source.kind=archive")
    if target.resolve().is_relative_to(folder.resolve()):
        raise MedcnnError(f"studies.{study}.source.path: {source.path} holds this project; choose the images' folder")
    with _translated_errors(folder, study):
        names = {path.relative_to(folder).as_posix(): path for path in files_below(folder)}
        if not names:
            raise MedcnnError(f"studies.{study}.source.path: {source.path} holds no files")
        total = sum(path.stat().st_size for path in names.values())
        with zipfile.ZipFile(target, "w") as packed, bar(folder.name, total) as progress:
            for name in sorted(names):
                _pack(packed, name, names[name], progress)
    return Origin("folder.zip")


def _may_hold_pictures(path: Path) -> bool:
    with path.open("rb") as file:
        return may_hold_pictures(path.name, file.read(START))


def _pack(packed: zipfile.ZipFile, name: str, path: Path, progress: tqdm[NoReturn]) -> None:
    before, entry = path.stat(), zips.entry(printable(name), stat.S_IFREG | 0o644)
    entry.file_size = before.st_size
    with path.open("rb") as original, packed.open(entry, "w") as member:
        copy(original, member, progress)
        after = os.fstat(original.fileno())
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise MedcnnError(f"{path} changed while it was read; run the command again when nothing writes there")


@contextlib.contextmanager
def _translated_errors(folder: Path, study: str) -> Iterator[None]:
    """Say of a file below the folder that cannot be read, or is gone, where the folder was named."""
    try:
        yield
    except OSError as error:
        if error.filename is None or not Path(error.filename).is_relative_to(folder):
            raise
        raise MedcnnError(
            f"studies.{study}.source.path: {error.filename}: {error.strerror}; fix it, or choose another folder"
        ) from error


def _located(path: str, study: str) -> Path:
    # A queued experiment runs in a copy of the project; a relative path counts from the project itself.
    project = paths.project()
    found = project / Path(path).expanduser()
    if not found.exists():
        raise MedcnnError(f"studies.{study}.source.path: {path} not found")
    if not found.is_dir() and not found.is_file():
        raise MedcnnError(f"studies.{study}.source.path: {path} is neither a file nor a folder")
    return Path(os.path.relpath(found)) if found.is_relative_to(project) else found
