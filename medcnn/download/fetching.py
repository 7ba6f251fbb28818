"""Fetch raw data; whatever the source, it ends as one archive file in ``data/raw/<study>/``."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from medcnn.core import files
from medcnn.core.errors import MedcnnError
from medcnn.download import kaggle, local, url
from medcnn.download.partial import Origin, Partial, claim
from medcnn.download.phantom import generating
from medcnn.params.sources import ArchiveSource, FolderSource, KaggleSource, PhantomSource, Source, UrlSource
from medcnn.reading.archive import check_archive


@dataclass(frozen=True)
class Receipt:
    """What was fetched; ``version`` and ``licence`` are None where the source does not say.

    ``planted`` are the faults that the built-in study was drawn with, as ``results.data.Planted`` says.
    """

    kind: str
    name: str
    bytes: int
    sha256: str
    version: int | None
    licence: str | None
    planted: tuple[dict[str, str], ...] = ()


def fetch(source: Source, destination: Path) -> Receipt:
    """Bring the raw data of a source to ``destination`` as its only file, checked and moved there in one step.

    Args:
        source: the block ``studies.<study>.source`` of ``params.yaml``.
        destination: the folder ``data/raw/<study>``; untouched until the file is whole and checked.

    Raises:
        MedcnnError: one line on what was wrong; a broken download is kept and resumed by the next call.
    """
    # Without the checksum: a user who corrects it goes on with the same half.
    with claim(source.model_dump_json(exclude={"sha256"})) as partial, _full_disk_explained(partial):
        origin = _fill(source, partial, destination.name)
        receipt = _checked(source, partial, origin)
        partial.move_to(destination, origin.name)
    return receipt


@contextmanager
def brought(source: Source, study: str) -> Iterator[tuple[Path, Receipt]]:
    """The archive of a remote source where ``fetch`` will find it, so that it is not sent twice.

    Args:
        source: a remote source; an address without its sha256 is taken as it comes.
        study: the name of the study, for messages.

    Raises:
        MedcnnError: as for ``fetch``.
    """
    with claim(source.model_dump_json(exclude={"sha256"})) as partial:
        with _full_disk_explained(partial):
            receipt = _checked(source, partial, _fill(source, partial, study))
        yield partial.path, receipt


def _fill(source: Source, partial: Partial, study: str) -> Origin:
    match source:
        case KaggleSource():
            return kaggle.download(source, partial, study)
        case UrlSource():
            return url.download(source, partial)
    with partial.all_or_nothing() as target:
        match source:
            case ArchiveSource():
                return local.copy_archive(source, target, study)
            case FolderSource():
                return local.pack_folder(source, target, study)
            case PhantomSource():
                generating.generate(source, target)
                return Origin("phantom.zip")


def _checked(source: Source, partial: Partial, origin: Origin) -> Receipt:
    expected, got = getattr(source, "sha256", None), files.sha256(partial.path)
    if expected not in (None, got):
        partial.discard()
        raise MedcnnError(f"{origin.name}: wrong sha256: expected {expected}, got {got}; the copy was removed")
    try:
        check_archive(partial.path, origin.name)
    except MedcnnError:
        partial.discard()
        raise
    planted = generating.faults(source) if isinstance(source, PhantomSource) else ()
    return Receipt(source.kind, origin.name, partial.kept, got, origin.version, origin.licence, planted)


@contextmanager
def _full_disk_explained(partial: Partial) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise MedcnnError(f"the disk is full: {partial.summary}; free some space and run the command again") from None
