"""Archives read in place: only names and bytes come out, nothing is ever extracted to a path that an archive names."""

from __future__ import annotations

import bz2
import contextlib
import errno
import gzip
import lzma
import re
import stat
import struct
import tarfile
import tempfile
import threading
import zipfile
import zlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

from medcnn import layout
from medcnn.console import MedcnnError
from medcnn.sources.names import inner_name, slashed

READ_LIMIT = 256 << 20
"""Largest member, in bytes, that is read unless told otherwise."""
SPOOL_LIMIT = 64 << 30
"""Largest tar file, in bytes, that a compressed one may unfold to."""
_BLOCK = 1 << 20
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
_ZIP = rb"PK(\x03\x04|\x05\x06)"
_UNPACKERS: dict[bytes, Callable[..., Any]] = {
    rb"\x1f\x8b": gzip.open,
    rb"BZh[1-9]1AY&SY": bz2.open,
    rb"\xfd7zXZ\x00": lzma.open,
}


class UnreadableMemberError(MedcnnError):
    """A member of an archive that is damaged, too large or not what it claims; the others may be fine."""


class Archive(ABC):
    """The regular files of an archive, by name. Several threads may read at once.

    Directories, links and devices are left out, and so are names that point outside of the archive (absolute paths,
    drive letters, ``..``). Of two members with one name the later counts, as it would overwrite the earlier.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._sizes: dict[str, int] = {}
        self._lock: contextlib.AbstractContextManager[Any] = contextlib.nullcontext()

    def __enter__(self) -> Archive:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def names(self) -> list[str]:
        r"""Names of the files, sorted; parts are separated by ``/``, undecodable bytes appear as ``\xNN``."""
        return sorted(self._sizes)

    def size(self, name: str) -> int:
        """The size in bytes that the archive states for a file."""
        self._check_name(name)
        return self._sizes[name]

    def read(self, name: str, limit: int = READ_LIMIT) -> bytes:
        """The bytes of a file, of which no more than ``limit`` are ever unpacked.

        Raises:
            UnreadableMemberError: the file is larger than ``limit``, damaged, or of another size than stated.
        """
        if self.size(name) > limit:
            raise UnreadableMemberError(f"{self._called(name)} has {self.size(name)} bytes, more than {limit} allowed")
        try:
            with self._lock, self._open(name) as file:
                data = _read(file, limit)
        except OSError as error:
            if not _tells_of_damage(error):
                raise
            raise UnreadableMemberError(f"{self._called(name)} is damaged") from error
        except _BROKEN as error:
            raise UnreadableMemberError(f"{self._called(name)} is damaged or packed in an unknown way") from error
        if len(data) != self.size(name):
            raise UnreadableMemberError(
                f"{self._called(name)} unpacks to another size than the {self.size(name)} stated"
            )
        return data

    @abstractmethod
    def close(self) -> None:
        """Close the file."""

    @abstractmethod
    def _open(self, name: str) -> IO[bytes]:
        """Open a file for reading."""

    def _check_name(self, name: str) -> None:
        if name not in self._sizes:
            raise MedcnnError(f"{self.path} holds no file {name!r}")

    def _called(self, name: str) -> str:
        return f"{self.path}: {name!r}"


def open_archive(path: Path) -> Archive:
    """Open a zip or tar file (tar, tar.gz, tar.bz2, tar.xz), told by its content, as a context manager.

    Raises:
        MedcnnError: the file is not such an archive, is cut off, or is encrypted.
    """
    with _damage_told(path):
        return ZipArchive(path) if _begins(path, _ZIP) else TarArchive(path)


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
        self._zip = zipfile.ZipFile(path)
        self._members: dict[str, zipfile.ZipInfo] = {}
        for member in self._zip.infolist():
            name = inner_name(slashed(member))
            if name is not None and _is_regular(member):
                self._members[name] = member
        self._sizes = {name: member.file_size for name, member in self._members.items()}
        if any(member.flag_bits & 1 for member in self._members.values()):
            self.close()
            raise MedcnnError(f"{path} is encrypted; pack it again without a password")

    def close(self) -> None:
        """Close the file."""
        self._zip.close()

    def _open(self, name: str) -> IO[bytes]:
        return self._zip.open(self._members[name])


class TarArchive(Archive):
    """A tar file; a compressed one is unfolded once into a temporary file, since it can only be read from its start."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._lock = threading.Lock()
        self._file = _plain(path)
        try:
            self._tar = tarfile.open(fileobj=self._file, mode="r:")  # noqa: SIM115 (closed with the archive)
            self._members = {
                name: member
                for member in self._tar.getmembers()
                if member.isreg() and (name := inner_name(member.name)) is not None
            }
            self._check_end()
        except BaseException:
            self._file.close()
            raise
        self._sizes = {name: member.size for name, member in self._members.items()}

    def close(self) -> None:
        """Close the file and forget the temporary one."""
        self._tar.close()
        self._file.close()

    def _open(self, name: str) -> IO[bytes]:
        file = self._tar.extractfile(self._members[name])
        if file is None:
            raise tarfile.ReadError("not a regular file")
        return file

    def _check_end(self) -> None:
        # tarfile takes a damaged header for the end and drops all that follows; a true end is a block of zeros.
        self._file.seek(self._tar.offset)
        if self._file.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
            raise tarfile.ReadError("ends early")


def _plain(path: Path) -> IO[bytes]:
    for pattern, unpacker in _UNPACKERS.items():
        if _begins(path, pattern):
            return _spooled(path, unpacker)
    return path.open("rb")


def _spooled(path: Path, unpacker: Callable[..., Any]) -> IO[bytes]:
    folder = layout.state("spool")
    folder.mkdir(parents=True, exist_ok=True)
    spool = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 (closed with the archive)
    try:
        with unpacker(path, "rb") as packed:
            while block := packed.read(_BLOCK):
                spool.write(block)
                if spool.tell() > SPOOL_LIMIT:
                    raise MedcnnError(f"{path} unfolds to more than {SPOOL_LIMIT >> 30} GiB; pack it as a zip")
        spool.seek(0)
    except BaseException:
        spool.close()
        raise
    return spool


@contextlib.contextmanager
def _damage_told(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if not _tells_of_damage(error):
            raise
        raise MedcnnError(f"{path} is damaged or cut off; fetch it again") from error
    except _BROKEN as error:
        raise MedcnnError(f"{path} is not a whole zip or tar file (damaged, cut off or of another kind)") from error


def _tells_of_damage(error: OSError) -> bool:
    # Decompressors raise OSError without an errno; an offset out of bounds, that an archive states, ends in EINVAL.
    return error.errno in (None, errno.EINVAL)


def _read(file: IO[bytes], limit: int) -> bytes:
    # Small blocks: the bz2 and lzma readers of zipfile unpack all of a block at once, however much that is.
    blocks, total = [], 0
    while total <= limit and (block := file.read(4096)):
        blocks.append(block)
        total += len(block)
    return b"".join(blocks)


def _begins(path: Path, pattern: bytes) -> bool:
    with path.open("rb") as file:
        return re.match(pattern, file.read(16)) is not None


def _is_regular(member: zipfile.ZipInfo) -> bool:
    # Archives made on other systems than Unix carry no file type.
    return not slashed(member).endswith("/") and stat.S_IFMT(member.external_attr >> 16) in (0, stat.S_IFREG)
