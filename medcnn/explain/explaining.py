"""Where a network looked in the test images that say most about it: galleries of originals beside their heat maps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from medcnn.core import files
from medcnn.core.errors import MedcnnError
from medcnn.dataset import manifest, pack, predictions
from medcnn.dataset.predictions import Predictions
from medcnn.explain.overlay import tile
from medcnn.explain.selecting import chosen
from medcnn.runtime import paths

SUFFIX = ".jpg"


@dataclass(frozen=True)
class Gallery:
    """The test images that are shown of one model.

    Attributes:
        model: its name.
        table: the predictions of these images, N in all.
        rows: positions in ``table`` by kind: ``errors``, ``uncertain`` and ``typical``.
        pixels: uint8 (N, S, S, 3).
    """

    model: str
    table: Predictions
    rows: Mapping[str, Sequence[int]]
    pixels: npt.NDArray[np.uint8]

    @property
    def predicted(self) -> npt.NDArray[np.int64]:
        """The most probable class of each image, (N,)."""
        return self.table.probabilities.argmax(axis=1)

    def write(self, study: str, heat: npt.NDArray[np.float32]) -> dict[str, list[dict[str, Any]]]:
        """Write a picture of every image; pictures of earlier runs are removed.

        Args:
            study: its name.
            heat: where the network looked, (N, h, w) of 0..1.

        Returns:
            The images by kind, as ``metrics/explain/S.json`` lists them.
        """
        folder = paths.plots("explain", study)
        for image_id, image, seen in zip(self.table.image_ids, self.pixels, heat, strict=True):
            files.write_bytes(folder / self._file(image_id), tile(image, seen))
        files.keep_only(folder / self.model, self.table.image_ids)
        return {kind: [self._item(row) for row in rows] for kind, rows in self.rows.items()}

    def _item(self, row: int) -> dict[str, Any]:
        table, predicted = self.table, self.predicted[row]
        return {
            "image_id": table.image_ids[row],
            "label": table.classes[table.labels[row]],
            "predicted": table.classes[predicted],
            "probability": table.probabilities[row, predicted],
            "file": self._file(table.image_ids[row]).as_posix(),
        }

    def _file(self, image_id: str) -> Path:
        return Path(self.model, f"{image_id}{SUFFIX}")


def gallery(study: str, model: str) -> Gallery:
    """Choose the test images of a model that are shown, and read their pixels.

    Raises:
        MedcnnError: predictions or pixels are missing, or the predictions are of other images than the manifest's.
    """
    path = paths.predictions(study) / f"{model}.csv"
    used = manifest.used(paths.manifest(study))
    positions = {row.image_id: position for position, row in enumerate(used)}
    test = predictions.read(path).of("test")
    for image_id in test.image_ids:
        if image_id not in positions:
            raise MedcnnError(f"{path}, image {image_id}: not in {paths.manifest(study)}; run `dvc repro`")
    by_kind = chosen(test, [used[positions[image_id]].group for image_id in test.image_ids])
    table = test.at([row for rows in by_kind.values() for row in rows])
    pixels = pack.images(paths.prepared(study))[[positions[image_id] for image_id in table.image_ids]]
    return Gallery(model, table, _renumbered(by_kind), pixels)


def _renumbered(by_kind: Mapping[str, Sequence[int]]) -> dict[str, list[int]]:
    """The same lists, where the rows that they hold have become 0, 1, 2, ... in their order."""
    numbers = iter(range(sum(map(len, by_kind.values()))))
    return {kind: [next(numbers) for _ in rows] for kind, rows in by_kind.items()}
