"""What a user names as the source of images, as a block ``source`` of a study, opened where it lies."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from medcnn.core.errors import MedcnnError, ParamsError
from medcnn.download import kaggle
from medcnn.download.fetching import brought
from medcnn.download.url import file_name
from medcnn.init.columns import SUFFIXES
from medcnn.params.sources import ArchiveSource, FolderSource, KaggleSource, Source, UrlSource
from medcnn.reading.archive import Archive, open_archive, raw_archive
from medcnn.reading.arrays import with_arrays
from medcnn.reading.folder import FolderArchive
from medcnn.runtime import paths

_KAGGLE = re.compile(r"kaggle:([\w.-]+/[\w.-]+?)(?:@(\d+))?")


@dataclass(frozen=True)
class Named:
    """A source as a user names it.

    Attributes:
        path: where it is on this machine.
        block: the keys of ``studies.S.source``.
        stem: what it is called, of which the study's name is made.
        table: the label table that was named, as a path in the source; empty for none.
    """

    path: Path
    block: dict[str, Any]
    stem: str
    table: str = ""


@contextmanager
def named(source: str) -> Iterator[Named]:
    """What a user means by a source; what is elsewhere is brought to this machine, where ``download`` goes on from it.

    Raises:
        ParamsError: there is no such file or folder.
        MedcnnError: a download failed.
    """
    if source.startswith(("http://", "https://")):
        stem = file_name(source).split(".")[0]
        with brought(UrlSource.model_construct(kind="url", url=source, sha256=None), stem) as (path, receipt):
            yield Named(path, {"kind": "url", "url": source, "sha256": receipt.sha256}, stem)
    elif source.startswith("kaggle:"):
        match = _KAGGLE.fullmatch(source)
        if match is None:
            raise ParamsError(f"{source}: write kaggle:OWNER/NAME, or kaggle:OWNER/NAME@3 for its version 3")
        dataset, stem = match[1], match[1].partition("/")[2]
        version = int(match[2] or 0) or kaggle.newest(dataset, stem)
        block = KaggleSource(kind="kaggle", dataset=dataset, version=version)
        with brought(block, stem) as (path, _):
            yield Named(path, block.model_dump(exclude_none=True), stem)
    else:
        yield _local(source)


def _local(source: str) -> Named:
    path = Path(source).expanduser()
    if path.is_dir():
        return Named(path, {"kind": "folder", "path": _written(path)}, path.resolve().name)
    if not path.is_file():
        raise ParamsError(f"{source}: no such file or folder")
    if path.suffix.lower() in SUFFIXES:
        folder = path.resolve().parent
        return Named(folder, {"kind": "folder", "path": _written(folder)}, folder.name, path.name)
    return Named(path, {"kind": "archive", "path": _written(path)}, path.name.split(".")[0])


@contextmanager
def opened(source: Source, study: str) -> Iterator[Archive]:
    """The images of a study where they are: in ``data/raw``, or else in the folder or archive of its source.

    Raises:
        MedcnnError: they are elsewhere and were not brought here yet, or cannot be opened.
    """
    folder = paths.raw(study)
    if folder.is_dir():
        path = raw_archive(folder)
    elif isinstance(source, FolderSource | ArchiveSource):
        path = paths.project() / Path(source.path).expanduser()
        if not path.exists():
            raise MedcnnError(f"studies.{study}.source.path: {source.path} not found")
    else:
        raise MedcnnError(
            f"studies.{study}: the images are not here yet; run `dvc repro download@{study}` where {study} is in "
            f"run.studies, or `medcnn run {study}`"
        )
    with in_place(path) as archive:
        yield archive


def in_place(path: Path) -> Archive:
    """A folder or an archive on this machine, as a context manager."""
    return with_arrays(FolderArchive(path)) if path.is_dir() else open_archive(path)


def _written(path: Path) -> str:
    """A path inside the project as it is seen from there, any other as an absolute one."""
    whole, project = path.resolve(), Path.cwd().resolve()
    return whole.relative_to(project).as_posix() if whole.is_relative_to(project) else whole.as_posix()
