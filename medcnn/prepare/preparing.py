"""From the raw archive to prepared pixels: decoded and resized once, in the manifest's order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd

from medcnn.dataset import pack
from medcnn.dataset.shards import Shard
from medcnn.params.shared.images import Images
from medcnn.reading.archive import Archive, open_archive
from medcnn.reading.decode import Fit, pixels
from medcnn.runtime import fanout
from medcnn.runtime.fanout import Placement
from medcnn.runtime.threads import in_order


@dataclass(frozen=True)
class _Task:
    """The images of a shard: their names in the archive, and how they are resized."""

    shard: Shard
    names: Sequence[str]
    raw: Path
    size: int
    fit: Fit
    threads: int


def write_images(raw: Path, rows: pd.DataFrame, images: Images, folder: Path, compute: Placement) -> None:
    """Write every used image of an archive, resized, in the order of ``rows``: uint8 (N, S, S, 3)."""
    size, names = images.size, rows["path"].tolist()
    with pack.writing(folder, pack.IMAGES, (len(names), size, size, 3)) as parts:
        tasks = [_Task(shard, names[part], raw, size, images.fit, compute.cpus_per_task) for shard, part in parts]
        list(fanout.each(_write, tasks, compute))
    _archive.cache_clear()


def _write(task: _Task) -> None:
    archive = _archive(task.raw, task.raw.stat().st_mtime_ns)

    def resized(name: str) -> np.ndarray:
        return pixels(archive.read(name), task.size, task.fit)

    pack.write(task.shard, in_order(resized, task.names, task.threads))


@lru_cache(maxsize=1)
def _archive(path: Path, _changed: int) -> Archive:
    """Opened once for all tasks of a process: the list of a hundred thousand files takes a second to read."""
    return open_archive(path)
