"""Archives read in place: only names and bytes come out, nothing is ever extracted to a path that an archive names."""

from __future__ import annotations

import contextlib
import stat
import tarfile
import threading
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from medcnn.core.errors import MedcnnError
from medcnn.reading import packings
from medcnn.reading.arrays import with_arrays
from medcnn.reading.directory import Directory, LeanZip
from medcnn.reading.folder import FolderArchive
from medcnn.reading.members import BROKEN, READ_LIMIT, Archive, UnreadableMemberError, means_damage
from medcnn.reading.names import slashed
from medcnn.reading.unfolding import begins, unfolded

__all__ = [
    "EARLIER",
    "READ_LIMIT",
    "Archive",
    "UnreadableMemberError",
    "check_archive",
    "is_archive",
    "open_archive",
    "raw_archive",
]
EARLIER = "earlier files of the same name"
_SMALL_BLOCK = 4096
_ZIP = rb"PK(\x03\x04|\x05\x06)"


def open_archive(path: Path) -> Archive:
    """Open a folder, or a zip or tar file (tar, tar.gz, tar.bz2, tar.xz) that is recognised by its content.

    Images in the arrays of an ``.npz`` are seen as files, see ``with_arrays``.

    Raises:
        MedcnnError: the file is not such an archive, is cut off, or is encrypted.
    """
    with _translate_damage(path, str(path)):
        archive = _opened(path)
    _check_packing(archive, str(path))
    try:
        return with_arrays(archive)
    except BaseException:
        archive.close()
        raise


def check_archive(path: Path, name: str) -> None:
    """Refuse a file that cannot be opened as an archive, before anything else is done with it.

    Args:
        path: the file.
        name: what it is called in messages.

    Raises:
        MedcnnError: it is no whole zip or tar, or one that is encrypted or packed in a way that is not read.
    """
    if not is_archive(path):
        kinds = "zip or tar (.tar, .tar.gz, .tar.bz2, .tar.xz)"
        raise MedcnnError(f"{name} is not a whole {kinds} file{packings.what_it_is(path)}")
    if begins(path, _ZIP):
        with _translate_damage(path, name), ZipArchive(path) as archive:
            _check_packing(archive, name)


def _opened(path: Path) -> Archive:
    if path.is_dir():
        return FolderArchive(path)
    return ZipArchive(path) if begins(path, _ZIP) else TarArchive(path)


def _check_packing(archive: Archive, name: str) -> None:
    reason = archive.refusal if isinstance(archive, ZipArchive) else None
    if reason:
        archive.close()
        raise MedcnnError(f"{name} {reason}")


def is_archive(path: Path) -> bool:
    """Whether a file looks like a whole zip or like a tar, judged by its ends."""
    try:
        return zipfile.is_zipfile(path) if begins(path, _ZIP) else tarfile.is_tarfile(path)
    except BROKEN:
        return False


def raw_archive(folder: Path) -> Path:
    """The one file of a raw data folder."""
    found = sorted(folder.iterdir()) if folder.is_dir() else []
    if len(found) != 1 or not found[0].is_file():
        raise MedcnnError(f"{folder} should hold one archive file but holds {len(found)} entries: run `dvc repro`")
    return found[0]


class ZipArchive(Archive):
    """A zip file."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._members = Directory()
        self._zip = LeanZip(path, self._add)
        self.left_out += Counter({EARLIER: self._members.sort()})
        if not self._members.methods.keys() <= {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
            # The bz2 and lzma readers of zipfile unpack all of a block at once, however much that is.
            self.block = _SMALL_BLOCK

    @property
    def refusal(self) -> str | None:
        """Why its files cannot be read; None where they can be."""
        if self._members.encrypted:
            return "is encrypted; pack it again without a password"
        return packings.refusal(self.path, self._members.methods)

    def names(self) -> list[str]:
        """See ``Archive.names``."""
        return list(self._members.names)

    def size(self, name: str) -> int:
        """See ``Archive.size``."""
        self._check_name(name)
        return self._members.size(name)

    def close(self) -> None:
        """Close the file."""
        self._zip.close()

    def _open(self, name: str) -> IO[bytes]:
        return self._zip.open(self._members[name])

    def holds(self, name: str) -> bool:
        """See ``Archive.holds``."""
        return name in self._members

    def _add(self, member: zipfile.ZipInfo) -> None:
        packed_name = slashed(member)
        name = None if packed_name.endswith("/") else self._admitted(packed_name, _is_regular(member))
        if name is not None:
            self._members.add(name, member)


class TarArchive(Archive):
    """A tar file; a compressed one is unfolded once into a temporary file, since it can only be read from its start."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._lock = threading.Lock()
        self._members: dict[str, tarfile.TarInfo] = {}
        self._file = unfolded(path)
        try:
            self._tar = tarfile.open(fileobj=self._file, mode="r:")  # noqa: SIM115 (closed with the archive)
            for member in self._tar.getmembers():
                name = None if member.isdir() else self._admitted(member.name, member.isreg())
                if name is not None:
                    self.left_out.update([EARLIER] if name in self._members else [])
                    self._members[name] = member
            self._check_end()
        except BaseException:
            self._file.close()
            raise

    def names(self) -> list[str]:
        """See ``Archive.names``."""
        return sorted(self._members)

    def size(self, name: str) -> int:
        """See ``Archive.size``."""
        self._check_name(name)
        return self._members[name].size

    def close(self) -> None:
        """Close the file and forget the temporary one."""
        self._tar.close()
        self._file.close()

    def _open(self, name: str) -> IO[bytes]:
        file = self._tar.extractfile(self._members[name])
        if file is None:
            raise tarfile.ReadError("not a regular file")
        return file

    def holds(self, name: str) -> bool:
        """See ``Archive.holds``."""
        return name in self._members

    def _check_end(self) -> None:
        # tarfile takes a damaged header for the end and drops all that follows; a true end is a block of zeros.
        self._file.seek(self._tar.offset)
        if self._file.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
            raise tarfile.ReadError("ends early")


@contextlib.contextmanager
def _translate_damage(path: Path, name: str) -> Iterator[None]:
    """Name the archive in whatever a damaged one makes the standard library raise."""
    try:
        yield
    except OSError as error:
        if not means_damage(error):
            raise
        raise MedcnnError(f"{name} is damaged or cut off; fetch it again") from error
    except BROKEN as error:
        reason = packings.what_it_is(path) or " (damaged, cut off or of another kind)"
        raise MedcnnError(f"{name} is not a whole zip or tar file{reason}") from error


def _is_regular(member: zipfile.ZipInfo) -> bool:
    # Archives made on other systems than Unix carry no file type.
    return stat.S_IFMT(member.external_attr >> 16) in (0, stat.S_IFREG)
