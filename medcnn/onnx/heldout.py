"""The test part of a prepared study, read in batches."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from medcnn import layout, manifest
from medcnn.console import MedcnnError
from medcnn.images import pack


@dataclass(frozen=True)
class HeldOut:
    """Test images of a study.

    Attributes:
        images: Every used image, uint8 (N, H, W, 3), memory-mapped.
        indices: Where the test images are among them.
        image_ids: A name per test image.
        labels: A class name per test image.
    """

    images: np.ndarray
    indices: tuple[int, ...]
    image_ids: tuple[str, ...]
    labels: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.indices)

    def first(self, count: int) -> np.ndarray:
        """``count`` test images, float32 (count, H, W, 3), 0..255, beginning anew where there are fewer."""
        return self._at([self.indices[position % len(self)] for position in range(count)])

    def batches(self, size: int) -> Iterator[np.ndarray]:
        """All test images in order, float32 (at most size, H, W, 3), 0..255."""
        for start in range(0, len(self), size):
            yield self._at(self.indices[start : start + size])

    def _at(self, indices: tuple[int, ...] | list[int]) -> np.ndarray:
        return self.images[list(indices)].astype(np.float32)


def read(study: str) -> HeldOut:
    """The test images of a study.

    Raises:
        MedcnnError: There are none, or the prepared pixels are missing.
    """
    path = layout.manifest(study)
    rows = manifest.used(path)
    indices = manifest.indices(rows, "test")
    if not indices:
        raise MedcnnError(f"{path} has no test images; give studies.{study}.split a larger test part")
    return HeldOut(
        pack.images(layout.prepared(study)),
        tuple(indices),
        tuple(rows[index].image_id for index in indices),
        tuple(rows[index].label for index in indices),
    )
