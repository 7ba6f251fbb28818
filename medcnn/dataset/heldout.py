"""One part of a prepared study, read in batches."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from medcnn.core.errors import MedcnnError
from medcnn.dataset import manifest, pack
from medcnn.dataset.shards import Rows
from medcnn.runtime import paths


@dataclass(frozen=True)
class HeldOut:
    """Images of one part of a study.

    Attributes:
        images: Every used image, uint8 (N, H, W, 3), read when asked for.
        indices: Where those of the part are among them.
        image_ids: A name for each of those.
        labels: A class name for each of those.
    """

    images: Rows
    indices: tuple[int, ...]
    image_ids: tuple[str, ...]
    labels: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.indices)

    def first(self, count: int) -> np.ndarray:
        """``count`` of its images, float32 (count, H, W, 3), 0..255, beginning anew where there are fewer."""
        return self._at([self.indices[position % len(self)] for position in range(count)])

    def batches(self, size: int) -> Iterator[np.ndarray]:
        """All its images in order, float32 (at most size, H, W, 3), 0..255."""
        for start in range(0, len(self), size):
            yield self._at(self.indices[start : start + size])

    def _at(self, indices: tuple[int, ...] | list[int]) -> np.ndarray:
        return self.images[list(indices)].astype(np.float32)


def read(study: str, part: str = "test") -> HeldOut:
    """The images of one part of a study: train, validation or test.

    Raises:
        MedcnnError: There are none, or the prepared pixels are missing.
    """
    path = paths.manifest(study)
    rows = manifest.used(path)
    indices = manifest.indices(rows, part)
    if not indices:
        raise MedcnnError(f"{path} has no {part} images; give studies.{study}.split a larger {part} part")
    return HeldOut(
        pack.images(paths.prepared(study)),
        tuple(indices),
        tuple(rows[index].image_id for index in indices),
        tuple(rows[index].label for index in indices),
    )
