"""Prepared pixels: shards of at most ``ROWS`` images, in ``.npy`` files beside an index that says what they make up."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from math import prod
from pathlib import Path

import numpy as np

from medcnn.core import files
from medcnn.core.errors import MedcnnError
from medcnn.dataset.shards import Shard, Shards

IMAGES = "images"
VIEWS = "views"
ROWS = 2048
"""Large enough that files are few, small enough that every CPU has one to work on: 300 MB at 224 pixels a side."""
_PIXELS = 3
"""Axes of an image."""


def images(folder: Path) -> Shards:
    """The images of a study, uint8 (N, H, W, 3), in the manifest's order of used rows.

    Raises:
        MedcnnError: the index or a shard is missing, or not what the index says.
    """
    return _opened(folder, IMAGES)


def views(folder: Path) -> Shards:
    """The augmented views of images, uint8 (K, N, H, W, 3); shards follow each other view by view.

    Raises:
        MedcnnError: as for ``images``.
    """
    return _opened(folder, VIEWS)


@contextmanager
def writing(folder: Path, name: str, shape: tuple[int, ...]) -> Iterator[list[tuple[Shard, slice]]]:
    """Yield the shards that an array (..., H, W, 3) is to be written in, each with the rows it takes, then check them.

    What an earlier run left goes first, and the index comes last: until then there is nothing to read.

    Args:
        folder: where they lie.
        name: ``IMAGES`` or ``VIEWS``.
        shape: of the whole array; rows are counted over all axes before those of an image.

    Raises:
        MedcnnError: a shard was not written, or not as announced.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for left in (*folder.glob(f"{name}*"), *folder.glob(f".{name}*")):
        left.unlink()
    starts = range(0, prod(shape[:-_PIXELS]), ROWS)
    yield list(zip(_shards(folder, name, shape, ROWS), (slice(start, start + ROWS) for start in starts), strict=True))
    Shards(_shards(folder, name, shape, ROWS), np.empty(0, np.int64), shape[-_PIXELS:], np.uint8)
    files.write_json(_index(folder, name), {"rows": ROWS, "shape": shape})


def write(shard: Shard, arrays: Iterable[np.ndarray]) -> None:
    """Write a shard from images (H, W, 3) in order, holding one in memory at a time; whole or not at all."""
    with files.replacing(shard.path) as temporary, temporary.open("wb") as file:
        header = {"descr": "|u1", "fortran_order": False, "shape": shard.shape}
        np.lib.format.write_array_header_1_0(file, header)
        for array in arrays:
            file.write(np.ascontiguousarray(array, np.uint8).data)


def digest(array: Shards) -> str:
    """A sha256 of all images or views, in hexadecimal."""
    parts = (array.shape, [files.sha256(shard.path) for shard in array.shards])
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def _opened(folder: Path, name: str) -> Shards:
    index = _index(folder, name)
    try:
        facts = files.read_json(index)
        shape = tuple(map(int, facts["shape"]))
        shards = _shards(folder, name, shape, int(facts["rows"]))
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise MedcnnError(f"{index} is missing or broken; run `dvc repro prepare`") from error
    lead, image = shape[:-_PIXELS], shape[-_PIXELS:]
    return Shards(shards, np.arange(prod(lead)).reshape(lead), image, np.uint8)


def _shards(folder: Path, name: str, shape: tuple[int, ...], rows: int) -> list[Shard]:
    count = prod(shape[:-_PIXELS])
    return [
        Shard(folder / f"{name}-{number:05d}.npy", (min(rows, count - start), *shape[-_PIXELS:]))
        for number, start in enumerate(range(0, count, rows))
    ]


def _index(folder: Path, name: str) -> Path:
    return folder / f"{name}.json"
