"""What all archives have in common: files by name, read within limits, whatever they lie in."""

from __future__ import annotations

import contextlib
import errno
import io
import lzma
import struct
import tarfile
import zipfile
import zlib
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from medcnn.core.errors import MedcnnError
from medcnn.reading.names import inner_name

READ_LIMIT = 256 << 20
"""Largest member, in bytes, that is read unless another limit is given."""
BROKEN = (
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
"""What the standard library raises at a damaged archive."""
_BLOCK = 1 << 20


class UnreadableMemberError(MedcnnError):
    """A member of an archive that is damaged, too large or not what it claims; the others may be fine."""


class Archive(ABC):
    """The regular files of an archive, by name. Several threads may read at once.

    Directories, links and devices are left out, and so are names that point outside of the archive (absolute paths,
    drive letters, ``..``). Of two members with one name the later counts, as it would overwrite the earlier.

    Attributes:
        path: the archive.
        left_out: how many entries were left out, by what they are; directories are not counted.
        block: how many bytes are read at once; small where those of a file may unpack to any number.
    """

    block = _BLOCK

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

    def copy_to(self, name: str, file: IO[bytes], limit: int) -> None:
        """Write a file of any size to another.

        Raises:
            UnreadableMemberError: it is larger than ``limit``, or damaged.
        """
        if self.size(name) > limit:
            raise UnreadableMemberError(f"{self._label(name)} has {self.size(name)} bytes, more than {limit} allowed")
        with self._lock, damage_named(self._label(name)), self._open(name) as packed:
            while file.tell() <= limit and (block := packed.read(self.block)):
                file.write(block)
        file.seek(0)

    def start(self, name: str, count: int) -> bytes:
        """The first bytes of a file, about ``count`` of them.

        Raises:
            UnreadableMemberError: the file is damaged.
        """
        with self._lock, damage_named(self._label(name)), self._open(name) as file:
            data = io.BytesIO()
            while data.tell() <= count and (block := file.read(min(self.block, count + 1))):
                data.write(block)
            return data.getvalue()

    @abstractmethod
    def close(self) -> None:
        """Close the file."""

    @abstractmethod
    def names(self) -> list[str]:
        """Names of the files, sorted; parts are separated by ``/``, what cannot be printed is spelled out."""

    @abstractmethod
    def size(self, name: str) -> int:
        """The size in bytes that the archive states for a file."""

    @abstractmethod
    def _open(self, name: str) -> IO[bytes]:
        """Open a file for reading."""

    @abstractmethod
    def holds(self, name: str) -> bool:
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
        if not self.holds(name):
            raise MedcnnError(f"{self.path} holds no file {name!r}")

    def _label(self, name: str) -> str:
        return f"{self.path}: {name!r}"


@contextlib.contextmanager
def damage_named(what: str) -> Iterator[None]:
    """Turn what the standard library raises at damaged bytes into one error.

    Raises:
        UnreadableMemberError: for whatever is due to what was read; it names ``what`` is damaged.
    """
    try:
        yield
    except OSError as error:
        if not means_damage(error):
            raise
        raise UnreadableMemberError(f"{what} is damaged") from error
    except BROKEN as error:
        raise UnreadableMemberError(f"{what} is damaged or packed in an unknown way") from error


def means_damage(error: OSError) -> bool:
    """Whether an error of reading is due to what was read, and not to the machine."""
    # Decompressors raise OSError without an errno; an offset out of bounds, that an archive states, ends in EINVAL.
    return error.errno in (None, errno.EINVAL)
