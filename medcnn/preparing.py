"""From the raw archive to prepared pixels: decoded, resized and augmented once, in the manifest's order."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from medcnn import manifest, views
from medcnn.images import pack
from medcnn.images.decode import pixels
from medcnn.manifest import Row
from medcnn.params.studies import Policy, Study
from medcnn.sources.archive import Archive
from medcnn.views import Recipe


def write_images(archive: Archive, rows: Sequence[Row], study: Study, folder: Path) -> None:
    """Write images.npy, uint8 (N, S, S, 3): every used image, resized, in the order of ``rows``."""

    def resized(row: Row) -> np.ndarray:
        return pixels(archive.read(row.path), study.image_size, study.fit)

    shape = (len(rows), study.image_size, study.image_size, 3)
    pack.write(folder / pack.IMAGES, shape, views.in_chunks(resized, rows))


def write_views(rows: Sequence[Row], policy: Policy, count: int, seed: int, folder: Path) -> None:
    """Write views.npy, uint8 (K, N_train, S, S, 3): ``count`` augmented views of every training image."""
    training = [(index, rows[index].image_id) for index in manifest.indices(rows, "train")]
    views.write(folder / pack.VIEWS, Recipe(policy, count, seed), pack.images(folder), training)
