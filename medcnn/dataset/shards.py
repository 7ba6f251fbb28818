"""Arrays in several ``.npy`` files, of which no more is in memory than is asked for.

Rows are read with their offset rather than mapped. Pages of a map count as resident until they are given back, which
takes longer than reading does (57 against 34 microseconds for an image of 224 pixels), and a file that is cut short
under a map ends the process by a signal, without a word.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from copy import copy
from dataclasses import dataclass
from itertools import pairwise
from math import prod
from pathlib import Path
from typing import IO, Any, Protocol

import numpy as np
import numpy.typing as npt

from medcnn.core.errors import MedcnnError


class Rows(Protocol):
    """An array of images or features that is read by its first axes: one in memory, or ``Shards``."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Lengths of all axes."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the values."""

    def __len__(self) -> int:
        """The length of the first axis."""

    def __getitem__(self, key: Any, /) -> Any:
        """Some of the rows, in memory."""


@dataclass(frozen=True)
class Shard:
    """A file of some rows of an array, uint8 or float32 (rows, ...), as ``np.save`` writes it."""

    path: Path
    shape: tuple[int, ...]


class Shards:
    """Rows that lie in several files, read as an array in memory would be: by index, slice, or array of either.

    Several threads may read at once.
    """

    def __init__(
        self, shards: Sequence[Shard], positions: npt.NDArray[np.int64], row: Sequence[int], dtype: npt.DTypeLike
    ) -> None:
        """Open shards.

        Args:
            shards: in order; their first axes together count all rows.
            positions: which of these rows this array has, (...).
            row: the axes of each row, (...).
            dtype: of the values.

        Raises:
            MedcnnError: a shard is missing, cut short, or of another shape or type.
        """
        self.dtype: np.dtype[Any] = np.dtype(dtype)
        self.shards = tuple(shards)
        self.positions = positions
        self._row = tuple(row)
        self._offsets = [_offset(shard, self.dtype) for shard in self.shards]
        self._starts = np.cumsum([0, *(shard.shape[0] for shard in self.shards)])

    @property
    def shape(self) -> tuple[int, ...]:
        """The axes of ``positions``, then those of a row."""
        return (*self.positions.shape, *self._row)

    def __len__(self) -> int:
        return len(self.positions)

    def __iter__(self) -> Iterator[np.ndarray]:
        return (self[index] for index in range(len(self)))

    def __getitem__(self, key: Any) -> np.ndarray:
        """Some rows, in memory; ``key`` is for the axes of ``positions``."""
        wanted = self.positions[key]
        rows = np.empty((*wanted.shape, *self._row), self.dtype)
        if wanted.size:
            self._read(wanted.reshape(-1), rows.reshape(-1, *self._row))
        return rows

    def chosen(self, key: Any) -> Shards:
        """What ``self[key]`` is, unread."""
        found = copy(self)
        found.positions = self.positions[key]
        return found

    def beside(self, other: Shards) -> Shards:
        """Both as one array, joined along the last axis of ``positions``, unread."""
        positions = np.concatenate([self.positions, other.positions + self._starts[-1]], axis=-1)
        return Shards((*self.shards, *other.shards), positions, self._row, self.dtype)

    def apart(self) -> Iterator[Shards]:
        """All rows of one shard after the other."""
        for shard in self.shards:
            yield Shards([shard], np.arange(shard.shape[0]), self._row, self.dtype)

    def _read(self, wanted: npt.NDArray[np.int64], rows: np.ndarray) -> None:
        """Fill ``rows``, one read for each run of rows that lie side by side."""
        number = np.searchsorted(self._starts, wanted, side="right") - 1
        breaks = np.flatnonzero((np.diff(wanted) != 1) | (np.diff(number) != 0)) + 1
        for first, last in pairwise([0, *breaks.tolist(), len(wanted)]):
            holder = int(number[first])
            offset = int(wanted[first] - self._starts[holder]) * prod(self._row) * self.dtype.itemsize
            _fill(rows[first:last], self.shards[holder].path, self._offsets[holder] + offset)


def _fill(rows: np.ndarray, path: Path, offset: int) -> None:
    rest = rows.data.cast("B")
    try:
        with path.open("rb", buffering=0) as file:
            file.seek(offset)
            while rest and (count := file.readinto(rest)):
                rest = rest[count:]
    except FileNotFoundError as error:
        raise _broken(path) from error
    if rest:
        raise _broken(path)


def _offset(shard: Shard, dtype: np.dtype[Any]) -> int:
    """Where the values begin in a file that holds all of them."""
    try:
        with shard.path.open("rb") as file:
            found = _header(file)
            size = file.seek(0, 2)
    except (OSError, ValueError) as error:
        raise _broken(shard.path) from error
    shape, fortran, type_, offset = found
    if (shape, type_) != (shard.shape, dtype) or fortran or size != offset + prod(shape) * dtype.itemsize:
        raise _broken(shard.path)
    return offset


def _header(file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any], int]:
    if np.lib.format.read_magic(file) != (1, 0):
        raise ValueError("not as np.save writes arrays of few axes")
    return (*np.lib.format.read_array_header_1_0(file), file.tell())


def _broken(path: Path) -> MedcnnError:
    return MedcnnError(f"{path} is missing or broken; run `dvc repro` to make it again")
