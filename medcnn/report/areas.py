"""How well the chosen model tells each class from the rest, which its mean AUROC hides."""

from __future__ import annotations

import math

import numpy as np

from medcnn.core import files
from medcnn.core.arrays import Floats, Truths
from medcnn.dataset import manifest, predictions
from medcnn.measures import metrics
from medcnn.measures.findings import having
from medcnn.measures.statistics import intervals
from medcnn.measures.statistics.grouping import Names
from medcnn.results.base import Number, Record
from medcnn.runtime import paths


class Area(Record):
    """The AUROC of one class against the rest."""

    auroc: Number
    auroc_low: Number
    auroc_high: Number


def aurocs(study: str, model: str, confidence: float) -> dict[str, Area]:
    """On test, by class, with groups as the unit; nothing where the model's predictions are not there."""
    path = paths.predicted(study, model)
    if not path.exists():
        return {}
    test = predictions.read(path).of("test")
    groups = manifest.used(paths.manifest(study), "image_id", "group").set_index("image_id")["group"]
    of_images = groups.loc[test.image_ids].tolist()
    return {
        name: _area(having(test.labels, index), test.probabilities[:, index], of_images, confidence)
        for index, name in enumerate(test.classes)
    }


def _area(positive: Truths, scores: Floats, groups: Names, confidence: float) -> Area:
    labels, both = positive.astype(np.int64), np.stack([1 - scores, scores], axis=1)
    value, ends = metrics.auroc(labels, both), intervals.auroc(labels, both, groups, confidence)
    found = (None if math.isnan(number) else round(number, files.DIGITS) for number in (value, ends.low, ends.high))
    return Area(**dict(zip(Area.model_fields, found, strict=True)))
