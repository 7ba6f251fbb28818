"""From the raw archive to prepared pixels: decoded and resized once, in the manifest's order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, groupby
from pathlib import Path

import numpy as np
import pandas as pd

from medcnn.dataset import pack
from medcnn.dataset.shards import Shard
from medcnn.params.shared.images import Images
from medcnn.reading.archive import Archive, open_archive
from medcnn.reading.decode import resize
from medcnn.reading.pictures import named, parted
from medcnn.runtime import fanout
from medcnn.runtime.fanout import Placement
from medcnn.runtime.threads import in_order


@dataclass(frozen=True)
class _Task:
    """The images of a shard: their paths in the archive, and how they are read and resized."""

    shard: Shard
    paths: Sequence[str]
    raw: Path
    images: Images
    threads: int


def write_images(raw: Path, rows: pd.DataFrame, images: Images, folder: Path, compute: Placement) -> None:
    """Write every used image of an archive, resized, in the order of ``rows``: uint8 (N, S, S, 3)."""
    size, paths = images.size, rows["path"].tolist()
    with pack.writing(folder, pack.IMAGES, (len(paths), size, size, 3)) as parts:
        tasks = [_Task(shard, paths[part], raw, images, compute.cpus_per_task) for shard, part in parts]
        list(fanout.each(_write, tasks, compute))
    _archive.cache_clear()


def _write(task: _Task) -> None:
    archive, images = _archive(task.raw, task.raw.stat().st_mtime_ns), task.images

    def resized(file: tuple[str, list[str]]) -> list[np.ndarray]:
        return [resize(image, images.size, images.fit) for image in named(archive, *file, images)]

    arrays = in_order(resized, _files(archive, task.paths), task.threads)
    pack.write(task.shard, chain.from_iterable(arrays))


def _files(archive: Archive, paths: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    """The files of the pictures, each with the marks of those that follow each other, so that it is read once."""
    for name, pictures in groupby((parted(archive, path) for path in paths), key=lambda picture: picture[0]):
        yield name, [mark for _, mark in pictures]


@lru_cache(maxsize=1)
def _archive(path: Path, _changed: int) -> Archive:
    """Opened once for all tasks of a process: the list of a hundred thousand files takes a second to read."""
    return open_archive(path)
