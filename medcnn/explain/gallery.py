"""The test images that say most about a network, as pictures beside what the network looked at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from medcnn.core import files
from medcnn.core.errors import MedcnnError
from medcnn.dataset import predictions
from medcnn.dataset.part import Part
from medcnn.explain.overlay import tile
from medcnn.explain.selecting import chosen
from medcnn.runtime import paths

SUFFIX = ".jpg"


@dataclass(frozen=True)
class Gallery:
    """The test images that are shown for one model.

    Attributes:
        model: its name.
        images: the N images.
        probabilities: what it predicted for them, (N, C).
        rows: positions among the N images by kind: ``errors``, ``uncertain`` and ``typical``.
    """

    model: str
    images: Part
    probabilities: npt.NDArray[np.float64]
    rows: Mapping[str, Sequence[int]]

    @property
    def predicted(self) -> npt.NDArray[np.int64]:
        """The most probable class of each image, (N,)."""
        return self.probabilities.argmax(axis=1)

    def write(self, study: str, heat: npt.NDArray[np.float32]) -> dict[str, list[dict[str, Any]]]:
        """Write one picture per image; pictures of earlier runs are removed.

        Args:
            study: its name.
            heat: where the network looked, (N, h, w) of 0..1.

        Returns:
            The images by kind, as ``metrics/explain/S.json`` lists them.
        """
        folder = paths.plots("explain", study)
        for image_id, image, seen in zip(self.images.image_ids, self.images.pixels(), heat, strict=True):
            files.write_bytes(folder / self._file(image_id), tile(image, seen))
        files.keep_only(folder / self.model, self.images.image_ids)
        return {kind: [self._item(row) for row in rows] for kind, rows in self.rows.items()}

    def _item(self, row: int) -> dict[str, Any]:
        images, predicted = self.images, self.predicted[row]
        return {
            "image_id": images.image_ids[row],
            "label": images.classes[images.labels[row]],
            "predicted": images.classes[predicted],
            "probability": self.probabilities[row, predicted],
            "file": self._file(images.image_ids[row]).as_posix(),
        }

    def _file(self, image_id: str) -> Path:
        return Path(self.model, f"{image_id}{SUFFIX}")


def gallery(study: str, model: str, test: Part) -> Gallery:
    """Choose the test images that are shown for a model.

    Raises:
        MedcnnError: predictions are missing, or are of images that the test part lacks.
    """
    path = paths.predictions(study) / f"{model}.csv"
    table = predictions.read(path).of("test")
    row_of = {image_id: row for row, image_id in enumerate(test.image_ids)}
    for image_id in table.image_ids:
        if image_id not in row_of:
            raise MedcnnError(f"{path}, image {image_id}: not in {paths.manifest(study)}; run `dvc repro`")
    predicted = test.at([row_of[image_id] for image_id in table.image_ids])
    by_kind = chosen(table, predicted.groups)
    rows = [row for kind in by_kind.values() for row in kind]
    numbers = iter(range(len(rows)))
    renumbered = {kind: [next(numbers) for _ in of_kind] for kind, of_kind in by_kind.items()}
    return Gallery(model, predicted.at(rows), table.probabilities[rows], renumbered)
