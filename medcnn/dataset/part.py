"""One part of a prepared study: its images, with their ids, classes and groups."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from medcnn.core.errors import MedcnnError
from medcnn.dataset import manifest, pack, truths
from medcnn.dataset.shards import Rows
from medcnn.dataset.truths import Truth
from medcnn.runtime import paths


@dataclass(frozen=True, eq=False)
class Part:
    """N images of a study, of which no more is in memory than is asked for.

    Attributes:
        classes: class names, in the order of a network's outputs.
        image_ids: N ids.
        labels: (N,) indices into ``classes``, the truth; of K findings (N, K), see ``truths``.
        groups: N names of patients or scenes, joined with their duplicates.
        images: all used images of the study, uint8 (M, H, W, 3).
        indices: (N,) where the images of the part are among them.
    """

    classes: tuple[str, ...]
    image_ids: tuple[str, ...]
    labels: Truth
    groups: tuple[str, ...]
    images: Rows
    indices: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.indices)

    def at(self, rows: Sequence[int]) -> Part:
        """Some of the images, in the order of ``rows``, which count from 0 to N - 1."""
        chosen = np.asarray(rows, np.int64)
        return replace(
            self,
            image_ids=tuple(self.image_ids[row] for row in rows),
            labels=self.labels[chosen],
            groups=tuple(self.groups[row] for row in rows),
            indices=self.indices[chosen],
        )

    def pixels(self, rows: slice = slice(None)) -> npt.NDArray[np.uint8]:
        """The pixels of a range of the images, in memory: uint8 (n, H, W, 3)."""
        found: npt.NDArray[np.uint8] = self.images[self.indices[rows]]
        return found

    def batches(self, size: int) -> Iterator[npt.NDArray[np.float32]]:
        """All images in order, float32 (at most ``size``, H, W, 3) of 0..255."""
        for start in range(0, len(self), size):
            yield self.pixels(slice(start, start + size)).astype(np.float32)

    def first(self, count: int) -> npt.NDArray[np.float32]:
        """The first images, float32 (count, H, W, 3) of 0..255; they repeat where the part has fewer than ``count``."""
        return self.at([row % len(self) for row in range(count)]).pixels().astype(np.float32)


def read(study: str, classes: tuple[str, ...], name: str = "test") -> Part:
    """The images of one part of a study, in the manifest's order.

    Args:
        study: the name of a prepared study.
        classes: its class names, in the order of a network's outputs.
        name: train, validation or test.

    Raises:
        MedcnnError: the part has no images, or the prepared pixels are missing.
    """
    path = paths.manifest(study)
    rows = manifest.used(path, "image_id", "label", "group", "split")
    indices = manifest.indices(rows, name)
    if not indices:
        raise MedcnnError(f"{path} has no {name} images; give studies.{study}.split a larger {name} part")
    found = rows.iloc[indices]
    return Part(
        classes=classes,
        image_ids=tuple(found["image_id"]),
        labels=truths.coded(found["label"], classes),
        groups=tuple(found["group"]),
        images=pack.images(paths.prepared(study)),
        indices=np.array(indices, np.int64),
    )
