"""The directory of a zip in arrays: ``zipfile`` keeps 0.6 kB for each entry, and an archive may hold millions."""

from __future__ import annotations

import zipfile
from array import array
from bisect import bisect_left
from collections.abc import Callable
from itertools import zip_longest
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

_KEPT = ("header_offset", "compress_size", "file_size", "CRC", "compress_type", "flag_bits")
_LARGEST = (1 << 63) - 1
_SIZE, _FLAGS, _METHOD = (_KEPT.index(fact) for fact in ("file_size", "flag_bits", "compress_type"))


class Directory:
    """Files by name, of which no more is kept than is needed to read them."""

    def __init__(self) -> None:
        self.names: list[str] = []
        """In the order in which they were added; sorted after ``sort``."""
        self._facts: npt.NDArray[np.int64] = np.empty((0, len(_KEPT)), np.int64)
        self._added = array("q")
        self._spelt: dict[str, str] = {}

    def add(self, name: str, entry: zipfile.ZipInfo) -> None:
        """Add a file under a name; of two with one name the later counts."""
        # A hostile directory may state any number of 64 bits; what is too large to read is refused all the same.
        self._added.extend(min(getattr(entry, fact), _LARGEST) for fact in _KEPT)
        self._spelt.pop(name, None)
        if entry.orig_filename != name:
            self._spelt[name] = entry.orig_filename
        self.names.append(name)

    def sort(self) -> int:
        """Sort the names; returns how many files were left out for a later one of the same name."""
        order = sorted(range(len(self.names)), key=self.names.__getitem__)
        kept = [this for this, after in zip_longest(order, order[1:]) if not self._same(this, after)]
        if kept:  # NumPy takes no empty buffer
            self._facts = np.frombuffer(self._added, np.int64).reshape(-1, len(_KEPT))[kept]
        self.names = [self.names[place] for place in kept]
        self._added = array("q")
        return len(order) - len(kept)

    def __contains__(self, name: str) -> bool:
        place = bisect_left(self.names, name)
        return place < len(self.names) and self.names[place] == name

    def __getitem__(self, name: str) -> zipfile.ZipInfo:
        """The entry of a file, as ``zipfile`` opens it."""
        entry = zipfile.ZipInfo(self._spelt.get(name, name))
        for fact, value in zip(_KEPT, self._facts[bisect_left(self.names, name)].tolist(), strict=True):
            setattr(entry, fact, value)
        return entry

    def size(self, name: str) -> int:
        """The unpacked size in bytes that the directory states."""
        return int(self._facts[bisect_left(self.names, name), _SIZE])

    @property
    def encrypted(self) -> bool:
        """Whether any file is."""
        return bool((self._facts[:, _FLAGS] & 1).any())

    @property
    def methods(self) -> dict[int, int]:
        """How many files are packed by each method."""
        return dict(zip(*(found.tolist() for found in np.unique_counts(self._facts[:, _METHOD])), strict=True))

    def _same(self, this: int, after: int | None) -> bool:
        return after is not None and self.names[this] == self.names[after]


class LeanZip(zipfile.ZipFile):
    """A zip file that hands on each entry of its directory and forgets it; entries are opened by ``ZipInfo`` alone."""

    def __init__(self, file: Path | IO[bytes], handle: Callable[[zipfile.ZipInfo], None]) -> None:
        self._handed_on = _HandedOn(handle)
        super().__init__(file)

    # ZipFile sets both anew before it reads the directory, then appends to the one and fills the other.
    filelist: Any = property(lambda self: self._handed_on, lambda self, _: None)
    NameToInfo: Any = property(lambda _: {}, lambda self, _: None)


class _HandedOn(list[zipfile.ZipInfo]):
    def __init__(self, handle: Callable[[zipfile.ZipInfo], None]) -> None:
        super().__init__()
        self._handle = handle

    def append(self, entry: zipfile.ZipInfo, /) -> None:
        self._handle(entry)
