"""From the raw archive to prepared pixels: decoded, resized and augmented once, in the manifest's order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
from joblib import Parallel, delayed

from medcnn.images import pack
from medcnn.images.augment import augmented
from medcnn.images.decode import pixels
from medcnn.manifest import Row
from medcnn.params.studies import Policy, Study
from medcnn.sources.archive import Archive

_CHUNK = 128
Item = TypeVar("Item")


def write_images(archive: Archive, rows: Sequence[Row], study: Study, folder: Path) -> None:
    """Write images.npy, uint8 (N, S, S, 3): every used image, resized, in the order of ``rows``."""

    def resized(row: Row) -> np.ndarray:
        return pixels(archive.read(row.path), study.image_size, study.fit)

    shape = (len(rows), study.image_size, study.image_size, 3)
    pack.write(folder / pack.IMAGES, shape, _chunks(resized, rows))


def write_views(rows: Sequence[Row], policy: Policy, count: int, seed: int, folder: Path) -> None:
    """Write views.npy, uint8 (K, N_train, S, S, 3): ``count`` augmented views of every training image."""
    images = pack.images(folder)
    training = [index for index, row in enumerate(rows) if row.split == "train"]

    def view(item: tuple[int, int]) -> np.ndarray:
        number, index = item
        return augmented(images[index], policy, seed, "view", number, rows[index].image_id)

    items = [(number, index) for number in range(count) for index in training]
    shape = (count, len(training), *images.shape[1:])
    pack.write(folder / pack.VIEWS, shape, _chunks(view, items))


def _chunks(make: Callable[[Item], np.ndarray], items: Sequence[Item]) -> Iterator[np.ndarray]:
    """Arrays made in parallel (Pillow frees the interpreter lock), stacked a chunk at a time, in order."""
    with Parallel(n_jobs=-1, backend="threading") as parallel:
        for start in range(0, len(items), _CHUNK):
            yield np.stack(parallel(delayed(make)(item) for item in items[start : start + _CHUNK]))
