"""Archives read in place: only names and bytes come out, nothing is ever extracted to a path that an archive names."""

from __future__ import annotations

import contextlib
import errno
import io
import lzma
import stat
import struct
import tarfile
import threading
import zipfile
import zlib
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from medcnn.core.errors import MedcnnError
from medcnn.reading.directory import Directory, LeanZip
from medcnn.reading.names import inner_name, slashed
from medcnn.reading.unfolding import begins, unfolded

READ_LIMIT = 256 << 20
"""Largest member, in bytes, that is read unless another limit is given."""
_BROKEN = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
    ValueError,
)
EARLIER = "earlier files of the same name"
_ZIP = rb"PK(\x03\x04|\x05\x06)"


class UnreadableMemberError(MedcnnError):
    """A member of an archive that is damaged, too large or not what it claims; the others may be fine."""


class Archive(ABC):
    """The regular files of an archive, by name. Several threads may read at once.

    Directories, links and devices are left out, and so are names that point outside of the archive (absolute paths,
    drive letters, ``..``). Of two members with one name the later counts, as it would overwrite the earlier.

    Attributes:
        path: the archive.
        left_out: how many entries were left out, by what they are; directories are not counted.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.left_out: Counter[str] = Counter()
        self._lock: contextlib.AbstractContextManager[Any] = contextlib.nullcontext()

    def __enter__(self) -> Archive:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def read(self, name: str, limit: int = READ_LIMIT) -> bytes:
        """The bytes of a file, of which no more than ``limit`` are ever unpacked.

        Raises:
            UnreadableMemberError: the file is larger than ``limit``, damaged, or of another size than stated.
        """
        if self.size(name) > limit:
            raise UnreadableMemberError(f"{self._label(name)} has {self.size(name)} bytes, more than {limit} allowed")
        data = self.start(name, limit)
        if len(data) != self.size(name):
            raise UnreadableMemberError(
                f"{self._label(name)} unpacks to another size than the {self.size(name)} stated"
            )
        return data

    def start(self, name: str, count: int) -> bytes:
        """The first bytes of a file, about ``count`` of them.

        Raises:
            UnreadableMemberError: the file is damaged.
        """
        try:
            with self._lock, self._open(name) as file:
                return _read(file, count)
        except OSError as error:
            if not _means_damage(error):
                raise
            raise UnreadableMemberError(f"{self._label(name)} is damaged") from error
        except _BROKEN as error:
            raise UnreadableMemberError(f"{self._label(name)} is damaged or packed in an unknown way") from error

    def holds(self, name: str) -> bool:
        """Whether there is a file of this name."""
        return self._holds(name)

    @abstractmethod
    def close(self) -> None:
        """Close the file."""

    @abstractmethod
    def _open(self, name: str) -> IO[bytes]:
        """Open a file for reading."""

    @abstractmethod
    def names(self) -> list[str]:
        """Names of the files, sorted; parts are separated by ``/``, what cannot be printed is spelled out."""

    @abstractmethod
    def size(self, name: str) -> int:
        """The size in bytes that the archive states for a file."""

    @abstractmethod
    def _holds(self, name: str) -> bool:
        """Whether there is a file of this name."""

    def _admitted(self, packed_name: str, is_regular: bool) -> str | None:
        """The name of a member, or None for one that is left out, and counted."""
        name = inner_name(packed_name) if is_regular else None
        if not is_regular:
            self.left_out["links or devices"] += 1
        elif name is None:
            self.left_out["files whose names point outside of the archive or are too long"] += 1
        return name

    def _check_name(self, name: str) -> None:
        if not self._holds(name):
            raise MedcnnError(f"{self.path} holds no file {name!r}")

    def _label(self, name: str) -> str:
        return f"{self.path}: {name!r}"


def open_archive(path: Path) -> Archive:
    """Open a zip or tar file (tar, tar.gz, tar.bz2, tar.xz), recognised by its content, as a context manager.

    Raises:
        MedcnnError: the file is not such an archive, is cut off, or is encrypted.
    """
    with _translate_damage(path):
        return ZipArchive(path) if begins(path, _ZIP) else TarArchive(path)


def is_archive(path: Path) -> bool:
    """Whether a file looks like a whole zip or like a tar, judged by its ends."""
    try:
        return zipfile.is_zipfile(path) or tarfile.is_tarfile(path)
    except _BROKEN:
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
        if self._members.encrypted:
            self.close()
            raise MedcnnError(f"{path} is encrypted; pack it again without a password")

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

    def _holds(self, name: str) -> bool:
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

    def _holds(self, name: str) -> bool:
        return name in self._members

    def _check_end(self) -> None:
        # tarfile takes a damaged header for the end and drops all that follows; a true end is a block of zeros.
        self._file.seek(self._tar.offset)
        if self._file.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
            raise tarfile.ReadError("ends early")


@contextlib.contextmanager
def _translate_damage(path: Path) -> Iterator[None]:
    """Name the archive in whatever a damaged one makes the standard library raise."""
    try:
        yield
    except OSError as error:
        if not _means_damage(error):
            raise
        raise MedcnnError(f"{path} is damaged or cut off; fetch it again") from error
    except _BROKEN as error:
        raise MedcnnError(f"{path} is not a whole zip or tar file (damaged, cut off or of another kind)") from error


def _means_damage(error: OSError) -> bool:
    # Decompressors raise OSError without an errno; an offset out of bounds, that an archive states, ends in EINVAL.
    return error.errno in (None, errno.EINVAL)


def _read(file: IO[bytes], limit: int) -> bytes:
    # Small blocks: the bz2 and lzma readers of zipfile unpack all of a block at once, however much that is.
    data = io.BytesIO()
    while data.tell() <= limit and (block := file.read(4096)):
        data.write(block)
    return data.getvalue()


def _is_regular(member: zipfile.ZipInfo) -> bool:
    # Archives made on other systems than Unix carry no file type.
    return stat.S_IFMT(member.external_attr >> 16) in (0, stat.S_IFREG)
