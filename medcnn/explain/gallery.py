"""The test images that say most about the chosen model, as pictures beside what was looked at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from medcnn.core import files
from medcnn.core.errors import MedcnnError
from medcnn.dataset import manifest, predictions
from medcnn.dataset.part import Part
from medcnn.explain import trust
from medcnn.explain.overlay import tile
from medcnn.explain.selecting import chosen
from medcnn.explain.trust import Maps
from medcnn.measures.calibration import calibrated
from medcnn.measures.metrics import mean
from medcnn.pseudonyms.pseudonyms import Pseudonyms
from medcnn.runtime import paths

SUFFIX = ".jpg"


@dataclass(frozen=True)
class Gallery:
    """The test images that are shown for one model.

    Attributes:
        model: its name.
        images: the N images, errors first.
        probabilities: what it predicted for them, calibrated, (N, C).
        files: N paths in the archive.
        rows: positions among the N images by kind: ``errors``, ``uncertain`` and ``typical``.
    """

    model: str
    images: Part
    probabilities: npt.NDArray[np.float64]
    files: Sequence[str]
    rows: Mapping[str, Sequence[int]]

    @property
    def predicted(self) -> npt.NDArray[np.int64]:
        """The most probable class of each image, (N,)."""
        return self.probabilities.argmax(axis=1)

    def pseudonymous(self, names: Pseudonyms) -> Gallery:
        """The same images, named by the pseudonyms of their files."""
        files = tuple(map(names.of, self.files))
        return replace(self, images=replace(self.images, image_ids=files), files=files)

    def write(self, study: str, explained: Mapping[str, tuple[str, Maps]]) -> dict[str, Any]:
        """Write one picture per image; pictures of earlier runs are removed.

        Args:
            study: its name.
            explained: by method, in the order of the pictures, the model that is explained and its maps.

        Returns:
            What ``metrics/explain/S.json`` says.
        """
        folder = paths.plots("explain", study)
        folder.mkdir(parents=True, exist_ok=True)
        pixels = self.images.pixels()
        bodies = [trust.body(image) for image in pixels]
        trusted = {method: _trusted(maps, bodies) for method, (_, maps) in explained.items()}
        for row, (image_id, image) in enumerate(zip(self.images.image_ids, pixels, strict=True)):
            heats = [maps.heat[row] if row < len(maps.heat) else None for _, maps in explained.values()]
            strengths = [None if heat is None else trust.strength(heat) for heat in heats]
            files.write_bytes(folder / f"{image_id}{SUFFIX}", tile(image, strengths))
        files.keep_only(folder, self.images.image_ids)
        return {
            "model": self.model,
            "body": mean(np.array([body.mean() for body in bodies if body is not None])),
            "methods": {method: _joined(of, trusted[method]) for method, (of, _) in explained.items()},
            "images": {kind: [self._item(row, trusted) for row in rows] for kind, rows in self.rows.items()},
        }

    def _item(self, row: int, trusted: Mapping[str, Sequence[Mapping[str, float]]]) -> dict[str, Any]:
        images, predicted = self.images, self.predicted[row]
        return {
            "image_id": images.image_ids[row],
            "path": self.files[row],
            "label": images.classes[images.labels[row]],
            "predicted": images.classes[predicted],
            "probability": self.probabilities[row, predicted],
            "file": f"{images.image_ids[row]}{SUFFIX}",
            "maps": {method: maps[row] for method, maps in trusted.items() if row < len(maps)},
        }


def gallery(study: str, model: str, test: Part) -> Gallery:
    """Choose the test images that are shown for a model, by its calibrated probabilities: those that its file gives.

    Raises:
        MedcnnError: predictions are missing, or are of images that the test part lacks.
    """
    path = paths.predicted(study, model)
    _, every = calibrated(predictions.read(path))
    table = every.of("test")
    row_of = {image_id: row for row, image_id in enumerate(test.image_ids)}
    for image_id in table.image_ids:
        if image_id not in row_of:
            raise MedcnnError(f"{path}, image {image_id}: not in {paths.manifest(study)}; run `dvc repro`")
    predicted = test.at([row_of[image_id] for image_id in table.image_ids])
    by_kind = chosen(table, predicted.groups)
    rows = [row for kind in by_kind.values() for row in kind]
    numbers = iter(range(len(rows)))
    renumbered = {kind: [next(numbers) for _ in of_kind] for kind, of_kind in by_kind.items()}
    shown = predicted.at(rows)
    named = manifest.used(paths.manifest(study), "image_id", "path").set_index("image_id")["path"]
    return Gallery(model, shown, table.probabilities[rows], named.loc[list(shown.image_ids)].tolist(), renumbered)


def _trusted(maps: Maps, bodies: Sequence[npt.NDArray[np.bool_] | None]) -> list[dict[str, float]]:
    """How far each map can be trusted; NaN of the correlation where weights were not shuffled for it."""
    alike = [trust.rank_correlation(*pair) for pair in zip(maps.heat, maps.shuffled, strict=False)]
    alike += [np.nan] * (len(maps.heat) - len(alike))
    inside = [trust.inside(heat, body) for heat, body in zip(maps.heat, bodies, strict=False)]
    return [{"inside": share, "shuffled": same} for share, same in zip(inside, alike, strict=True)]


def _joined(model: str, trusted: Sequence[Mapping[str, float]]) -> dict[str, Any]:
    """The means over images of what is known of them."""
    known = {key: np.array([of_image[key] for of_image in trusted]) for key in ("inside", "shuffled")}
    means = {key: mean(values[np.isfinite(values)]) for key, values in known.items()}
    return {"of": model, "images": len(trusted), "checked": int(np.isfinite(known["shuffled"]).sum()), **means}
